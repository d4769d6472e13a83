"""Commands about channels."""

from rmqctl.api import lists
from rmqctl.api.answering import statistics_off
from rmqctl.api.client import Client
from rmqctl.commands.kit.listing import Found, Wanted, list_everywhere
from rmqctl.resources.channels import CHANNELS


def _fetch(client: Client, wanted: Wanted) -> Found:
    rows = lists.of_clients(client, "channels", wanted.vhost, fields={"name", *wanted.fields})
    return Found(rows, () if rows else statistics_off(client, "channels"))


list_channels = list_everywhere(CHANNELS, _fetch, "List channels, of all virtual hosts unless --vhost names one.")
