"""Tables, files and checkpoints of a run, on local disks and on any Hadoop file system."""
