"""One module per stage, and the engine that runs those that are stale."""
