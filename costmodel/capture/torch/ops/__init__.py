"""From operators of PyTorch to layers."""
