"""Consumers of a queue against a model: who gets what and in which order, what is refused, and where the rest ends up."""

from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pamqp import base, commands

from .client import Client, Clock, encoded, gathered, new_broker, publish

Basic, Queue = commands.Basic, commands.Queue
TTL = 10
LIMIT = 3
PRIORITIES = 2
KINDS: list[dict[str, Any]] = [
    {},
    {"x-message-ttl": TTL * 1000},
    {"x-max-length": LIMIT},
    {"x-max-length": LIMIT, "x-overflow": "reject-publish"},
    {"x-max-priority": PRIORITIES},
    {"x-max-priority": PRIORITIES, "x-message-ttl": TTL * 1000, "x-max-length": LIMIT},
]


class Sent(NamedTuple):
    """In the order of delivery: higher priorities first, then what was published first."""

    rank: int
    number: int
    expires: float
    redelivered: bool


class Consumers(RuleBasedStateMachine):
    """`ready` in its order; `held` by delivery tag, each with the tag of its consumer; `dead` are (number, reason).

    A consumer's `limit` is its prefetch count, 0 without one.
    """

    @initialize(arguments=st.sampled_from(KINDS))
    def begin(self, arguments: dict[str, Any]) -> None:
        self.clock = Clock()
        self.broker = new_broker(self.clock)
        self.client = Client(self.broker)
        self.client.declare("dead")
        dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
        self.client.declare("q", arguments=arguments | dead_letters)
        self.client.call(commands.Confirm.Select())
        self.arguments = arguments
        self.ready: list[Sent] = []
        self.held: dict[int, tuple[Sent, str]] = {}
        self.dead: list[tuple[int, str]] = []
        self.limits: dict[str, int] = {}
        self.shared_limit = self.published = self.tag = self.named = 0

    # ------------------------------------------------------------------------------------------------ what clients do

    @rule(priority=st.integers(0, PRIORITIES + 1))
    def publish(self, priority: int) -> None:
        number, self.published = self.published, self.published + 1
        full = len(self.ready) >= LIMIT and self.arguments.get("x-overflow") == "reject-publish"
        if not full:
            rank = -min(priority, self.arguments.get("x-max-priority", 0))
            self.ready = sorted([*self.ready, Sent(rank, number, self.clock.now + TTL, False)])
        answers = self._after(publish(b"%d" % number, "q", priority=priority))
        assert [type(each) for each in answers] == [Basic.Nack if full else Basic.Ack]
        assert answers[0].delivery_tag == self.published

    @precondition(lambda self: len(self.limits) < 3)
    @rule(prefetch=st.integers(0, 3))
    def consume(self, prefetch: int) -> None:
        self.client.call(Basic.Qos(prefetch_count=prefetch))
        self.named += 1
        name = f"consumer {self.named}"
        self.limits[name] = prefetch
        assert [type(each) for each in self._after(encoded(Basic.Consume(queue="q", consumer_tag=name)))] == [
            Basic.ConsumeOk
        ]

    @precondition(lambda self: self.limits)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """What it has not acknowledged is still the channel's."""
        name = data.draw(st.sampled_from(sorted(self.limits)))
        del self.limits[name]
        assert len(self._after(encoded(Basic.Cancel(name)))) == 1

    @rule(limit=st.integers(0, 4))
    def limit_the_channel(self, limit: int) -> None:
        self.shared_limit = limit
        assert len(self._after(encoded(Basic.Qos(prefetch_count=limit, global_=True)))) == 1

    @precondition(lambda self: self.held)
    @rule(data=st.data(), multiple=st.booleans())
    def ack(self, data: st.DataObject, multiple: bool) -> None:
        tag = data.draw(st.sampled_from(sorted(self.held)))
        self._settled(tag, multiple)
        assert self._after(encoded(Basic.Ack(tag, multiple))) == []

    @precondition(lambda self: self.held)
    @rule(data=st.data(), multiple=st.booleans())
    def requeue(self, data: st.DataObject, multiple: bool) -> None:
        tag = data.draw(st.sampled_from(sorted(self.held)))
        back = [each._replace(redelivered=True) for each in self._settled(tag, multiple)]
        self.ready = sorted([*self.ready, *back])
        assert self._after(encoded(Basic.Nack(tag, multiple, True))) == []

    @precondition(lambda self: self.held)
    @rule(data=st.data(), multiple=st.booleans())
    def reject(self, data: st.DataObject, multiple: bool) -> None:
        tag = data.draw(st.sampled_from(sorted(self.held)))
        self.dead += [(each.number, "rejected") for each in self._settled(tag, multiple)]
        assert self._after(encoded(Basic.Nack(tag, multiple, False))) == []

    @rule(seconds=st.integers(1, TTL))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds
        self.broker.node.tick()
        assert self._after(b"") == []

    # ------------------------------------------------------------------------------------------------- what has to hold

    @invariant()
    def counts_agree(self) -> None:
        if hasattr(self, "client"):
            queue = self.broker.vhosts["/"].queues["q"]
            assert (queue.ready.count, queue.unacked) == (len(self.ready), len(self.held))
            assert len(queue.consumers) == len(self.limits)

    @invariant()
    def nothing_waits_for_a_consumer_with_room(self) -> None:
        if hasattr(self, "client") and self.ready:
            assert not [name for name in self.limits if self._has_room(name)]

    def teardown(self) -> None:
        if not hasattr(self, "client"):
            return
        found = []
        while (got := self.client.get("dead", no_ack=True)) is not None:
            found.append((int(got.body), got.properties.headers["x-death"][0]["reason"]))
        assert found == self.dead
        self.client.connection.lost()
        queue = self.broker.vhosts["/"].queues["q"]
        assert (len(queue.consumers), queue.unacked) == (0, 0)

    # ---------------------------------------------------------------------------------------------------------- the model

    def _after(self, data: bytes) -> list[Any]:
        """What is answered beside deliveries, which have to be those of the model."""
        self._drop()
        frames = [each for _, each in self.client.raw(data)]
        messages = gathered(frames)
        for method, _, text in messages:
            expected = self.ready.pop(0)
            self.tag += 1
            assert (int(text), method.redelivered, method.delivery_tag) == (
                expected.number,
                expected.redelivered,
                self.tag,
            )
            assert self._has_room(method.consumer_tag)
            self.held[self.tag] = expected, method.consumer_tag
        # One that has expired may be the first now.
        self.broker.node.tick()
        self._drop()
        return [each for each in frames if isinstance(each, base.Frame) and not isinstance(each, Basic.Deliver)]

    def _drop(self) -> None:
        """The expired ones, as far as none stands before them that is not; then what is too much."""
        if "x-message-ttl" in self.arguments:
            while self.ready and self.ready[0].expires <= self.clock.now:
                self.dead.append((self.ready.pop(0).number, "expired"))
        if "x-max-length" in self.arguments and "x-overflow" not in self.arguments:
            while len(self.ready) > LIMIT:
                self.dead.append((self.ready.pop(0).number, "maxlen"))

    def _has_room(self, name: str) -> bool:
        taken = [consumer for _, consumer in self.held.values()]
        limit = self.limits[name]
        return (not limit or taken.count(name) < limit) and (not self.shared_limit or len(taken) < self.shared_limit)

    def _settled(self, tag: int, multiple: bool) -> list[Sent]:
        """In the order in which they count: each consumer's, by their names."""
        tags = [each for each in self.held if each <= tag] if multiple else [tag]
        return [self.held.pop(each)[0] for each in sorted(tags, key=lambda each: self.held[each][1])]


TestConsumers = Consumers.TestCase
TestConsumers.settings = settings(max_examples=60, stateful_step_count=40)
