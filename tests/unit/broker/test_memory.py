"""What messages take: each counts once, however many queues have it, and no longer than any of them does."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from pamqp import commands

from rmqctl.broker.memory import MemoryAlarm

from .client import Client, Clock, encoded, new_broker

Basic, Queue = commands.Basic, commands.Queue
BODY = bytes(10_000)


def fanout(count: int) -> Client:
    """So many queues that get everything."""
    client = Client(new_broker())
    for number in range(count):
        client.declare(f"q{number}")
        client.call(Queue.Bind(queue=f"q{number}", exchange="amq.fanout", routing_key=""))
    return client


def test_a_body_counts_once_in_however_many_queues_it_is() -> None:
    client = fanout(20)
    held = client.broker.node.held
    client.publish(BODY, "", exchange="amq.fanout")
    assert len(BODY) < held.bytes < 2 * len(BODY)
    for number in range(19):
        client.get(f"q{number}", no_ack=True)
    assert len(BODY) < held.bytes
    client.get("q19", no_ack=True)
    assert held.bytes == 0


def test_publishers_stay_blocked_while_the_last_of_many_queues_has_everything() -> None:
    client = fanout(20)
    held, alarm = client.broker.node.held, MemoryAlarm()
    alarm.set_limit(1000)
    for _ in range(10):
        client.publish(BODY, "", exchange="amq.fanout")
    assert alarm.look(1100, held.bytes)
    for number in range(19):
        client.call(Queue.Purge(queue=f"q{number}"))
    assert alarm.look(1100, held.bytes)
    client.call(Queue.Purge(queue="q19"))
    assert not alarm.look(1100, held.bytes)


class Ways(RuleBasedStateMachine):
    """By whatever way messages leave: in the end nothing is held."""

    @initialize(
        more=st.sampled_from(
            [
                {},
                {"x-max-length": 2},
                {"x-max-length": 2, "x-overflow": "reject-publish-dlx"},
                {"x-queue-type": "quorum", "x-delivery-limit": 1},
            ]
        )
    )
    def begin(self, more: dict[str, object]) -> None:
        self.clock = Clock()
        self.broker = new_broker(self.clock)
        self.client, self.other = Client(self.broker), Client(self.broker)
        self.client.declare("dead")
        dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead", "x-message-ttl": 20_000}
        self.arguments = {**dead, **more}
        self.declare()
        self.tag = 0
        self.had: list[int] = []

    def declare(self) -> None:
        for name in ("q", "r"):
            self.client.declare(name, durable=True, arguments=self.arguments)
            self.client.call(Queue.Bind(queue=name, exchange="amq.fanout", routing_key=""))

    @rule()
    def publish(self) -> None:
        self.client.publish(BODY, "", exchange="amq.fanout")

    @rule(no_ack=st.booleans())
    def get(self, no_ack: bool) -> None:
        if self.client.get("q", no_ack=no_ack) is not None:
            self.tag += 1
            self.had += [] if no_ack else [self.tag]

    @precondition(lambda self: self.had)
    @rule(how=st.sampled_from([Basic.Ack, Basic.Nack, Basic.Reject]), requeue=st.booleans())
    def settle(self, how: type, requeue: bool) -> None:
        method = how(self.had.pop()) if how is Basic.Ack else how(self.had.pop(), requeue=requeue)
        self.client.connection.receive(encoded(method))

    @rule(no_ack=st.booleans())
    def consume_for_a_while(self, no_ack: bool) -> None:
        self.other.raw(encoded(Basic.Consume(queue="q", consumer_tag="t", no_ack=no_ack)))
        self.other.connection.lost()
        self.other = Client(self.broker)

    @rule(seconds=st.integers(1, 15))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds
        self.broker.node.tick()

    @rule(name=st.sampled_from(["q", "r"]))
    def purge(self, name: str) -> None:
        self.client.call(Queue.Purge(queue=name))

    @rule()
    def delete(self) -> None:
        self.client.call(Queue.Delete(queue="q"))
        self.declare()

    def teardown(self) -> None:
        if hasattr(self, "client"):
            self.client.connection.lost()
            for name in ("q", "r", "dead"):
                self.other.call(Queue.Purge(queue=name))
            assert self.broker.node.held.bytes == 0


TestWays = Ways.TestCase
TestWays.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
