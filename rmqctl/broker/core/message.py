"""A message, and its place in a queue.

A message is shared by all the queues that it was routed to; its properties stay encoded until somebody asks for one.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from rmqctl.broker.core import content
from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.errors import precondition

HEADERS = content.FLAGS["headers"]
_MODE = content.FLAGS["delivery_mode"]
# The properties that stand before the mode, if they are there, and the mode.
_UP_TO_MODE = content.FLAGS["content_type"] | content.FLAGS["content_encoding"] | HEADERS | _MODE
# What each queue adds that a message is in, and what it takes in the first one beside its properties and body, in bytes.
_ENTRY, _FIRST = 200, 500
# Properties that the broker itself acts on: a message with none of them is routed and stored unread.
ACTED_ON = (
    HEADERS
    | content.FLAGS["expiration"]
    | content.FLAGS["reply_to"]
    | content.FLAGS["user_id"]
    | content.FLAGS["priority"]
)


class Message:
    """`header` is the payload of the content header frame, `route` exchange and routing key as short strings."""

    __slots__ = (
        "body",
        "deaths",
        "exchange",
        "flags",
        "header",
        "key",
        "persistent",
        "properties",
        "queues",
        "references",
        "route",
        "stored",
    )

    def __init__(self, exchange: str, key: str, header: bytes, body: bytes, route: bytes | None = None) -> None:
        self.exchange = exchange
        self.key = key
        self.header = header
        self.body = body
        self.route = route if route is not None else content.short_string(exchange) + content.short_string(key)
        self.flags = flags = int.from_bytes(header[12:14], "big")
        self.properties: dict[str, bytes] | None = None
        if flags & _UP_TO_MODE == _MODE:
            self.persistent = header[14:15] == b"\x02"
        else:
            self.persistent = bool(flags & _MODE) and self.encoded()["delivery_mode"] == b"\x02"
        self.deaths: tuple[dict[str, Any], ...] = ()
        """What x-death tells, newest first; a header of that name from a client does not count."""
        self.stored = 0
        """The number that the store knows the message by; 0 when it does not."""
        self.references = 0
        """In how many queues the store has it."""
        self.queues = 0
        """In how many queues it is."""

    def encoded(self) -> dict[str, bytes]:
        if self.properties is None:
            self.properties = content.split_properties(self.header)
        return self.properties

    def get(self, name: str) -> Any:
        """A property's value (`headers`: a dict), or None."""
        if not self.flags & content.FLAGS[name]:
            return None
        return content.decode_property(name, self.encoded()[name])

    def headers(self) -> dict[str, Any]:
        return self.get("headers") or {}

    def all_properties(self) -> dict[str, Any]:
        return {name: content.decode_property(name, data) for name, data in self.encoded().items()}

    def changed(
        self,
        exchange: str,
        key: str,
        *,
        headers: Mapping[str, bytes | None] | None = None,
        drop: Iterable[str] = (),
        **properties: Any,
    ) -> "Message":
        """A copy with other properties. `headers` are encoded fields, None removes one; `drop` names properties."""
        encoded = {name: data for name, data in self.encoded().items() if name not in drop}
        if headers is not None:
            table = content.split_table(encoded["headers"]) if "headers" in encoded else {}
            table |= {name: data for name, data in headers.items() if data is not None}
            kept = {name: data for name, data in table.items() if headers.get(name, b"") is not None}
            encoded["headers"] = content.raw_table(kept)
        encoded |= {name: content.encode_property(name, value) for name, value in properties.items()}
        copy = Message(exchange, key, content.join_properties(encoded, len(self.body)), self.body)
        copy.deaths = self.deaths
        return copy


def message(exchange: str, key: str, body: bytes, properties: Mapping[str, Any]) -> Message:
    """A message from plain values: `properties` by their names of the specification, `headers` a dict."""
    encoded = {
        name: content.encode_property(name, properties[name]) for name in content.PROPERTIES if name in properties
    }
    return Message(exchange, key, content.join_properties(encoded, len(body)), body)


@lru_cache(maxsize=1000)
def destination_of(route: bytes) -> tuple[str, str]:
    """Exchange and routing key of a message's `route`."""
    middle = 1 + route[0]
    return route[1:middle].decode("utf-8", "surrogateescape"), route[middle + 1 :].decode("utf-8", "surrogateescape")


def more_keys(message: Message, *names: str) -> list[str]:
    """The routing keys of the headers CC and BCC (https://www.rabbitmq.com/docs/sender-selected)."""
    if b"\x02CC" not in message.header and b"\x03BCC" not in message.header:
        return []
    headers, keys = message.headers(), []
    for name in names:
        value = headers.get(name, [])
        if not isinstance(value, list):
            letter = chr(content.split_table(message.encoded()["headers"])[name][0])
            kind = Arguments({name: value}, {name: letter}).type_of(name)
            raise precondition(f'invalid message: {{unacceptable_type_in_header,"{name}",{kind}}}')
        keys += [key for key in value if isinstance(key, str)]
    return keys


class Entry:
    """A message in a queue. `position` orders it there; `expires` is Unix seconds or None."""

    __slots__ = ("acquired", "count", "expires", "message", "position", "redelivered", "size", "stored")

    def __init__(self, message: Message, position: int, expires: float | None) -> None:
        self.message = message
        self.position = position
        self.expires = expires
        self.size = len(message.body)
        """Bytes, as the queue counts them."""
        self.redelivered = False
        self.acquired = 0
        """How often it came back (x-acquired-count of quorum queues)."""
        self.count = 0
        """How often it came back because something failed (x-delivery-count)."""
        self.stored = 0
        """The number that the store knows it by; 0 when it does not."""


class Held:
    """What the messages in queues take, in `bytes`: each once, however many queues have it, and what each of them adds."""

    def __init__(self) -> None:
        self.bytes = 0

    def add(self, entry: Entry) -> None:
        """It is in a queue now."""
        message = entry.message
        if message.queues:
            message.queues += 1
            self.bytes += _ENTRY
        else:
            message.queues = 1
            self.bytes += _FIRST + len(message.header) + len(message.body)

    def remove(self, entry: Entry) -> None:
        """It is no longer, also not as one that was delivered."""
        message = entry.message
        if message.queues > 1:
            message.queues -= 1
            self.bytes -= _ENTRY
        else:
            message.queues = 0
            self.bytes -= _FIRST + len(message.header) + len(message.body)
