"""The loop of rounds, and the strategies by which many workers train one model."""
