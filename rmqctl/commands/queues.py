"""Commands about queues."""

from rmqctl.api import queues
from rmqctl.api.client import Client
from rmqctl.commands.arguments import AllVhosts, Columns, Limit, Local, Offline, Online, Sort, Where
from rmqctl.commands.listing import Found, Selection, Wanted, answering_node, lists_resource, run_listing
from rmqctl.resources.column import Need
from rmqctl.resources.queues import COUNTS, QUEUES
from rmqctl.result import Rows
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
        Selection(columns, all_vhosts, sort, where, limit),
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
