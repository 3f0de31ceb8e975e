"""What a model trains on: how it is drawn, stored and read."""
