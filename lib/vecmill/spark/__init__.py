"""The Spark session, the Java it runs on, and what Spark's failures mean."""
