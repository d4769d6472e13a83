"""Nodes and cluster."""
