"""Definitions as documents: read, order, select, transform, compare, plan. Pure functions, no I/O."""
