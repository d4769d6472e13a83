"""Lists whose objects no command changes."""
