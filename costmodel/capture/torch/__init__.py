"""Any PyTorch module as a network."""
