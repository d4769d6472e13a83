"""Rates of many objects are looked at in pieces; sums over virtual hosts take one look at the connections."""

from collections.abc import Callable
from typing import Any

import pytest

from rmqctl.broker.amqp.connection import Connection, connections_of
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.message import message
from rmqctl.broker.core.timers import PIECE, SOON
from rmqctl.broker.management import rates, totals
from rmqctl.broker.management.api import Api, Request
from rmqctl.broker.management.rates import PERIOD, Rates
from rmqctl.broker.management.web import Ports

from ..client import Client, Clock, new_broker
from .test_slices import HEADERS, at_end, steps

MANY = 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker(clock: Clock) -> Broker:
    broker = new_broker(clock)
    for number in range(MANY):
        broker.vhosts["/"].declare_queue(None, f"q{number}")
    return broker


def _goes_on(broker: Broker, clock: Clock, seconds: float) -> int:
    """In how many pieces something was done meanwhile."""
    done, end = 0, clock.now + seconds
    while (due := broker.node.timers.next()) is not None and due <= end:
        clock.now = max(clock.now, due)
        broker.node.tick()
        done += 1
    clock.now = end
    return done


def test_many_queues_are_looked_at_in_pieces(broker: Broker, clock: Clock) -> None:
    measured = Rates(broker)
    assert _goes_on(broker, clock, 1.0) >= 2 * MANY // PIECE
    vhost = broker.vhosts["/"]
    queue = vhost.queues[f"q{MANY - 1}"]
    for _ in range(10):
        queue.push(message("", queue.name, b"x", {}))
    _goes_on(broker, clock, PERIOD)
    assert measured.of(("lengths", queue), 1) == pytest.approx(10 / PERIOD)
    assert measured.of(("lengths", vhost), 1) == measured.of(("lengths", broker), 1) == pytest.approx(10 / PERIOD)


def test_what_comes_and_goes_during_a_look_does_no_harm(broker: Broker, clock: Clock) -> None:
    measured = Rates(broker)
    vhost = broker.vhosts["/"]
    for number in range(MANY):
        vhost.delete_queue(None, f"q{number}")
        clock.now += SOON
        broker.node.tick()
        vhost.declare_queue(None, f"new{number}")
    _goes_on(broker, clock, 2 * PERIOD)
    assert measured.of(("lengths", vhost), 0) == 0
    assert broker.node.timers.next() is not None


def test_sums_are_those_of_the_objects(clock: Clock) -> None:
    broker = new_broker(clock)
    client = Client(broker)
    client.declare("q")
    client.publish(b"1", "q")
    client.publish(b"2", "q")
    vhost = broker.vhosts["/"]
    vhost.queues["q"].get()
    found = dict(rates._measured(broker))
    here = totals.by_vhost(broker)["/"]
    with pytest.raises(StopIteration) as end:
        next(totals.counts(vhost, here))
    assert found[vhost] == rates._read(end.value.value) == found[broker]
    assert found["lengths", vhost] == totals.lengths([vhost]) == (2, 1, 1)
    assert found["octets", vhost] == totals.octets(vhost, here)


@pytest.mark.parametrize("path", ["/api/vhosts", "/api/vhosts/%2F", "/api/overview"])
def test_many_queues_are_summed_up_in_slices(path: str, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "_MANY", MANY // 10)
    slices = steps(broker, "GET", path)
    for _ in range(9):
        next(slices)
    at_end(slices)


@pytest.mark.parametrize("path", ["/api/vhosts", "/api/overview"])
def test_connections_are_looked_at_once_for_all_virtual_hosts(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = new_broker()
    for number in range(50):
        broker.add_vhost(f"v{number}")
    api = Api(broker, Ports(5672, 15672))
    looks = _counted(monkeypatch)
    assert api.respond(Request("GET", path, "", HEADERS, b"", "127.0.0.1")).status == 200
    rates.Rates(broker)
    assert len(looks) <= 5


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []

    def counted(broker: Broker) -> list[Connection]:
        found.append(broker)
        return connections_of(broker)

    look: Callable[[Broker], list[Connection]] = counted
    for module in (totals, rates):
        monkeypatch.setattr(module, "connections_of", look)
    return found
