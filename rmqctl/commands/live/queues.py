"""Commands about queues."""

from typing import Annotated

import typer

from rmqctl.api import queues
from rmqctl.api.answering import needed_node, release_of
from rmqctl.api.client import Client
from rmqctl.commands.kit.arguments import AllVhosts, Columns, Limit, Local, Match, Offline, Online, Sort, Where
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.listing import Found, Selection, Wanted, lists_resource, run_listing
from rmqctl.errors import DataError, NeedsNode, NotFound, Unavailable, UsageError, ending_as, missing_is_unavailable
from rmqctl.naming import named
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

    Message counts are those of this moment, as rabbitmqctl's (quorum queues renew theirs every 5 seconds); other statistics are
    up to 8 seconds old. Streams have their counts from the statistics too.
    """
    client = session.client
    if client.timeout is None:
        client.timeout = LIST_TIMEOUT
    here = needed_node(client) if local else None

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
    what = named("queue", queue, session.vhost)
    confirm_if_protected(session, f"delete {what}", yes=yes, vhost=session.vhost)
    ready = _ready(session, queue) if session.wants_hints else None
    try:
        with ending_as(UsageError, NotFound):
            queues.delete(client, session.vhost, queue, if_empty=if_empty, if_unused=if_unused)
    except queues.NotDeleted as error:
        # A condition that does not hold ends with rabbitmqctl's exit code of the broker's release.
        unmet = error.reason.endswith(("not empty", "in use"))
        kind = UsageError if unmet and release_of(client) < (4,) else Unavailable
        raise kind(f"{what} was not deleted: {error.reason} ({client.endpoint.url})") from None
    count = "" if ready is None else f" with {ready} ready message{'' if ready == 1 else 's'}"
    session.hint(f"{what} was deleted{count}")
    return Nothing()


def purge_queue(session: Session, queue: Queue, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Remove the ready messages of a queue: DELETE /api/queues/VHOST/QUEUE/contents.

    Messages that a consumer has not acknowledged yet stay.
    """
    client = session.client
    what = named("queue", queue, session.vhost)
    confirm_if_protected(session, f"purge {what}", yes=yes, vhost=session.vhost)
    try:
        with ending_as(Unavailable, DataError):
            queues.purge(client, session.vhost, queue)
    except NotFound as error:
        if release_of(client) < (4,):  # as rabbitmqctl of that release
            raise Unavailable(str(error)) from None
        raise
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
    release = release_of(client)
    if release >= (4,):
        running = ".".join(map(str, release))
        raise Unavailable(f"{action}_queue: RabbitMQ 4.0 removed mirrored queues; {client.endpoint.url} runs {running}")
    with missing_is_unavailable():
        queues.get(client, session.vhost, queue, "name")
    queues.act(client, session.vhost, queue, action)
    return Nothing()


def _ready(session: Session, queue: str) -> int | None:
    """Messages ready now, None when they cannot be told."""
    ready = (queues.find(session.client, session.vhost, queue) or {}).get("messages_ready")
    return ready if isinstance(ready, int) else None
