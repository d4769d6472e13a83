"""A consumer: who takes messages from a queue, where they go, and whose turn it is."""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.stats import Counts


class Origin(NamedTuple):
    """Where a consumer's messages go, for lists: connection, channel number, peer's host and port, and whose it is."""

    connection: str
    number: int
    peer: tuple[str, int]
    user: str

    @property
    def name(self) -> str:
        """The channel's."""
        return f"{self.connection} ({self.number})"


class Lender(Protocol):
    """What has handed a message out, and takes it back: a queue."""

    counts: Counts

    def settle(self, entry: Entry) -> None:
        """The message was acknowledged, or needs no acknowledgement."""

    def reject(self, entries: Iterable[Entry], *, failed: bool = False) -> None:
        """The messages were refused for good."""

    def requeue(self, entries: Iterable[Entry], *, failed: bool = True) -> None:
        """The messages come back."""


class Impatient(Lender, Protocol):
    """A queue that takes its messages back when they are not acknowledged in time."""

    consumer_timeout: float | None

    def withdrawn(self, consumer: "Consumer | None") -> Lender:
        """Stands in for it where something is settled that it has taken back."""


class Overdue(NamedTuple):
    """What a consumer, or with None basic.get, has had for too long."""

    consumer: "Consumer | None"
    entries: list[Entry]


class Outlet(Protocol):
    """A port of the core: where the messages of consumers go, and how many they take."""

    @property
    def origin(self) -> Origin: ...

    def may_send(self, consumer: "Consumer") -> bool:
        """Whether the consumer takes one more message now. Who said no tells the queue when it changes: `Queue.credit`."""

    def send(self, consumer: "Consumer", entry: Entry, message: Message) -> None:
        """Hands a message out; `message` is that of the entry, perhaps with more headers."""

    def cancelled(self, consumer: "Consumer") -> None:
        """The queue is gone, and the consumer with it."""

    def withdraw_overdue(self, queue: Impatient, now: float) -> tuple[list[Overdue], float | None]:
        """Gives a queue back what should have been acknowledged by now, and says when the next one of it should be."""

    def timed_out(self, consumer: "Consumer | None") -> None:
        """A consumer, or with None basic.get, is told that it was too late."""


class Consumer:
    """`prefetch`: unacknowledged messages at most, 0 without limit; its outlet keeps to it, and counts `unacked`.

    `blocked`: out of the queue's round, because its outlet took nothing more, or because another consumer is the active
    one. `Queue.credit` brings it back.
    """

    __slots__ = (
        "arguments",
        "blocked",
        "exclusive",
        "no_ack",
        "outlet",
        "prefetch",
        "priority",
        "tag",
        "timeout",
        "unacked",
    )

    def __init__(
        self,
        outlet: Outlet,
        tag: str,
        *,
        no_ack: bool = False,
        exclusive: bool = False,
        prefetch: int = 0,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.outlet = outlet
        self.tag = tag
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.prefetch = prefetch
        self.arguments = dict(arguments or {})
        self.priority = int(self.arguments.get("x-priority", 0))
        self.timeout: float | None = None
        """In how many seconds each delivery is to be acknowledged; None for no limit."""
        self.unacked = 0
        self.blocked = False


class Turns:
    """Consumers that take turns: those of the highest priority, whoever has waited longest first."""

    def __init__(self) -> None:
        self._priorities: list[int] = []
        """Of all of them, the highest last."""
        self._by_priority: dict[int, OrderedDict[Consumer, None]] = {}
        self._highest: OrderedDict[Consumer, None] | None = None
        self.first: Consumer | None = None
        """Whose turn it is."""
        self.several = False
        """Whether there is anybody to take turns with."""

    def add(self, consumer: Consumer) -> None:
        """It is the last one of its priority."""
        found = self._by_priority.get(consumer.priority)
        if found is None:
            found = self._by_priority[consumer.priority] = OrderedDict()
            insort(self._priorities, consumer.priority)
            self._highest = self._by_priority[self._priorities[-1]]
        found[consumer] = None
        self._look()

    def add_first(self, consumer: Consumer) -> None:
        """It is the first one of its priority."""
        self.add(consumer)
        self._by_priority[consumer.priority].move_to_end(consumer, last=False)
        self._look()

    def rotate(self) -> None:
        """The first one of several has had its turn."""
        if self._highest is not None and self.first is not None:
            self._highest.move_to_end(self.first)
            self.first = next(iter(self._highest))

    def discard(self, consumer: Consumer) -> None:
        """It takes part no more, if it did."""
        found = self._by_priority.get(consumer.priority)
        if found is None:
            return
        found.pop(consumer, None)
        if not found:
            del self._by_priority[consumer.priority]
            del self._priorities[bisect_left(self._priorities, consumer.priority)]
            self._highest = self._by_priority[self._priorities[-1]] if self._priorities else None
        self._look()

    def _look(self) -> None:
        highest = self._highest or ()
        self.first = next(iter(highest), None)
        self.several = len(highest) > 1
