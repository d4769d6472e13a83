"""The management HTTP API: the only user of httpx. Knows nothing of commands, columns or output."""
