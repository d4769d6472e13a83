"""The firehose: copies of all that is published to a virtual host and delivered from it (https://www.rabbitmq.com/docs/firehose).

They go to an exchange of their own, with the key `publish.EXCHANGE` or `deliver.QUEUE`, and tell in their headers who had
the message, where it went, and its own properties.
"""

from collections.abc import Callable, Iterable

from rmqctl.broker.core import content
from rmqctl.broker.core.consumer import Origin
from rmqctl.broker.core.message import Message, more_keys
from rmqctl.broker.core.node import Node

EXCHANGE = "amq.rabbitmq.trace"
_Fields = dict[str, bytes]


class Firehose:
    """Of a virtual host, by name; `send` is called with each copy. `on` is for the virtual host to set."""

    def __init__(self, node: Node, vhost: str, send: Callable[[Message], None]) -> None:
        self.on = False
        self._node = node
        self._vhost = vhost
        self._send = send

    def published(self, origin: Origin, message: Message, queues: Iterable[str]) -> None:
        """`queues` are those that it was routed to. Called before they have it."""
        routed = queues if message.exchange else _keys(message)
        self._copy(f"publish.{message.exchange}", origin, message, {"routed_queues": content.field(list(routed))})

    def delivered(self, origin: Origin, message: Message, queue: str, redelivered: bool) -> None:
        self._copy(f"deliver.{queue}", origin, message, {"redelivered": _number(redelivered)})

    def _copy(self, key: str, origin: Origin, message: Message, more: _Fields) -> None:
        if message.exchange == EXCHANGE:
            return
        fields: _Fields = {
            "channel": _number(origin.number),
            "connection": content.field(origin.connection),
            "exchange_name": content.field(message.exchange),
            "node": content.field(self._node.name),
            "properties": _properties(message),
            "routing_keys": content.field(_keys(message)),
            "user": content.field(origin.user),
            "vhost": content.field(self._vhost),
            **more,
        }
        headers = {"headers": content.raw_table(dict(sorted(fields.items())))}
        self._send(Message(EXCHANGE, key, content.join_properties(headers, len(message.body)), message.body))


def _keys(message: Message) -> list[str]:
    return [message.key, *more_keys(message, "CC")]


def _properties(message: Message) -> bytes:
    """A table of those that the message has, the last one first, as RabbitMQ makes it."""
    fields: _Fields = {}
    for name, data in reversed(message.encoded().items()):
        value = content.decode_property(name, data)
        if name == "headers":
            fields[name] = b"F" + data
        else:
            fields[name] = _number(value) if isinstance(value, int) else content.field(value)
    return b"F" + content.raw_table(fields)


def _number(value: int) -> bytes:
    """A signed number of 32 bits (section 4.2.5.5)."""
    return b"I" + (value & 0xFFFFFFFF).to_bytes(4, "big")
