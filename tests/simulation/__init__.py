"""A whole broker in one thread, from one seed, checked after every step against a simple model."""
