"""A client without a socket: methods go in as bytes, what the broker answers comes out as pamqp's objects."""

from typing import Any, NamedTuple

from pamqp import base, body, commands, frame, header

from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node

from .chance import Seeded

GREETING = b"AMQP\x00\x00\x09\x01"
CAPABILITIES = {
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "authentication_failure_close": True,
    "connection.blocked": True,
}


class Clock:
    """Unix seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Delivered(NamedTuple):
    """A message with the method that it came by."""

    method: Any
    properties: Any
    body: bytes


def new_broker(clock: Clock | None = None) -> Broker:
    broker = Broker(Node(clock or Clock(), Seeded()))
    broker.seed()
    return broker


def encoded(method: base.Frame, channel: int = 1) -> bytes:
    return frame.marshal(method, channel)


def message(text: bytes, channel: int = 1, **properties: Any) -> bytes:
    """Header and body frames."""
    head = header.ContentHeader(0, len(text), commands.Basic.Properties(**properties))
    return frame.marshal(head, channel) + (frame.marshal(body.ContentBody(text), channel) if text else b"")


def publish(text: bytes, key: str, exchange: str = "", channel: int = 1, **properties: Any) -> bytes:
    method = commands.Basic.Publish(exchange=exchange, routing_key=key, mandatory=properties.pop("mandatory", False))
    return encoded(method, channel) + message(text, channel, **properties)


def handshake(heartbeat: int = 0) -> bytes:
    """All that a client says until it has an open channel 1, without waiting for an answer."""
    start = commands.Connection.StartOk({"capabilities": CAPABILITIES}, "PLAIN", "\0guest\0guest", "en_US")
    return GREETING + b"".join(
        (
            encoded(start, 0),
            encoded(commands.Connection.TuneOk(2047, 131072, heartbeat), 0),
            encoded(commands.Connection.Open("/"), 0),
            encoded(commands.Channel.Open(), 1),
        )
    )


class Client:
    """One connection. `sent` gathers all bytes of the broker."""

    def __init__(self, broker: Broker, heartbeat: int | None = 0) -> None:
        self.broker = broker
        self.connection = Connection(broker, ("127.0.0.1", 50000), ("127.0.0.1", 5672), lambda: None)
        self._unread = b""
        if heartbeat is not None:
            self.connection.receive(handshake(heartbeat))
            opened = [type(each) for _, each in self.frames()]
            assert opened[-2:] == [commands.Connection.OpenOk, commands.Channel.OpenOk]

    def raw(self, data: bytes) -> list[tuple[int, Any]]:
        self.connection.receive(data)
        return self.frames()

    def call(self, method: base.Frame, channel: int = 1) -> Any:
        """The only answer."""
        answers = self.raw(encoded(method, channel))
        assert len(answers) == 1, answers
        return answers[0][1]

    def publish(self, text: bytes, key: str, **more: Any) -> None:
        assert self.raw(publish(text, key, **more)) == []

    def declare(self, queue: str, **more: Any) -> Any:
        return self.call(commands.Queue.Declare(queue=queue, **more))

    def get(self, queue: str, *, no_ack: bool = False) -> Delivered | None:
        answers = [each for _, each in self.raw(encoded(commands.Basic.Get(queue=queue, no_ack=no_ack)))]
        if isinstance(answers[0], commands.Basic.GetEmpty):
            return None
        return gathered(answers)[0]

    def frames(self) -> list[tuple[int, Any]]:
        """Channel and frame of all that has been sent meanwhile."""
        data = self._unread + b"".join(self.connection.take())
        found = []
        while data:
            size, channel, each = frame.unmarshal(data)
            found.append((channel, each))
            data = data[size:]
        return found

    def closed_by_broker(self) -> tuple[int, str] | None:
        """Code and text of the connection.close among what has been sent meanwhile."""
        for _, each in self.frames():
            if isinstance(each, commands.Connection.Close):
                return each.reply_code, each.reply_text
        return None


def gathered(frames: list[Any]) -> list[Delivered]:
    """Messages from their frames."""
    found: list[Delivered] = []
    for each in frames:
        if isinstance(each, header.ContentHeader):
            found[-1] = found[-1]._replace(properties=each.properties)
        elif isinstance(each, body.ContentBody):
            found[-1] = found[-1]._replace(body=found[-1].body + each.value)
        elif isinstance(each, commands.Basic.Deliver | commands.Basic.GetOk | commands.Basic.Return):
            found.append(Delivered(each, None, b""))
    return found
