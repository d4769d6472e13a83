"""Commands about exchanges."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.kit.listing import Found, Wanted, list_command
from rmqctl.resources.column import Need
from rmqctl.resources.exchanges import EXCHANGES


def _fetch(client: Client, wanted: Wanted) -> Found:
    cheap = {} if wanted.need is Need.STATISTICS else {"disable_stats": "true"}
    return Found(lists.of_vhost(client, "exchanges", wanted.vhost, fields={"name", *wanted.fields}, query=cheap))


list_exchanges = list_command(EXCHANGES, _fetch, "List exchanges. The default exchange has the empty name.")
