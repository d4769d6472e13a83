"""Commands about shovels: they need rabbitmq_shovel_management on the broker."""

from typing import Annotated

import typer

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.commands.asking import Yes, confirm_if_protected
from rmqctl.commands.listing import Found, Wanted, list_everywhere
from rmqctl.errors import NotFound, Unavailable
from rmqctl.resources.shovels import SHOVELS
from rmqctl.result import Nothing
from rmqctl.session import Session

_PLUGIN = "rabbitmq_shovel_management"


def _fetch(client: Client, wanted: Wanted) -> Found:
    return Found(lists.of_plugin(client, "shovels", vhost=wanted.vhost, plugin=_PLUGIN))


shovel_status = list_everywhere(SHOVELS, _fetch, "List shovels and their state.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the shovel.")]


def restart_shovel(session: Session, name: Name) -> Nothing:
    """Restart a dynamic shovel: DELETE /api/shovels/vhost/VHOST/NAME/restart."""
    client = session.client
    what = _named(session, name)
    lists.of_plugin(client, "shovels", plugin=_PLUGIN, fields=("name",))
    try:
        client.request("DELETE", path("shovels", "vhost", session.vhost, name, "restart"), what=what)
    except NotFound as error:
        raise Unavailable(str(error)) from None
    session.hint(f"{what} was restarted")
    return Nothing()


def delete_shovel(session: Session, name: Name, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete a dynamic shovel: DELETE /api/shovels/vhost/VHOST/NAME."""
    client = session.client
    what = _named(session, name)
    lists.of_plugin(client, "shovels", plugin=_PLUGIN, fields=("name",))
    try:
        # Later releases answer the DELETE of a missing shovel as that of any other.
        client.get(path("parameters", "shovel", session.vhost, name), what=what)
        confirm_if_protected(session, f"delete {what}", yes=yes, vhost=session.vhost)
        client.request("DELETE", path("shovels", "vhost", session.vhost, name), what=what)
    except NotFound as error:
        raise Unavailable(str(error)) from None
    session.hint(f"{what} was deleted")
    return Nothing()


def _named(session: Session, name: str) -> str:
    return f"shovel {name!r} in virtual host {session.vhost!r}"
