"""Faults that are raised for real. `make test-faults` runs them; they are too slow for `make test`."""
