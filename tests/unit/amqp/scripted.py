"""pika's connections without a socket: a broker in memory that answers as it was told, and a clock that jumps."""

import heapq
import io
import itertools
import queue
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pika
from pika import exceptions
from pika.spec import Basic

from rmqctl.session import Session
from rmqctl.settings import Settings

LATENCY = 0.001
"""Seconds of the loop's clock until the broker answers."""


class Loop:
    """pika's loop of events on a clock of its own: it jumps to what is due next."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._from_threads: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._running = False

    def time(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return int(self.now * 1e9)

    def call_later(self, seconds: float, call: Callable[[], object]) -> int:
        number = next(self._numbers)
        heapq.heappush(self._due, (self.now + seconds, number, call))
        return number

    def remove_timeout(self, number: int) -> None:
        self._due = [each for each in self._due if each[1] != number]
        heapq.heapify(self._due)

    def add_callback_threadsafe(self, call: Callable[[], object]) -> None:
        self._from_threads.put(call)

    def start(self) -> None:
        self._running = True
        while self._running:
            while not self._from_threads.empty():
                self._from_threads.get()()
            self.now, _, call = heapq.heappop(self._due)
            call()

    def stop(self) -> None:
        self._running = False

    def close(self) -> None:
        self._due.clear()


@dataclass
class Broker:
    """What it does is told before: `refuses` a connection, `nacks` messages by their number, confirms none from the one of
    `silent_from` on, ends the connection after `ends_after` messages, does not `say_goodbye`."""

    loop: Loop = field(default_factory=Loop)
    cluster: str = "rabbit@a"
    queues: dict[str, list[bytes]] = field(default_factory=lambda: {"q": []})
    users: int = 0
    refuses: Exception | None = None
    opens: bool = True
    nacks: frozenset[int] = frozenset()
    silent_from: float = float("inf")
    ends_after: float = float("inf")
    ends: Exception = field(default_factory=lambda: exceptions.StreamLostError("gone"))
    says_goodbye: bool = True
    published: list[tuple[str, str, bytes]] = field(default_factory=list)
    consumers: "list[tuple[Channel, Callable[..., None]]]" = field(default_factory=list)
    acked: list[int] = field(default_factory=list)
    parameters: list[Any] = field(default_factory=list)

    def later(self, call: Callable[..., object], *arguments: object) -> None:
        self.loop.call_later(LATENCY, lambda: call(*arguments))


class Connection:
    """A pika.SelectConnection."""

    def __init__(
        self,
        broker: Broker,
        parameters: Any,
        on_open_callback: Callable[..., object],
        on_open_error_callback: Callable[..., object],
        on_close_callback: Callable[..., object],
        custom_ioloop: Loop | None = None,
    ) -> None:
        self.broker = broker
        self.ioloop = custom_ioloop or broker.loop
        self.params = parameters
        self.server_properties = {"cluster_name": broker.cluster}
        self.is_open = True
        self._closed = on_close_callback
        self._channels: list[Channel] = []
        broker.parameters.append(parameters)
        if broker.refuses is not None:
            broker.later(on_open_error_callback, self, broker.refuses)
        elif broker.opens:
            broker.later(on_open_callback, self)

    def channel(self, on_open_callback: Callable[..., object]) -> None:
        self._channels.append(Channel(self))
        self.broker.later(on_open_callback, self._channels[-1])

    def close(self) -> None:
        if not self.is_open:
            raise exceptions.ConnectionWrongStateError("Illegal close")
        if self.broker.says_goodbye:
            self.broker.later(self._terminate_stream, exceptions.ConnectionClosedByClient(200, "Normal shutdown"))

    def _terminate_stream(self, error: Exception) -> None:
        self.is_open = False
        for channel in self._channels:
            channel.ends(error)
        self._closed(self, error)


class Channel:
    """A pika.channel.Channel."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._broker = connection.broker
        self._tag = 0
        self._closed: Callable[..., object] = lambda *_: None
        self._returned: Callable[..., object]
        self._answered: Callable[..., object] | None = None

    def add_on_close_callback(self, call: Callable[..., object]) -> None:
        self._closed = call

    def ends(self, error: Exception) -> None:
        self._closed(self, error)

    def add_on_return_callback(self, call: Callable[..., object]) -> None:
        self._returned = call

    def confirm_delivery(self, answered: Callable[..., object], callback: Callable[..., object]) -> None:
        self._answered = answered
        self._broker.later(callback, None)

    def queue_declare(
        self, name: str, callback: Callable[..., object], passive: bool = False, exclusive: bool = False
    ) -> None:
        broker = self._broker
        if passive and name not in broker.queues:
            broker.later(self._closed, self, exceptions.ChannelClosedByBroker(404, f"NOT_FOUND - no queue '{name}'"))
            return
        assert passive != exclusive
        name = name or "amq.gen-1"
        waiting = broker.queues.setdefault(name, [])
        found = SimpleNamespace(queue=name, message_count=len(waiting), consumer_count=broker.users)
        broker.later(callback, SimpleNamespace(method=found))

    def basic_qos(self, prefetch_count: int = 0, callback: Callable[..., object] | None = None) -> None:
        if callback is not None:
            self._broker.later(callback, None)

    def basic_consume(
        self, _: str, on_message: Callable[..., None], auto_ack: bool, callback: Callable[..., object]
    ) -> None:
        self._broker.consumers.append((self, on_message))
        self._broker.later(callback, None)

    def basic_ack(self, tag: int) -> None:
        self._broker.acked.append(tag)

    def basic_publish(
        self, exchange: str, key: str, body: bytes, properties: Any = None, mandatory: bool = False
    ) -> None:
        broker = self._broker
        self._tag += 1
        broker.published.append((exchange, key, body))
        number = len(broker.published)
        if number >= broker.ends_after:
            broker.later(self._connection._terminate_stream, broker.ends)
        if key not in broker.queues:
            if mandatory:
                broker.later(self._returned, self, SimpleNamespace(exchange=exchange, routing_key=key), None, body)
        elif broker.consumers and number not in broker.nacks:
            channel, on_message = broker.consumers[number % len(broker.consumers)]
            broker.later(on_message, channel, SimpleNamespace(delivery_tag=number), None, body)
        if self._answered is not None and number < broker.silent_from:
            kind = Basic.Nack if number in broker.nacks else Basic.Ack
            broker.later(self._answered, SimpleNamespace(method=kind(delivery_tag=self._tag)))


# ---------------------------------------------------------------------------------------------- the blocking connection


class Blocking:
    """A pika.BlockingConnection: what the broker does is put into `script`, and happens while it consumes."""

    def __init__(self, parameters: Any = None) -> None:
        self.parameters = parameters
        self.script: queue.Queue[Callable[[], object]] = queue.Queue()
        self.is_open = True
        self.ioloop = Loop()
        self.server_properties: dict[str, Any] | None = {"cluster_name": "rabbit@a"}
        self.did: list[Any] = []
        self.refuses: Exception | None = None
        self.on_close: Callable[[], object] = lambda: None
        self._impl = self
        self._channel = BlockingChannel(self)

    @property
    def params(self) -> Any:
        return self.parameters

    def channel(self) -> "BlockingChannel":
        return self._channel

    def add_callback_threadsafe(self, call: Callable[[], object]) -> None:
        if not self.is_open:
            raise exceptions.ConnectionWrongStateError("closed")
        self.script.put(call)

    def close(self) -> None:
        self.on_close()
        self.is_open = False
        self.did.append("close")

    def _terminate_stream(self, error: Exception) -> None:
        self.is_open = False
        raise error


class BlockingChannel:
    """A BlockingChannel with one consumer, and the protocol's own channel below it."""

    def __init__(self, connection: Blocking) -> None:
        self._connection = connection
        self._impl = Protocol(connection)
        self._consuming = True
        self.deliver: Callable[..., None]
        self.fails: Exception | None = None

    def basic_qos(self, prefetch_count: int) -> None:
        self._connection.did.append(("qos", prefetch_count))

    def basic_consume(self, name: str, deliver: Callable[..., None], auto_ack: bool) -> None:
        self._connection.did.append(("consume", name, auto_ack))
        self.deliver = deliver

    def arrives(self, tag: int, body: bytes = b"x") -> None:
        got = Basic.Deliver("ctag", tag, False, "e", "k")
        self._connection.script.put(lambda: self.deliver(self, got, pika.BasicProperties(), body))

    def start_consuming(self) -> None:
        while self._consuming:
            self._connection.script.get(timeout=10)()

    def cancelled(self) -> None:
        """By the broker."""
        self._consuming = False

    def stop_consuming(self) -> None:
        self._impl.basic_reject(99, requeue=True)  # as pika does with what arrives meanwhile
        self._connection.did.append("stop")
        self._consuming = False

    def basic_ack(self, tag: int) -> None:
        self._connection.did.append(("ack", tag))

    def basic_reject(self, tag: int, requeue: bool) -> None:
        self._impl.basic_reject(tag, requeue=requeue)

    def basic_nack(self, delivery_tag: int, multiple: bool, requeue: bool) -> None:
        if self.fails is not None:
            raise self.fails
        self._connection.did.append(("nack", delivery_tag, multiple, requeue))


class Protocol:
    def __init__(self, connection: Blocking) -> None:
        self.connection = connection

    def basic_reject(self, tag: int, requeue: bool) -> None:
        self.connection.did.append(("reject", tag, requeue))


def session(**settings: Any) -> Session:
    return Session(io.StringIO(), io.StringIO(), io.StringIO(), {})._replace(settings=Settings(**settings))
