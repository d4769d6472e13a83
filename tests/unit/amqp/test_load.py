"""A load against a broker in memory: what is counted, when it ends, and what ends it sooner."""

from collections.abc import Callable
from typing import Any

import pytest
from pika import exceptions

from rmqctl.amqp import load
from rmqctl.amqp.load import Measured, Plan, run
from rmqctl.errors import AccessRefused, DataError, NotFound, RmqctlError, TimedOut, Unavailable, Unreachable

from .scripted import LATENCY, Broker, session
from .test_connection import PLAIN, session_of

CASE = {"queue": None, "rate": 100.0, "size": 20, "seconds": 1.0, "confirms": True, "in_flight": 10, "prefetch": 5,
        "producers": 1, "consumers": 1, "auto_ack": False}  # fmt: skip


@pytest.fixture(autouse=True)
def _clock(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "monotonic", broker.loop.time)
    monkeypatch.setattr(load, "monotonic_ns", broker.loop.time_ns)


def ran(stopped: Callable[[], bool] = lambda: False, timeout: float | None = None, **plan: Any) -> Measured:
    measured = Measured()
    run(session(timeout=timeout), "amqp://broker", Plan(**(CASE | plan)), measured, stopped)
    return measured


def test_every_message_is_confirmed_and_consumed(broker: Broker) -> None:
    found = ran()
    assert 99 <= found.published <= 106  # it looks at the time every 50 ms
    assert found.published == found.confirmed == found.consumed == len(found.confirm_ns) == len(found.latency_ns)
    assert all(900_000 < each < 1_100_000 for each in (*found.confirm_ns, *found.latency_ns))
    assert 1.0 <= found.publishing_seconds < 1.1
    assert 0.98 < found.consuming_seconds < 1.1
    assert broker.acked == list(range(1, found.published + 1))
    assert {(exchange, key, len(body)) for exchange, key, body in broker.published} == {("", "amq.gen-1", 20)}


@pytest.mark.parametrize("confirms", [True, False])
def test_as_many_as_go_are_held_back_by_those_in_flight(confirms: bool) -> None:
    found = ran(rate=None, seconds=0.1, confirms=confirms)
    # Ten in each millisecond that an answer takes, until the time is looked at.
    assert found.published == pytest.approx(10 * found.publishing_seconds / LATENCY, abs=20)
    assert (found.consumed, found.confirmed) == (found.published, found.published if confirms else 0)


def test_several_producers_and_consumers_share_it(broker: Broker) -> None:
    found = ran(producers=4, consumers=3, auto_ack=True)
    assert 99 <= found.published <= 110
    assert (found.consumed, len(broker.consumers), broker.acked) == (found.published, 3, [])
    assert len(broker.parameters) == 2  # consumers and producers have a connection each


def test_without_consumers_the_messages_stay() -> None:
    found = ran(queue="q", consumers=0)
    assert (found.consumed, found.confirmed) == (0, found.published)


def test_what_the_broker_refuses_is_waited_for_by_nobody(broker: Broker) -> None:
    broker.nacks = frozenset({3, 4})
    found = ran()
    assert (found.refused, found.confirmed, found.consumed) == (2, found.published - 2, found.published - 2)


def test_it_ends_when_no_confirm_comes_any_more(broker: Broker) -> None:
    broker.silent_from = 6
    began = broker.loop.now
    found = ran(in_flight=50)
    assert (found.confirmed, found.consumed) == (5, found.published)
    assert load.QUIET_SECONDS < broker.loop.now - began < load.QUIET_SECONDS + 2


def test_it_can_be_stopped() -> None:
    looks = iter([False, False, True])
    found = ran(lambda: next(looks, True), seconds=60.0)
    assert found.publishing_seconds < 0.2
    assert found.published == found.confirmed == found.consumed


def test_a_broker_that_does_not_agree_to_the_end_is_left(broker: Broker) -> None:
    broker.says_goodbye = False
    found = ran()
    assert found.confirmed == found.published


@pytest.mark.parametrize(
    ("facts", "plan", "kind", "said"),
    [
        ({"queues": {"q": [b"x"]}}, {"queue": "q"}, DataError, "queue 'q' is in use: 1 ready messages, 0 consumers"),
        ({"users": 2}, {"queue": "q"}, DataError, "0 ready messages, 2 consumers"),
        ({}, {"queue": "none"}, NotFound, "no queue 'none'"),
        ({"refuses": exceptions.ProbableAuthenticationError("x")}, {}, AccessRefused, "wrong user name or password"),
        ({"refuses": exceptions.AMQPConnectionError(ConnectionRefusedError(111, "x"))}, {}, Unreachable, "refused"),
        ({"ends_after": 5}, {}, Unreachable, "the connection was lost: gone"),
        ({"ends_after": 5, "ends": exceptions.ConnectionClosedByBroker(320, "CONNECTION_FORCED - x")}, {}, Unreachable,
         "CONNECTION_FORCED"),
    ],
)  # fmt: skip
def test_what_ends_it(broker: Broker, facts: Any, plan: Any, kind: type[RmqctlError], said: str) -> None:
    vars(broker).update(facts)
    with pytest.raises(kind, match=said) as raised:
        ran(**plan)
    assert type(raised.value) is kind


def test_messages_of_others_end_it_and_stay(broker: Broker) -> None:
    body = b"not of this run, and long enough"
    broker.later(lambda: broker.loop.call_later(0.1, lambda: broker.consumers[0][1](None, None, None, body)))
    with pytest.raises(DataError, match="gets messages from others; they stay in it"):
        ran()
    assert broker.acked == list(range(1, len(broker.acked) + 1))


def test_the_time_limit_is_for_the_beginning_alone(broker: Broker) -> None:
    ran(timeout=0.5, seconds=2.0)
    broker.opens = False
    with pytest.raises(TimedOut, match=r"amqp://broker:5672: no answer within 0.5 seconds \(--timeout\)"):
        ran(timeout=0.5)


def test_no_load_is_put_on_another_cluster(broker: Broker) -> None:
    broker.cluster = "rabbit@b"
    with pytest.raises(Unavailable, match="is cluster 'rabbit@b', and http://localhost:15672 is cluster 'rabbit@a'"):
        run(session_of([PLAIN], cluster="rabbit@a"), None, Plan(**CASE), Measured(), lambda: False)
    assert broker.published == []
