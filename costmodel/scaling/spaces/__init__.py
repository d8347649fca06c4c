"""Whole search spaces, counted exactly."""
