"""Commands about policies."""

import re
from typing import Annotated, Any, Literal

import typer

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.commands.arguments import Columns, Limit, Sort, Where
from rmqctl.commands.listing import Found, Selection, Wanted, list_command, lists_resource, run_listing
from rmqctl.resources.column import Object
from rmqctl.resources.policies import OPERATOR_POLICIES, POLICIES
from rmqctl.result import Rows
from rmqctl.session import Session


def _policies(client: Client, wanted: Wanted) -> Found:
    return Found(lists.of_vhost(client, "policies", wanted.vhost))


def _operator_policies(client: Client, wanted: Wanted) -> Found:
    return Found(lists.of_vhost(client, "operator-policies", wanted.vhost))


list_policies = list_command(POLICIES, _policies, "List policies of a virtual host.")
list_operator_policies = list_command(
    OPERATOR_POLICIES, _operator_policies, "List operator policies of a virtual host."
)

# Which kinds of object a policy's `apply-to` covers.
_COVERS = {
    "queue": ("queues", "all"),
    "exchange": ("exchanges", "all"),
}
_QUEUE_TYPES = {"classic": "classic_queues", "quorum": "quorum_queues", "stream": "streams"}


@lists_resource(POLICIES)
def list_policies_that_match(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the queue or exchange.")],
    object_type: Annotated[
        Literal["queue", "exchange"],
        typer.Option("--object-type", metavar="queue|exchange", help="What NAME is the name of.", case_sensitive=False),
    ] = "queue",
    columns: Columns = None,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = None,
) -> Rows:
    """List the policies that match a queue or an exchange; only the first, of highest priority, is in effect."""
    vhost = session.vhost
    item: dict[str, Any] = session.client.get(
        path(f"{object_type}s", vhost, name),
        {"disable_stats": "true"},
        what=f"{object_type} {name!r} in virtual host {vhost!r}",
    )
    covers = (*_COVERS[object_type], _QUEUE_TYPES.get(str(item.get("type")), ""))

    def keep(policy: Object) -> bool:
        return policy["apply-to"] in covers and re.search(policy["pattern"], name) is not None

    def fetch(client: Client, wanted: Wanted) -> Found:
        rows = _policies(client, wanted).rows
        return Found(sorted(rows, key=lambda policy: -policy["priority"]))

    return run_listing(session, POLICIES, fetch, Selection(columns, False, sort, where, limit), vhost=vhost, keep=keep)
