"""The package whose models are checked."""
