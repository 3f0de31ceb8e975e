"""The mathematics: sampling tables, windows, the SGNS update, merging, similarity. No Spark, no files."""
