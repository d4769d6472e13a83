"""What survives a restart: the journal of the core in an SQLite file, and the folder that it lies in."""
