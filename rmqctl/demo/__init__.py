"""A broker to play with: a small living world for any command, and the tutorial as scenes."""
