"""close connection NAME...: by name, or by what list_connections shows."""

from typing import Annotated

import typer

from rmqctl.api import connections as api
from rmqctl.api import lists
from rmqctl.api.answering import statistics_off
from rmqctl.api.client import Client
from rmqctl.commands.kit.admin_words import names_of
from rmqctl.commands.kit.arguments import Match
from rmqctl.commands.kit.bulk import Choice, Done, DryRun, FailFast, IfExists, Job, Where, Work, ask, matching, perform
from rmqctl.commands.kit.confirming import Yes
from rmqctl.commands.kit.listing import Found, Wanted
from rmqctl.errors import NotFound
from rmqctl.resources.connections import CONNECTIONS
from rmqctl.result import Result
from rmqctl.session import Session


def close_connection(
    session: Session,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONNECTION]...", help="Names, or what their clients call themselves.", show_default=False
        ),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="What the client is told.")] = api.REASON,
    if_exists: IfExists = False,
    where: Where = None,
    match: Match = None,
    dry_run: DryRun = False,
    fail_fast: FailFast = False,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Close connections: DELETE /api/connections/NAME. Clients get the reason and, mostly, connect again.

    An expression is about the connections of all virtual hosts unless --vhost names one.
    """
    vhost = session.settings.vhost
    session, named = names_of(session, names or ())
    choice = Choice(named, where, match)
    choice.check()
    if choice.by_expression:
        rows = matching(session, CONNECTIONS, _fetch, choice._replace(all_vhosts=vhost is None))
        chosen = [str(row["name"]) for row in rows]
    else:
        chosen = list(dict.fromkeys(choice.names))
    client = session.client
    jobs = [_job(client, name, reason, by_expression=choice.by_expression, if_exists=if_exists) for name in chosen]
    work = Work(("close", "closed"), "connection", "connections", ("name",), jobs)
    if not dry_run:
        ask(session, work, single=choice.single, yes=yes, vhost=vhost if choice.by_expression else None)
    return perform(session, work, dry_run=dry_run, fail_fast=fail_fast)


def _fetch(client: Client, wanted: Wanted) -> Found:
    rows = lists.of_clients(client, "connections", wanted.vhost, fields=wanted.fields)
    return Found([row for row in rows if "name" in row], () if rows else statistics_off(client, "connections"))


def _job(client: Client, name: str, reason: str, *, by_expression: bool, if_exists: bool) -> Job:
    """One that an expression has found may have gone meanwhile, which is as good as closed."""

    def do() -> Done:
        if api.close(client, name, reason):
            return Done("closed")
        if by_expression:
            return Done("not there", skipped=True)
        try:
            found = str(api.get(client, name)["name"])
        except NotFound:
            if if_exists:
                return Done("not there", skipped=True)
            raise
        api.close(client, found, reason)
        return Done("closed")

    return Job((name,), do)
