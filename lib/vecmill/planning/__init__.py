"""The requirements and resources of a run, shortages, and the choice of the strategy."""
