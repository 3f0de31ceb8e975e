"""Every shard trains a copy of the model; the changes are merged."""
