"""Word vectors: their sources, queries to them, and the file formats that they are read and written in."""
