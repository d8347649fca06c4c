"""The architectures, one file a family; :mod:`.registry` has them by name."""
