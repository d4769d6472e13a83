"""What only the embedded broker has over HTTP: /api/embedded/alarms[/RESOURCE] and /api/embedded/limits/RESOURCE.

A user without the tag for it gets 401 there; RabbitMQ has no such path, whoever asks.
"""

from typing import Any, Literal

from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.api.paths import path
from rmqctl.errors import NeedsNode, Unavailable

Resource = Literal["memory", "disk"]
# Of a path that RabbitMQ does not have. 406: it offers its web pages instead.
_NO_SUCH_PATH = (404, 405, 406)


def is_embedded(client: Client) -> bool:
    """Whether the broker that answers is the embedded one: GET /api/embedded/alarms."""
    answer = client.request("GET", path("embedded", "alarms"), accept=(401, 403, *_NO_SUCH_PATH))
    return answer.status not in _NO_SUCH_PATH


def set_alarm(client: Client, resource: Resource, *, on: bool) -> None:
    """Raises NeedsNode when the broker is RabbitMQ itself."""
    _put(client, "alarms", resource, {"on": on})


def limit_bytes(client: Client, resource: Resource, count: int) -> None:
    """Most memory that the broker may have, or least that is to be free on its disk. Raises NeedsNode as `set_alarm`."""
    _put(client, "limits", resource, {"bytes": count})


def limit_share(client: Client, resource: Resource, share: float) -> None:
    """The same as a share of the machine's memory."""
    _put(client, "limits", resource, {"share": share})


def _put(client: Client, noun: str, resource: Resource, body: dict[str, Any]) -> None:
    answer = client.request("PUT", path("embedded", noun, resource), body=body, accept=(400, *_NO_SUCH_PATH))
    if answer.status in _NO_SUCH_PATH:
        raise NeedsNode(
            f"{client.endpoint.url} is no embedded broker: RabbitMQ's limits of memory and disk are set with "
            "`rabbitmqctl set_vm_memory_high_watermark` and `rabbitmqctl set_disk_free_limit` on the node"
        )
    if answer.status == 400:
        raise Unavailable(f"limit of {resource}: {reason_of(answer.body)} ({client.endpoint.url})")
