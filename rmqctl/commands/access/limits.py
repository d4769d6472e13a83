"""Commands about limits of virtual hosts and users."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from rmqctl.api import limits as api
from rmqctl.api import lists
from rmqctl.api.answering import this_node
from rmqctl.api.client import Client
from rmqctl.commands.kit.arguments import Columns, Limit, Match, Sort, Where
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.listing import Found, Selection, Wanted, lists_resource, run_listing
from rmqctl.commands.policies.parameters import json_of
from rmqctl.errors import RmqctlError, Unavailable, missing_is_unavailable
from rmqctl.resources.limits import USER_LIMITS, VHOST_LIMITS
from rmqctl.result import Nothing, Rows, Value
from rmqctl.session import Session

Global = Annotated[bool, typer.Option("--global", help="List the limits of all.")]


@lists_resource(VHOST_LIMITS)
def list_vhost_limits(
    session: Session,
    columns: Columns = None,
    everywhere: Global = False,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows | Value:
    """Show the limits of a virtual host as JSON, or list those of all with --global."""
    if everywhere:
        return run_listing(session, VHOST_LIMITS, _all_vhosts, Selection(columns, False, sort, where, limit, match))
    vhost = session.vhost
    limits = api.get(session.client, "vhost-limits", vhost)
    if not limits:
        return Rows((), (), streamed=False)
    if session.format.enveloped:
        return Value({"node": this_node(session.client), "value": _text(limits), "result": "ok"})
    return Value(limits, _text(limits))


@lists_resource(USER_LIMITS)
def list_user_limits(
    session: Session,
    columns: Columns = None,
    user: Annotated[str, typer.Option("--user", metavar="USERNAME", help="The user whose limits are shown.")] = "guest",
    everywhere: Global = False,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows | Value:
    """Show the limits of a user as JSON, or list those of all with --global.

    To log in as another user, name it in --url or with RMQCTL_USER or --username: --user is rabbitmqctl's option here.
    """
    if everywhere:
        return run_listing(session, USER_LIMITS, _all_users, Selection(columns, False, sort, where, limit, match))
    limits = _of_user(session, user)
    return Value({"message": _text(limits)} if session.format.enveloped else limits, _text(limits))


def _all_vhosts(client: Client, _: Wanted) -> Found:
    return Found([row for row in lists.fetch(client, "vhost-limits", what="the limits") if row.get("value")])


def _all_users(client: Client, _: Wanted) -> Found:
    return Found([row for row in lists.fetch(client, "user-limits", what="the limits") if row.get("value")])


def _text(limits: dict[str, Any]) -> str:
    return json.dumps(limits, separators=(",", ":"))


# Changes

Definition = Annotated[
    str, typer.Argument(metavar="DEFINITION", help='A JSON object such as {"max-connections": 100}; -1: no limit.')
]
Username = Annotated[str, typer.Argument(metavar="USERNAME", help="Name of the user.")]


def set_vhost_limits(session: Session, definition: Definition) -> Nothing:
    """Set the limits of a virtual host: PUT /api/vhost-limits/VHOST/NAME for each. Limits not named are cleared.

    The limits are max-connections and max-queues.
    """
    what = f"limits of virtual host {session.vhost!r}"
    wanted = _wanted(definition, what)
    there = api.get(session.client, "vhost-limits", session.vhost)
    done = _put(session, "vhost-limits", session.vhost, wanted, there)
    for name in there.keys() - wanted.keys():
        with _told(done):
            api.delete(session.client, "vhost-limits", session.vhost, name)
        done.append(f"{name} cleared")
    session.hint(f"{what}: {', '.join(done) or 'none'}")
    return Nothing()


def clear_vhost_limits(session: Session, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete all limits of a virtual host: DELETE /api/parameters/vhost-limits/VHOST/limits."""
    vhost = session.vhost
    what = f"limits of virtual host {vhost!r}"
    confirm_if_protected(session, f"clear the {what}", yes=yes, vhost=vhost)
    with missing_is_unavailable():
        there = api.get(session.client, "vhost-limits", vhost)
    if not there:
        raise Unavailable(f"{what}: there are none ({session.client.endpoint.url})")
    api.clear(session.client, "vhost-limits", vhost, there)
    session.hint(f"{what}: cleared")
    return Nothing()


def set_user_limits(session: Session, username: Username, definition: Definition) -> Nothing:
    """Set limits of a user: PUT /api/user-limits/USERNAME/NAME for each. Limits not named stay as they are.

    The limits are max-connections and max-channels.
    """
    what = f"limits of user {username!r}"
    wanted = _wanted(definition, what)
    there = _of_user(session, username)
    done = _put(session, "user-limits", username, wanted, there)
    session.hint(f"{what}: {', '.join(done) or 'none'}")
    return Nothing()


def clear_user_limits(
    session: Session,
    username: Username,
    limit_type: Annotated[str, typer.Argument(metavar="LIMIT", help="max-connections, max-channels, or all.")],
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Delete a limit of a user, or all: DELETE /api/user-limits/USERNAME/NAME."""
    what = f"limits of user {username!r}" if limit_type == "all" else f"limit {limit_type!r} of user {username!r}"
    confirm_if_protected(session, f"clear the {what}", yes=yes)
    there = _of_user(session, username)
    done: list[str] = []
    for name in (name for name in there if limit_type in (name, "all")):
        with _told(done):
            api.delete(session.client, "user-limits", username, name)
        done.append(f"{name} cleared")
    session.hint(f"{what}: cleared")
    return Nothing()


def _wanted(definition: str, what: str) -> dict[str, Any]:
    """All of it is checked before anything is sent: the API sets one limit after another."""
    wanted = json_of(definition, what)
    if not isinstance(wanted, dict):
        raise Unavailable(f"{what}: {definition!r} is no JSON object")
    for name, value in wanted.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unavailable(f"{what}: {name} is {json.dumps(value)}, which is no whole number")
    return wanted


def _put(session: Session, noun: api.Noun, owner: str, wanted: dict[str, Any], there: dict[str, Any]) -> list[str]:
    """What is there already comes last: a name that the broker does not know is refused before anything is changed."""
    done: list[str] = []
    for name in sorted(wanted, key=lambda name: name in there or name in _KNOWN):
        with _told(done):
            api.put(session.client, noun, owner, name, wanted[name])
        done.append(f"{name} = {wanted[name]}")
    return done


_KNOWN = ("max-connections", "max-queues", "max-channels")


@contextmanager
def _told(done: list[str]) -> Iterator[None]:
    """What was done already is told with what went wrong then."""
    try:
        yield
    except RmqctlError as error:
        if done:
            raise type(error)(f"{error}; done before that: {', '.join(done)}") from error
        raise


def _of_user(session: Session, username: str) -> dict[str, Any]:
    with missing_is_unavailable():
        return api.get(session.client, "user-limits", username)
