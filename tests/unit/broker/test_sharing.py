"""Several consumers: how they share the limit of their channel, and which of them is the active one."""

import pytest
from pamqp import commands

from .client import Client, Clock, encoded, gathered, new_broker, publish

Basic, Queue = commands.Basic, commands.Queue


def deliveries(client: Client) -> list[tuple[str, bytes, int]]:
    """Who has got what meanwhile, with which tag."""
    messages = gathered([each for _, each in client.frames()])
    return [(each.method.consumer_tag, each.body, each.method.delivery_tag) for each in messages]


@pytest.mark.parametrize("prefetch", [1, 2])
def test_the_consumers_of_a_channel_share_its_limit(prefetch: int) -> None:
    client = Client(new_broker())
    client.declare("q")
    client.call(Basic.Qos(prefetch_count=prefetch, global_=True))
    for tag in ("a", "b"):
        client.call(Basic.Consume(queue="q", consumer_tag=tag))
    for _ in range(6):
        client.connection.receive(publish(b"x", "q"))
    had = {"a": 0, "b": 0}
    while delivered := deliveries(client):
        for consumer, _, tag in delivered:
            had[consumer] += 1
            client.connection.receive(encoded(Basic.Ack(tag)))
    assert had == {"a": 3, "b": 3}


def test_a_consumer_that_acknowledges_nothing_waits_for_the_limit_and_does_not_count() -> None:
    client = Client(new_broker())
    for queue in ("q", "r"):
        client.declare(queue)
    client.call(Basic.Qos(prefetch_count=1, global_=True))
    client.call(Basic.Consume(queue="q", consumer_tag="a"))
    client.call(Basic.Consume(queue="r", consumer_tag="b", no_ack=True))
    client.connection.receive(publish(b"1", "q") + publish(b"2", "r") + publish(b"3", "r"))
    assert deliveries(client) == [("a", b"1", 1)]
    client.connection.receive(encoded(Basic.Ack(1)))
    assert deliveries(client) == [("b", b"2", 2), ("b", b"3", 3)]


def test_the_active_consumer_of_a_quorum_queue_gives_way_when_it_has_acknowledged_everything() -> None:
    client = Client(new_broker())
    arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True}
    client.declare("q", durable=True, arguments=arguments)
    client.call(Basic.Consume(queue="q", consumer_tag="low"))
    client.connection.receive(publish(b"1", "q") + publish(b"2", "q"))
    assert deliveries(client) == [("low", b"1", 1), ("low", b"2", 2)]
    client.call(Basic.Consume(queue="q", consumer_tag="high", arguments={"x-priority": 5}))
    client.connection.receive(publish(b"3", "q") + encoded(Basic.Ack(1)))
    assert deliveries(client) == []
    client.connection.receive(encoded(Basic.Ack(2)))
    assert deliveries(client) == [("high", b"3", 3)]


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_what_has_expired_behind_the_head_goes_with_it(kind: str) -> None:
    clock = Clock()
    client = Client(new_broker(clock))
    client.declare("dead")
    dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    client.declare("q", durable=True, arguments={"x-queue-type": kind, **dead_letters})
    client.publish(b"first", "q")
    client.publish(b"short", "q", expiration="100")
    client.publish(b"last", "q")
    clock.now += 1
    client.broker.node.tick()
    assert client.get("dead") is None
    client.call(Basic.Qos(prefetch_count=1))
    client.connection.receive(encoded(Basic.Consume(queue="q", consumer_tag="t")))
    client.frames()
    dead = client.get("dead")
    assert dead is not None
    assert dead.body == b"short"
    assert client.declare("q", passive=True).message_count == 1


def test_a_passive_declaration_uses_the_queue() -> None:
    clock = Clock()
    client = Client(new_broker(clock))
    client.declare("q", arguments={"x-expires": 1000})
    for _ in range(3):
        clock.now += 0.7
        client.broker.node.now = clock.now
        client.declare("q", passive=True)
        client.broker.node.tick()
    clock.now += 1.1
    client.broker.node.tick()
    assert client.call(Queue.Declare(queue="q", passive=True)).reply_code == 404


def test_a_queue_of_another_connection_cannot_be_unbound() -> None:
    owner = Client(new_broker())
    owner.declare("q", exclusive=True)
    owner.call(Queue.Bind(queue="q", exchange="amq.fanout", routing_key=""))
    other = Client(owner.broker)
    assert other.call(Queue.Unbind(queue="q", exchange="amq.fanout", routing_key="")).reply_code == 405


def test_a_quorum_queue_drops_its_head_where_a_classic_one_rejects() -> None:
    client = Client(new_broker())
    client.declare("dead")
    arguments = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish-dlx"}
    dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    client.declare("q", durable=True, arguments={**arguments, **dead_letters})
    for body in (b"1", b"2"):
        client.publish(body, "q")
    for queue, left in (("q", b"2"), ("dead", b"1")):
        got = client.get(queue)
        assert got is not None
        assert got.body == left


@pytest.mark.parametrize(("first", "second"), [(10, 10.0), (1, True), (0, False), (1.0, True)])
def test_equal_values_of_other_types_do_not_agree(first: object, second: object) -> None:
    client = Client(new_broker())
    client.declare("q", arguments={"x-queue-mode": first})
    assert client.call(Queue.Declare(queue="q", arguments={"x-queue-mode": second})).reply_code == 406
