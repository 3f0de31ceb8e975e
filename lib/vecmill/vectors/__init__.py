"""Word vectors: where they come from, what can be asked of them, and the formats they are written in."""
