"""Commands about authentication attempts."""

from typing import Annotated

import typer

from rmqctl.api import cluster
from rmqctl.api.answering import needed_node
from rmqctl.api.client import Client
from rmqctl.commands.kit.arguments import Columns, Limit, Match, Sort, Where
from rmqctl.commands.kit.listing import Found, Selection, Wanted, lists_resource, run_listing
from rmqctl.resources.auth_attempts import AUTH_ATTEMPTS, AUTH_ATTEMPTS_BY_SOURCE
from rmqctl.result import Rows, Value
from rmqctl.session import Session


@lists_resource(AUTH_ATTEMPTS)
def list_node_auth_attempt_stats(
    session: Session,
    columns: Columns = None,
    by_source: Annotated[bool, typer.Option("--by-source", help="A row for each remote address and user.")] = False,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows | Value:
    """List authentication attempts on the node that answers, by protocol."""
    node = needed_node(session.client)

    def fetch(client: Client, _: Wanted) -> Found:
        return Found(cluster.auth_attempts(client, node, by_source=by_source))

    resource = AUTH_ATTEMPTS_BY_SOURCE if by_source else AUTH_ATTEMPTS
    rows = run_listing(session, resource, fetch, Selection(columns, False, sort, where, limit, match))
    if session.format.enveloped:
        attempts = [dict(zip(rows.columns, cells, strict=True)) for cells in rows.cells]
        return Value({"node": node, "result": "ok", "attempts": attempts})
    if not rows.cells and not session.format.native:
        return Value([], f"Node {node} reported no authentication attempt stats")
    return rows
