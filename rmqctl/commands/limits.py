"""Commands about limits of virtual hosts and users."""

import json
from typing import Annotated, Any

import typer

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.arguments import Columns, Limit, Sort, Where
from rmqctl.commands.listing import Found, Selection, Wanted, answering_node, lists_resource, run_listing
from rmqctl.errors import NotFound, Unavailable
from rmqctl.resources.limits import USER_LIMITS, VHOST_LIMITS
from rmqctl.result import Rows, Value
from rmqctl.session import Session

Global = Annotated[bool, typer.Option("--global", help="List the limits of all.")]


@lists_resource(VHOST_LIMITS)
def list_vhost_limits(
    session: Session,
    columns: Columns = None,
    everywhere: Global = False,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = None,
) -> Rows | Value:
    """Show the limits of a virtual host as JSON, or list those of all with --global."""
    if everywhere:
        return run_listing(session, VHOST_LIMITS, _all_vhosts, Selection(columns, False, sort, where, limit))
    vhost = session.vhost
    rows = lists.fetch(session.client, "vhost-limits", vhost, what=f"virtual host {vhost!r}")
    limits = _limits(rows, "vhost", vhost)
    if not limits:
        return Rows((), (), streamed=False)
    if session.format.module == "json":
        return Value({"node": answering_node(session.client), "value": _text(limits), "result": "ok"})
    return Value(limits, _text(limits))


@lists_resource(USER_LIMITS)
def list_user_limits(
    session: Session,
    columns: Columns = None,
    user: Annotated[str, typer.Option("--user", metavar="USERNAME", help="The user whose limits are shown.")] = "guest",
    everywhere: Global = False,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = None,
) -> Rows | Value:
    """Show the limits of a user as JSON, or list those of all with --global.

    To log in as another user, name it in --url or with RMQCTL_USER or --username: --user is rabbitmqctl's option here.
    """
    if everywhere:
        return run_listing(session, USER_LIMITS, _all_users, Selection(columns, False, sort, where, limit))
    try:
        rows = lists.fetch(session.client, "user-limits", user, what=f"user {user!r}")
    except NotFound as error:
        raise Unavailable(str(error)) from None  # rabbitmqctl ends this with 69
    limits = _limits(rows, "user", user)
    return Value({"message": _text(limits)} if session.format.module == "json" else limits, _text(limits))


def _all_vhosts(client: Client, _: Wanted) -> Found:
    return Found([row for row in lists.fetch(client, "vhost-limits", what="the limits") if row.get("value")])


def _all_users(client: Client, _: Wanted) -> Found:
    return Found([row for row in lists.fetch(client, "user-limits", what="the limits") if row.get("value")])


def _limits(rows: list[lists.Row], key: str, name: str) -> dict[str, Any]:
    """The limits by name; an empty object comes as an empty list."""
    for row in rows:
        if row.get(key) == name:
            return dict(sorted(dict(row.get("value") or {}).items()))
    return {}


def _text(limits: dict[str, Any]) -> str:
    return json.dumps(limits, separators=(",", ":"))
