"""A queue against a list: whatever clients do with its messages, both hold the same in the same order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pamqp import commands

from .client import Client, Clock, encoded, new_broker

Basic, Queue = commands.Basic, commands.Queue
TTL = 10


class Messages(RuleBasedStateMachine):
    """`ready` are (number, redelivered, expires), in their order; `held` the same by delivery tag.

    Numbers are those of publishing, so the order of what comes back is the order of the numbers.
    """

    @initialize(limit=st.sampled_from([None, 3]), ttl=st.booleans())
    def begin(self, limit: int | None, ttl: bool) -> None:
        self.clock = Clock()
        self.broker = new_broker(self.clock)
        self.client = Client(self.broker)
        arguments = {"x-max-length": limit} if limit else {}
        if ttl:
            arguments["x-message-ttl"] = TTL * 1000
        self.client.declare("q", arguments=arguments)
        self.limit, self.ttl = limit, ttl
        self.ready: list[tuple[int, bool, float]] = []
        self.held: dict[int, tuple[int, bool, float]] = {}
        self.published = self.tag = 0

    @rule()
    def publish(self) -> None:
        self.client.publish(b"%d" % self.published, "q")
        self.ready.append((self.published, False, self.clock.now + TTL))
        self.published += 1
        self._drop()

    @rule()
    def get(self) -> None:
        got = self.client.get("q")
        if not self.ready:
            assert got is None
            return
        assert got is not None
        self.tag += 1
        expected = self.ready.pop(0)
        self.held[self.tag] = expected
        assert (int(got.body), got.method.redelivered, got.method.delivery_tag) == (*expected[:2], self.tag)
        assert got.method.message_count == len(self.ready)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), multiple=st.booleans())
    def ack(self, data: st.DataObject, multiple: bool) -> None:
        tag = data.draw(st.sampled_from(sorted(self.held)))
        assert self.client.raw(encoded(Basic.Ack(tag, multiple))) == []
        self._settled(tag, multiple)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), multiple=st.booleans(), requeue=st.booleans())
    def nack(self, data: st.DataObject, multiple: bool, requeue: bool) -> None:
        tag = data.draw(st.sampled_from(sorted(self.held)))
        assert self.client.raw(encoded(Basic.Nack(tag, multiple, requeue))) == []
        settled = self._settled(tag, multiple)
        self._back(settled if requeue else [])

    @rule()
    def recover(self) -> None:
        self.client.call(Basic.Recover(requeue=True))
        self._back(self._settled(self.tag, multiple=True))

    @rule()
    def purge(self) -> None:
        assert self.client.call(Queue.Purge(queue="q")).message_count == len(self.ready)
        self.ready = []

    @rule(seconds=st.integers(1, TTL))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds
        self.broker.node.tick()
        self._expire()

    @invariant()
    def counts_agree(self) -> None:
        if not hasattr(self, "client"):
            return
        assert self.client.call(Queue.Declare(queue="q", passive=True)).message_count == len(self.ready)
        queue = self.broker.vhosts["/"].queues["q"]
        assert (queue.ready.count, queue.unacked) == (len(self.ready), len(self.held))

    def teardown(self) -> None:
        """What was not acknowledged goes back when the client goes."""
        if not hasattr(self, "client"):
            return
        self.client.connection.lost()
        self._back(list(self.held.values()))
        other = Client(self.broker)
        for number, redelivered, _ in self.ready:
            got = other.get("q", no_ack=True)
            assert got is not None
            assert (int(got.body), got.method.redelivered) == (number, redelivered)
        assert other.get("q") is None

    def _settled(self, tag: int, multiple: bool) -> list[tuple[int, bool, float]]:
        tags = [each for each in self.held if each <= tag] if multiple else [tag]
        return [self.held.pop(each) for each in tags]

    def _back(self, entries: list[tuple[int, bool, float]]) -> None:
        self.ready = sorted([*self.ready, *((number, True, expires) for number, _, expires in entries)])
        self._expire()
        self._drop()

    def _expire(self) -> None:
        while self.ttl and self.ready and self.ready[0][2] <= self.clock.now:
            self.ready.pop(0)

    def _drop(self) -> None:
        if self.limit is not None:
            del self.ready[: max(0, len(self.ready) - self.limit)]


TestMessages = Messages.TestCase
TestMessages.settings = settings(max_examples=60, stateful_step_count=40)
