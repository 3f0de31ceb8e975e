"""The examples that models train on: how they are drawn, stored and read."""
