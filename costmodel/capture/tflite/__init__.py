"""A TFLite file as a network."""
