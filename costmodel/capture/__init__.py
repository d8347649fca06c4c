"""Models of other frameworks as networks."""
