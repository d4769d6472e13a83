"""Commands about the members of quorum queues: RabbitMQ 3.13 and later have them in the HTTP API."""

from typing import Annotated

import typer

from rmqctl.api import quorum as api
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.errors import DataError, NeedsNode, Unavailable, UsageError, ending_as
from rmqctl.naming import named
from rmqctl.result import Nothing
from rmqctl.session import Session

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="Name of the quorum queue.")]
Node = Annotated[str, typer.Argument(metavar="NODE", help="Name of a node of the cluster.")]
Membership = Annotated[
    str, typer.Option("--membership", metavar="promotable", help="As rabbitmq-queues; voter cannot be served.")
]


def add_member(session: Session, queue: Queue, node: Node, membership: Membership = "promotable") -> Nothing:
    """Add a member of a quorum queue on a node: POST /api/queues/quorum/VHOST/QUEUE/replicas/add."""
    _check_membership(membership)
    with ending_as(UsageError, DataError):
        api.add_member(session.client, session.vhost, queue, node)
    session.hint(f"{named('queue', queue, session.vhost)}: member on {node} added")
    return Nothing()


def delete_member(session: Session, queue: Queue, node: Node, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Remove the member of a quorum queue on a node: DELETE /api/queues/quorum/VHOST/QUEUE/replicas/delete."""
    what = named("queue", queue, session.vhost)
    confirm_if_protected(session, f"remove the member of {what} on {node}", yes=yes, vhost=session.vhost)
    with ending_as(Unavailable, DataError):
        api.delete_member(session.client, session.vhost, queue, node)
    session.hint(f"{what}: member on {node} removed")
    return Nothing()


def grow(
    session: Session,
    node: Node,
    strategy: Annotated[
        str, typer.Argument(metavar="all|even", help="even: only queues with an even number of members.")
    ],
    vhost_pattern: Annotated[str, typer.Option("--vhost-pattern", metavar="REGEX")] = ".*",
    queue_pattern: Annotated[str, typer.Option("--queue-pattern", metavar="REGEX")] = ".*",
    membership: Membership = "promotable",
) -> Nothing:
    """Add a member on a node to every quorum queue that matches: POST /api/queues/quorum/replicas/on/NODE/grow.

    The broker does not tell which queues have got one: `list_queues name members` does.
    """
    if strategy not in ("all", "even"):
        raise UsageError(f"grow: strategy {strategy!r} is neither all nor even")
    _check_membership(membership)
    api.grow(session.client, node, strategy, vhost_pattern, queue_pattern)
    session.hint(f"quorum queues grow on {node}")
    return Nothing()


def shrink(
    session: Session,
    node: Node,
    errors_only: Annotated[  # noqa: ARG001
        bool, typer.Option("--errors-only", help="As rabbitmq-queues; the HTTP API reports no queue anyway.")
    ] = False,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Remove the members of all quorum queues on a node: DELETE /api/queues/quorum/replicas/on/NODE/shrink."""
    confirm_if_protected(session, f"remove the members of all quorum queues on {node}", yes=yes)
    api.shrink(session.client, node)
    session.hint(f"members of quorum queues on {node} were removed")
    return Nothing()


def _check_membership(membership: str) -> None:
    if membership != "promotable":
        raise NeedsNode(f"--membership {membership}: over the HTTP API a new member is promotable")
