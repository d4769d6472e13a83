"""Commands about consumers."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.listing import Found, Wanted, list_command
from rmqctl.resources.consumers import CONSUMERS


def _fetch(client: Client, wanted: Wanted) -> Found:
    return Found(lists.of_vhost(client, "consumers", wanted.vhost, fields={"consumer_tag", *wanted.fields}))


list_consumers = list_command(
    CONSUMERS,
    _fetch,
    "List consumers.\n\nConsumers of streams are listed too. What the broker knows of a new consumer is up to 5 seconds late.",
)
