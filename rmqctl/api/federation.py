"""Federation links: /api/federation-links, which the plugin rabbitmq_federation_management serves."""

from collections.abc import Mapping
from typing import Any

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.naming import named

PLUGIN = "rabbitmq_federation_management"


def fetch(client: Client, vhost: str | None = None, *, only_down: bool = False) -> list[lists.Row]:
    """GET /api/federation-links[/VHOST][/state/down]. Raises NotFound, Unavailable when the plugin is off."""
    down = ("state", "down") if only_down else ()
    return lists.of_plugin(client, "federation-links", vhost=vhost, below=down, plugin=PLUGIN)


def restart(client: Client, link: Mapping[str, Any]) -> None:
    """DELETE /api/federation-links/vhost/VHOST/ID/NODE/restart, of a row of `fetch`."""
    where = path("federation-links", "vhost", link["vhost"], link["id"], link["node"], "restart")
    client.request("DELETE", where, what=named("federation link", link["id"]))
