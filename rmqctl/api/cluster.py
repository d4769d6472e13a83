"""What changes the cluster as a whole."""

from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.naming import named


def set_name(client: Client, name: str) -> None:
    """PUT /api/cluster-name."""
    client.request("PUT", path("cluster-name"), body={"name": name}, what="the cluster's name")


def rebalance_queues(client: Client) -> None:
    """POST /api/rebalance/queues: spreads the leaders of all queues. The broker does not say what it moves."""
    client.request("POST", path("rebalance", "queues"), body={}, what="the leaders of queues")


def reset_statistics(client: Client, node: str | None) -> None:
    """DELETE /api/reset/NODE, or /api/reset: of all nodes (None)."""
    client.request("DELETE", path("reset", *([] if node is None else [node])), what="the statistics")


def reset_auth_attempts(client: Client, node: str) -> None:
    """DELETE /api/auth/attempts/NODE."""
    client.request("DELETE", path("auth", "attempts", node), what=named("node", node))
