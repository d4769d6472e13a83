"""The members of quorum queues, which RabbitMQ 3.13 and later change over HTTP: /api/queues/quorum/..."""

from typing import Any

from rmqctl.api.answering import needs_release, release_of
from rmqctl.api.client import Client
from rmqctl.api.failures import of_answer, reason_of
from rmqctl.api.nodes import nodes
from rmqctl.api.paths import path
from rmqctl.api.request import Answer
from rmqctl.errors import DataError, NotFound, Unavailable, UsageError
from rmqctl.naming import named

SINCE = "3.13"


def add_member(client: Client, vhost: str, queue: str, node: str) -> None:
    """POST /api/queues/quorum/VHOST/QUEUE/replicas/add. Raises NotFound, DataError for a node that cannot be one."""
    _change_member(client, vhost, queue, node, ("POST", "add", "add_member"))


def delete_member(client: Client, vhost: str, queue: str, node: str) -> None:
    """DELETE /api/queues/quorum/VHOST/QUEUE/replicas/delete. Raises NotFound, DataError for a node that is none."""
    _change_member(client, vhost, queue, node, ("DELETE", "delete", "delete_member"))


def _change_member(client: Client, vhost: str, queue: str, node: str, how: tuple[str, str, str]) -> None:
    """A queue that is missing is 404, or 503 with the reason."""
    method, change, command = how
    what, url = named("queue", queue, vhost), client.endpoint.url
    answer = _ask(client, method, path("queues", "quorum", vhost, queue, "replicas", change), {"node": node}, command)
    if answer.status == 400:
        raise DataError(f"{what}: {reason_of(answer.body)}: {node!r} ({url})")
    if answer.status == 404 or (answer.status == 503 and reason_of(answer.body) == "not_found"):
        raise NotFound(f"{what} does not exist ({url})")
    _check(client, answer, what)


def grow(client: Client, node: str, strategy: str, vhost_pattern: str, queue_pattern: str) -> None:
    """POST /api/queues/quorum/replicas/on/NODE/grow. Raises UsageError when the node is not in the cluster."""
    body = {"strategy": strategy, "vhost_pattern": vhost_pattern, "queue_pattern": queue_pattern}
    member = any(row.get("name") == node for row in nodes(client, ("name",)))
    if not member and release_of(client) >= (4,):
        raise UsageError(f"node {node!r} is not a member of the cluster ({client.endpoint.url})")
    answer = _ask(client, "POST", path("queues", "quorum", "replicas", "on", node, "grow"), body, "grow")
    _check(client, answer, named("node", node))


def shrink(client: Client, node: str) -> None:
    """DELETE /api/queues/quorum/replicas/on/NODE/shrink. Raises Unavailable when the node is not in the cluster."""
    answer = _ask(client, "DELETE", path("queues", "quorum", "replicas", "on", node, "shrink"), None, "shrink")
    if answer.status == 404:
        raise Unavailable(f"node {node!r} is not a member of the cluster ({client.endpoint.url})")
    _check(client, answer, named("node", node))


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


def _check(client: Client, answer: Answer, what: str) -> None:
    if answer.status >= 400:
        raise of_answer(answer.status, answer.body, what, client.endpoint.url, client.user, "")
