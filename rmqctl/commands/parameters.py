"""Commands about runtime parameters."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.commands.listing import Found, Wanted, list_command
from rmqctl.resources.parameters import GLOBAL_PARAMETERS, PARAMETERS


def _parameters(client: Client, wanted: Wanted) -> Found:
    """All of them, operator policies included: the path of one virtual host exists for one component only."""
    rows = lists.fetch(client, "parameters", what="the parameters")
    if wanted.vhost is None:
        return Found(rows)
    here = [row for row in rows if row.get("vhost") == wanted.vhost]
    if not here:
        client.get(path("vhosts", wanted.vhost), {"columns": "name"}, what=f"virtual host {wanted.vhost!r}")
    return Found(here)


def _global_parameters(client: Client, _: Wanted) -> Found:
    return Found(lists.fetch(client, "global-parameters", what="the global parameters"))


list_parameters = list_command(PARAMETERS, _parameters, "List runtime parameters of a virtual host.")
list_global_parameters = list_command(
    GLOBAL_PARAMETERS, _global_parameters, "List global runtime parameters.", by_vhost=False
)
