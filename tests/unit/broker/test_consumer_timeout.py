"""Deliveries that are not acknowledged in time: quorum queues take them back, and tell their consumers."""

from typing import Any

import pytest
from pamqp import commands

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.policies import checked

from .chance import Seeded
from .client import Client, Clock, encoded, gathered, new_broker, publish

QUORUM = {"x-queue-type": "quorum"}
TIMEOUT = {**QUORUM, "x-consumer-timeout": 1000}


class World:
    def __init__(self, consumer_timeout: float | None = 1800.0) -> None:
        self.clock = Clock()
        self.broker = Broker(Node(self.clock, Seeded()), consumer_timeout=consumer_timeout)
        self.broker.seed()
        self.client = Client(self.broker)

    def after(self, seconds: float) -> list[Any]:
        """What the client is sent when so much time has passed."""
        self.clock.now += seconds
        self.broker.node.tick()
        return [each for _, each in self.client.frames()]

    def consuming(self, queue: dict[str, Any], bodies: int = 1, **more: Any) -> None:
        """A queue q whose consumer has messages."""
        self.client.declare("q", durable=True, arguments=queue)
        for number in range(bodies):
            self.client.publish(str(number).encode(), "q")
        self.client.raw(encoded(commands.Basic.Consume(queue="q", consumer_tag="t", **more)))

    @property
    def queue(self) -> Any:
        return self.broker.vhosts["/"].queues["q"]

    def counts(self) -> tuple[int, int]:
        return self.queue.ready.count, self.queue.unacked


def names(frames: list[Any]) -> list[str]:
    return [each.name for each in frames if hasattr(each, "index")]


@pytest.mark.parametrize(
    ("queue", "consumer", "default", "seconds"),
    [
        (None, None, 60.0, 60),
        (30_000, None, 60.0, 30),
        (90_000, None, 60.0, 90),
        (30_000, 5_000, 60.0, 5),
        (30_000, 45_000, 60.0, 45),
        (30_000, None, None, 30),
    ],
)
def test_whose_time_counts(queue: int | None, consumer: int | None, default: float | None, seconds: int) -> None:
    world = World(default)
    arguments = QUORUM if queue is None else {**QUORUM, "x-consumer-timeout": queue}
    world.consuming(arguments, arguments={} if consumer is None else {"x-consumer-timeout": consumer})
    assert world.after(seconds - 0.01) == []
    assert names(world.after(0.01)) == ["Basic.Cancel"]
    assert world.counts() == (1, 0)


def test_for_ever() -> None:
    world = World(None)
    world.consuming(QUORUM)
    assert world.after(1e7) == []
    assert len(world.broker.node.timers) == 0


def test_classic_queues_wait_for_ever() -> None:
    world = World(60)
    world.consuming({})
    assert world.after(1e7) == []
    assert world.counts() == (0, 1)


def test_a_smaller_limit_of_a_policy_counts_for_consumers_that_come_later() -> None:
    world = World()
    world.client.declare("q", durable=True, arguments={**QUORUM, "x-consumer-timeout": 60_000})
    document = {"vhost": "/", "name": "p", "pattern": "q", "definition": {"consumer-timeout": 1000}}
    world.broker.vhosts["/"].set_policy(checked(document))
    world.consuming({**QUORUM, "x-consumer-timeout": 60_000})
    assert names(world.after(1)) == ["Basic.Cancel"]


def test_what_is_delivered_later_has_its_own_time() -> None:
    world = World()
    world.consuming(TIMEOUT)
    world.client.raw(encoded(commands.Basic.Ack(1)))
    assert world.after(0.7) == []
    world.client.raw(publish(b"later", "q"))
    assert world.after(0.9) == []
    assert names(world.after(0.1)) == ["Basic.Cancel"]


def test_a_late_consumer_gets_nothing_until_it_has_acknowledged_everything_that_it_was_late_with() -> None:
    world = World()
    world.consuming(TIMEOUT, 2)
    world.after(1)
    assert world.client.raw(publish(b"new", "q")) == []
    assert world.client.raw(encoded(commands.Basic.Ack(1))) == []
    got = gathered([each for _, each in world.client.raw(encoded(commands.Basic.Ack(2)))])
    assert [(each.body, each.method.redelivered) for each in got] == [(b"0", True), (b"1", True), (b"new", False)]
    assert got[0].properties.headers == {"x-acquired-count": 1}
    assert world.counts() == (0, 3)


@pytest.mark.parametrize("settle", [commands.Basic.Nack(1), commands.Basic.Reject(1), commands.Basic.Recover(True)])
def test_one_that_returns_what_it_was_late_with_gets_nothing(settle: Any) -> None:
    world = World()
    world.consuming(TIMEOUT)
    world.after(1)
    assert gathered([each for _, each in world.client.raw(encoded(settle))]) == []
    assert world.counts() == (1, 0)


def test_what_was_withdrawn_is_settled_once() -> None:
    """Another consumer has it, and acknowledges it: the first one's late answer and end change nothing."""
    world = World()
    world.consuming(TIMEOUT)
    other = Client(world.broker)
    other.raw(encoded(commands.Basic.Consume(queue="q", consumer_tag="u")))
    world.after(1)
    [got] = gathered([each for _, each in other.frames()])
    assert world.counts() == (0, 1)
    other.raw(encoded(commands.Basic.Ack(got.method.delivery_tag)))
    world.client.raw(encoded(commands.Basic.Reject(1, False)))
    world.client.raw(encoded(commands.Channel.Close(200, "", 0, 0)))
    assert world.counts() == (0, 0)
    assert world.broker.node.held.bytes == 0


def test_the_delivery_limit_does_not_count_it() -> None:
    world = World()
    world.consuming({**TIMEOUT, "x-delivery-limit": 0})
    world.after(1)
    assert world.counts() == (1, 0)


@pytest.mark.parametrize("why", ["basic.get", "cancelled before"])
def test_where_there_is_no_consumer_to_tell_the_channel_ends(why: str) -> None:
    world = World()
    if why == "basic.get":
        world.client.declare("q", durable=True, arguments=TIMEOUT)
        world.client.publish(b"0", "q")
        world.client.get("q")
    else:
        world.consuming(TIMEOUT)
        world.client.raw(encoded(commands.Basic.Cancel("t")))
    [close] = world.after(1)
    assert (close.reply_code, close.class_id) == (406, 0)
    assert close.reply_text == (
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: -1 ms. "
        "This timeout value can be configured, see consumers doc guide to learn more"
    )
    assert world.counts() == (1, 0)


def test_a_client_that_agrees_may_use_the_tag_again() -> None:
    world = World()
    world.consuming(TIMEOUT)
    world.after(1)
    assert world.client.raw(encoded(commands.Basic.CancelOk("t"))) == []
    assert len(world.queue.consumers) == 0
    answers = [each for _, each in world.client.raw(encoded(commands.Basic.Consume(queue="q", consumer_tag="t")))]
    assert [each.body for each in gathered(answers)] == [b"0"]


def test_the_next_single_active_consumer_takes_over_and_the_late_one_comes_back_last() -> None:
    world = World()
    world.consuming({**TIMEOUT, "x-single-active-consumer": True})
    world.client.raw(
        encoded(commands.Basic.Consume(queue="q", consumer_tag="u", arguments={"x-consumer-timeout": 9000}))
    )
    [got] = gathered(world.after(1))
    assert got.method.consumer_tag == "u"
    world.client.raw(encoded(commands.Basic.Ack(1)))
    assert world.queue.active.tag == "u"
    world.client.raw(encoded(commands.Basic.Cancel("u")))
    assert world.queue.active.tag == "t"


def test_channels_that_are_gone_are_not_kept() -> None:
    broker = new_broker()
    client = Client(broker)
    client.declare("q", durable=True, arguments=TIMEOUT)
    queue: Any = broker.vhosts["/"].queues["q"]
    for _ in range(3):
        client.raw(encoded(commands.Channel.Open(), 2))
        client.raw(encoded(commands.Basic.Consume(queue="q"), 2))
        client.raw(encoded(commands.Channel.Close(200, "", 0, 0), 2))
    assert len(queue._holders) == 0


def test_the_queue_is_deleted_meanwhile() -> None:
    world = World()
    world.consuming(TIMEOUT, 2)
    world.after(1)
    world.client.raw(encoded(commands.Queue.Delete(queue="q")))
    assert world.client.raw(encoded(commands.Basic.Ack(0, True))) == []
    assert world.after(10) == []
    assert world.broker.node.held.bytes == 0
