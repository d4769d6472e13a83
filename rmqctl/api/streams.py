"""Streams: /api/stream, which the plugin rabbitmq_stream_management serves."""

from rmqctl.api import lists, objects
from rmqctl.api.client import Client
from rmqctl.naming import named

PLUGIN = "rabbitmq_stream_management"


def clients(client: Client, noun: str, vhost: str | None) -> list[lists.Row]:
    """GET /api/stream/NOUN[/VHOST]: connections, consumers or publishers. Raises as `lists.of_plugin`."""
    return lists.of_plugin(client, "stream", noun, vhost=vhost, plugin=PLUGIN)


def tracking(client: Client, vhost: str, name: str) -> objects.Row:
    """GET /api/stream/VHOST/NAME/tracking (4.0): `offsets` and `writers` by name. Raises NotFound, DataError."""
    return objects.fetch(client, "stream", vhost, name, "tracking", what=named("stream", name, vhost))
