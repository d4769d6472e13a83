"""What `rmqctl help` and `--help` show: screens, a page for each command, and guides. Loaded only when help is asked for."""
