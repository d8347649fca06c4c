"""Closed forms: what a network costs at every alpha and resolution at once."""
