"""The animals: each a function that lives in its cage until the end of the round, with the kinds it may be named as."""

import contextlib
import itertools
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import pika
from pika.adapters.blocking_connection import BlockingChannel

from ..contract import wire
from .amqp10 import Receiver
from .cage import Cage, Got, acknowledge, ignore, settle_down

EVERYWHERE = frozenset(("embedded", "310", "43"))
REAL = frozenset(("310", "43"))
MODERN = frozenset(("43",))


class Animal(NamedTuple):
    """`kinds`: as what it may be named; none for one that must not be named. `where` it lives."""

    name: str
    kinds: frozenset[str]
    live: Callable[[Cage], None]
    where: frozenset[str] = EVERYWHERE


ANIMALS: list[Animal] = []


def bad(*kinds: str, where: frozenset[str] = EVERYWHERE) -> Callable[[Callable[[Cage], None]], Callable[[Cage], None]]:
    """An animal that has to be named as one of those kinds. The docstring is its name."""

    def add(live: Callable[[Cage], None]) -> Callable[[Cage], None]:
        ANIMALS.append(Animal((live.__doc__ or "").rstrip("."), frozenset(kinds), live, where))
        return live

    return add


good = bad
"""One that has to be left alone is named as nothing."""


# Those that forget


@bad("stuck")
def prefetch_1(cage: Cage) -> None:
    """never acknowledges, prefetch 1."""
    with cage.channel(3) as channel:
        cage.consume(channel, ignore, 1)
        cage.stay(channel)


@bad("forgetting")
def prefetch_with_room(cage: Cage) -> None:
    """never acknowledges, prefetch 10, three messages."""
    with cage.channel(3) as channel:
        cage.consume(channel, ignore, 10)
        cage.stay(channel)


@bad("forgetting")
def unlimited(cage: Cage) -> None:
    """never acknowledges, unlimited prefetch."""
    with cage.channel(5) as channel:
        cage.consume(channel, ignore)
        cage.stay(channel)


@bad("forgetting")
def unlimited_under_load(cage: Cage) -> None:
    """never acknowledges, unlimited prefetch, messages all the time."""
    with cage.channel() as channel:
        cage.consume(channel, ignore)
        cage.publishing()
        cage.stay(channel)


@bad("stuck")
def exclusive(cage: Cage) -> None:
    """never acknowledges, exclusive consumer."""
    with cage.channel(1) as channel:
        cage.consume(channel, ignore, 1, exclusive=True)
        cage.stay(channel)


@bad("stuck")
def quorum(cage: Cage) -> None:
    """never acknowledges, quorum queue."""
    with cage.channel(2, arguments={"x-queue-type": "quorum"}) as channel:
        cage.consume(channel, ignore, 1)
        cage.stay(channel)


@bad("stuck")
def priority(cage: Cage) -> None:
    """never acknowledges, consumer of a high priority."""
    with cage.channel(2) as channel:
        cage.consume(channel, ignore, 1, arguments={"x-priority": 10})
        cage.stay(channel)


@bad("stuck")
def single_active(cage: Cage) -> None:
    """never acknowledges, single active consumer with others that wait."""
    with cage.channel(3, arguments={"x-single-active-consumer": True}) as channel:
        for _ in range(3):
            cage.consume(channel, ignore, 1)
        cage.stay(channel)


@bad("stuck")
def exclusive_queue(cage: Cage) -> None:
    """never acknowledges, exclusive queue that is not durable."""
    with cage.channel(2, durable=False, exclusive=True) as channel:
        cage.consume(channel, ignore, 1)
        cage.stay(channel)


@bad("forgetting")
def priorities(cage: Cage) -> None:
    """never acknowledges, queue with priorities."""
    with cage.channel(3, arguments={"x-max-priority": 5}) as channel:
        cage.consume(channel, ignore, 10)
        cage.stay(channel)


@bad("stuck")
def second_channel(cage: Cage) -> None:
    """never acknowledges, beside a healthy channel of the same connection."""
    with cage.channel(2, " forgotten") as channel:
        cage.fill(channel.connection, 0)
        cage.consume(channel, ignore, 1, " forgotten")
        cage.consume(channel.connection.channel(), acknowledge, 5)
        cage.publishing()
        cage.stay(channel)


@bad("stuck")
def global_qos(cage: Cage) -> None:
    """never acknowledges, prefetch of the whole channel."""
    with cage.channel(5) as channel:
        channel.basic_qos(prefetch_count=2, global_qos=True)
        cage.consume(channel, ignore)
        cage.stay(channel)


@bad("forgetting")
def beside(cage: Cage) -> None:
    """acknowledges one queue's messages and forgets those of another on the same channel."""
    with cage.channel(1, " forgotten") as channel, cage.channel():
        cage.consume(channel, ignore, 5, " forgotten")
        cage.consume(channel, acknowledge, 5)
        cage.publishing()
        cage.stay(channel)


@bad("got without ack")
def got(cage: Cage) -> None:
    """basic.get and no ack."""
    with cage.channel(1) as channel:
        channel.basic_get(cage.name)
        cage.stay(channel)


@bad("got without ack")
def cancelled(cage: Cage) -> None:
    """cancels its consumer and keeps what that was given."""
    with cage.channel(3) as channel:
        cage.consume(channel, ignore, 10, consumer_tag="once")
        settle_down(channel, 1)
        channel.basic_cancel("once")
        cage.stay(channel)


@bad("open transaction")
def open_acks(cage: Cage) -> None:
    """transaction with acknowledgements and no commit."""
    with cage.channel(3) as channel:
        channel.tx_select()
        cage.consume(channel, acknowledge, 3)
        cage.stay(channel)


@bad("open transaction")
def open_publishes(cage: Cage) -> None:
    """transaction with messages and no commit."""
    with cage.channel() as channel:
        channel.tx_select()
        channel.basic_publish("", cage.name, b"x")
        cage.stay(channel)


@bad("redelivery loop")
def loop_of_nacks(cage: Cage) -> None:
    """basic.nack with requeue, again and again."""
    with cage.channel(1) as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 0.1, ch.basic_nack, got.delivery_tag), 1)
        cage.stay(channel)


@bad("redelivery loop")
def loop_of_rejects(cage: Cage) -> None:
    """basic.reject with requeue, once a second."""
    with cage.channel(1) as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 1, ch.basic_reject, got.delivery_tag), 1)
        cage.stay(channel)


@bad("redelivery loop")
def loop_of_recovers(cage: Cage) -> None:
    """basic.recover, again and again."""
    with cage.channel(2) as channel:
        cage.consume(channel, ignore)
        while not cage.ended:
            settle_down(channel, 0.2)
            channel.basic_recover(requeue=True)


def _after(cage: Cage, seconds: float, do: Callable[..., Any], *words: Any) -> None:
    cage.busy(seconds)
    do(*words)


@bad("stuck")
def fell_silent(cage: Cage) -> None:
    """acknowledged before, then no more, with a full prefetch."""
    with cage.channel(50) as channel:
        cage.consume(channel, _some(20), 5)
        cage.stay(channel)


def _some(number: int) -> Callable[[BlockingChannel, Got], None]:
    """Acknowledges the first ones."""
    left = iter(range(number))
    return lambda channel, got: acknowledge(channel, got) if next(left, None) is not None else None


@bad("stuck")
def leaked_until_full(cage: Cage) -> None:
    """acknowledges nine of ten until its prefetch of 20 is full."""
    with cage.channel(400) as channel:
        cage.consume(channel, _all_but_each(10), 20)
        cage.stay(channel)


def _all_but_each(number: int) -> Callable[[BlockingChannel, Got], None]:
    """Forgets each of that number."""
    count = itertools.count(1)
    return lambda channel, got: acknowledge(channel, got) if next(count) % number else None


@bad("leak")
def leak(cage: Cage) -> None:
    """acknowledges nine of ten, prefetch 1000."""
    with cage.channel() as channel:
        cage.consume(channel, _all_but_each(10), 1000)
        cage.publishing()
        cage.stay(channel)


@bad("leak", where=REAL)
def small_leak(cage: Cage) -> None:
    """acknowledges 49 of 50, prefetch 1000."""
    with cage.channel() as channel:
        cage.consume(channel, _all_but_each(50), 1000)
        cage.publishing(0.1, burst=5)
        cage.stay(channel)


@bad("leak")
def leak_unlimited(cage: Cage) -> None:
    """acknowledges nine of ten, unlimited prefetch."""
    with cage.channel() as channel:
        cage.consume(channel, _all_but_each(10))
        cage.publishing()
        cage.stay(channel)


@bad("leak")
def leak_of_a_quorum_queue(cage: Cage) -> None:
    """acknowledges nine of ten, quorum queue."""
    with cage.channel(arguments={"x-queue-type": "quorum"}) as channel:
        cage.consume(channel, _all_but_each(10), 1000)
        cage.publishing()
        cage.stay(channel)


@bad("leak")
def leak_in_a_team(cage: Cage) -> None:
    """acknowledges nine of ten, two healthy ones consume the same queue."""
    team = Cage(cage.keeper, f"{cage.name} (team)")
    with cage.channel() as channel, team.channel() as first, team.channel() as second:
        cage.consume(channel, _all_but_each(10), 1000)
        for other in (first, second):
            other.basic_qos(prefetch_count=10)
            other.basic_consume(cage.name, lambda ch, got, *_: acknowledge(ch, got))
        cage.publishing(0.03)
        while not cage.ended:
            for each in (channel, first, second):
                each.connection.process_data_events(0.005)


@bad("leak")
def forgets_redelivered(cage: Cage) -> None:
    """forgets the messages that are redelivered, one of ten."""
    count = itertools.count(1)

    def handle(channel: BlockingChannel, got: Got) -> None:
        if got.redelivered:
            return
        if next(count) % 10:
            acknowledge(channel, got)
        else:
            channel.basic_nack(got.delivery_tag)

    with cage.channel() as channel:
        cage.consume(channel, handle, 1000)
        cage.publishing()
        cage.stay(channel)


@bad("leak")
def rejects_and_forgets(cage: Cage) -> None:
    """acknowledges six of ten, rejects three for good and forgets one."""
    count = itertools.count(1)

    def handle(channel: BlockingChannel, got: Got) -> None:
        number = next(count) % 10
        if number in (2, 5, 8):
            _refuse(channel, got)
        elif number:
            acknowledge(channel, got)

    with cage.channel() as channel:
        cage.consume(channel, handle, 1000)
        cage.publishing()
        cage.stay(channel)


@bad("leak", where=REAL)
def gets_and_forgets(cage: Cage) -> None:
    """basic.get, acknowledges nine of ten."""
    handle = _all_but_each(10)
    with cage.channel() as channel:
        cage.publishing()
        while not cage.ended:
            got, _, _ = channel.basic_get(cage.name)
            if got is not None:
                handle(channel, got)
            settle_down(channel, 0.03)


@bad("stuck")
def wrong_channel(cage: Cage) -> None:
    """acknowledges on another channel than it got the message on."""
    with cage.channel(2) as channel:

        def handle(_: BlockingChannel, got: Got) -> None:
            other = channel.connection.channel()
            with contextlib.suppress(pika.exceptions.AMQPError):
                other.basic_ack(got.delivery_tag)
                other.queue_declare(cage.name, passive=True)

        cage.consume(channel, handle, 1)
        cage.stay(channel)


# Those that do not


@good()
def slow(cage: Cage) -> None:
    """takes 2 s for each message."""
    with cage.channel(60) as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 2, acknowledge, ch, got), 1)
        cage.stay(channel)


@good()
def slower(cage: Cage) -> None:
    """takes 3 s for each message, prefetch 2."""
    with cage.channel(60) as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 3, acknowledge, ch, got), 2)
        cage.stay(channel)


@good()
def late_but_steady(cage: Cage) -> None:
    """acknowledges each message 6 s after it came, ten a second."""
    with cage.channel() as channel:
        connection = channel.connection

        def finish(got: Got) -> None:
            # At the end of the round there is still some of it to come.
            if not cage.ended:
                acknowledge(channel, got)

        def handle(_: BlockingChannel, got: Got) -> None:
            connection.call_later(6, lambda: finish(got))

        cage.consume(channel, handle, 500)
        cage.publishing()
        cage.stay(channel)


@good()
def slow_with_room(cage: Cage) -> None:
    """takes 0.4 s for each message, prefetch 20, as many come."""
    with cage.channel() as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 0.4, acknowledge, ch, got), 20)
        cage.publishing(0.45)
        cage.stay(channel)


@good()
def healthy(cage: Cage) -> None:
    """healthy, under load."""
    with cage.channel() as channel:
        cage.consume(channel, acknowledge, 10)
        cage.publishing(0.1)
        cage.stay(channel)


@good()
def bursts(cage: Cage) -> None:
    """healthy, a burst of 100 messages every 3 s."""
    with cage.channel() as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 0.01, acknowledge, ch, got), 200)
        cage.publishing(3, burst=100)
        cage.stay(channel)


@good()
def healthy_unlimited(cage: Cage) -> None:
    """healthy, unlimited prefetch."""
    with cage.channel() as channel:
        cage.consume(channel, acknowledge)
        cage.publishing(0.06)
        cage.stay(channel)


@good(where=REAL)
def stream(cage: Cage) -> None:
    """consumes a stream and never acknowledges."""
    with cage.channel(3, arguments={"x-queue-type": "stream"}) as channel:
        cage.consume(channel, ignore, 2, arguments={"x-stream-offset": "first"})
        cage.stay(channel)


@good()
def automatic(cage: Cage) -> None:
    """auto-ack on an auto-delete queue."""
    with cage.channel(durable=False, auto_delete=True, exclusive=True) as channel:
        cage.consume(channel, ignore, auto_ack=True)
        publisher = channel.connection.channel()
        while not cage.ended:
            publisher.basic_publish("", cage.name, b"more")
            channel.connection.process_data_events(0.05)


@good()
def batches(cage: Cage) -> None:
    """acknowledges every 50th with multiple, prefetch 100."""
    with cage.channel() as channel:
        cage.consume(channel, _batch(50), 100)
        cage.publishing()
        cage.stay(channel)


@good()
def long_batches(cage: Cage) -> None:
    """acknowledges every 50th with multiple, unlimited prefetch, five messages a second."""
    with cage.channel(51) as channel:
        cage.consume(channel, _batch(50))
        cage.publishing(0.2)
        cage.stay(channel)


def _batch(size: int) -> Callable[[BlockingChannel, Got], None]:
    def handle(channel: BlockingChannel, got: Got) -> None:
        if got.delivery_tag % size == 0:
            channel.basic_ack(got.delivery_tag, multiple=True)

    return handle


@good()
def idle(cage: Cage) -> None:
    """waits at an empty queue."""
    with cage.channel() as channel:
        cage.consume(channel, acknowledge, 5)
        cage.stay(channel)


@good()
def drains(cage: Cage) -> None:
    """prefetch 5000, drains a backlog."""
    with cage.channel(2500) as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 0.02, acknowledge, ch, got), 5000)
        cage.stay(channel)


@good()
def catches_up(cage: Cage) -> None:
    """prefetch 10, has a backlog while more comes."""
    with cage.channel(1500) as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 0.03, acknowledge, ch, got), 10)
        cage.publishing(0.1)
        cage.stay(channel)


@good()
def gets(cage: Cage) -> None:
    """basic.get and ack."""
    with cage.channel() as channel:
        cage.publishing(0.1)
        while not cage.ended:
            got, _, _ = channel.basic_get(cage.name)
            if got is not None:
                acknowledge(channel, got)
            settle_down(channel, 0.03)


@good()
def commits(cage: Cage) -> None:
    """transactions that commit."""
    with cage.channel() as channel:
        channel.tx_select()

        def handle(each: BlockingChannel, got: Got) -> None:
            acknowledge(each, got)
            each.tx_commit()

        cage.consume(channel, handle, 1)
        cage.publishing(0.1)
        cage.stay(channel)


@good()
def to_the_dead_letters(cage: Cage) -> None:
    """basic.nack without requeue, to a dead-letter exchange."""
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{cage.name} dead"}
    with cage.channel(200, arguments=dead) as channel, cage.channel(0, " dead"):
        cage.consume(channel, lambda ch, got: _after(cage, 0.1, _refuse, ch, got), 10)
        cage.publishing(0.1)
        cage.stay(channel)


@good()
def to_the_dead_letters_unlimited(cage: Cage) -> None:
    """basic.nack without requeue, unlimited prefetch."""
    with cage.channel() as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 0.05, _refuse, ch, got))
        cage.publishing(0.06)
        cage.stay(channel)


@good()
def sometimes_to_the_dead_letters(cage: Cage) -> None:
    """rejects one of ten for good and acknowledges the others, prefetch 100."""
    count = itertools.count(1)

    def handle(channel: BlockingChannel, got: Got) -> None:
        cage.busy(0.05)
        (acknowledge if next(count) % 10 else _refuse)(channel, got)

    with cage.channel() as channel:
        cage.consume(channel, handle, 100)
        cage.publishing()
        cage.stay(channel)


def _refuse(channel: BlockingChannel, got: Got) -> None:
    channel.basic_nack(got.delivery_tag, requeue=False)


@good()
def reply_to(cage: Cage) -> None:
    """asks again and again, with direct reply-to."""
    with cage.channel() as channel:
        channel.basic_consume("amq.rabbitmq.reply-to", ignore, auto_ack=True)
        answering = channel.connection.channel()

        def answer(_: Any, got: Got, properties: Any, body: bytes) -> None:
            answering.basic_publish("", properties.reply_to, body)
            acknowledge(answering, got)

        answering.basic_consume(cage.name, answer)
        while not cage.ended:
            channel.basic_publish("", cage.name, b"?", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
            settle_down(channel, 0.1)


@good()
def just_started(cage: Cage) -> None:
    """starts while it is looked, and has not finished its first message."""
    cage.keeper.checking.wait()
    with cage.channel(3) as channel:
        cage.consume(channel, lambda ch, got: _after(cage, 20, acknowledge, ch, got), 1)
        cage.stay(channel)


@good()
def first_message(cage: Cage) -> None:
    """takes 5 s for its first message."""
    with cage.channel() as channel:
        cage.consume(channel, _slow_at_first(cage), 1)
        cage.keeper.checking.wait()
        cage.publishing(0.1)
        cage.stay(channel)


def _slow_at_first(cage: Cage) -> Callable[[BlockingChannel, Got], None]:
    pauses = iter((5,))
    return lambda channel, got: _after(cage, next(pauses, 0), acknowledge, channel, got)


@good()
def reconnects(cage: Cage) -> None:
    """reconnects every 3 s with a message that it has not finished."""
    with cage.channel(30):
        pass
    while not cage.ended:
        with cage.channel() as channel:
            cage.consume(channel, lambda ch, got: _after(cage, 0.5, acknowledge, ch, got), 2)
            settle_down(channel, 3)


@good()
def two_on_a_channel(cage: Cage) -> None:
    """two healthy consumers on one channel."""
    with cage.channel() as channel, cage.channel(0, " 2"):
        for queue in ("", " 2"):
            cage.consume(channel, acknowledge, 5, queue)
            cage.publishing(queue=queue)
        cage.stay(channel)


@good()
def waiting_ones(cage: Cage) -> None:
    """single active consumer at work, and others that wait."""
    arguments = {"x-single-active-consumer": True}
    with cage.channel(arguments=arguments) as channel, cage.channel(arguments=arguments) as other:
        for each in (channel, other):
            cage.consume(each, acknowledge, 5)
        cage.publishing()
        while not cage.ended:
            for each in (channel, other):
                each.connection.process_data_events(0.01)


@good()
def healthy_global(cage: Cage) -> None:
    """healthy, prefetch of the whole channel."""
    with cage.channel() as channel:
        channel.basic_qos(prefetch_count=5, global_qos=True)
        cage.consume(channel, acknowledge)
        cage.publishing()
        cage.stay(channel)


@good()
def out_of_order(cage: Cage) -> None:
    """four workers of one consumer, which finish in any order."""
    with cage.channel() as channel:
        connection = channel.connection

        def work(got: Got, seconds: float) -> None:
            cage.busy(seconds)
            with contextlib.suppress(pika.exceptions.AMQPError):
                connection.add_callback_threadsafe(lambda: acknowledge(channel, got))

        pauses = itertools.cycle((0.05, 0.6, 0.1, 1.2))
        cage.consume(channel, lambda _, got: threading.Thread(target=work, args=(got, next(pauses))).start(), 4)
        cage.publishing(0.1)
        cage.stay(channel)
        settle_down(channel, 1.3)


# AMQP 1.0


@bad("forgetting", where=MODERN)
def amqp10_forgets(cage: Cage) -> None:
    """AMQP 1.0, settles nothing, with credit."""
    _settle(cage, 100_000, lambda _: False)


@bad("stuck", where=MODERN)
def amqp10_stuck(cage: Cage) -> None:
    """AMQP 1.0, settles nothing, credit used up."""
    _settle(cage, 5, lambda _: False)


@bad("leak", where=MODERN)
def amqp10_leak(cage: Cage) -> None:
    """AMQP 1.0, settles nine of ten."""
    _settle(cage, 100_000, lambda number: number % 10 != 9)


@good(where=MODERN)
def amqp10_healthy(cage: Cage) -> None:
    """AMQP 1.0, settles all."""
    _settle(cage, 100_000, lambda _: True)


@good(where=MODERN)
def amqp10_idle(cage: Cage) -> None:
    """AMQP 1.0, waits at an empty queue."""
    with cage.channel():
        pass
    receiver = Receiver(cage.keeper.amqp_port, cage.keeper.vhost, cage.name, cage.name, 5)
    with contextlib.closing(receiver):
        cage.keeper.ended.wait()


def _settle(cage: Cage, credit: int, accepts: Callable[[int], bool]) -> None:
    with cage.channel(10):
        pass
    receiver = Receiver(cage.keeper.amqp_port, cage.keeper.vhost, cage.name, cage.name, credit)
    cage.publishing()
    with contextlib.closing(receiver):
        while not cage.ended:
            for delivery in receiver.deliveries(0.2):
                if accepts(delivery):
                    receiver.accept(delivery)
                if cage.ended:
                    break


@good(where=REAL)
def mqtt(cage: Cage) -> None:
    """MQTT, subscribed with QoS 1, gets no message."""
    with contextlib.closing(wire.mqtt(cage.keeper.mqtt_port, cage.name, f"{cage.keeper.vhost}:guest")) as client:
        topic = b"zoo/mqtt"
        body = b"\x00\x01" + len(topic).to_bytes(2, "big") + topic + b"\x01"
        client.sendall(b"\x82" + bytes([len(body)]) + body)
        client.recv(5)
        cage.keeper.ended.wait()
