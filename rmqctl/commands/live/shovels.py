"""Commands about shovels: they need rabbitmq_shovel_management on the broker."""

from typing import Annotated

import typer

from rmqctl.api import shovels as api
from rmqctl.api.client import Client
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.listing import Found, Wanted, list_everywhere
from rmqctl.errors import missing_is_unavailable
from rmqctl.resources.shovels import SHOVELS
from rmqctl.result import Nothing
from rmqctl.session import Session


def _fetch(client: Client, wanted: Wanted) -> Found:
    return Found(api.fetch(client, wanted.vhost))


shovel_status = list_everywhere(SHOVELS, _fetch, "List shovels and their state.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the shovel.")]


def restart_shovel(session: Session, name: Name) -> Nothing:
    """Restart a dynamic shovel: DELETE /api/shovels/vhost/VHOST/NAME/restart."""
    client = session.client
    api.check_plugin(client)
    with missing_is_unavailable():
        api.restart(client, session.vhost, name)
    session.hint(f"{api.named(name, session.vhost)} was restarted")
    return Nothing()


def delete_shovel(session: Session, name: Name, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete a dynamic shovel: DELETE /api/shovels/vhost/VHOST/NAME."""
    client = session.client
    what = api.named(name, session.vhost)
    api.check_plugin(client)
    with missing_is_unavailable():
        api.check(client, session.vhost, name)
        confirm_if_protected(session, f"delete {what}", yes=yes, vhost=session.vhost)
        api.delete(client, session.vhost, name)
    session.hint(f"{what} was deleted")
    return Nothing()
