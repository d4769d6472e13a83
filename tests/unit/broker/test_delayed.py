"""Messages that come back to a quorum queue and wait before they are delivered again."""

from typing import Any

import pytest
from pamqp import commands

from .client import encoded, gathered
from .management.conftest import Api
from .test_consumer_timeout import QUORUM, World

ALL = {**QUORUM, "x-delayed-retry-type": "all", "x-delayed-retry-min": 1000}


@pytest.fixture
def api() -> Api:
    return Api()


def returning(world: World, settle: Any) -> None:
    """The only message is delivered, and comes back."""
    got = world.client.get("q")
    assert got is not None
    settle.delivery_tag = got.method.delivery_tag
    assert world.client.raw(encoded(settle)) == []


def fails() -> Any:
    return commands.Basic.Reject(requeue=True)


def filled(arguments: dict[str, Any], bodies: int = 1) -> World:
    world = World()
    world.client.declare("q", durable=True, arguments=arguments)
    for number in range(bodies):
        world.client.publish(str(number).encode(), "q")
    return world


def waits(world: World) -> float:
    """How long the message waits."""
    until: float = world.queue.delayed.next
    return round(until - world.clock.now, 3)


@pytest.mark.parametrize(
    ("kind", "failure", "other"),
    [("all", True, True), ("failed", True, False), ("returned", False, True), ("disabled", False, False)],
)
def test_which_returns_wait(kind: str, failure: bool, other: bool) -> None:
    arguments = {**ALL, "x-delayed-retry-type": kind}
    for settle, wait in ((fails(), failure), (commands.Basic.Nack(), other)):
        world = filled(arguments)
        returning(world, settle)
        assert (world.client.get("q", no_ack=True) is None) is wait
        world.after(1)
        assert (world.client.get("q", no_ack=True) is not None) is wait


def test_each_failure_makes_it_wait_longer_up_to_a_maximum() -> None:
    world = filled({**ALL, "x-delayed-retry-max": 2500})
    waited = []
    for _ in range(4):
        returning(world, fails())
        waited.append(waits(world))
        world.after(waited[-1])
    assert waited == [1.0, 2.0, 2.5, 2.5]


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [
        (1000, None, 1.0),
        (1000, "9", 1.0),
        (1000, 0, 1.0),
        (1000, 400, 0.4),
        (0, 5, None),
        ("1000", 5, None),
        (None, 5, None),
    ],
)
def test_arguments_of_any_value(least: Any, most: Any, expected: float | None) -> None:
    given = {"x-delayed-retry-min": least, "x-delayed-retry-max": most}
    world = filled({**QUORUM, "x-delayed-retry-type": "all", **{k: v for k, v in given.items() if v is not None}})
    returning(world, fails())
    assert (waits(world) if len(world.queue.delayed) else None) == expected


def test_they_come_before_what_waits_and_to_consumers_in_their_order() -> None:
    world = filled(ALL, 3)
    for _ in range(2):
        world.client.get("q")
    world.client.raw(encoded(commands.Basic.Nack(0, True, True)))
    world.client.raw(encoded(commands.Basic.Consume(queue="q", consumer_tag="t", no_ack=True)))
    assert [each.body for each in gathered(world.after(1))] == [b"0", b"1"]


def test_what_waits_counts_for_limits_and_goes_with_a_purge() -> None:
    world = filled({**ALL, "x-max-length": 1})
    returning(world, fails())
    world.client.publish(b"too much", "q")
    assert world.counts() == (0, 0)
    assert world.queue.count == 1
    answer = world.client.call(commands.Queue.Purge(queue="q"))
    assert answer.message_count == 1
    assert world.queue.count == 0
    assert world.after(5) == []
    assert world.broker.node.held.bytes == 0


def test_a_queue_is_deleted_with_what_waits() -> None:
    world = filled(ALL)
    returning(world, fails())
    world.client.raw(encoded(commands.Queue.Delete(queue="q")))
    world.after(5)
    assert world.broker.node.held.bytes == 0
    assert len(world.broker.node.timers) == 0


def test_one_that_expired_while_it_waited_is_dead_lettered_when_it_comes_back() -> None:
    dead = {"x-message-ttl": 500, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    world = filled({**ALL, **dead})
    world.client.declare("dead")
    returning(world, fails())
    world.after(0.9)
    assert world.client.get("dead") is None
    world.after(0.1)
    assert world.client.get("dead") is not None


def test_lists_show_what_waits(api: Api) -> None:
    api("PUT", "queues/%2F/q", {"durable": True, "arguments": ALL})
    body = {
        "routing_key": "q",
        "payload": "1234567890",
        "payload_encoding": "string",
        "properties": {"delivery_mode": 2},
    }
    api("POST", "exchanges/%2F/amq.default/publish", body)
    api("POST", "queues/%2F/q/get", {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"})
    row = api.get("queues/%2F/q")
    assert row["delayed_retry"] == "all (min: 1000ms, max: 1000ms)"
    assert (row["messages"], row["messages_ready"], row["messages_delayed"]) == (1, 0, 1)
    assert row["message_bytes"] == row["message_bytes_ready"] > 10
    assert row["messages_persistent"] == 1
    assert row["next_delayed_at"] == row["last_delayed_at"] == round((api.clock.now + 1) * 1000)
    assert api.get("overview")["queue_totals"]["messages"] == 1
    api.pass_time(1)
    row = api.get("queues/%2F/q")
    assert (row["messages_ready"], row["messages_delayed"]) == (1, 0)
    assert "next_delayed_at" not in row


@pytest.mark.parametrize(
    ("policy", "operator", "arguments", "expected"),
    [
        ({"delayed-retry-type": "all", "delayed-retry-min": 5}, {}, {}, "all (min: 5ms, max: 5ms)"),
        ({"delayed-retry-type": "failed", "delayed-retry-min": 5}, {}, ALL, "failed (min: 5ms, max: 5ms)"),
        ({"delayed-retry-min": 5000}, {}, ALL, "all (min: 1000ms, max: 1000ms)"),
        ({"delayed-retry-max": 5000}, {}, ALL, "all (min: 1000ms, max: 5000ms)"),
        ({"delayed-retry-type": "disabled"}, {}, ALL, "disabled"),
        (
            {"delayed-retry-type": "all", "delayed-retry-min": 5, "delayed-retry-max": 50},
            {"delayed-retry-type": "failed", "delayed-retry-min": 9, "delayed-retry-max": 20},
            {},
            "failed (min: 9ms, max: 20ms)",
        ),
    ],
)
def test_policies(
    api: Api, policy: dict[str, Any], operator: dict[str, Any], arguments: dict[str, Any], expected: str
) -> None:
    for where, definition in (("policies", policy), ("operator-policies", operator)):
        if definition:
            api("PUT", f"{where}/%2F/p", {"pattern": "q", "definition": definition, "apply-to": "queues"})
    api("PUT", "queues/%2F/q", {"durable": True, "arguments": {**QUORUM, **arguments}})
    assert api.get("queues/%2F/q")["delayed_retry"] == expected
