"""The management HTTP API. Knows nothing of commands, columns or output; `over_httpx` is the only user of httpx."""
