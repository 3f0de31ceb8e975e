"""Word vectors against test files: reading, scoring, telling, and the command that does all three."""
