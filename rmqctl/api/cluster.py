"""The cluster as a whole, and counts of its nodes."""

from rmqctl.api import lists
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


def auth_attempts(client: Client, node: str, *, by_source: bool) -> list[lists.Row]:
    """GET /api/auth/attempts/NODE: by protocol, or with /source by remote address and user as well."""
    source = ["source"] if by_source else []
    return lists.fetch(client, "auth", "attempts", node, *source, what=named("node", node))


def reset_auth_attempts(client: Client, node: str) -> None:
    """DELETE /api/auth/attempts/NODE."""
    client.request("DELETE", path("auth", "attempts", node), what=named("node", node))
