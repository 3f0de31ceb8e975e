"""Averaging: every shard trains a copy of the model, and the changes are merged."""
