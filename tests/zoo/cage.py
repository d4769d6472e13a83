"""What an animal lives in: a virtual host, queues of its own, connections that bear its name, and a bell at the end."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import pika
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection

Got = Any
"""What pika tells of a delivery beside its properties and body."""
Handle = Callable[[BlockingChannel, Got], None]

TURN = 0.1
"""Seconds between two messages of a publisher that has no pace of its own."""
PATIENCE = 0.3


class Keeper(NamedTuple):
    """A broker with the virtual host of one round. `amqp` ends in the port; `ended` rings when the round is over.

    `checking` rings when `check acks` has taken its first look.
    """

    amqp: str
    vhost: str
    ended: threading.Event
    checking: threading.Event
    mqtt_port: int = 0

    @property
    def amqp_port(self) -> int:
        return urlsplit(self.amqp).port or 0


class Cage:
    """One animal's. Its queues begin with its name, and its connections call themselves so."""

    def __init__(self, keeper: Keeper, name: str) -> None:
        self.keeper = keeper
        self.name = name

    @property
    def ended(self) -> bool:
        return self.keeper.ended.is_set()

    @contextlib.contextmanager
    def connection(self) -> Iterator[BlockingConnection]:
        url = pika.URLParameters(f"{self.keeper.amqp}/{quote(self.keeper.vhost, safe='')}")
        url.client_properties = {"connection_name": self.name}
        connection = BlockingConnection(url)
        try:
            yield connection
        finally:
            with contextlib.suppress(pika.exceptions.AMQPError):
                connection.close()

    @contextlib.contextmanager
    def channel(self, messages: int = 0, queue: str = "", **declared: Any) -> Iterator[BlockingChannel]:
        """A new connection's channel; its queue (`name` and what `queue` adds) is declared, and filled on another one."""
        with self.connection() as connection:
            self.fill(connection, messages, queue, **declared)
            yield connection.channel()

    def fill(self, connection: BlockingConnection, messages: int, queue: str = "", **declared: Any) -> None:
        channel = connection.channel()
        channel.queue_declare(self.name + queue, **{"durable": True, **declared})
        for _ in range(messages):
            channel.basic_publish("", self.name + queue, b"x", pika.BasicProperties(delivery_mode=2))
        channel.close()

    def publishing(self, every: float = TURN, burst: int = 1, queue: str = "") -> None:
        """On a thread of its own: `burst` messages every so many seconds."""
        threading.Thread(target=self._publish, args=(every, burst, self.name + queue)).start()

    def _publish(self, every: float, burst: int, queue: str) -> None:
        with self.connection() as connection:
            channel = connection.channel()
            while not self.keeper.ended.wait(every):
                for _ in range(burst):
                    channel.basic_publish("", queue, b"more")
                connection.process_data_events(0)

    def consume(
        self, channel: BlockingChannel, handle: Handle, prefetch: int = 0, queue: str = "", **more: Any
    ) -> None:
        if prefetch:
            channel.basic_qos(prefetch_count=prefetch)
        channel.basic_consume(self.name + queue, lambda ch, got, *_: handle(ch, got), **more)

    def stay(self, channel: BlockingChannel) -> None:
        """Handles what comes until the end of the round."""
        while not self.ended:
            channel.connection.process_data_events(PATIENCE)

    def busy(self, seconds: float) -> None:
        """Work, which the end of the round cuts short."""
        self.keeper.ended.wait(seconds)


def ignore(*_: Any) -> None:
    pass


def acknowledge(channel: BlockingChannel, got: Got) -> None:
    channel.basic_ack(got.delivery_tag)


def settle_down(channel: BlockingChannel, seconds: float) -> None:
    """Handles what comes for that long."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        channel.connection.process_data_events(left)
