"""The living world of the demo: queues, exchanges and clients whose numbers are the same in every run.

`build()` brings it to a state that stays as it is until `live()` is called now and then: from the time it gives, the
diligent workers finish what they have in hand, and new messages arrive.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import cycle
from typing import Any, NamedTuple

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import AMQPError

# Seconds that everything stands still, so that a command finds the numbers that the documentation shows.
CALM = 3.0
# Seconds between two turns of the clients.
TURN = 0.05
# Seconds from one attempt to open a client again to the next.
AGAIN = 2.0
# For the queues that nobody takes messages from: they would grow all day long.
LIMIT = {"x-max-length": 100}

GREETINGS = ("Hello World!", "Hello again!", "Anybody there?")
WAITING = 2
"""How many tasks wait while every worker has one in hand."""


class Bound(NamedTuple):
    """A queue and what binds it to an exchange."""

    exchange: str
    queue: str
    keys: Sequence[str]
    arguments: Mapping[str, Any] = {}


EXCHANGES = {"logs": "fanout", "direct_logs": "direct", "topic_logs": "topic", "documents": "headers"}
BINDINGS = (
    Bound("direct_logs", "errors_on_disk", ["error"]),
    Bound("direct_logs", "all_severities", ["info", "warning", "error"]),
    Bound("topic_logs", "kernel", ["kern.*"]),
    Bound("topic_logs", "critical", ["*.critical"]),
    Bound("documents", "pdf_reports", [""], {"x-match": "all", "format": "pdf", "type": "report"}),
    Bound("documents", "for_print", [""], {"x-match": "any", "format": "pdf", "color": "black"}),
)
TERMINALS = ("terminal_1", "terminal_2")
"""The exclusive queues of the fanout. They have names of their own here: those of a broker differ in every run."""


class Publication(NamedTuple):
    exchange: str
    key: str
    body: str
    headers: Mapping[str, Any] = {}


EVENTS = (
    Publication("logs", "", "info: user logged in"),
    Publication("direct_logs", "error", "disk is full"),
    Publication("direct_logs", "info", "job started"),
    Publication("topic_logs", "kern.critical", "a kernel error"),
    Publication("topic_logs", "cron.info", "nobody wants this"),
    Publication("documents", "", "figures of May", {"format": "pdf", "type": "report"}),
    Publication("documents", "", "a letter", {"format": "txt", "color": "black"}),
)


class Client:
    """One connection with one channel, under a name that lists show.

    It is opened again after somebody has closed it, as a program does that is meant to go on.
    """

    def __init__(self, amqp_url: str, name: str) -> None:
        self.name = name
        self._parameters = pika.URLParameters(amqp_url)
        self._parameters.client_properties = {"connection_name": name}
        # A debugger or a stopped terminal must not cost the world its clients.
        self._parameters.heartbeat = 0
        self._again_at = 0.0
        self._open()

    def _open(self) -> None:
        self.connection = pika.BlockingConnection(self._parameters)
        self.channel: BlockingChannel = self.connection.channel()
        self.begin()

    def begin(self) -> None:
        """What it does on a new channel."""

    def turn(self) -> None:
        """Handles what has arrived."""
        with suppress(AMQPError):
            if self.channel.is_open:
                self.connection.process_data_events(time_limit=0)
        if not self.channel.is_open and time.monotonic() >= self._again_at:
            self._again_at = time.monotonic() + AGAIN
            with suppress(AMQPError):
                self.close()
                self._open()

    def publish(self, exchange: str, key: str, body: bytes, properties: pika.BasicProperties) -> None:
        """Lost when the channel was closed."""
        with suppress(AMQPError):
            self.channel.basic_publish(exchange, key, body, properties)

    def close(self) -> None:
        if self.connection.is_open:
            self.connection.close()


class Worker(Client):
    """Takes one task at a time. Every worker but the forgetful one acknowledges it when it is done."""

    def __init__(self, amqp_url: str, name: str, *, forgets: bool = False) -> None:
        self.forgets = forgets
        self.in_hand: deque[int] = deque()
        super().__init__(amqp_url, name)

    def begin(self) -> None:
        self.in_hand.clear()
        self.channel.queue_declare("task_queue", durable=True)
        self.channel.basic_qos(prefetch_count=1)
        self.channel.basic_consume("task_queue", self._received, consumer_tag=self.name)

    def _received(self, _channel: Any, method: Any, _properties: Any, _body: bytes) -> None:
        self.in_hand.append(method.delivery_tag)

    def await_task(self) -> None:
        while not self.in_hand:
            self.connection.process_data_events(time_limit=1)

    def finish(self) -> bool:
        """Acknowledges what it has, if it is one that does. Returns whether there was something."""
        if self.forgets or not self.in_hand:
            return False
        with suppress(AMQPError):
            self.channel.basic_ack(self.in_hand.popleft())
        return True


class Terminal(Client):
    """Shows what comes from the fanout: takes it from an exclusive queue and forgets it."""

    def begin(self) -> None:
        self.channel.queue_declare(self.name, exclusive=True)
        self.channel.queue_bind(self.name, "logs", "")
        self.channel.basic_consume(self.name, lambda *_: None, auto_ack=True, consumer_tag=self.name)


class World:
    """Everything on one broker, driven by the thread that calls `build` and `live`."""

    def __init__(self, amqp_url: str) -> None:
        self._url = amqp_url
        self._clients: list[Client] = []
        self._workers: list[Worker] = []
        self._producer: Client

    def build(self) -> None:
        """Declares, publishes and consumes until all numbers are what they stay."""
        self._producer = Client(self._url, "producer")
        self._clients.append(self._producer)
        self._declare(self._producer.channel)
        self._start_workers()
        for _ in range(WAITING):
            self._task()
        for name in TERMINALS:
            self._clients.append(Terminal(self._url, name))
        for event in EVENTS:
            self._publish(event)
        self.settle()

    def settle(self) -> None:
        """Waits until the broker has done all that it was sent: it answers each channel in order."""
        for client in self._clients:
            client.channel.queue_declare("hello", passive=True)

    def live(self, stop: threading.Event, calm: float = CALM) -> None:
        """Keeps the clients busy until `stop`; for `calm` seconds nothing changes."""
        script = self._script()
        due = time.monotonic() + calm
        while not stop.wait(TURN):
            for client in self._clients:
                client.turn()
            if time.monotonic() >= due:
                due += next(script)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def _script(self) -> Iterator[float]:
        """What happens one after the other, each with the seconds until the next."""
        events, workers = cycle(EVENTS), cycle(self._workers[1:])
        while True:
            self._publish(next(events))
            yield 0.2
            done = next(workers).finish()
            yield 0.2
            if done:  # else the tasks would become more and more
                self._task()
            yield 0.2

    def _declare(self, channel: BlockingChannel) -> None:
        channel.queue_declare("hello", durable=True)
        channel.queue_declare("task_queue", durable=True)
        for name, kind in EXCHANGES.items():
            channel.exchange_declare(name, kind)
        for queue in dict.fromkeys(bound.queue for bound in BINDINGS):
            channel.queue_declare(queue, durable=True, arguments=LIMIT)
        for bound in BINDINGS:
            for key in bound.keys:
                channel.queue_bind(bound.queue, bound.exchange, key, arguments=dict(bound.arguments))
        for text in GREETINGS:
            channel.basic_publish("", "hello", text.encode())

    def _start_workers(self) -> None:
        """Each gets a task before the next one comes, so that it is the same one in every run.

        The diligent ones have acknowledged a first task and are at their second: that tells them from the forgetful one.
        """
        for name in ("forgetful worker", "worker 1", "worker 2"):
            worker = Worker(self._url, name, forgets=name.startswith("forgetful"))
            self._clients.append(worker)
            self._workers.append(worker)
            self._task()
            worker.await_task()
        for worker in self._workers[1:]:
            worker.finish()
            self._task()
            worker.await_task()

    def _task(self) -> None:
        persistent = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
        self._producer.publish("", "task_queue", b"A task...", persistent)

    def _publish(self, event: Publication) -> None:
        properties = pika.BasicProperties(headers=dict(event.headers))
        self._producer.publish(event.exchange, event.key, event.body.encode(), properties)
