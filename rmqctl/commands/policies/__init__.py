"""Policies and parameters."""
