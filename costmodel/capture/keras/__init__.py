"""A Keras model as a network."""
