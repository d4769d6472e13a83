"""The machine's time may be set: what is measured goes on evenly, and what people are told is what the machine says."""

from datetime import UTC, datetime
from time import monotonic, time

import pytest

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.process.system import steady

from .chance import Seeded
from .client import Client, Clock

HOUR = 3600.0


@pytest.fixture(params=[-HOUR, HOUR], ids=["an hour back", "an hour forward"])
def moved(request: pytest.FixtureRequest) -> tuple[Broker, Client, Clock]:
    """A broker with a client, and with a queue whose message lives for ten seconds; then the machine's time is set."""
    clock, calendar = Clock(), Clock()
    broker = Broker(
        Node(clock, Seeded(), calendar=lambda: calendar.now + clock.now - 1_700_000_000), consumer_timeout=60
    )
    broker.seed()
    client = Client(broker, heartbeat=10)
    client.declare("dead")
    arguments = {"x-message-ttl": 10_000, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    client.declare("q", arguments=arguments)
    client.publish(b"x", "q")
    client.declare("held")
    client.publish(b"y", "held")
    client.get("held")
    calendar.now += request.param
    broker.node.tick()
    return broker, client, clock


def test_nothing_is_late_or_early(moved: tuple[Broker, Client, Clock]) -> None:
    broker, client, clock = moved
    assert client.connection.is_open
    assert client.frames() == []
    assert broker.vhosts["/"].queues["q"].ready.count == 1
    for _ in range(2):
        clock.now += 5
        broker.node.tick()
        client.raw(b"\x08\x00\x00\x00\x00\x00\x00\xce")
    assert broker.vhosts["/"].queues["q"].ready.count == 0
    assert client.connection.is_open


def test_people_are_told_what_the_machine_says(
    moved: tuple[Broker, Client, Clock], request: pytest.FixtureRequest
) -> None:
    broker, client, clock = moved
    clock.now += 10
    broker.node.tick()
    dead = client.get("dead")
    assert dead is not None
    said = 1_700_000_010 + request.node.callspec.params["moved"]
    assert dead.properties.headers["x-death"][0]["time"] == datetime.fromtimestamp(said, UTC)
    assert broker.node.date(client.connection.connected_at) == said - 10


def test_the_clock_begins_with_the_machines_time() -> None:
    clock = steady()
    assert clock() == pytest.approx(time(), abs=5)
    before, began = clock(), monotonic()
    assert clock() - before <= monotonic() - began + 0.01
