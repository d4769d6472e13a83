"""Many messages on their way: what is confirmed, returned, refused and not answered."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pika
import pytest

from rmqctl.amqp.publishing import Tally, _Publisher, publish
from rmqctl.errors import AccessRefused, DataError, RmqctlError, TimedOut, Unavailable, Unreachable, UsageError

from . import scripted
from .test_connection import PLAIN, session_of


class Message(NamedTuple):
    payload: bytes
    properties: dict[str, Any]
    exchange: str = "e"
    routing_key: str = "k"


class Played:
    """A connection and a channel that keep what is asked of them. Messages are read as they are wanted."""

    def __init__(self, messages: list[Message], tally: Tally, *, stopped: bool = False) -> None:
        self.sent: list[bytes] = []
        self.closed = False
        self.is_open = True
        self.ioloop = SimpleNamespace(call_later=lambda *_: None)
        self.publisher = _Publisher(iter(messages), tally, lambda: None, lambda: stopped)
        self.publisher._connection = self  # type: ignore[assignment]
        self.publisher._channel = self  # type: ignore[assignment]
        self.publisher._reader = SimpleNamespace(next=Reading(iter(messages)))  # type: ignore[assignment]
        self.publisher._send()

    def close(self) -> None:
        self.closed = True

    def basic_publish(self, exchange: str, key: str, body: bytes, properties: Any, mandatory: bool) -> None:
        pika.spec.Basic.Publish(exchange=exchange, routing_key=key, mandatory=mandatory).encode()
        properties.encode()
        self.sent.append(body)

    def answer(self, tag: int, *, multiple: bool = False, nack: bool = False) -> None:
        kind = pika.spec.Basic.Nack if nack else pika.spec.Basic.Ack
        self.publisher._answered(SimpleNamespace(method=kind(delivery_tag=tag, multiple=multiple)))


class Reading:
    def __init__(self, messages: Iterator[Message]) -> None:
        self._messages = messages

    def __call__(self) -> Any:
        from rmqctl.amqp.publishing import _End

        return next(self._messages, _End(None))


def messages(count: int, size: int = 1) -> list[Message]:
    return [Message(b"x" * size, {}) for _ in range(count)]


def test_answers_to_one_and_to_many() -> None:
    tally = Tally()
    played = Played(messages(5), tally)
    assert (len(played.sent), played.closed) == (5, False)
    played.answer(2)
    played.answer(3, multiple=True)
    played.answer(4, nack=True)
    assert (tally.routed, tally.refused, list(played.publisher.on_their_way)) == (3, 1, [5])
    played.answer(5, multiple=True)
    assert (tally.routed, played.closed) == (4, True)


def test_a_message_that_comes_back_is_confirmed_too() -> None:
    tally = Tally()
    played = Played(messages(1), tally)
    played.publisher._returned(None, SimpleNamespace(exchange="e", routing_key="k"), None, b"")  # type: ignore[arg-type]
    played.answer(1)
    assert (tally.routed, tally.unroutable, tally.first_returned) == (0, 1, ("e", "k"))


@pytest.mark.parametrize(("size", "at_once"), [(1, 1000), (4 << 20, 2)])
def test_no_more_are_on_their_way_than_are_good(size: int, at_once: int) -> None:
    played = Played(messages(at_once + 5, size), Tally())
    assert len(played.sent) == at_once
    played.answer(1)
    assert len(played.sent) == at_once + 1


def test_what_is_on_its_way_is_waited_for_when_it_is_to_stop() -> None:
    played = Played(messages(5), Tally(), stopped=True)
    assert (played.sent, played.closed) == ([], True)


@pytest.mark.parametrize(
    "properties",
    [{"content_type": "x" * 256}, {"priority": 256}, {"headers": {"a": 1 << 70}}, {"headers": {"k" * 256: 1}}],
)
def test_what_amqp_cannot_carry_ends_it_after_the_ones_before(properties: dict[str, Any]) -> None:
    tally = Tally()
    played = Played([Message(b"1", {}), Message(b"2", properties), Message(b"3", {})], tally)
    assert (played.sent, played.closed) == ([b"1"], False)
    played.answer(1)
    assert (played.closed, tally.routed, type(played.publisher.error)) == (True, 1, DataError)
    assert "message 2 has a key or property" in str(played.publisher.error)


def test_a_channel_that_the_broker_closes() -> None:
    played = Played(messages(3), Tally())
    reason = pika.exceptions.ChannelClosedByBroker(404, "NOT_FOUND - no exchange 'e' in vhost '/'")
    played.publisher._channel_closed(None, reason)  # type: ignore[arg-type]
    assert (played.publisher.error, played.closed, len(played.publisher.on_their_way)) == (reason, True, 3)


def test_a_channel_that_ends_with_its_connection() -> None:
    played = Played(messages(3), Tally())
    played.is_open = False
    played.ioloop.stop = lambda: None
    reason = pika.exceptions.StreamLostError("gone")
    played.publisher._channel_closed(None, reason)  # type: ignore[arg-type]
    assert (played.publisher.error, played.closed) == (None, False)
    played.publisher.closed(played, reason)  # type: ignore[arg-type]
    assert (played.publisher.error, played.closed) == (reason, False)


# The whole way, to a broker in memory


def published(count: int | Iterator[Message] = 5, stopped: bool = False, timeout: float | None = None) -> Tally:
    tally = Tally()
    sent = iter([Message(b"x", {}, "", "q")] * count) if isinstance(count, int) else count
    publish(scripted.session(timeout=timeout), "amqp://broker", sent, tally, lambda: None, lambda: stopped)
    return tally


def test_everything_is_confirmed(broker: scripted.Broker) -> None:
    assert published(2500) == Tally(routed=2500)
    assert broker.published == [("", "q", b"x")] * 2500
    (parameters,) = broker.parameters
    assert (parameters.host, parameters.virtual_host) == ("broker", "/")


def test_what_comes_back_and_what_is_refused(broker: scripted.Broker) -> None:
    broker.nacks = frozenset({1, 4})
    sent = [Message(b"x", {}, "e", key) for key in ("q", "none", "q", "q", "nobody")]
    assert published(iter(sent)) == Tally(routed=1, unroutable=2, refused=2, first_returned=("e", "none"))


def test_nothing_is_sent_when_it_is_to_stop(broker: scripted.Broker) -> None:
    assert (published(stopped=True), broker.published) == (Tally(), [])


def test_a_broker_that_does_not_agree_to_the_end_is_left(broker: scripted.Broker) -> None:
    broker.says_goodbye = False
    assert published() == Tally(routed=5)


@pytest.mark.parametrize(
    ("facts", "kind", "said", "unconfirmed"),
    [
        (
            {"refuses": pika.exceptions.ProbableAuthenticationError("x")},
            AccessRefused,
            "wrong user name or password",
            0,
        ),
        ({"refuses": pika.exceptions.AMQPConnectionError(ConnectionRefusedError(111, "x"))}, Unreachable, "refused", 0),
        ({"ends_after": 5, "silent_from": 3}, Unreachable, "the connection was lost: gone", 3),
        ({"opens": False}, TimedOut, r"amqp://broker:5672: no answer within 0.2 seconds \(--timeout\)", 0),
        ({"silent_from": 4}, TimedOut, "no answer within 0.2 seconds", 2),
    ],
)
def test_what_ends_it_and_how_many_are_not_confirmed(
    broker: scripted.Broker, facts: dict[str, Any], kind: type[RmqctlError], said: str, unconfirmed: int
) -> None:
    vars(broker).update(facts)
    tally = Tally()
    five = iter([Message(b"x", {}, "", "q")] * 5)
    timeout = 0.2 if kind is TimedOut else None
    with pytest.raises(kind, match=said) as raised:
        publish(scripted.session(timeout=timeout), "amqp://broker", five, tally, lambda: None, lambda: False)
    assert (type(raised.value), tally.unconfirmed, tally.routed) == (
        kind,
        unconfirmed,
        len(broker.published) - unconfirmed,
    )


def test_what_ends_the_reading_is_told_after_the_ones_before(broker: scripted.Broker) -> None:
    def read() -> Iterator[Message]:
        yield Message(b"1", {}, "", "q")
        raise UsageError("line 2 is no message")

    with pytest.raises(UsageError, match="line 2"):
        published(read())
    assert broker.published == [("", "q", b"1")]


def test_nothing_is_published_to_another_cluster(broker: scripted.Broker) -> None:
    broker.cluster = "rabbit@b"
    tally = Tally()
    with pytest.raises(Unavailable, match="is cluster 'rabbit@b', and http://localhost:15672 is cluster 'rabbit@a'"):
        publish(session_of([PLAIN], cluster="rabbit@a"), None, iter(messages(5)), tally, lambda: None, lambda: False)
    assert (tally.routed, tally.unconfirmed, broker.published) == (0, 0, [])
