"""Commands about the members of quorum queues: RabbitMQ 3.13 and later have them in the HTTP API."""

from typing import Annotated, Any

import typer

from rmqctl.api.client import Client
from rmqctl.api.failures import of_answer, reason_of
from rmqctl.api.nodes import nodes
from rmqctl.api.paths import path
from rmqctl.api.request import Answer
from rmqctl.commands.asking import Yes, confirm_if_protected
from rmqctl.commands.listing import needs_release, release_of
from rmqctl.errors import NeedsNode, NotFound, Unavailable, UsageError
from rmqctl.result import Nothing
from rmqctl.session import Session

SINCE = "3.13"

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help="Name of the quorum queue.")]
Node = Annotated[str, typer.Argument(metavar="NODE", help="Name of a node of the cluster.")]
Membership = Annotated[
    str, typer.Option("--membership", metavar="promotable", help="As rabbitmq-queues; voter cannot be served.")
]


def add_member(session: Session, queue: Queue, node: Node, membership: Membership = "promotable") -> Nothing:
    """Add a member of a quorum queue on a node: POST /api/queues/quorum/VHOST/QUEUE/replicas/add."""
    _check_membership(membership)
    client = session.client
    what = _named(session, queue)
    where = path("queues", "quorum", session.vhost, queue, "replicas", "add")
    answer = _ask(client, "POST", where, {"node": node}, "add_member")
    if answer.status == 400:
        raise UsageError(f"{what}: {reason_of(answer.body)}: {node!r} ({client.endpoint.url})")
    _check_queue(client, answer, what)
    session.hint(f"{what}: member on {node} added")
    return Nothing()


def delete_member(session: Session, queue: Queue, node: Node, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Remove the member of a quorum queue on a node: DELETE /api/queues/quorum/VHOST/QUEUE/replicas/delete."""
    client = session.client
    what = _named(session, queue)
    confirm_if_protected(session, f"remove the member of {what} on {node}", yes=yes, vhost=session.vhost)
    where = path("queues", "quorum", session.vhost, queue, "replicas", "delete")
    answer = _ask(client, "DELETE", where, {"node": node}, "delete_member")
    if answer.status == 400:
        raise Unavailable(f"{what}: {reason_of(answer.body)}: {node!r} ({client.endpoint.url})")
    _check_queue(client, answer, what)
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
    client = session.client
    body = {"strategy": strategy, "vhost_pattern": vhost_pattern, "queue_pattern": queue_pattern}
    if not _is_member(client, node) and release_of(client) >= (4,):
        raise UsageError(f"node {node!r} is not a member of the cluster ({client.endpoint.url})")
    answer = _ask(client, "POST", path("queues", "quorum", "replicas", "on", node, "grow"), body, "grow")
    _check(client, answer, f"node {node!r}")
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
    client = session.client
    confirm_if_protected(session, f"remove the members of all quorum queues on {node}", yes=yes)
    answer = _ask(client, "DELETE", path("queues", "quorum", "replicas", "on", node, "shrink"), None, "shrink")
    if answer.status == 404:
        raise Unavailable(f"node {node!r} is not a member of the cluster ({client.endpoint.url})")
    _check(client, answer, f"node {node!r}")
    session.hint(f"members of quorum queues on {node} were removed")
    return Nothing()


def _ask(client: Client, method: str, where: str, body: Any, command: str) -> Answer:
    """The broker's answer. Raises Unavailable when it has no such path."""
    answer = client.request(method, where, body=body, what=command, accept=(400, 404, 405, 500, 503))
    if answer.status in (404, 405) and release_of(client) < (3, 13):
        raise needs_release(client, command, SINCE)
    if answer.status == 405:
        # The embedded broker: its quorum queues have one member.
        raise Unavailable(
            f"{command}: this broker does not change the members of quorum queues ({client.endpoint.url})"
        )
    return answer


def _check_queue(client: Client, answer: Answer, what: str) -> None:
    """A queue that is missing is 404, or 503 with the reason."""
    if answer.status == 404 or (answer.status == 503 and reason_of(answer.body) == "not_found"):
        raise NotFound(f"{what} does not exist ({client.endpoint.url})")
    _check(client, answer, what)


def _check(client: Client, answer: Answer, what: str) -> None:
    if answer.status >= 400:
        raise of_answer(answer.status, answer.body, what, client.endpoint.url, client.user, "")


def _check_membership(membership: str) -> None:
    if membership != "promotable":
        raise NeedsNode(f"--membership {membership}: over the HTTP API a new member is promotable")


def _is_member(client: Client, node: str) -> bool:
    return any(row.get("name") == node for row in nodes(client, ("name",)))


def _named(session: Session, queue: str) -> str:
    return f"queue {queue!r} in virtual host {session.vhost!r}"
