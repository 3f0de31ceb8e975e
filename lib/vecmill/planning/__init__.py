"""What a run would need, whether that is there, and what strategy suits it."""
