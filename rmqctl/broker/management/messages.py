"""Publishing and getting messages: `/api/exchanges/V/X/publish` and `/api/queues/V/Q/get`."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rmqctl.broker.core import fields
from rmqctl.broker.core.consumer import Origin
from rmqctl.broker.core.content import PROPERTIES
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.message import Entry, Message, message
from rmqctl.broker.core.publishing import Publisher
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.management.documents import encoded
from rmqctl.broker.management.exchanges import exchange_name
from rmqctl.broker.management.queues import find_to_use
from rmqctl.broker.management.web import (
    SLICE,
    Call,
    HttpError,
    Json,
    Kept,
    Row,
    Slices,
    bad_request,
    over_a_channel,
    too_large,
)

_ACK_MODES = ("ack_requeue_true", "ack_requeue_false", "reject_requeue_true", "reject_requeue_false")
_LONGEST_TEXT = 255
# Bytes of the largest request that publishes.
_LARGEST_BODY = 10_000_000
_ORDER = tuple(reversed(PROPERTIES))
# Bytes of the properties that are numbers.
_SIZES = {"delivery_mode": 1, "priority": 1, "timestamp": 8}


def publish(call: Call) -> Row | Kept:
    """As RabbitMQ, which publishes on a channel of its own, mandatory and with confirms."""
    vhost = call.vhost()
    name = exchange_name(call["name"])
    if name not in vhost.exchanges:
        raise HttpError(404, "not_found", "exchange_not_found")
    if len(call.body) > _LARGEST_BODY:
        raise too_large()
    document = call.json("routing_key", "properties", "payload", "payload_encoding")
    call.broker.admit(call.user, vhost.name)
    body = _payload(document["payload"], document["payload_encoding"])
    made = message(name, _key(document["routing_key"]), body, _properties(document["properties"]))
    publisher = Publisher(vhost.name, vhost.router, call.broker.replies, call.user, vhost.firehose, _origin(call))
    try:
        outcome = publisher.publish(made, _dropped)
    except Refusal as refusal:
        raise over_a_channel(refusal) from None
    publisher.counts.confirm += not outcome.rejected
    vhost.published.add(publisher.counts)
    if outcome.rejected:
        raise bad_request("rejected Unable to publish message. Check queue limits.")
    answer = {"routed": outcome.routed}
    return Kept(answer) if outcome.stored else answer


def get(call: Call) -> Slices:
    vhost, queue = call.vhost(), find_to_use(call)
    document = call.json("ackmode", "count", "encoding")
    call.broker.admit(call.user, vhost.name)
    count = fields.whole(document, "count")
    mode, encoding = document["ackmode"], document["encoding"]
    if mode not in _ACK_MODES:
        raise bad_request(f"Invalid ackmode value: {mode}. Valid values are: {', '.join(_ACK_MODES)}")
    if encoding not in ("auto", "base64"):
        raise bad_request("Unsupported encoding. Please use auto or base64.")
    truncate = fields.whole(document, "truncate") if "truncate" in document else None
    try:
        vhost.check(call.user, "read", "queue", queue.name)
        vhost.queue_to_get(queue.name)
    except Refusal as refusal:
        raise over_a_channel(refusal, unauthorised=True) from None
    return _answer(call, queue, count, mode, lambda body: _shown(body, encoding, truncate))


def _origin(call: Call) -> Origin:
    """RabbitMQ opens a connection within itself for such a request."""
    return Origin(call.broker.node.pid(0), 1, (call.ports.host, call.ports.http), call.user.name)


def _dropped(_: Message) -> None:
    """What no queue took comes back; the answer says no more than that."""


def _key(key: Any) -> str:
    if not isinstance(key, str) or _is_long(key):
        raise bad_request(f"routing_key should be a string of at most {_LONGEST_TEXT} bytes")
    return key


def _is_long(text: str) -> bool:
    """Whether it does not fit into a short string (section 4.2.5.3)."""
    return len(text.encode("utf-8", "surrogatepass")) > _LONGEST_TEXT


def _payload(payload: Any, encoding: Any) -> bytes:
    if not isinstance(payload, str):
        raise bad_request("payload_not_string")
    if encoding == "string":
        return payload.encode("utf-8", "surrogatepass")
    if encoding != "base64":
        raise bad_request(["unsupported_encoding", encoding])
    try:
        return b64decode("".join(payload.split()), validate=True)
    except (Base64Error, ValueError):
        raise bad_request(["not_base64", payload]) from None


def _properties(given: Any) -> Row:
    """Those that the specification knows; others do not count."""
    if not isinstance(given, Mapping):
        raise bad_request("properties should be an object")
    found: Row = {}
    for name in PROPERTIES:
        if name not in given:
            continue
        value = given[name]
        if name in _SIZES:
            found[name] = _whole(name, value)
        elif name == "headers":
            found[name] = _headers(value)
        else:
            found[name] = _text(name, value)
    return found


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise bad_request(["not_string", name])
    if _is_long(value):
        raise _overflow()
    return value


def _headers(value: Any) -> Row:
    if not isinstance(value, Mapping) and value != []:
        raise bad_request(["not_object", "headers"])
    if _has_null(value):
        raise bad_request("null_not_allowed")
    return dict(_wrapped(dict(value)))


def _has_null(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_null(each) for each in value.values())
    return any(_has_null(each) for each in value) if isinstance(value, list) else value is None


def _wrapped(value: Any) -> Any:
    """Whole numbers of more than 64 bits lose the upper ones, as on RabbitMQ; names have to fit into a short string."""
    if isinstance(value, Mapping):
        if any(_is_long(name) for name in value):
            raise _overflow()
        return {name: _wrapped(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_wrapped(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return (value + 2**63) % 2**64 - 2**63
    return value


def _whole(name: str, value: Any) -> Any:
    """RabbitMQ takes the lower bits."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_request(["not_int", name])
    return value % 256 ** _SIZES[name]


def _overflow() -> HttpError:
    return bad_request("506 failed to deliver message: content_properties_shortstr_overflow")


def _answer(call: Call, queue: Queue, count: int, mode: str, show: Callable[[bytes], Row]) -> Slices:
    """In slices: of many messages, too. None stays taken when nobody waits for the answer any more."""
    firehose = call.vhost().firehose
    pieces: list[bytes] = []
    taken: list[Entry] = []
    try:
        for entry in _entries(queue, count, mode):
            taken.append(entry)
            pieces.append(encoded(_row(queue, entry, show)))
            if firehose.on:
                firehose.delivered(_origin(call), entry.message, queue.name, entry.redelivered)
            if len(taken) % SLICE == 0:
                yield
    except BaseException:
        queue.requeue(taken, failed=False)
        raise
    slices = (taken[at : at + SLICE] for at in range(0, len(taken), SLICE))
    try:
        for some in slices:
            _return(queue, some, mode)
            yield
    finally:
        for some in slices:
            _return(queue, some, mode)
    return Json(b"[" + b",".join(pieces) + b"]")


def _entries(queue: Queue, count: int, mode: str) -> Iterator[Entry]:
    """Messages from the head, `count` of them or as many as there are."""
    while count:
        count -= 1
        entry = queue.get()
        if entry is None:
            queue.counts.get_empty += 1
            return
        queue.counts.redeliver += entry.redelivered
        if mode == "ack_requeue_false":
            queue.counts.get_no_ack += 1
        else:
            queue.counts.get += 1
        yield entry


def _return(queue: Queue, taken: list[Entry], mode: str) -> None:
    """They have been shown, and go where the mode says."""
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
