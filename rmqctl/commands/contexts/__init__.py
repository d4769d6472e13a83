"""Contexts, and names for the completion of shells."""
