"""check acks names those who forget, and nobody else: with live clients, on every broker."""

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection

from .brokers import rmqctl
from .conftest import Place

VHOST = "check acks/\u00e9"
SECONDS_FOR_STATISTICS = 30


@pytest.fixture
def vhost(place: Place) -> Iterator[str]:
    assert rmqctl("declare", "vhost", VHOST, url=place.http).exit == 0
    assert rmqctl("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*", url=place.http).exit == 0
    yield VHOST
    assert rmqctl("delete", "vhost", VHOST, "--yes", url=place.http).exit == 0


class Clients:
    """Programs that use a queue of their own each; `at_work` run on threads until the end."""

    def __init__(self, place: Place, stack: contextlib.ExitStack) -> None:
        self._url = f"{place.amqp}/{quote(VHOST, safe='')}"
        self._stack = stack
        self._ended = threading.Event()
        stack.callback(self._ended.set)

    def channel(self, queue: str, messages: int, arguments: dict[str, Any] | None = None) -> BlockingChannel:
        connection = self._connection()
        self._stack.callback(connection.close)
        return self._filled(connection, queue, messages, arguments)

    def stream(self, queue: str) -> None:
        """A consumer of a stream that acknowledges nothing: the messages stay whatever it does, so that it forgets nothing."""
        channel = self.channel(queue, 3, {"x-queue-type": "stream"})
        received: list[bytes] = []
        channel.basic_qos(prefetch_count=2)
        channel.basic_consume(queue, lambda *got: received.append(got[-1]), arguments={"x-stream-offset": "first"})
        # What pika has not handed on it would reject in the end, which a stream does not understand.
        while len(received) < 2:
            channel.connection.process_data_events(0.1)

    def at_work(self, queue: str, messages: int, work: Callable[[BlockingChannel, Any], None]) -> None:
        """Gives `work` each message; a second connection publishes all the time when there are none to begin with."""
        thread = threading.Thread(target=self._work, args=(queue, messages, work))
        thread.start()
        self._stack.callback(thread.join)
        self._stack.callback(self._ended.set)

    def _work(self, queue: str, messages: int, work: Callable[[BlockingChannel, Any], None]) -> None:
        with self._connection() as connection, self._connection() as other:
            channel = self._filled(connection, queue, messages, None)
            publisher = other.channel()
            channel.basic_qos(prefetch_count=10 if messages == 0 else 1)
            for got, _, _ in channel.consume(queue, inactivity_timeout=0.02):
                if self._ended.is_set():
                    return
                if got is not None:
                    work(channel, got)
                if messages == 0:
                    publisher.basic_publish("", queue, b"more")

    def _connection(self) -> BlockingConnection:
        return BlockingConnection(pika.URLParameters(self._url))

    def _filled(
        self, connection: BlockingConnection, queue: str, messages: int, arguments: dict[str, Any] | None
    ) -> BlockingChannel:
        channel = connection.channel()
        channel.queue_declare(queue, durable=True, arguments=arguments)
        for _ in range(messages):
            channel.basic_publish("", queue, b"x", pika.BasicProperties(delivery_mode=2))
        return connection.channel()


def ignore(*_: Any) -> None:
    pass


def forget_others(channel: BlockingChannel, got: Any) -> None:
    """Acknowledges the messages of one queue, and forgets those of another that it consumes on the same channel."""
    if not channel.consumer_tags[1:]:
        channel.queue_declare("beside", durable=True)
        channel.basic_publish("", "beside", b"x")
        channel.basic_consume("beside", ignore)
    channel.basic_ack(got.delivery_tag)


def slowly(channel: BlockingChannel, got: Any) -> None:
    time.sleep(2)
    channel.basic_ack(got.delivery_tag)


def put_back(channel: BlockingChannel, got: Any) -> None:
    channel.basic_nack(got.delivery_tag)


def acknowledge(channel: BlockingChannel, got: Any) -> None:
    channel.basic_ack(got.delivery_tag)


FORGOTTEN = {"stuck": 1, "exclusive": 1, "quorum": 1, "unlimited": 5, "got": 1, "beside": 1}
WANTED = {
    ("stuck", "stuck"),
    ("stuck", "exclusive"),
    ("stuck", "quorum"),
    ("forgetting", "unlimited"),
    ("forgetting", "beside"),
    ("got without ack", "got"),
    ("redelivery loop", "loop"),
}


def test_each_is_named_right(place: Place, vhost: str) -> None:
    with contextlib.ExitStack() as stack:
        clients = Clients(place, stack)
        for queue, arguments in (("stuck", None), ("exclusive", None), ("quorum", {"x-queue-type": "quorum"})):
            channel = clients.channel(queue, 1, arguments)
            channel.basic_qos(prefetch_count=1)
            channel.basic_consume(queue, ignore, exclusive=queue == "exclusive")
        clients.channel("unlimited", 5).basic_consume("unlimited", ignore)
        assert clients.channel("got", 1).basic_get("got")[0] is not None
        transaction = clients.channel("uncommitted", 0)
        transaction.tx_select()
        transaction.basic_publish("", "uncommitted", b"x")
        clients.channel("left", 2)
        if place.node is not None:  # the embedded broker has no streams
            clients.stream("stream")
        clients.at_work("slow", 60, slowly)
        clients.at_work("loop", 1, put_back)
        clients.at_work("lively", 0, forget_others)
        clients.at_work("healthy", 0, acknowledge)
        _wait_for_statistics(place, len(FORGOTTEN) + (place.node is not None))
        time.sleep(6)  # those at work may not be among them yet: until all statistics have been renewed
        ran = rmqctl("check", "acks", "-p", vhost, "--for", "8", "-f", "json", url=place.http)
        found = json.loads(ran.text)["findings"]
        named = {(each["kind"], each["queue"]) for each in found if each["kind"] != "open transaction"}
        assert (ran.exit, named) == (1, WANTED), str(ran)
        assert sum(each["kind"] == "open transaction" for each in found) == 1
        assert all(each["unacknowledged"] == FORGOTTEN[each["queue"]] for each in found if each["queue"] in FORGOTTEN)
        words = ("-p", vhost, "--for", "0", "--match", "^(slow|healthy)$")
        assert rmqctl("check", "acks", *words, url=place.http).text.startswith("acks OK: ")
        words = ("-p", vhost, "--for", "0", "--match", "^left$", "-f", "jsonl", "--strict")
        assert json.loads(rmqctl("check", "acks", *words, url=place.http).text)["kind"] == "no consumer"
        assert rmqctl("check", "acks", "-p", vhost, "--for", "0", "--critical", "1", url=place.http).exit == 2


def _wait_for_statistics(place: Place, channels: int) -> None:
    """Until the broker tells of that many channels that they hold messages."""
    deadline = time.monotonic() + SECONDS_FOR_STATISTICS
    held = -1
    while time.monotonic() < deadline:
        rows = rmqctl("list_channels", "-p", VHOST, "messages_unacknowledged", "-f", "jsonl", url=place.http).text
        held = sum(1 for line in rows.splitlines() if json.loads(line)["messages_unacknowledged"])
        if held >= channels:
            return
        time.sleep(0.5)
    pytest.fail(f"only {held} channels hold messages after {SECONDS_FOR_STATISTICS} s")


def test_it_could_not_tell(place: Place) -> None:
    ran = rmqctl("check", "acks", "-p", "nowhere at all", "--for", "0", url=place.http)
    assert (ran.exit, ran.text.startswith("acks UNKNOWN: ")) == (3, True), str(ran)
