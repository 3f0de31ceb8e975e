"""Schemas, checked reading and writing, checkpoints and export formats."""
