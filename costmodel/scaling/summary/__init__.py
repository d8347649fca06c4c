"""Grids that no memory holds, summarized while they are counted."""
