"""Commands about bindings."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.kit.listing import Found, Wanted, list_command
from rmqctl.resources.bindings import BINDINGS


def _fetch(client: Client, wanted: Wanted) -> Found:
    return Found(lists.of_vhost(client, "bindings", wanted.vhost, fields={"source", *wanted.fields}))


list_bindings = list_command(BINDINGS, _fetch, "List bindings, those of the default exchange included.")
