"""Channels, one by one: /api/channels/NAME."""

from rmqctl.api import objects
from rmqctl.api.client import Client
from rmqctl.naming import named


def get(client: Client, name: str) -> objects.Row:
    """GET /api/channels/NAME. Raises NotFound."""
    return objects.fetch(client, "channels", name, what=named("channel", name))
