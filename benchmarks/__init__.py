"""Benchmarks of costmodel against the tools that count a built PyTorch module. Run from the root of the repository."""
