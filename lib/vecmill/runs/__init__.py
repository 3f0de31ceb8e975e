"""A run: its directory, manifest and lock."""
