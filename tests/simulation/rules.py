"""What happens to messages: routing, queues, deliveries, dead letters, crashes. See `model` for the rules in words."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from tests.simulation.model import (
    QUORUM_LIMIT,
    Binding,
    Channel,
    Connection,
    Consumer,
    Copy,
    Delivery,
    Exchange,
    Message,
    Policy,
    Queue,
    dead_letter,
    effective,
    goes_round,
)

PREDECLARED = (
    ("", "direct"),
    ("amq.direct", "direct"),
    ("amq.fanout", "fanout"),
    ("amq.headers", "headers"),
    ("amq.match", "headers"),
    ("amq.topic", "topic"),
    ("amq.rabbitmq.trace", "topic"),
    ("amq.rabbitmq.log", "topic"),
)
REPLY_TO = "amq.rabbitmq.reply-to"


class Sight(Protocol):
    """What the model may look at to see which of the allowed ways the broker went."""

    now: float
    """By the clock, which never jumps."""

    @property
    def date(self) -> float: ...
    @property
    def trouble(self) -> bool: ...
    def saved(self, queue: str, body: bytes) -> bool: ...
    def has_exchange(self, name: str) -> bool: ...
    def has_binding(self, source: str, kind: str, destination: str, key: str) -> bool: ...
    def has_queue(self, name: str) -> bool: ...
    def route(self, exchange: str, keys: list[str]) -> list[str]: ...


class Rules:
    """The state that all clients share. `tolerated` names deviations that are known and not to be reported again."""

    def __init__(self, sight: Sight, tolerated: Iterable[str] = ()) -> None:
        self.sight = sight
        self.tolerated = frozenset(tolerated)
        self.event = 1
        self.loose = False
        self.queues: dict[str, Queue] = {}
        self.exchanges = {
            name: Exchange(name, kind, True, False, name.startswith("amq.rabbitmq."), {}) for name, kind in PREDECLARED
        }
        self.bindings: dict[Binding, None] = {}
        self.policies: dict[str, Policy] = {}
        self.permissions: dict[str, tuple[str, str, str]] = {"guest": (".*", ".*", ".*")}
        self.limits: dict[str, int] = {}
        """Of the virtual host."""
        self.user_limits: dict[str, dict[str, int]] = {}
        self.connections: dict[int, Connection] = {}
        self.undead: list[Queue | Exchange | Binding] = []
        """Gone, but a crash may bring it back: the disk refused to take note."""
        self.acting: Connection | None = None
        """Whose input is handled."""
        self.failing: list[Channel] = []
        """Channels that end by the method that is handled."""
        self.unsafe: list[Copy] = []
        """Persistent messages that the disk may not have yet."""
        self.asked: dict[bytes, Channel] = {}
        """Who has asked for a direct reply, by the request's body."""
        self._returns = 0
        self._stamps = self._first_stamp = 0
        self._late = False
        self._only: Queue | None = None
        self._dead: deque[tuple[Queue, list[Copy], str]] = deque()
        """Messages whose dead letters are to be sent."""
        self._burying = False

    @property
    def now(self) -> float:
        return self.sight.now

    # -------------------------------------------------------------------------------------------------------- routing

    def route(self, exchange: Exchange, message: Message, more: list[str]) -> list[Queue]:
        """The queues, each once. In which order a message gets to them is the broker's choice."""
        keys = [message.key, *more]
        found: dict[str, None] = {}
        seen, todo = {exchange.name}, [exchange]
        while todo:
            at = todo.pop()
            hits = self._hits(at, keys)
            names = [name for kind, name in hits if kind == "exchange"]
            alternate = self.alternate(at)
            if not hits and alternate is not None:
                names = [alternate]
            found |= dict.fromkeys(name for kind, name in hits if kind == "queue" and name in self.queues)
            for name in names:
                if name not in seen and name in self.exchanges:
                    seen.add(name)
                    todo.append(self.exchanges[name])
        order = list(found)
        if len(order) > 1:
            order.sort(key=_place_in(self.sight.route(exchange.name, keys)))
        return [self.queues[name] for name in order]

    def _hits(self, exchange: Exchange, keys: list[str]) -> list[tuple[str, str]]:
        if not exchange.name:
            return [("queue", key) for key in keys if key in self.queues]
        return [
            (each.kind, each.destination)
            for each in self.bindings
            if each.source == exchange.name and _fits(exchange.kind, each.key, keys)
        ]

    def alternate(self, exchange: Exchange) -> str | None:
        found: str | None = exchange.arguments.get("alternate-exchange")
        return found

    # --------------------------------------------------------------------------------------------------------- queues

    def push(self, queue: Queue, message: Message, source: Copy | None = None) -> Copy | None:
        """None when the queue refuses it. `source`: it is the dead letter of that."""
        overflow = queue.settings.get("overflow", "drop-head")
        if overflow != "drop-head" and queue.is_full(message):
            if overflow == "reject-publish-dlx":
                self.dead_letters(queue, [Copy(message, queue, 0, None)], "maxlen")
            return None
        times = [queue.settings["message-ttl"]] if "message-ttl" in queue.settings else []
        if "expiration" in message.properties:
            times.append(int(message.properties["expiration"]))
        queue.orders += 1
        copy = Copy(message, queue, queue.orders, self.now + min(times) / 1000 if times else None)
        self._stamps += 1
        copy.stamp = self._stamps
        copy.straight = not queue.ready
        copy.source = source.queue if source is not None else None
        if source is not None and source.failed:
            copy.redelivered = None
        queue.put(copy)
        if copy.kept():
            self.unsafe.append(copy)
        self.deliveries(queue)
        if queue.is_over():
            self.deliveries()
        self.keep_limits(queue)
        return copy

    def keep_limits(self, queue: Queue) -> None:
        if queue.settings.get("overflow", "drop-head") == "drop-head":
            dropped = []
            while queue.ready and queue.is_over():
                dropped.append(queue.ready.pop(0))
            self.dead_letters(queue, dropped, "maxlen")
        else:
            queue.refusing = queue.is_over(0.8 if queue.refusing else 1)

    def expire(self, queue: Queue, *, one_by_one: bool = False) -> None:
        """Takes away what has expired. `one_by_one`: on the way to a message for somebody."""
        while expired := queue.expired(self.now):
            if one_by_one:
                if queue.ready[0] not in expired:
                    return
                expired = queue.ready[:1]
            for copy in expired:
                queue.ready.remove(copy)
            self._less(queue)
            self.dead_letters(queue, expired, "expired")

    def _less(self, queue: Queue) -> None:
        """Fewer messages wait than before."""
        if queue.refusing:
            self.keep_limits(queue)

    def hand_over(self, queues: list[Queue], message: Message, source: Copy | None = None) -> list[Copy | None]:
        """What it pushes out of some of them goes its way when it is in all of them."""
        with self._burials():
            return [self.push(queue, message, source) for queue in queues]

    def dead_letters(self, queue: Queue, copies: list[Copy], reason: str) -> None:
        """What they push out of other queues comes after all of them."""
        with self._burials():
            for copy in copies:
                self.gone(copy)
            self._dead.append((queue, copies, reason))

    @contextmanager
    def _burials(self) -> Iterator[None]:
        first, self._burying = not self._burying, True
        yield
        while first and self._dead:
            self._bury(*self._dead.popleft())
        self._burying = not first

    def _bury(self, queue: Queue, copies: list[Copy], reason: str) -> None:
        name = queue.settings.get("dead-letter-exchange")
        if name is None:
            return
        for copy in copies:
            exchange = self.exchanges.get(name)
            if exchange is None:
                continue
            message = dead_letter(copy, reason, self.sight.date)
            more = [] if "dead-letter-routing-key" in queue.settings else message.copies
            targets = self.route(exchange, message, more)
            self.hand_over(
                [each for each in targets if reason == "rejected" or not goes_round(each, message)], message, copy
            )

    def gone(self, copy: Copy) -> None:
        """It has left its queue; the disk will know."""
        if copy.kept() and not copy.queue.deleted and copy.order:
            copy.queue.leaving.append(copy)

    def settle(self, kind: str, taken: list[tuple[int, Delivery]], *, left: bool = False) -> None:
        """`kind`: ack, nack, reject (for good), or requeue, and with "failed" behind it when it counts as a failure.

        `left`: the channel is over. Else what was got comes first, then each consumer's, by their tags.
        """
        if not left:
            taken = sorted(taken, key=lambda each: each[1].consumer.tag if each[1].consumer is not None else "")
        by_queue: dict[Queue, list[Copy]] = {}
        for _, (copy, consumer) in taken:
            if consumer is not None:
                consumer.unacked -= 1
                self._freed(consumer.channel)
            if kind == "ack":
                copy.queue.held.pop(copy, None)
                self.gone(copy)
            else:
                by_queue.setdefault(copy.queue, []).append(copy)
        # A dead letter takes its way after the consumer got the next message.
        with self._burials():
            if kind.startswith("requeue"):
                for queue, copies in by_queue.items():
                    self.requeue(queue, copies, failed=kind.endswith("failed"))
            for _, (_, consumer) in taken:
                if consumer is not None:
                    self._activate(consumer.queue)
            self.deliveries()
        if kind.startswith("reject"):
            for queue in by_queue:
                self.nobody_waits(queue)
            for queue, copies in by_queue.items():
                self.reject(queue, copies, failed=kind.endswith("failed"))
            self.deliveries()

    def _freed(self, channel: Channel) -> None:
        for each in channel.consumers.values():
            each.freed = self.event

    def reject(self, queue: Queue, copies: list[Copy], failed: bool) -> None:
        for copy in copies:
            queue.held.pop(copy, None)
            copy.failed += failed
        if not queue.deleted:
            self.dead_letters(queue, copies, "rejected")

    def requeue(self, queue: Queue, copies: list[Copy], failed: bool) -> None:
        if queue.deleted:
            return
        limit = queue.settings.get("delivery-limit", QUORUM_LIMIT) if queue.kind == "quorum" else -1
        tired = []
        for copy in copies:
            queue.held.pop(copy, None)
            copy.redelivered = True
            copy.returned += 1
            copy.failed += failed
            copy.straight = False
            if failed and 0 <= limit < copy.failed:
                tired.append(copy)
            else:
                self._returns += 1
                copy.came_back = self._returns if queue.kind == "quorum" else 0
                queue.put(copy)
        self.dead_letters(queue, tired, "delivery_limit")
        for act in (self.keep_limits, self.expire) if queue.kind == "classic" else (self.expire, self.keep_limits):
            act(queue)
        self.served(queue)

    def remove_queue(self, queue: Queue) -> None:
        if self.queues.pop(queue.name, None) is None:
            return
        queue.deleted = True
        if self.sight.trouble and queue.durable and queue.owner is None:
            queue.leaving += [*queue.ready, *queue.held]
            self.undead.append(queue)
        self.unbind_all("queue", queue.name)
        if queue.owner is not None and queue in queue.owner.exclusive:
            queue.owner.exclusive.remove(queue)
        for consumer in sorted(queue.consumers, key=lambda each: each.tag):
            consumer.channel.consumers.pop(consumer.tag, None)
            consumer.channel.connection.cancels.append((consumer.channel.number, consumer.tag))
        queue.consumers, queue.active, queue.ready = [], None, []

    def add_consumer(self, consumer: Consumer) -> None:
        queue = consumer.queue
        consumer.freed = self.event
        consumer.channel.consumers[consumer.tag] = consumer
        queue.consumers.append(consumer)
        queue.use(self.now)
        self._activate(queue)
        self.served(queue)

    def remove_consumer(self, consumer: Consumer) -> None:
        if self.detach(consumer):
            self.after_leaving(consumer.queue)

    def detach(self, consumer: Consumer) -> bool:
        """It takes nothing more."""
        queue = consumer.queue
        if consumer not in queue.consumers:
            return False
        queue.consumers.remove(consumer)
        queue.use(self.now)
        if queue.active is consumer:
            queue.active = None
        return True

    def after_leaving(self, queue: Queue) -> None:
        """Consumers have left, and what they had has come back."""
        self._activate(queue)
        if queue.auto_delete and not queue.consumers:
            self.remove_queue(queue)
        self.served(queue)

    def _activate(self, queue: Queue) -> None:
        if not queue.single_active or not queue.consumers:
            return
        first = max(queue.consumers, key=lambda each: each.priority)
        if queue.kind == "quorum" and queue.active is not None:
            queue.fading |= first.priority > queue.active.priority
            if queue.fading and not queue.active.unacked:
                queue.active = None
        if queue.active is None:
            queue.active, queue.fading = first, False
            first.freed = self.event

    def served(self, queue: Queue) -> None:
        """Somebody may have room now: what has expired at the head is found out."""
        self.deliveries()
        if queue.ready and any(each.has_room() for each in queue.consumers):
            self.expire(queue, one_by_one=True)

    def unbind_all(self, kind: str, name: str) -> None:
        for binding in [each for each in self.bindings if (each.kind, each.destination) == (kind, name)]:
            self.remove_binding(binding)

    def remove_binding(self, binding: Binding) -> None:
        self.bindings.pop(binding, None)
        if self.sight.trouble:
            self.undead.append(binding)
        exchange = self.exchanges.get(binding.source)
        if exchange is not None and exchange.auto_delete and not self.bound_from(exchange.name):
            self.remove_exchange(exchange)

    def bound_from(self, name: str) -> bool:
        return any(each.source == name for each in self.bindings)

    def remove_exchange(self, exchange: Exchange) -> None:
        self.exchanges.pop(exchange.name, None)
        if self.sight.trouble and exchange.durable:
            self.undead.append(exchange)
        for binding in [each for each in self.bindings if each.source == exchange.name]:
            self.remove_binding(binding)
        self.unbind_all("exchange", exchange.name)

    def configure(self, queue: Queue) -> None:
        """After a change of policies, or for a new queue."""
        fitting = [each for each in self.policies.values() if re.search(each.pattern, queue.name)]
        policy = max(fitting, key=lambda each: each.priority, default=None)
        queue.settings = effective(queue.arguments, policy, queue.kind)
        queue.refusing = False
        self.keep_limits(queue)

    # ------------------------------------------------------------------------------------------- what comes on top of it

    def deliveries(self, only: Queue | None = None) -> None:
        """Takes what was heard, as far as it can have happened by now: see `hearing`."""
        raise NotImplementedError

    def nobody_waits(self, queue: Queue) -> None:
        """Raises Violation for a message that somebody has room for: see `hearing`."""
        raise NotImplementedError


def _fits(kind: str, key: str, keys: list[str]) -> bool:
    if kind == "direct":
        return key in keys
    return kind == "fanout" or (kind == "topic" and any(topic_matches(key, each) for each in keys))


def topic_matches(pattern: str, key: str) -> bool:
    """Words between dots; * stands for one of them, # for any number."""

    def match(wanted: list[str], words: list[str]) -> bool:
        if not wanted:
            return not words
        if wanted[0] == "#":
            return match(wanted[1:], words) or (bool(words) and match(wanted, words[1:]))
        return bool(words) and wanted[0] in ("*", words[0]) and match(wanted[1:], words[1:])

    return match(pattern.split(".") if pattern else [], key.split(".") if key else [])


def _place_in(order: list[str]) -> Callable[[str], int]:
    places = {name: place for place, name in enumerate(order)}
    return lambda name: places.get(name, len(places))
