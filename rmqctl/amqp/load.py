"""A load: producers and consumers of one queue, all on one thread, and what was measured of them.

Each payload begins with the mark of the run and the time of a clock that only goes forward, so latencies need no second clock.
"""

import os
import struct
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import monotonic, monotonic_ns
from typing import TYPE_CHECKING, Any

from rmqctl.amqp.connection import ends_soon, limited, parameters_of, same_cluster, translated
from rmqctl.errors import DataError
from rmqctl.session import Session

if TYPE_CHECKING:
    from pika import SelectConnection
    from pika.channel import Channel

HEAD = struct.Struct(">8sQ")
"""The first bytes of a payload: the mark of the run, nanoseconds."""

QUIET_SECONDS = 10.0
"""After the last message it waits for confirms and deliveries until none comes for so long."""

LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Plan:
    """`queue` None: a temporary one. `rate`: messages a second of all producers together, None: as many as go.

    `in_flight`: messages of a producer that may be unconfirmed; without confirms, that may be unread by the broker.
    """

    queue: str | None
    rate: float | None
    size: int
    seconds: float
    confirms: bool
    in_flight: int
    prefetch: int
    producers: int
    consumers: int
    auto_ack: bool


@dataclass
class Measured:
    """Counts, and nanoseconds from publishing to the confirm and to the delivery. Right at any time."""

    published: int = 0
    confirmed: int = 0
    refused: int = 0
    consumed: int = 0
    publishing_seconds: float = 0.0
    consuming_seconds: float = 0.0
    confirm_ns: "array[int]" = field(default_factory=lambda: array("Q"))
    latency_ns: "array[int]" = field(default_factory=lambda: array("Q"))


def run(session: Session, url: str | None, plan: Plan, measured: Measured, stopped: Callable[[], bool]) -> None:
    """Carries the plan out. `stopped`: no further message is sent. The temporary queue goes with the connection.

    --timeout is for the time until the producers begin.
    """
    import pika
    from pika.adapters.select_connection import IOLoop

    parameters = parameters_of(session, url)
    check = same_cluster(session, url)
    loop = IOLoop()

    limits: list[Callable[[], None]] = []

    def connect(opened: Callable[[Any], object]) -> "SelectConnection":
        """A connection on the loop that all share."""

        def checked(connection: "SelectConnection") -> None:
            check(connection)
            opened(connection)

        connection = pika.SelectConnection(
            parameters,
            on_open_callback=checked,
            on_open_error_callback=load.failed,
            on_close_callback=load.failed,
            custom_ioloop=loop,
        )
        limits.append(limited(session, connection, parameters))
        return connection

    def began() -> None:
        for lift in limits:
            lift()

    load = _Load(plan, measured, stopped, loop, connect, began)
    with translated(session, parameters):
        try:
            load.begin()
            loop.start()
        finally:
            loop.close()
        if load.error is not None:
            raise load.error


class _Load:
    def __init__(
        self,
        plan: Plan,
        measured: Measured,
        stopped: Callable[[], bool],
        loop: Any,
        connect: "Callable[[Callable[[Any], object]], SelectConnection]",
        began: Callable[[], None],
    ) -> None:
        self.plan = plan
        self.measured = measured
        self.error: BaseException | None = None
        self.mark = os.urandom(8)
        self.queue = ""
        self.began = 0.0
        self.sending = True
        self._stopped = stopped
        self._loop = loop
        self._connect = connect
        self._began = began
        self._connections: list[SelectConnection] = []
        self._producers: list[_Producer] = []
        self._ready = 0
        self._progress = (-1, 0.0)
        self._over = False

    def begin(self) -> None:
        """The queue and its consumers first, on the connection that the temporary queue belongs to."""
        self._connections.append(self._connect(lambda connection: connection.channel(on_open_callback=self._declare)))

    def failed(self, _: object, reason: BaseException) -> None:
        if not self._over:
            self.error = self.error or reason
        self._over = True
        self._loop.stop()

    def _declare(self, channel: "Channel") -> None:
        channel.add_on_close_callback(self.failed)
        name = self.plan.queue
        if name is None:
            channel.queue_declare("", exclusive=True, callback=self._declared)
        else:
            channel.queue_declare(name, passive=True, callback=self._declared)

    def _declared(self, frame: Any) -> None:
        found = frame.method
        self.queue = found.queue
        if found.message_count or found.consumer_count:
            messages, consumers = found.message_count, found.consumer_count
            self.failed(
                None,
                DataError(f"queue {found.queue!r} is in use: {messages} ready messages, {consumers} consumers"),
            )
            return
        for _ in range(self.plan.consumers):
            self._connections[0].channel(on_open_callback=self._consume)
        if not self.plan.consumers:
            self._begin_producers()

    def _consume(self, channel: "Channel") -> None:
        channel.add_on_close_callback(self.failed)
        channel.basic_qos(prefetch_count=self.plan.prefetch)
        ack = None if self.plan.auto_ack else channel.basic_ack
        channel.basic_consume(
            self.queue, partial(self._delivered, ack), auto_ack=self.plan.auto_ack, callback=self._consumes
        )

    def _consumes(self, _: object) -> None:
        self._ready += 1
        if self._ready == self.plan.consumers:
            self._begin_producers()

    def _delivered(
        self, ack: Callable[[int], None] | None, _: object, got: Any, _properties: object, body: bytes
    ) -> None:
        now = monotonic_ns()
        mark, sent = HEAD.unpack_from(body) if len(body) >= HEAD.size else (b"", 0)
        if mark != self.mark:
            self.failed(None, DataError(f"queue {self.queue!r} gets messages from others; they stay in it"))
            return
        self.measured.latency_ns.append(now - sent)
        self.measured.consumed += 1
        self.measured.consuming_seconds = monotonic() - self.began
        if ack is not None:
            ack(got.delivery_tag)

    def _begin_producers(self) -> None:
        def opened(connection: "SelectConnection") -> None:
            for _ in range(self.plan.producers):
                self._producers.append(_Producer(self, connection))

        self._connections.append(self._connect(opened))

    def producer_ready(self) -> None:
        if all(producer.ready for producer in self._producers):
            self._began()
            self.began = monotonic()
            for producer in self._producers:
                producer.send()
            self._look()

    def _look(self) -> None:
        """Ends the sending when its time is up, and all when nothing is on its way any more."""
        if self._over:
            return
        now, measured = monotonic(), self.measured
        if self.sending:
            measured.publishing_seconds = now - self.began
            self.sending = measured.publishing_seconds < self.plan.seconds and not self._stopped()
        progress = measured.consumed + measured.confirmed + measured.refused
        if progress != self._progress[0]:
            self._progress = progress, now
        if not self.sending and (not self._on_their_way() or now - self._progress[1] > QUIET_SECONDS):
            self._end()
        else:
            self._loop.call_later(LOOK_SECONDS, self._look)

    def _on_their_way(self) -> bool:
        measured = self.measured
        unconfirmed = self.plan.confirms and measured.confirmed + measured.refused < measured.published
        return unconfirmed or (self.plan.consumers > 0 and measured.consumed < measured.published - measured.refused)

    def _end(self) -> None:
        self._over = True
        for connection in self._connections:
            ends_soon(connection)
            connection.close()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        self._loop.call_later(seconds, call)


class _Producer:
    """A channel that publishes. Without confirms a basic.qos after `in_flight` messages tells that the broker has read them."""

    def __init__(self, load: _Load, connection: "SelectConnection") -> None:
        self.ready = False
        self._load = load
        self._rate = None if load.plan.rate is None else load.plan.rate / load.plan.producers
        self._padding = bytes(load.plan.size - HEAD.size)
        self._sent = 0
        self._unread = 0
        self._waiting: deque[tuple[int, int]] = deque()
        """Delivery tag and time of the messages without a confirm."""
        connection.channel(on_open_callback=self._opened)

    def _opened(self, channel: "Channel") -> None:
        self._channel = channel
        channel.add_on_close_callback(self._load.failed)
        if self._load.plan.confirms:
            channel.confirm_delivery(self._answered, self._is_ready)
        else:
            self._is_ready(None)

    def _is_ready(self, _: object) -> None:
        self.ready = True
        self._load.producer_ready()

    def send(self) -> None:
        """As many as are due and fit, then it comes back when there is reason to."""
        load, channel = self._load, self._channel
        while load.sending and self._unread < load.plan.in_flight:
            if self._rate is not None:
                due = load.began + self._sent / self._rate - monotonic()
                if due > 0:
                    load.later(due, self.send)
                    return
            now = monotonic_ns()
            channel.basic_publish("", load.queue, HEAD.pack(load.mark, now) + self._padding)
            self._sent += 1
            self._unread += 1
            load.measured.published += 1
            if load.plan.confirms:
                self._waiting.append((self._sent, now))
        if load.sending and not load.plan.confirms:
            channel.basic_qos(callback=self._read)

    def _read(self, _: object) -> None:
        self._unread = 0
        self.send()

    def _answered(self, frame: Any) -> None:
        now, method, measured = monotonic_ns(), frame.method, self._load.measured
        full = self._unread >= self._load.plan.in_flight
        tag = method.delivery_tag
        answered = [each for each in self._waiting if each[0] == tag or (method.multiple and each[0] < tag)]
        for each in answered:
            self._waiting.remove(each)
        self._unread -= len(answered)
        if method.NAME == "Basic.Nack":
            measured.refused += len(answered)
        else:
            measured.confirmed += len(answered)
            measured.confirm_ns.extend(now - sent for _, sent in answered)
        if full or self._rate is None:
            self.send()
