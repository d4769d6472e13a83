"""Quorum queues, with one member (https://www.rabbitmq.com/docs/quorum-queues).

They are durable and shared, count how often a message comes back, and know two priorities of consumers to be active.
"""

from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core import content
from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.classic import STREAM_ARGUMENTS, STREAM_POLICY_KEYS
from rmqctl.broker.core.consumer import Consumer
from rmqctl.broker.core.errors import precondition
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.ready import QuorumReady, Ready

# What x-delivery-limit is without one (RabbitMQ 4.0).
_DELIVERY_LIMIT = 20
# It refuses what is published from its first message above a limit until it is down to this share of it.
_LOW = 0.8


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
    policy_before_arguments = frozenset(("overflow",))
    server_named = False
    replicated = True
    keeps_all = True
    counts_properties = True
    settles_later = True
    knows_exclusive_consumers = False
    deletes_on_conditions = False
    _fading = False
    """The active consumer gives way to another one as soon as it has acknowledged what it has."""

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
        if not (self._fading and consumer is self.active):
            super().credit(consumer)
            return
        self._choose_active()
        self.drain()

    def _choose_active(self) -> None:
        """The active one gives way to a higher one: it is served no more, and keeps its place until it has nothing left."""
        active, next_one = self.active, self._waiting.first()
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

    def _make_room(self) -> None:
        if self.overflow != "drop-head":
            self._refusing = self._is_over(_LOW if self._refusing else 1)
            return
        super()._make_room()
