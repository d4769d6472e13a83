"""The command `help`."""
