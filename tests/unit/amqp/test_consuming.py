"""A consumer and its thread, over a connection that a script plays."""

import time
from collections.abc import Callable
from typing import Any

import pika
import pytest
from pika import exceptions
from pika.spec import Basic

from rmqctl.amqp.consuming import Consumer, _Buffer, consuming
from rmqctl.amqp.delivery import Delivery
from rmqctl.errors import TimedOut, Unavailable, Unreachable

from .scripted import Blocking, session

URL = "amqp://broker"


def raising(error: BaseException) -> Callable[[], None]:
    def call() -> None:
        raise error

    return call


def next_of(consumer: Consumer) -> Delivery:
    delivery = consumer.next(10)
    assert delivery is not None
    return delivery


def ended(consumer: Consumer) -> None:
    consumer._thread.join(10)
    assert not consumer._thread.is_alive()


def test_messages_come_and_are_settled_on_the_thread_of_the_connection(blocking: Blocking) -> None:
    channel = blocking.channel()
    with consuming(session(), URL, lambda _: "q", 7) as consumer:
        for tag in (1, 2, 3, 4):
            channel.arrives(tag, b"%d" % tag)
        first, second, third, fourth = (next_of(consumer) for _ in range(4))
        assert [each.body for each in (first, second, third, fourth)] == [b"1", b"2", b"3", b"4"]
        consumer.ack(first)
        consumer.reject(second)
        consumer.failed(third)
        assert consumer.next(0) is None
    assert blocking.did == [
        ("qos", 7),
        ("consume", "q", False),
        ("ack", 1),
        ("reject", 2, False),
        "stop",
        ("reject", 3, True),  # what failed counts as such; the fourth is put back without
        ("nack", 0, True, True),
        "close",
    ]


def test_it_can_be_settled_after_the_end_of_consuming(blocking: Blocking) -> None:
    with consuming(session(), URL, lambda _: "q", 1) as consumer:
        blocking.channel().arrives(1)
        delivery = next_of(consumer)
        consumer.cancel()
        consumer.ack(delivery)
        consumer.cancel()
    assert blocking.did[2:4] == ["stop", ("ack", 1)]


def test_without_acknowledgements_nothing_is_held(blocking: Blocking) -> None:
    with consuming(session(), URL, lambda _: "q", None) as consumer:
        blocking.channel().arrives(1)
        assert (next_of(consumer).got.delivery_tag, consumer.dropped) == (1, 0)
    assert blocking.did[0] == ("consume", "q", True)


def test_a_consumer_that_the_broker_cancels(blocking: Blocking) -> None:
    channel = blocking.channel()

    def consume() -> None:
        with consuming(session(), URL, lambda _: "q", 1) as consumer:
            channel.arrives(1)
            blocking.script.put(channel.cancelled)
            ended(consumer)
            assert next_of(consumer).got.delivery_tag == 1
            consumer.next(10)

    with pytest.raises(Unavailable, match="the broker cancelled the consumer: was queue 'q' deleted"):
        consume()


@pytest.mark.parametrize("wanted", ["next", "ack"])
def test_a_connection_that_is_lost_is_told_where_messages_are_wanted(blocking: Blocking, wanted: str) -> None:
    channel = blocking.channel()

    def consume() -> None:
        with consuming(session(), URL, lambda _: "q", 1) as consumer:
            channel.arrives(1)
            delivery = next_of(consumer)
            channel.arrives(2)
            blocking.script.put(raising(exceptions.StreamLostError("gone")))
            ended(consumer)
            consumer.next(10) if wanted == "next" else consumer.ack(delivery)

    with pytest.raises(Unreachable, match="amqp://broker:5672: the connection was lost: gone"):
        consume()
    # The second has arrived, and belongs to the queue again.
    assert ("ack", 1) not in blocking.did


def test_what_arrived_for_good_is_given_before_the_end_is_told(blocking: Blocking) -> None:
    channel = blocking.channel()

    def consume() -> None:
        with consuming(session(), URL, lambda _: "q", None) as consumer:
            channel.arrives(1)
            blocking.script.put(raising(exceptions.AMQPHeartbeatTimeout("x")))
            ended(consumer)
            assert next_of(consumer).got.delivery_tag == 1
            consumer.next(10)

    with pytest.raises(Unreachable, match="no heartbeat came"):
        consume()


def test_a_connection_that_closes_while_something_is_settled_is_told_by_next(blocking: Blocking) -> None:
    with consuming(session(), URL, lambda _: "q", 1) as consumer:
        blocking.channel().arrives(1)
        delivery = next_of(consumer)
        blocking.is_open = False
        consumer.ack(delivery)  # pika's ConnectionWrongStateError is not the reason that counts
        blocking.is_open = True


def test_the_time_limit_is_for_the_time_before(blocking: Blocking) -> None:
    def slow(_: Any) -> str:
        ((_, _, end),) = blocking.ioloop._due
        end()
        raise AssertionError("the time limit ends it")

    with pytest.raises(TimedOut, match="no answer within 5 seconds"), consuming(session(timeout=5.0), URL, slow, 1):
        pass
    blocking.is_open = True
    blocking.ioloop.close()
    with consuming(session(timeout=5.0), URL, lambda _: "q", 1):
        assert blocking.ioloop._due == []


def delivery(body: bytes) -> Delivery:
    return Delivery(Basic.GetOk(1, False, "e", "k", 0), pika.BasicProperties(), body)


def test_the_oldest_make_room_when_nobody_acknowledges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Buffer, "MESSAGES", 3)
    monkeypatch.setattr(_Buffer, "BYTES", 100)
    few, full = _Buffer(bounded=True), _Buffer(bounded=False)
    for number in range(5):
        few.put(delivery(b"%d" % number))
        full.put(delivery(b"%d" % number))
    assert ([_body(few) for _ in range(4)], few.dropped) == ([b"2", b"3", b"4", None], 2)
    assert ([_body(full) for _ in range(5)], full.dropped) == ([b"0", b"1", b"2", b"3", b"4"], 0)
    large = _Buffer(bounded=True)
    for _ in range(3):
        large.put(delivery(b"x" * 60))
    assert (_body(large), _body(large), large.dropped) == (b"x" * 60, None, 2)


def _body(buffer: _Buffer) -> bytes | None:
    found = buffer.get(0)
    return found.body if found else None


def test_nobody_waits_for_a_message_after_the_end() -> None:
    buffer = _Buffer(bounded=False)
    buffer.end()
    began = time.monotonic()
    assert buffer.get(60) is None
    assert time.monotonic() - began < 5
