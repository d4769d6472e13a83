"""Single messages over HTTP: POST /api/exchanges/VHOST/NAME/publish and POST /api/queues/VHOST/NAME/get."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

from rmqctl.api import exchanges
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import BrokenAnswer
from rmqctl.naming import named

REQUEUE, ACK, REJECT = "ack_requeue_true", "ack_requeue_false", "reject_requeue_false"
REJECT_AND_REQUEUE = "reject_requeue_true"
PUT_BACK = (REQUEUE, REJECT_AND_REQUEUE)
"""The modes that leave messages in their queue."""


def publish(client: Client, vhost: str, exchange: str, key: str, payload: bytes, properties: Mapping[str, Any]) -> bool:
    """Publishes one message. Returns whether a queue took it."""
    body = {"routing_key": key, "properties": dict(properties), **_payload(payload)}
    exchange = exchange or exchanges.DEFAULT
    target = path("exchanges", vhost, exchange, "publish")
    answer = client.request("POST", target, body=body, what=named("exchange", exchange, vhost)).body
    routed = answer.get("routed") if isinstance(answer, dict) else None
    if not isinstance(routed, bool):
        raise BrokenAnswer(f"{client.endpoint.url}: the answer does not say whether a queue took the message")
    return routed


def get(client: Client, vhost: str, queue: str, count: int, mode: str, encoding: str) -> list[dict[str, Any]]:
    """Up to `count` messages from the head of a queue. `encoding`: auto (text where it is UTF-8) or base64."""
    body = {"count": count, "ackmode": mode, "encoding": encoding}
    what = named("queue", queue, vhost)
    answer = client.request("POST", path("queues", vhost, queue, "get"), body=body, what=what).body
    return [_message(each, client.endpoint.url) for each in (answer if isinstance(answer, list) else [answer])]


def _message(row: Any, url: str) -> dict[str, Any]:
    """With properties and headers that are objects. Raises BrokenAnswer for one without a payload."""
    encoding = row.get("payload_encoding", "string") if isinstance(row, dict) else None
    if encoding not in ("string", "base64") or not isinstance(row.get("payload"), str):
        raise BrokenAnswer(f"{url}: what it gave for a message has no payload")
    try:
        b64decode(row["payload"] if encoding == "base64" else "", validate=True)
    except ValueError:
        raise BrokenAnswer(f"{url}: the payload of a message is not Base64") from None
    properties = row["properties"] if isinstance(row.get("properties"), dict) else {}
    if not isinstance(properties.get("headers", {}), dict):
        properties = {name: value for name, value in properties.items() if name != "headers"}
    return {**row, "properties": properties}


def _payload(payload: bytes) -> dict[str, str]:
    try:
        return {"payload": payload.decode(), "payload_encoding": "string"}
    except UnicodeDecodeError:
        return {"payload": b64encode(payload).decode("ascii"), "payload_encoding": "base64"}
