"""Users, permissions, virtual hosts, limits."""
