"""Commands about queues."""

from typing import Annotated, NoReturn

import typer

from rmqctl.api import queues
from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.api.paths import path
from rmqctl.api.request import Answer
from rmqctl.commands.arguments import AllVhosts, Columns, Limit, Local, Match, Offline, Online, Sort, Where
from rmqctl.commands.asking import Yes, confirm_if_protected
from rmqctl.commands.listing import (
    Found,
    Selection,
    Wanted,
    answering_node,
    lists_resource,
    release_of,
    run_listing,
)
from rmqctl.errors import NeedsNode, NotFound, Unavailable, UsageError
from rmqctl.resources.column import Need
from rmqctl.resources.queues import COUNTS, QUEUES
from rmqctl.result import Nothing, Rows
from rmqctl.session import Session

LIST_TIMEOUT = 60.0
"""Seconds: rabbitmqctl's default for this command alone."""


@lists_resource(QUEUES)
def list_queues(
    session: Session,
    columns: Columns = None,
    all_vhosts: AllVhosts = False,
    online: Online = False,
    offline: Offline = False,
    local: Local = False,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List queues.

    Message counts are exact and fresh; other statistics are up to 8 seconds old. Streams have their counts from the
    statistics too.
    """
    client = session.client
    if client.timeout is None:
        client.timeout = LIST_TIMEOUT
    here = answering_node(client) if local else None

    def keep(queue: object) -> bool:
        assert isinstance(queue, dict)
        down = queue.get("state") in ("down", "stopped")
        return not (
            (online and not offline and down)
            or (offline and not online and not down)
            or (here is not None and (queue.get("node") or queue.get("leader") or here) != here)
        )

    chosen = online or offline or local
    return run_listing(
        session,
        QUEUES,
        _fetch,
        Selection(columns, all_vhosts, sort, where, limit, match),
        vhost=session.vhost,
        keep=keep if chosen else None,
        keep_fields=("state", "node", "leader") if chosen else (),
    )


def _fetch(client: Client, wanted: Wanted) -> Found:
    totals = any(count in wanted.fields for count in COUNTS)
    found = queues.fetch(client, wanted.vhost, wanted.fields, totals=totals, statistics=wanted.need is Need.STATISTICS)
    if not found.silent:
        return Found(found.rows)
    verb = "queue does" if found.silent == 1 else "queues do"
    return Found(
        found.rows,
        (
            f"warning: {found.silent} of {len(found.rows)} {verb} not answer (node or queue process down): no message counts",
        ),
    )


# Changes

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="Name of the queue.")]


def delete_queue(
    session: Session,
    queue: Queue,
    if_empty: Annotated[bool, typer.Option("--if-empty", "-e", help="Only when it has no ready messages.")] = False,
    if_unused: Annotated[bool, typer.Option("--if-unused", "-u", help="Only when it has no consumers.")] = False,
    force: Annotated[bool, typer.Option("--force", hidden=True)] = False,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Delete a queue and its messages: DELETE /api/queues/VHOST/QUEUE."""
    if force:
        raise NeedsNode("delete_queue --force: the HTTP API does not delete internal queues; rabbitmqctl does")
    client = session.client
    what = _named(session, queue)
    confirm_if_protected(session, f"delete {what}", yes=yes, vhost=session.vhost)
    ready = _ready(session, queue) if session.wants_hints else None
    query = {flag: "true" for flag, given in (("if-empty", if_empty), ("if-unused", if_unused)) if given}
    accept = (400, 404, 500) if query else (400, 404)
    answer = client.request("DELETE", path("queues", session.vhost, queue), query, what=what, accept=accept)
    if answer.status == 404:
        raise UsageError(f"{what} does not exist ({client.endpoint.url})")
    if answer.status >= 400:
        _not_deleted(client, what, answer)
    count = "" if ready is None else f" with {ready} ready message{'' if ready == 1 else 's'}"
    session.hint(f"{what} was deleted{count}")
    return Nothing()


def purge_queue(session: Session, queue: Queue, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Remove the ready messages of a queue: DELETE /api/queues/VHOST/QUEUE/contents.

    Messages that a consumer has not acknowledged yet stay.
    """
    client = session.client
    what = _named(session, queue)
    confirm_if_protected(session, f"purge {what}", yes=yes, vhost=session.vhost)
    where = path("queues", session.vhost, queue, "contents")
    answer = client.request("DELETE", where, what=what, accept=(400, 404))
    if answer.status == 404:
        missing = NotFound if release_of(client) >= (4,) else Unavailable  # as rabbitmqctl of that release
        raise missing(f"{what} does not exist ({client.endpoint.url})")
    if answer.status == 400:
        raise Unavailable(f"{what}: {reason_of(answer.body)} ({client.endpoint.url})")
    session.hint(f"{what} was purged")
    return Nothing()


def sync_queue(session: Session, queue: Queue) -> Nothing:
    """Synchronise the mirrors of a mirrored queue (RabbitMQ 3.x)."""
    return _mirrors(session, queue, "sync")


def cancel_sync_queue(session: Session, queue: Queue) -> Nothing:
    """Stop synchronising the mirrors of a mirrored queue (RabbitMQ 3.x)."""
    return _mirrors(session, queue, "cancel_sync")


def _mirrors(session: Session, queue: str, action: str) -> Nothing:
    """POST /api/queues/VHOST/QUEUE/actions."""
    client = session.client
    what = _named(session, queue)
    release = release_of(client)
    if release >= (4,):
        running = ".".join(map(str, release))
        raise Unavailable(f"{action}_queue: RabbitMQ 4.0 removed mirrored queues; {client.endpoint.url} runs {running}")
    where = path("queues", session.vhost, queue)
    try:
        client.get(where, {"columns": "name"}, what=what)
    except NotFound as error:
        raise Unavailable(str(error)) from None
    client.request("POST", f"{where}/actions", body={"action": action}, what=what)
    return Nothing()


def _named(session: Session, queue: str) -> str:
    return f"queue {queue!r} in virtual host {session.vhost!r}"


def _ready(session: Session, queue: str) -> int | None:
    """Messages ready now, None when they cannot be told."""
    row = session.client.request("GET", path("queues", session.vhost, queue), accept=(404,)).body
    ready = row.get("messages_ready") if isinstance(row, dict) else None
    return ready if isinstance(ready, int) else None


def _not_deleted(client: Client, what: str, answer: Answer) -> NoReturn:
    """A condition that does not hold ends with rabbitmqctl's exit code of the broker's release."""
    # RabbitMQ 4.x fails when it wants to say so of a name beyond ASCII.
    reason = reason_of(answer.body) or f"not empty, or in use (HTTP {answer.status})"
    unmet = reason.endswith(("not empty", "in use"))
    kind = UsageError if unmet and release_of(client) < (4,) else Unavailable
    raise kind(f"{what} was not deleted: {reason} ({client.endpoint.url})")
