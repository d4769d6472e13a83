"""Quorum queues, with one member (https://www.rabbitmq.com/docs/quorum-queues).

They are durable and shared, count how often a message comes back, and know two priorities of consumers to be active.

As those of RabbitMQ 4.3 they take a message back that is not acknowledged in time: its consumer is told, and gets nothing
more until it has acknowledged everything that it was late with. What came back may be made to wait for some time (`delayed`).
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from rmqctl.broker.core import content
from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.classic import STREAM_ARGUMENTS, STREAM_POLICY_KEYS
from rmqctl.broker.core.consumer import Consumer, Outlet
from rmqctl.broker.core.delayed import Delayed, retry_of
from rmqctl.broker.core.errors import precondition
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.ready import QuorumReady, Ready
from rmqctl.broker.core.shield import shielded
from rmqctl.broker.core.timers import Timer

# What x-delivery-limit is without one (RabbitMQ 4.0).
_DELIVERY_LIMIT = 20
# It refuses what is published from its first message above a limit until it is down to this share of it.
_LOW = 0.8
# At most so often it looks for deliveries that are late, in seconds.
_PAUSE = 0.1


class QuorumQueue(Queue):
    kind = "quorum"
    policies = Queue.policies | {"quorum_queues"}
    foreign_arguments = STREAM_ARGUMENTS | {
        "x-max-priority",
        "x-queue-master-locator",
        "x-queue-mode",
        "x-queue-version",
    }
    foreign_policy_keys = STREAM_POLICY_KEYS | {"queue-mode"}
    policy_before_arguments = frozenset(("overflow", "delayed-retry-type"))
    server_named = False
    replicated = True
    keeps_all = True
    counts_properties = True
    settles_later = True
    knows_exclusive_consumers = False
    deletes_on_conditions = False
    _fading = False
    """The active consumer gives way to another one as soon as it has acknowledged what it has."""

    def __init__(self, *what: Any, **more: Any) -> None:
        self.delayed = Delayed()
        self._delay: Timer | None = None
        """When the first of them may be delivered."""
        self._holders: WeakKeyDictionary[Outlet, None] = WeakKeyDictionary()
        """Who may have messages of this queue: a channel that is gone has none."""
        self._look: Timer | None = None
        """When somebody may be late."""
        self._late: dict[Consumer, int] = {}
        """How many messages a consumer was late with, and has not settled yet: meanwhile it gets nothing."""
        super().__init__(*what, **more)

    @classmethod
    def check(cls, what: str, durable: bool, exclusive: bool, auto_delete: bool, arguments: Arguments) -> None:
        super().check(what, durable, exclusive, auto_delete, arguments)
        if not durable:
            raise precondition(f"invalid property 'non-durable' for {what}")
        if auto_delete:
            raise precondition(f"invalid property 'auto-delete' for {what}")
        if exclusive:
            raise precondition(f"invalid property 'exclusive-owner' for {what}")

    def _new_ready(self) -> Ready:
        return QuorumReady()

    def _configure(self, effective: Mapping[str, Any]) -> None:
        limit = effective.get("delivery-limit", _DELIVERY_LIMIT)
        if self.overflow == "reject-publish-dlx":
            self.overflow = "drop-head"
        self.delivery_limit = limit if isinstance(limit, int) and limit >= 0 else None
        self.retry = retry_of(effective)
        self._refusing = False

    def is_full(self, message: Message) -> bool:
        """It refuses from the first message above a limit on."""
        return self._refusing

    def is_lockable(self) -> bool:
        return self.single_active

    def as_delivered(self, entry: Entry) -> Message:
        """Tells how often it came back."""
        counts = {"x-acquired-count": content.field(entry.acquired)}
        if entry.count:
            counts["x-delivery-count"] = content.field(entry.count)
        message = entry.message
        return message.changed(message.exchange, message.key, headers=counts)

    def settle(self, entry: Entry) -> None:
        super().settle(entry)
        self._has_next()

    def credit(self, consumer: Consumer) -> None:
        """The active consumer that gives way has perhaps nothing left to acknowledge."""
        if consumer in self._late:
            return
        if not (self._fading and consumer is self.active):
            super().credit(consumer)
            return
        self._choose_active()
        self.drain()

    def _choose_active(self) -> None:
        """The active one gives way to a higher one: it is served no more, and keeps its place until it has nothing left."""
        active, next_one = self.active, self._waiting.first
        if active is not None and next_one is not None and next_one.priority > active.priority:
            self._fading = active.blocked = True
            self._turns.discard(active)
        if active is not None and self._fading and not active.unacked:
            self._waiting.add_first(active)
            self.active = None
        if self.active is None:
            self._fading = False
            super()._choose_active()

    def _look_behind(self) -> None:
        """It looks at what has expired after its answer to basic.get."""

    def _look_at_returned(self) -> None:
        """Other than a classic queue, it lets messages expire before it counts."""
        self._drop_expired()
        super()._look_at_returned()

    def _is_over(self, share: float = 1) -> bool:
        """What waits for its next delivery counts too."""
        if self.max_length is not None and self.ready.count + len(self.delayed) > int(self.max_length * share):
            return True
        return self.max_bytes is not None and self.ready.bytes + self.delayed.bytes > int(self.max_bytes * share)

    def _make_room(self) -> None:
        if self.overflow != "drop-head":
            self._refusing = self._is_over(_LOW if self._refusing else 1)
            return
        super()._make_room()

    @property
    def count(self) -> int:
        return super().count + len(self.delayed)

    @property
    def ready_bytes(self) -> int:
        return super().ready_bytes + self.delayed.bytes

    @property
    def consumer_count(self) -> int:
        """Of a queue with single active consumer, those that wait do not count."""
        return int(self.active is not None) if self.single_active else super().consumer_count

    def messages(self) -> Iterator[Entry]:
        return chain(self.ready, self.delayed)

    def _take_all(self) -> list[Entry]:
        return super()._take_all() + self.delayed.clear()

    def delete(self) -> None:
        super().delete()
        self._late.clear()
        for timer in (self._delay, self._look):
            if timer:
                timer.cancel()

    # ----------------------------------------------------------------------------------------------- delayed retries

    def _put_back(self, entries: list[Entry], failed: bool) -> None:
        if self.retry is None or not self.retry.delays(failed):
            super()._put_back(entries, failed)
            return
        for entry in entries:
            self.delayed.add(entry, self.retry.until(entry, self.node.now))
        self._watch_delayed()

    def _watch_delayed(self) -> None:
        """Has the timer go off when the first one may be delivered."""
        due = self.delayed.next
        if self._delay is not None:
            if self._delay.when == due:
                return
            self._delay.cancel()
        self._delay = None if due is None else self.node.timers.at(due, self._end_delay)

    def _end_delay(self) -> None:
        entries = self.delayed.pop_due(self.node.now)
        self._expiring |= any(entry.expires is not None for entry in entries)
        self.ready.put_back(entries)
        self._watch_delayed()
        self._look_at_returned()
        self.drain()

    # --------------------------------------------------------------------------------------------- consumer timeouts

    def get(self, outlet: Outlet | None = None) -> Entry | None:
        entry = super().get(outlet)
        if entry is not None and outlet is not None:
            self._expect_answer(outlet, self.consumer_timeout)
        return entry

    def add_consumer(self, consumer: Consumer) -> None:
        if not consumer.no_ack:
            wanted = consumer.arguments.get("x-consumer-timeout")
            consumer.timeout = self.consumer_timeout if wanted is None else wanted / 1000
            self._expect_answer(consumer.outlet, consumer.timeout)
        super().add_consumer(consumer)

    def detach(self, consumer: Consumer) -> bool:
        self._late.pop(consumer, None)
        return super().detach(consumer)

    def withdrawn(self, consumer: Consumer | None) -> "Withdrawn":
        return Withdrawn(self, consumer)

    def answered(self, consumer: Consumer, count: int, *, acknowledged: bool) -> None:
        """It has settled messages that it was late with. As in RabbitMQ, one that returns the last of them is not served
        before it settles something else."""
        left = self._late.get(consumer, 0) - count
        if left > 0:
            self._late[consumer] = left
        elif self._late.pop(consumer, 0):
            if self.single_active:
                self._waiting.add(consumer)
                self._choose_active()
                self.drain()
            elif acknowledged:
                self.credit(consumer)

    def _expect_answer(self, outlet: Outlet, timeout: float | None) -> None:
        if timeout is not None:
            self._holders[outlet] = None
            self._look_at(self.node.now + timeout)

    def _look_at(self, due: float) -> None:
        """Has the timer go off then, or earlier. What is delivered until it does is not due before: it has time anew."""
        if self._look is not None:
            if self._look.when <= due:
                return
            self._look.cancel()
        self._look = self.node.timers.at(due, self._withdraw_overdue)

    def _withdraw_overdue(self) -> None:
        self._look = None
        now = self.node.now
        due = [now + consumer.timeout for consumer in self.consumers if consumer.timeout is not None]
        overdue = []
        for outlet in list(self._holders):
            found, next_due = outlet.withdraw_overdue(self, now)
            overdue += [(outlet, *each) for each in found]
            if next_due is not None:
                due.append(next_due)
        for _, consumer, entries in overdue:
            if consumer is not None and consumer in self.consumers:
                self._set_aside(consumer, len(entries))
        self._choose_active()
        self.requeue([entry for _, _, entries in overdue for entry in entries], failed=False)
        for outlet, consumer, _ in overdue:
            with shielded("tell a consumer that it was late"):
                outlet.timed_out(consumer)
        if due and not self.deleted:
            self._look_at(max(min(due), now + _PAUSE))

    def _set_aside(self, consumer: Consumer, late: int) -> None:
        """It gets nothing until it has answered."""
        self._late[consumer] = self._late.get(consumer, 0) + late
        consumer.blocked = True
        self._turns.discard(consumer)
        self._waiting.discard(consumer)
        if self.active is consumer:
            self.active = None


class Withdrawn:
    """Stands in for a queue where something is settled that it has taken back: it is too late, but an answer."""

    def __init__(self, queue: QuorumQueue, consumer: Consumer | None) -> None:
        self.counts = queue.counts
        self._queue = queue
        self._consumer = consumer

    def settle(self, entry: Entry) -> None:
        self._answer((entry,), acknowledged=True)

    def reject(self, entries: Iterable[Entry], *, failed: bool = False) -> None:
        self._answer(entries, acknowledged=True)

    def requeue(self, entries: Iterable[Entry], *, failed: bool = True) -> None:
        self._answer(entries, acknowledged=False)

    def _answer(self, entries: Iterable[Entry], *, acknowledged: bool) -> None:
        if self._consumer is not None:
            self._queue.answered(self._consumer, len(tuple(entries)), acknowledged=acknowledged)
