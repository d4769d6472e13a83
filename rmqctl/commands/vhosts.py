"""Commands about virtual hosts."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.listing import Found, Wanted, list_command
from rmqctl.resources.vhosts import VHOSTS


def _fetch(client: Client, _: Wanted) -> Found:
    return Found(lists.fetch(client, "vhosts"))


list_vhosts = list_command(VHOSTS, _fetch, "List virtual hosts: those that the user may see.", by_vhost=False)
