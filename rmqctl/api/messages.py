"""Single messages over HTTP: POST /api/exchanges/VHOST/NAME/publish and POST /api/queues/VHOST/NAME/get."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from rmqctl.api.client import Client
from rmqctl.api.paths import path

REQUEUE, ACK, REJECT = "ack_requeue_true", "ack_requeue_false", "reject_requeue_false"
REJECT_AND_REQUEUE = "reject_requeue_true"
PUT_BACK = (REQUEUE, REJECT_AND_REQUEUE)
"""The modes that leave messages in their queue."""


def publish(client: Client, vhost: str, exchange: str, key: str, payload: bytes, properties: Mapping[str, Any]) -> bool:
    """Publishes one message. Returns whether a queue took it."""
    body = {"routing_key": key, "properties": dict(properties), **_payload(payload)}
    what = f"exchange {exchange or 'amq.default'!r} in virtual host {vhost!r}"
    target = path("exchanges", vhost, exchange or "amq.default", "publish")
    return bool(client.request("POST", target, body=body, what=what).body["routed"])


def get(client: Client, vhost: str, queue: str, count: int, mode: str, encoding: str) -> list[dict[str, Any]]:
    """Up to `count` messages from the head of a queue. `encoding`: auto (text where it is UTF-8) or base64."""
    body = {"count": count, "ackmode": mode, "encoding": encoding}
    what = f"queue {queue!r} in virtual host {vhost!r}"
    return list(client.request("POST", path("queues", vhost, queue, "get"), body=body, what=what).body or [])


def _payload(payload: bytes) -> dict[str, str]:
    try:
        return {"payload": payload.decode(), "payload_encoding": "string"}
    except UnicodeDecodeError:
        return {"payload": b64encode(payload).decode("ascii"), "payload_encoding": "base64"}
