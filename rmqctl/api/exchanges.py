"""Exchanges, one by one: /api/exchanges/VHOST/NAME."""

from rmqctl.api import lists, objects
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.naming import named

DEFAULT = "amq.default"
"""What the HTTP API calls the exchange without a name."""


def get(client: Client, vhost: str, name: str, *fields: str, statistics: bool = True) -> objects.Row:
    """GET /api/exchanges/VHOST/NAME, or the fields of it that are asked for. Raises NotFound."""
    query = {} if statistics else {"disable_stats": "true"}
    what = named("exchange", name, vhost)
    return objects.fetch(client, "exchanges", vhost, name, fields=fields, query=query, what=what)


def bindings(client: Client, vhost: str, name: str) -> list[lists.Row]:
    """GET /api/exchanges/VHOST/NAME/bindings/source: those from the exchange. Raises NotFound."""
    return lists.fetch(client, "exchanges", vhost, name, "bindings", "source", what=named("exchange", name, vhost))


def delete(client: Client, vhost: str, name: str, *, if_unused: bool = False) -> None:
    """DELETE /api/exchanges/VHOST/NAME. Raises NotFound, DataError when it is in use, AccessRefused for the broker's own."""
    query = {"if-unused": "true"} if if_unused else {}
    client.request("DELETE", path("exchanges", vhost, name), query, what=named("exchange", name, vhost))
