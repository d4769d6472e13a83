"""What a channel has delivered and nobody has acknowledged (specification, section 1.8.3: delivery tags)."""

from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from typing import NamedTuple

from rmqctl.broker.core.consumer import Consumer, Impatient, Lender, Overdue
from rmqctl.broker.core.errors import Refusal, precondition
from rmqctl.broker.core.message import Entry


class Settlement(NamedTuple):
    """How deliveries end. `requeue`: they go back; `failed`: RabbitMQ calls it a failed delivery; `left`: nobody says so."""

    ack: bool = False
    requeue: bool = False
    failed: bool = False
    left: bool = False


ACK = Settlement(ack=True)


def nack(requeue: bool) -> Settlement:
    return Settlement(requeue=requeue)


def reject(requeue: bool) -> Settlement:
    return Settlement(requeue=requeue, failed=True)


LEFT = Settlement(requeue=True, failed=True, left=True)
"""The channel is over."""


class Delivery(NamedTuple):
    """One that waits to be acknowledged; `consumer` is None after basic.get; `since` in Unix seconds."""

    entry: Entry
    queue: Lender
    consumer: Consumer | None
    since: float


Tagged = tuple[int, Delivery]
# One for every message: without the function of Python's that makes named tuples.
_delivery = partial(tuple.__new__, Delivery)


class Deliveries:
    """`consumed` counts those of consumers, from the moment that the queue hands them out."""

    def __init__(self) -> None:
        self.consumed = 0
        self._unacked: OrderedDict[int, Delivery] = OrderedDict()
        self._in_order = True
        """Of their tags; where the order counts, `_sort` sees to it."""
        self._tag = 0

    def __len__(self) -> int:
        return len(self._unacked)

    def tagged(self) -> list[Tagged]:
        """With their tags, the oldest first."""
        self._sort()
        return list(self._unacked.items())

    def next_tag(self) -> int:
        """Of a delivery that needs no acknowledgement."""
        self._tag += 1
        return self._tag

    def add(self, entry: Entry, queue: Lender, consumer: Consumer | None, since: float) -> int:
        """The tag of a delivery that waits to be acknowledged."""
        tag = self._tag = self._tag + 1
        self._unacked[tag] = _delivery((entry, queue, consumer, since))
        return tag

    def settle(self, tag: int) -> Delivery:
        """It is no longer anybody's. Raises Refusal for a tag that is not among them."""
        delivery = self._unacked.pop(tag, None)
        if delivery is None:
            raise _unknown(tag)
        consumer = delivery[2]
        if consumer is not None:
            consumer.unacked -= 1
            self.consumed -= 1
        return delivery

    def take(self, tag: int) -> Delivery:
        """Takes it out, but until `settled` it counts. Raises Refusal for a tag that is not among them."""
        found = self._unacked.pop(tag, None)
        if found is None:
            raise _unknown(tag)
        return found

    def take_up_to(self, tag: int) -> list[Tagged]:
        """The same of several, 0 for all. Raises Refusal for another tag that is not among them."""
        if tag and tag not in self._unacked:
            raise _unknown(tag)
        self._sort()
        taken = []
        while self._unacked:
            taken.append(self._unacked.popitem(last=False))
            if taken[-1][0] == tag:
                break
        return taken

    def withdraw_overdue(self, queue: Impatient, now: float) -> tuple[list[Overdue], float | None]:
        """Gives a queue back what should have been acknowledged by now, and says when the next one of it should be.

        The tags stay: the client may still settle them, which settles nothing.
        """
        late: dict[Consumer | None, list[Tagged]] = {}
        due: float | None = None
        for tag, delivery in self._unacked.items():
            timeout = delivery.consumer.timeout if delivery.consumer is not None else queue.consumer_timeout
            if delivery.queue is not queue or timeout is None:
                continue
            if delivery.since + timeout <= now:
                late.setdefault(delivery.consumer, []).append((tag, delivery))
            elif due is None or delivery.since + timeout < due:
                due = delivery.since + timeout
        for consumer, found in late.items():
            stand_in = queue.withdrawn(consumer)
            for tag, delivery in found:
                self.settled(delivery)
                self._unacked[tag] = Delivery(delivery.entry, stand_in, None, delivery.since)
        return [Overdue(consumer, [each.entry for _, each in found]) for consumer, found in late.items()], due

    def put_back(self, taken: Iterable[Tagged]) -> None:
        """They were not settled after all."""
        for tag, delivery in taken:
            self._unacked[tag] = delivery
            self._in_order = False

    def _sort(self) -> None:
        if not self._in_order:
            self._unacked = OrderedDict(sorted(self._unacked.items()))
            self._in_order = True

    def settled(self, delivery: Delivery) -> None:
        """It was taken, and is no longer anybody's."""
        if delivery.consumer is not None:
            delivery.consumer.unacked -= 1
            self.consumed -= 1


def by_queue(deliveries: Iterable[Delivery]) -> dict[Lender, list[Entry]]:
    found: dict[Lender, list[Entry]] = {}
    for delivery in deliveries:
        found.setdefault(delivery.queue, []).append(delivery.entry)
    return found


def _unknown(tag: int) -> Refusal:
    return precondition(f"unknown delivery tag {tag}")
