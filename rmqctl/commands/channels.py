"""Commands about channels."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.listing import Found, Wanted, list_everywhere, statistics_off
from rmqctl.resources.channels import CHANNELS


def _fetch(client: Client, wanted: Wanted) -> Found:
    fields = {"name", *wanted.fields}
    if wanted.vhost is None:
        rows = lists.fetch(client, "channels", fields=fields)
    else:
        rows = lists.fetch(
            client, "vhosts", wanted.vhost, "channels", fields=fields, what=f"virtual host {wanted.vhost!r}"
        )
    return Found(rows, () if rows else statistics_off(client, "channels"))


list_channels = list_everywhere(CHANNELS, _fetch, "List channels, of all virtual hosts unless --vhost names one.")
