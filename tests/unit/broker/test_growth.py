"""What takes four times as much takes about four times as long, not sixteen times."""

import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pamqp import commands

from rmqctl.matching import Topics

from .client import Client, encoded, new_broker, publish

Basic, Queue, Tx = commands.Basic, commands.Queue, commands.Tx
# Work in proportion makes 4, with a logarithm up to 5, and a square 16.
MOST = 9
Work = Callable[[], None]


@pytest.fixture(autouse=True)
def _undisturbed() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def seconds(prepare: Callable[[int], Work], size: int) -> float:
    work = prepare(size)
    began = time.process_time()
    work()
    return time.process_time() - began


def grows(prepare: Callable[[int], Work], size: int) -> float:
    """How many times longer four times as much takes, at the best of several attempts."""
    few = min(seconds(prepare, size) for _ in range(3))
    return min(seconds(prepare, 4 * size) for _ in range(3)) / few


def filled(count: int, **declared: Any) -> Client:
    client = Client(new_broker())
    client.declare("q", **declared)
    fill(client, count)
    return client


def fill(client: Client, count: int) -> None:
    client.connection.receive(publish(b"x", "q") * count)


def consume(client: Client, *tags: str, arguments: dict[str, Any] | None = None) -> None:
    methods = (Basic.Consume(queue="q", consumer_tag=tag, nowait=True, arguments=arguments) for tag in tags)
    client.connection.receive(b"".join(map(encoded, methods)))


def take(*clients: Client) -> None:
    """All that the broker has for them."""
    while sum(len(client.connection.take()) for client in clients):
        pass


def names(count: int) -> list[str]:
    return [f"c{number}" for number in range(count)]


def every_second_is_put_back(count: int) -> Work:
    client = filled(count)
    client.connection.receive(encoded(Basic.Get(queue="q")) * count)
    nacks = b"".join(encoded(Basic.Nack(tag, False, True)) for tag in range(2, count + 1, 2))
    return lambda: client.connection.receive(nacks)


def the_rest_is_put_back(count: int) -> Work:
    client = filled(count)
    every = encoded(Basic.Get(queue="q")) * count
    client.connection.receive(every)
    for tag in range(2, count + 1, 2):
        client.connection.receive(encoded(Basic.Nack(tag, False, True)))
    return client.connection.lost


def two_consumers_leave(count: int) -> Work:
    publisher = filled(count)
    clients = [Client(publisher.broker) for _ in range(2)]
    for client in clients:
        client.call(Basic.Qos(prefetch_count=count // 2))
        consume(client, "t")
    take(*clients)

    def leave() -> None:
        clients[0].connection.lost()
        take(clients[1])
        clients[1].connection.lost()

    return leave


def consumers_come(count: int) -> Work:
    client = filled(0)
    return lambda: consume(client, *names(count))


def consumers_of_as_many_priorities_come(count: int) -> Work:
    client = filled(0)

    def come() -> None:
        for number, name in enumerate(names(count)):
            consume(client, name, arguments={"x-priority": number})

    return come


def consumers_take_and_acknowledge(count: int) -> Work:
    client = filled(0)
    client.call(Basic.Qos(prefetch_count=1))
    consume(client, *names(count))
    fill(client, 2 * count)
    take(client)

    def acknowledge() -> None:
        for number in range(count):
            client.connection.receive(encoded(Basic.Ack(number + 1)))
        take(client)

    return acknowledge


def consumers_go(count: int) -> Work:
    client = filled(0)
    consume(client, *names(count))
    cancels = b"".join(encoded(Basic.Cancel(name, nowait=True)) for name in names(count))
    return lambda: client.connection.receive(cancels)


def active_consumers_go(count: int) -> Work:
    client = filled(0, arguments={"x-single-active-consumer": True})
    consume(client, *names(count))
    cancels = b"".join(encoded(Basic.Cancel(name, nowait=True)) for name in names(count))
    return lambda: client.connection.receive(cancels)


def bindings_by_headers_go(count: int) -> Work:
    client = filled(0)
    for number in range(count):
        bind = Queue.Bind(queue="q", exchange="amq.headers", nowait=True, arguments={"n": number})
        client.connection.receive(encoded(bind))
    return lambda: client.connection.receive(encoded(Queue.Delete(0, "q")))


def acknowledgements_are_rolled_back(count: int) -> Work:
    client = filled(count)
    client.call(Tx.Select())
    client.connection.receive(encoded(Basic.Get(queue="q")) * count)
    take(client)
    each = (encoded(Basic.Ack(tag)) + encoded(Tx.Rollback()) for tag in range(1, count + 1))
    every = b"".join(each)
    return lambda: client.connection.receive(every)


@pytest.mark.parametrize(
    ("prepare", "size"),
    [
        (every_second_is_put_back, 2000),
        (the_rest_is_put_back, 2000),
        (two_consumers_leave, 3000),
        (consumers_come, 800),
        (consumers_of_as_many_priorities_come, 800),
        (consumers_take_and_acknowledge, 800),
        (consumers_go, 1500),
        (active_consumers_go, 800),
        (bindings_by_headers_go, 300),
        (acknowledgements_are_rolled_back, 500),
    ],
)
def test_no_work_grows_with_its_square(prepare: Callable[[int], Work], size: int) -> None:
    assert grows(prepare, size) < MOST


def test_topics_with_many_hashes() -> None:
    """In the pattern and in the key there are four times as many words: sixteen times as much to compare."""

    def prepare(words: int) -> Work:
        topics: Topics[int] = Topics()
        topics.add(".".join(["#"] * words), 1)
        return lambda: assert_one(topics, ".".join("a" * words))

    assert grows(prepare, 30) < 4 * MOST


def assert_one(topics: Topics[int], key: str) -> None:
    for _ in range(5):
        assert list(topics.match(key)) == [1]
