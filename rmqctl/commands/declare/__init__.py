"""Declare, delete, purge, close."""
