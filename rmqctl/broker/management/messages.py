"""Publishing and getting messages: `/api/exchanges/V/X/publish` and `/api/queues/V/Q/get`."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from typing import Any

from rmqctl.broker.core.content import PROPERTIES
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.message import Entry, Message, message
from rmqctl.broker.core.publishing import Publisher
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.management.exchanges import exchange_name
from rmqctl.broker.management.web import Call, HttpError, Kept, Row, bad_request, integer, over_a_channel

_ACK_MODES = ("ack_requeue_true", "ack_requeue_false", "reject_requeue_true", "reject_requeue_false")
_LONGEST_KEY = 255
_ORDER = tuple(reversed(PROPERTIES))


def publish(call: Call) -> Row | Kept:
    """As RabbitMQ, which publishes on a channel of its own, mandatory and with confirms."""
    vhost = call.vhost()
    name = exchange_name(call["name"])
    if name not in vhost.exchanges:
        raise HttpError(404, "not_found", "exchange_not_found")
    document = call.json("routing_key", "properties", "payload", "payload_encoding")
    body = _payload(document["payload"], document["payload_encoding"])
    made = message(name, _key(document["routing_key"]), body, _properties(document["properties"]))
    publisher = Publisher(vhost.name, vhost.router, call.broker.replies, call.user)
    try:
        outcome = publisher.publish(made, _dropped)
    except Refusal as refusal:
        raise over_a_channel(refusal) from None
    publisher.counts.confirm += not outcome.rejected
    vhost.published.add(publisher.counts)
    if outcome.rejected:
        raise bad_request("rejected")
    answer = {"routed": outcome.routed}
    return Kept(answer) if outcome.stored else answer


def get(call: Call) -> list[Row]:
    vhost = call.vhost()
    queue = vhost.queues.get(call["name"])
    if queue is None:
        raise HttpError(404, "not_found", "queue_not_found")
    document = call.json("ackmode", "count", "encoding")
    count = integer(document, "count")
    mode, encoding = document["ackmode"], document["encoding"]
    if mode not in _ACK_MODES:
        raise bad_request(f"Invalid ackmode value: {mode}. Valid values are: {', '.join(_ACK_MODES)}")
    if encoding not in ("auto", "base64"):
        raise bad_request("Unsupported encoding. Please use auto or base64.")
    truncate = integer(document, "truncate") if "truncate" in document else None
    try:
        vhost.check(call.user, "read", "queue", queue.name)
        vhost.queue_to_get(queue.name)
    except Refusal as refusal:
        raise over_a_channel(refusal) from None
    rows, taken = _take(queue, count, mode, lambda body: _shown(body, encoding, truncate))
    _return(queue, taken, mode)
    return rows


def _dropped(_: Message) -> None:
    """What no queue took comes back; the answer says no more than that."""


def _key(key: Any) -> str:
    if not isinstance(key, str) or len(key.encode("utf-8", "surrogatepass")) > _LONGEST_KEY:
        raise bad_request(f"routing_key should be a string of at most {_LONGEST_KEY} bytes")
    return key


def _payload(payload: Any, encoding: Any) -> bytes:
    if not isinstance(payload, str):
        raise bad_request("payload_not_string")
    if encoding == "string":
        return payload.encode("utf-8", "surrogatepass")
    if encoding != "base64":
        raise bad_request(["unsupported_encoding", encoding])
    try:
        return b64decode(payload, validate=True)
    except (Base64Error, ValueError):
        raise bad_request(["not_base64", payload]) from None


def _properties(given: Any) -> Row:
    """Those that the specification knows; others do not count."""
    if given == []:
        return {}
    if not isinstance(given, Mapping):
        raise bad_request("properties should be an object")
    found: Row = {}
    for name in PROPERTIES:
        value = given.get(name)
        if value is None:
            continue
        if name in ("delivery_mode", "priority", "timestamp"):
            found[name] = _whole(name, value)
        elif name == "headers":
            found[name] = _headers(value)
        elif isinstance(value, str):
            found[name] = value
        else:
            raise bad_request(["not_string", name])
    return found


def _headers(value: Any) -> Row:
    if not isinstance(value, Mapping) and value != []:
        raise bad_request(["not_object", "headers"])
    if _has_null(value):
        raise bad_request("null_not_allowed")
    return dict(value)


def _has_null(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_null(each) for each in value.values())
    return any(_has_null(each) for each in value) if isinstance(value, list) else value is None


def _whole(name: str, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_request(["not_int", name])
    # One octet, of which RabbitMQ takes the lower bits.
    return value if name == "timestamp" else value & 0xFF


def _take(queue: Queue, count: int, mode: str, show: Callable[[bytes], Row]) -> tuple[list[Row], list[Entry]]:
    rows: list[Row] = []
    taken: list[Entry] = []
    while len(rows) != count:
        entry = queue.get()
        if entry is None:
            queue.counts.get_empty += 1
            break
        queue.counts.redeliver += entry.redelivered
        taken.append(entry)
        if mode == "ack_requeue_false":
            queue.counts.get_no_ack += 1
        else:
            queue.counts.get += 1
        rows.append(_row(queue, entry, show))
    return rows, taken


def _return(queue: Queue, taken: list[Entry], mode: str) -> None:
    """Nothing was kept back from others while these were shown: they go where the mode says at once."""
    if mode.endswith("requeue_true"):
        queue.requeue(taken, failed=mode == "reject_requeue_true")
    elif mode == "reject_requeue_false":
        queue.reject(taken, failed=True)
    else:
        for entry in taken:
            queue.settle(entry)


def _row(queue: Queue, entry: Entry, show: Callable[[bytes], Row]) -> Row:
    made = queue.as_delivered(entry) if entry.acquired else entry.message
    properties = made.all_properties()
    return {
        "payload_bytes": len(made.body),
        "redelivered": entry.redelivered,
        "exchange": made.exchange,
        "routing_key": made.key,
        "message_count": queue.ready.count,
        "properties": {name: properties[name] for name in _ORDER if name in properties} or [],
        **show(made.body),
    }


def _shown(body: bytes, encoding: str, truncate: int | None) -> Row:
    body = body if truncate is None else body[: max(truncate, 0)]
    if encoding == "auto":
        try:
            return {"payload": body.decode(), "payload_encoding": "string"}
        except UnicodeDecodeError:
            pass
    return {"payload": b64encode(body).decode(), "payload_encoding": "base64"}
