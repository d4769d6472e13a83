"""Commands about shovels: they need rabbitmq_shovel_management on the broker."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.listing import Found, Wanted, list_everywhere
from rmqctl.resources.shovels import SHOVELS


def _fetch(client: Client, wanted: Wanted) -> Found:
    vhost = [] if wanted.vhost is None else [wanted.vhost]
    return Found(lists.of_plugin(client, "shovels", *vhost, plugin="rabbitmq_shovel_management"))


shovel_status = list_everywhere(SHOVELS, _fetch, "List shovels and their state.")
