"""A broker of its own."""
