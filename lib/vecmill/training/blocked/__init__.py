"""Workers train disjoint regions of the tables; nothing is merged."""
