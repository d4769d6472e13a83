"""Changes to the cluster."""
