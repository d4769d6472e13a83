"""Commands about permissions."""

from collections.abc import Sequence
from typing import Annotated

import typer

from rmqctl.api import lists, users, vhosts
from rmqctl.api import permissions as api
from rmqctl.api.answering import release_of
from rmqctl.api.client import Client
from rmqctl.commands.kit.arguments import Columns, Limit, Match, Sort, Where
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.listing import Fetch, Found, Selection, Wanted, list_command, lists_resource, run_listing
from rmqctl.errors import NoSuchUser, NotFound, RmqctlError, Unavailable, ending_as
from rmqctl.resources.permissions import PERMISSIONS, TOPIC_PERMISSIONS, USER_PERMISSIONS, USER_TOPIC_PERMISSIONS
from rmqctl.result import Nothing, Rows
from rmqctl.session import Session

Username = Annotated[str, typer.Argument(metavar="USERNAME", help="Name of the user.")]
Configure = Annotated[
    str, typer.Argument(metavar="CONFIGURE", help="Regular expression: what may be declared, deleted.")
]
Write = Annotated[str, typer.Argument(metavar="WRITE", help="Regular expression: what may be published to.")]
Read = Annotated[str, typer.Argument(metavar="READ", help="Regular expression: what may be consumed from.")]


def _of_vhost(noun: api.Noun) -> Fetch:
    return lambda client, wanted: Found(api.of_vhost(client, noun, wanted.vhost))


def _of_user(noun: api.Noun, user: str) -> Fetch:
    def fetch(client: Client, _: Wanted) -> Found:
        with ending_as(Unavailable, NoSuchUser):
            return Found(api.of_user(client, noun, user))

    return fetch


list_permissions = list_command(PERMISSIONS, _of_vhost("permissions"), "List permissions in a virtual host.")
list_topic_permissions = list_command(
    TOPIC_PERMISSIONS, _of_vhost("topic-permissions"), "List topic permissions in a virtual host."
)


@lists_resource(USER_PERMISSIONS)
def list_user_permissions(
    session: Session,
    username: Username,
    columns: Columns = None,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List the permissions of a user in all virtual hosts."""
    selection = Selection(columns, False, sort, where, limit, match)
    return run_listing(session, USER_PERMISSIONS, _of_user("permissions", username), selection)


@lists_resource(USER_TOPIC_PERMISSIONS)
def list_user_topic_permissions(
    session: Session,
    username: Username,
    columns: Columns = None,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List the topic permissions of a user in all virtual hosts."""
    selection = Selection(columns, False, sort, where, limit, match)
    return run_listing(session, USER_TOPIC_PERMISSIONS, _of_user("topic-permissions", username), selection)


# Changes


def set_permissions(
    session: Session,
    username: Username,
    configure: Configure,
    write: Write,
    read: Read,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set the permissions of a user in a virtual host: PUT /api/permissions/VHOST/USERNAME."""
    what = api.named("permissions", username, session.vhost)
    confirm_if_protected(session, f"set the {what}", yes=yes, vhost=session.vhost)
    _set_in([session.vhost], session, username, configure, write, read)
    session.hint(f"{what}: set")
    return Nothing()


def set_permissions_globally(
    session: Session,
    username: Username,
    configure: Configure,
    write: Write,
    read: Read,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set the permissions of a user in every virtual host that there is: PUT /api/permissions/VHOST/USERNAME for each."""
    confirm_if_protected(session, f"set the permissions of user {username!r} in every virtual host", yes=yes)
    rows = lists.fetch(session.client, "vhosts", fields=("name",), what="the virtual hosts")
    _set_in([row["name"] for row in rows], session, username, configure, write, read)
    session.hint(f"permissions of user {username!r}: set in {len(rows)} virtual hosts")
    return Nothing()


def _set_in(
    hosts: Sequence[str], session: Session, username: str, configure: Configure, write: Write, read: Read
) -> None:
    """One virtual host after the other. An error names those that were done before."""
    body = {"configure": configure, "write": write, "read": read}
    for number, vhost in enumerate(hosts):
        try:
            api.put(session.client, "permissions", vhost, username, body)
        except RmqctlError as error:
            if number:
                done = ", ".join(map(repr, hosts[:number]))
                raise type(error)(f"{error}; set before that in: {done}") from error
            raise


def clear_permissions(session: Session, username: Username, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete the permissions of a user in a virtual host: DELETE /api/permissions/VHOST/USERNAME. There need not be any.

    On RabbitMQ 3.x user and virtual host have to be there.
    """
    return _clear(session, "permissions", username, None, yes=yes)


def set_topic_permissions(
    session: Session,
    username: Username,
    exchange: Annotated[str, typer.Argument(metavar="EXCHANGE", help="The topic exchange that they are about.")],
    write: Annotated[str, typer.Argument(metavar="WRITE", help="Regular expression: routing keys to publish with.")],
    read: Annotated[str, typer.Argument(metavar="READ", help="Regular expression: routing keys to bind with.")],
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Set the topic permissions of a user on an exchange: PUT /api/topic-permissions/VHOST/USERNAME."""
    body = {"exchange": exchange, "write": write, "read": read}
    what = f"set the topic permissions of user {username!r} on exchange {exchange!r} in virtual host {session.vhost!r}"
    confirm_if_protected(session, what, yes=yes, vhost=session.vhost)
    api.put(session.client, "topic-permissions", session.vhost, username, body)
    session.hint(f"topic permissions of user {username!r} on exchange {exchange!r}: set")
    return Nothing()


def clear_topic_permissions(
    session: Session,
    username: Username,
    exchange: Annotated[
        str | None, typer.Argument(metavar="[EXCHANGE]", help="Those on this exchange alone.", show_default=False)
    ] = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Delete topic permissions of a user: DELETE /api/topic-permissions/VHOST/USERNAME. There need not be any.

    On RabbitMQ 3.x user and virtual host have to be there.
    """
    return _clear(session, "topic-permissions", username, exchange, yes=yes)


def _clear(session: Session, noun: api.Noun, username: str, exchange: str | None, *, yes: bool) -> Nothing:
    what = api.named(noun, username, session.vhost)
    confirm_if_protected(session, f"clear the {what}", yes=yes, vhost=session.vhost)
    try:
        api.delete(session.client, noun, session.vhost, username, exchange)
    except NotFound:
        _say_why(session, username)
        session.hint(f"{what}: there are none")
    else:
        session.hint(f"{what}: cleared")
    return Nothing()


def _say_why(session: Session, username: str) -> None:
    """Where rabbitmqctl says why there is nothing to clear (3.x): raises NoSuchUser, and Unavailable for no such virtual host."""
    client = session.client
    if release_of(client) < (4,):
        if not users.exists(client, username):
            raise NoSuchUser(f"user {username!r} does not exist ({client.endpoint.url})")
        if not vhosts.exists(client, session.vhost):
            raise Unavailable(f"virtual host {session.vhost!r} does not exist ({client.endpoint.url})")
