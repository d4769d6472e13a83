"""A queue: what waits, who takes it, and what happens to messages that nobody takes.

Consumers are served in turn, higher priorities first; one that can take nothing now leaves the round until it can again.
Whether an operation is allowed is the vhost's to say. What the kinds of queues do differently are the class attributes
and the methods under "what a kind may do in its own way": a kind is a subclass that names itself, as in `quorum`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple, Protocol

from rmqctl.broker.core import content
from rmqctl.broker.core.arguments import Arguments, check_queue
from rmqctl.broker.core.consumer import Consumer, Outlet, Turns
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.ports import Connection
from rmqctl.broker.core.ready import Ready
from rmqctl.broker.core.stats import Counts
from rmqctl.broker.core.timers import PIECE, SOON, Timer

KINDS: dict[str, type["Queue"]] = {}
"""The kinds of queues by the value of x-queue-type. A class is here as soon as its module is imported."""
HELD, STORED, REJECTED = 0, 1, 2
"""What becomes of a message that comes to a queue; stored: the queue is to have it after a restart, too."""
# Bytes of a content header before its flags and properties.
BEFORE_FLAGS = 12
_EXPIRATION = content.FLAGS["expiration"]


class Purged(NamedTuple):
    """How many messages there were, and whether the store had any of them and is to forget it."""

    messages: int
    stored: bool


class Home(Protocol):
    """The virtual host that a queue is in, as far as the queue has to do with it."""

    @property
    def name(self) -> str: ...

    def dead_letter(self, queue: "Queue", entries: Iterator[Entry], reason: str) -> None:
        """Messages left the queue unwanted: they go to its dead letter exchange, many of them in pieces."""

    def let_go(self, entries: Iterator[Entry]) -> None:
        """Messages have left their queue for good: in pieces, too."""

    def dead_letters_later(self) -> AbstractContextManager[None]:
        """What leaves queues unwanted within goes to dead letter exchanges at the end."""

    def remove_queue(self, queue: "Queue") -> None:
        """The queue's time is over: deletes it with its bindings."""


class Queue:
    """`owner` is the connection of an exclusive queue. Limits come from `configure`, durations in seconds."""

    kind: ClassVar[str]
    """The value of x-queue-type."""
    policies: ClassVar[frozenset[str]] = frozenset(("all", "queues"))
    """The values of a policy's apply-to that mean queues of this kind."""
    foreign_arguments: ClassVar[frozenset[str]] = frozenset()
    """Arguments that a declaration may not have."""
    foreign_consumer_arguments: ClassVar[frozenset[str]] = frozenset(
        ("x-stream-offset", "x-stream-filter", "x-stream-match-unfiltered")
    )
    """Arguments that a consumer may not have."""
    foreign_policy_keys: ClassVar[frozenset[str]] = frozenset()
    """Keys that keep a whole policy from queues of this kind."""
    policy_before_arguments: ClassVar[frozenset[str]] = frozenset()
    """Keys of which the policy's value holds, not the argument's."""
    server_named: ClassVar[bool] = True
    """Whether the broker gives it a name when it is declared without one."""
    replicated: ClassVar[bool] = False
    """Whether it has members on nodes, as lists show them."""
    knows_exclusive_consumers: ClassVar[bool] = True
    deletes_on_conditions: ClassVar[bool] = True
    """Whether queue.delete with if-unused or if-empty works."""
    keeps_all: ClassVar[bool] = False
    """Whether it keeps messages over a restart that are not persistent."""
    counts_properties: ClassVar[bool] = False
    """Whether a message's size has that of its properties, too."""
    settles_later: ClassVar[bool] = False
    """Whether RabbitMQ's own replication stands between an acknowledgement and the consumer's next message."""
    _refusing = False
    """A kind that takes nothing from its limit on until there is enough room again notes here that it is so far."""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        KINDS[cls.kind] = cls

    def __init__(
        self,
        node: Node,
        home: Home,
        name: str,
        *,
        durable: bool,
        auto_delete: bool,
        arguments: Mapping[str, Any],
        owner: Connection | None = None,
        exclusive: bool = False,
        user: str = "rmqctl",
    ) -> None:
        self.node = node
        self.home = home
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.arguments = arguments if isinstance(arguments, Arguments) else Arguments(arguments)
        self.owner = owner
        self.exclusive = exclusive
        self.user = user
        self.single_active = bool(arguments.get("x-single-active-consumer", False))
        self.counts = Counts()
        self.ready = self._new_ready()
        self._held = node.held
        self.unacked = 0
        self.unacked_bytes = 0
        self.consumers: dict[Consumer, None] = {}
        self.active: Consumer | None = None
        """With x-single-active-consumer the one that is served."""
        self.number = 0
        """What the journal calls it; 0 when it does not know it, and keeps no messages."""
        self.deleted = False
        self.used = self.node.now
        self.policy: str | None = None
        self.operator_policy: str | None = None
        self.effective_policy: Mapping[str, Any] = {}
        """What policies come to, without the arguments that count besides."""
        self.delivery_limit: int | None = None
        """How often a message may come back; None for no limit, or a kind that does not count."""
        self._turns = Turns()
        """Of the consumers that can take messages, as far as the queue knows."""
        self._waiting = Turns()
        """With x-single-active-consumer, of those that wait to be the active one."""
        self._next_position = 0
        self._expiring = False
        """Messages that wait may expire: whoever becomes the head is looked at."""
        self._due: float | None = None
        """When the first message at a head expires."""
        self._expiry: Timer | None = None
        self._unused: Timer | None = None
        self.configure({})

    # --------------------------------------------------------------------------- what a kind may do in its own way

    @classmethod
    def check(cls, what: str, durable: bool, exclusive: bool, auto_delete: bool, arguments: Arguments) -> None:
        """Raises Refusal for a declaration that cannot be. `what`: queue 'name' in vhost 'vhost'."""
        check_queue(what, cls.kind, cls.foreign_arguments, arguments)

    def _new_ready(self) -> Ready:
        """The place for messages that wait."""
        return Ready()

    def _configure(self, effective: Mapping[str, Any]) -> None:
        """Takes over settings that only this kind has, or overrules others."""

    def is_full(self, message: Message) -> bool:
        """Whether a queue that rejects rejects this message now."""
        if self.max_length is not None and self.ready.count >= self.max_length:
            return True
        return self.max_bytes is not None and self.ready.bytes + len(message.body) > self.max_bytes

    def is_lockable(self) -> bool:
        """Whether basic.get finds it locked, although it is not exclusive."""
        return False

    def as_delivered(self, entry: Entry) -> Message:
        """The message as it is handed out when it has come back before."""
        return entry.message

    def _put_back(self, entries: list[Entry], failed: bool) -> None:
        """Messages that came back are ready again."""
        self.ready.put_back(entries)

    def _take_all(self) -> list[Entry]:
        """All messages that nobody has."""
        return self.ready.clear()

    def _choose_active(self) -> None:
        """With x-single-active-consumer: who is served from now on."""
        if self.active is None and (chosen := self._waiting.first) is not None:
            self._waiting.discard(chosen)
            self.active = chosen
            chosen.blocked = False
            self._turns.add(chosen)

    def _look_behind(self) -> None:
        """A message went by basic.get: what has expired behind it no longer counts."""
        self._has_next()

    def _look_at_returned(self) -> None:
        """Messages have come back: too many perhaps, or too late."""
        if self._limited:
            self._make_room()
        self._drop_expired()

    def _make_room(self) -> None:
        """Drops what is above the limits, or takes note that no more is wanted."""
        if self.overflow != "drop-head":
            return
        dropped = []
        while self.ready.count and self._is_over():
            dropped.append(self.ready.pop())
        if dropped:
            if self._expiring:
                self._watch_expiry()
            self._dead_letter(dropped, "maxlen")

    # ------------------------------------------------------------------------------------------------------ settings

    def configure(self, effective: Mapping[str, Any]) -> None:
        """Takes over what arguments and policies come to, by the policies' names (`message-ttl`, milliseconds)."""
        ttl, expires = effective.get("message-ttl"), effective.get("expires")
        timeout = effective.get("consumer-timeout")
        self.consumer_timeout: float | None = self.node.consumer_timeout if timeout is None else timeout / 1000
        self.ttl: float | None = None if ttl is None else ttl / 1000
        self.expires_after: float | None = None if expires is None else expires / 1000
        self.max_length: int | None = effective.get("max-length")
        self.max_bytes: int | None = effective.get("max-length-bytes")
        self.overflow: str = effective.get("overflow", "drop-head")
        self.dead_letter_exchange: str | None = effective.get("dead-letter-exchange")
        self.dead_letter_key: str | None = effective.get("dead-letter-routing-key")
        self._configure(effective)
        self._limited = self.max_length is not None or self.max_bytes is not None
        self._make_room()
        self._watch_use()

    def document(self) -> dict[str, Any]:
        """As in definitions."""
        return {
            "name": self.name,
            "vhost": self.home.name,
            "durable": self.durable,
            "auto_delete": self.auto_delete,
            "arguments": self.arguments,
        }

    # ----------------------------------------------------------------------------------------------------- publishing

    def push(self, message: Message, *, redelivered: bool = False) -> int:
        """Takes a message, or rejects it because the queue is full: HELD, STORED or REJECTED."""
        self.counts.publish += 1
        if self._limited and self.overflow != "drop-head" and self.is_full(message):
            if self.overflow == "reject-publish-dlx" and self.dead_letter_exchange is not None:
                self.home.dead_letter(self, iter((Entry(message, 0, None),)), "maxlen")
            return REJECTED
        outcome = STORED if self.durable and (message.persistent or self.keeps_all) else HELD
        entry = Entry(message, self._next_position, None)
        self._next_position += 1
        if self.counts_properties:
            entry.size += len(message.header) - BEFORE_FLAGS
        if self.ttl is not None or message.flags & _EXPIRATION:
            entry.expires = self._expires(message)
        consumer = None if self.ready.count else self._next_consumer()
        if consumer is not None and consumer.no_ack:
            self._deliver(consumer, entry)
            return outcome
        if outcome is STORED and self.number:
            self.node.journal.keep(entry, self.number)
        self._held.add(entry)
        if consumer is not None:
            self._deliver(consumer, entry)
            return outcome
        entry.redelivered = redelivered
        self.ready.push(entry)
        if entry.expires is not None:
            self._expiring = True
            self._watch_expiry()
        if self._limited:
            self._make_room()
        return outcome

    def restore(self, entry: Entry) -> None:
        """Takes back a message that the store had kept."""
        self._next_position = max(self._next_position, entry.position + 1)
        if self.counts_properties:
            entry.size += len(entry.message.header) - BEFORE_FLAGS
        self._held.add(entry)
        self.ready.push(entry)
        if entry.expires is not None:
            self._expiring = True
            self._watch_expiry()

    def restored(self) -> None:
        """All that the store had kept is here again: more than its limits allow, where consumers had taken some of it."""
        self._make_room()

    # ------------------------------------------------------------------------------------------------------ consuming

    def get(self, outlet: Outlet | None = None) -> Entry | None:
        """The next message, for basic.get. It counts as unacknowledged until `settle` or `requeue`.

        `outlet`: who is to acknowledge it.
        """
        self.used = self.node.now
        entry = self._take() if self._has_next() else None
        if entry is not None:
            self.unacked += 1
            self.unacked_bytes += entry.size
            self._look_behind()
        return entry

    def settle(self, entry: Entry) -> None:
        """The message was acknowledged, or needs no acknowledgement."""
        self._let_go(entry)
        if not self.deleted:
            self.unacked -= 1
            self.unacked_bytes -= entry.size

    def reject(self, entries: Iterable[Entry], *, failed: bool = False) -> None:
        """The messages were refused for good; `failed`: by basic.reject, which RabbitMQ takes for a failed delivery."""
        gone = []
        for entry in entries:
            entry.count += failed
            self.unacked -= not self.deleted
            self.unacked_bytes -= entry.size
            gone.append(entry)
        if self.deleted:
            self._forget(gone)
        else:
            self._dead_letter(gone, "rejected")

    def requeue(self, entries: Iterable[Entry], *, failed: bool = True) -> None:
        """Messages come back, to their places. What `failed` counts for the delivery limit; basic.nack does not."""
        if self.deleted:
            self._forget(entries)
            return
        back: list[Entry] = []
        tired: list[Entry] = []
        for entry in entries:
            self.unacked -= 1
            self.unacked_bytes -= entry.size
            entry.redelivered = True
            entry.acquired += 1
            entry.count += failed
            self._expiring |= entry.expires is not None
            limit = self.delivery_limit
            (tired if failed and limit is not None and entry.count > limit else back).append(entry)
        self._put_back(back, failed)
        self._dead_letter(tired, "delivery_limit")
        self._look_at_returned()
        self.drain()

    def add_consumer(self, consumer: Consumer) -> None:
        self.consumers[consumer] = None
        self.used = self.node.now
        if self.single_active:
            consumer.blocked = True
            self._waiting.add(consumer)
            self._choose_active()
        else:
            self._turns.add(consumer)
        self.drain()

    def remove_consumer(self, consumer: Consumer) -> None:
        """Deletes the queue when it was the last one of an auto-delete queue."""
        if self.detach(consumer):
            self.after_leaving()

    def detach(self, consumer: Consumer) -> bool:
        """It takes nothing more. False when it was not here any more; else `after_leaving` is to follow."""
        if consumer not in self.consumers:
            return False
        del self.consumers[consumer]
        self.used = self.node.now
        self._turns.discard(consumer)
        self._waiting.discard(consumer)
        if self.active is consumer:
            self.active = None
        return True

    def after_leaving(self) -> None:
        """Consumers have left, and what they had may have come back: others are served, or the queue goes too."""
        self._choose_active()
        self._watch_use()
        if self.auto_delete and not self.consumers and not self.deleted:
            self.home.remove_queue(self)
        else:
            self.drain()

    def credit(self, consumer: Consumer) -> None:
        """Its outlet may be able to take messages again: then a consumer that was out of the round comes back."""
        if not consumer.blocked or not consumer.outlet.may_send(consumer) or consumer not in self.consumers:
            return
        if self.single_active and self.active is not consumer:
            return
        consumer.blocked = False
        self._turns.add(consumer)
        if self.ready.count:
            self.drain()

    def drain(self) -> None:
        """Delivers what can be delivered."""
        while self._has_next() and (consumer := self._next_consumer()):
            entry = self._take()
            if consumer.no_ack:
                self._let_go(entry)
            self._deliver(consumer, entry)

    def in_exclusive_use(self, *, wanted: bool) -> bool:
        """Whether a consumer that comes now has to be sent away; `wanted`: it asks for exclusive use itself."""
        if not self.knows_exclusive_consumers:
            return False
        return self.exclusive_consumer is not None or (wanted and (self.single_active or bool(self.consumers)))

    @property
    def exclusive_consumer(self) -> Consumer | None:
        """It is alone."""
        first = next(iter(self.consumers), None)
        return first if first is not None and first.exclusive else None

    # ------------------------------------------------------------------------------------------------------- removing

    def purge(self) -> Purged:
        entries = self._take_all()
        stored = any(entry.stored for entry in entries)
        self._make_room()
        self._forget(entries)
        return Purged(len(entries), stored)

    def delete(self) -> None:
        """Forgets all messages and tells the consumers. The vhost takes care of names and bindings."""
        self.deleted = True
        self._leave(self._take_all())
        for timer in (self._expiry, self._unused):
            if timer:
                timer.cancel()
        consumers, self.consumers = self.consumers, {}
        # RabbitMQ tells them in the order of their tags.
        for consumer in sorted(consumers, key=attrgetter("tag")):
            consumer.outlet.cancelled(consumer)

    def messages(self) -> Iterator[Entry]:
        """Those that nobody has, the ready ones first, in the order of delivery."""
        return iter(self.ready)

    @property
    def count(self) -> int:
        """Of all messages, also those that were delivered."""
        return self.ready.count + self.unacked

    @property
    def ready_bytes(self) -> int:
        """Of the messages that nobody has."""
        return self.ready.bytes

    @property
    def consumer_count(self) -> int:
        """As queue.declare tells it."""
        return len(self.consumers)

    # -------------------------------------------------------------------------------------------------------- the inside

    def _next_consumer(self) -> Consumer | None:
        """The one whose turn it is; those that can take nothing now leave the round."""
        while (consumer := self._turns.first) is not None and not consumer.outlet.may_send(consumer):
            self._turns.discard(consumer)
            consumer.blocked = True
        return consumer

    def _deliver(self, consumer: Consumer, entry: Entry) -> None:
        if self._turns.several:
            self._turns.rotate()
        if consumer.no_ack:
            self.counts.deliver_no_ack += 1
        else:
            self.unacked += 1
            self.unacked_bytes += entry.size
            self.counts.deliver += 1
        if entry.redelivered:
            self.counts.redeliver += 1
        consumer.outlet.send(consumer, entry, self.as_delivered(entry) if entry.acquired else entry.message)

    def _has_next(self) -> bool:
        """Whether a message waits. What has expired at the head goes: also behind one that went and did not expire."""
        if self._due is not None and self._due <= self.node.now:
            self._drop_expired(next_only=True)
        return self.ready.count > 0

    def _take(self) -> Entry:
        """The next message."""
        entry = self.ready.pop()
        if self._refusing:
            self._make_room()
        if self._expiring:
            self._expiring = self.ready.count > 0
            self._watch_expiry()
        return entry

    def _is_over(self, share: float = 1) -> bool:
        """Whether more waits than this share of a limit."""
        if self.max_length is not None and self.ready.count > self.max_length * share:
            return True
        return self.max_bytes is not None and self.ready.bytes > self.max_bytes * share

    def _expires(self, message: Message) -> float:
        limits = [] if self.ttl is None else [self.ttl]
        if message.flags & _EXPIRATION:
            limits.append(int(message.get("expiration")) / 1000)
        return self.node.now + min(limits)

    def _watch_expiry(self, earliest: float = 0.0) -> None:
        """Has the timer go off when the first of the messages at the heads expires, but not before `earliest`."""
        due = min((head.expires for head in self.ready.heads() if head.expires is not None), default=None)
        if self._expiry is not None:
            if self._due == due:
                return
            self._expiry.cancel()
        self._due = due
        self._expiry = None if due is None else self.node.timers.at(max(due, earliest), self._expire)

    def _expire(self) -> None:
        """The timer has gone off. Of many messages that expire at once, some do now and the others soon."""
        self._expiry = None
        self._drop_expired(most=PIECE)

    def _drop_expired(self, *, next_only: bool = False, most: float = float("inf")) -> None:
        expired = self.ready.pop_expired(self.node.now, next_only=next_only, most=most)
        if self._refusing:
            self._make_room()
        self._watch_expiry(self.node.now + SOON if len(expired) == most else 0.0)
        self._dead_letter(expired, "expired")

    def _watch_use(self) -> None:
        """x-expires: deletes the queue when it has not been used for so long."""
        if self._unused is not None:
            self._unused.cancel()
            self._unused = None
        if self.expires_after is not None and not self.deleted:
            self._unused = self.node.timers.at(self.used + self.expires_after, self._delete_unused)

    def _delete_unused(self) -> None:
        assert self.expires_after is not None
        if self.consumers:
            self.used = self.node.now
        if self.used + self.expires_after > self.node.now:
            self._watch_use()
        else:
            self.home.remove_queue(self)

    def _dead_letter(self, entries: list[Entry], reason: str) -> None:
        if self.dead_letter_exchange is None:
            self._leave(entries)
        elif entries:
            self.home.dead_letter(self, self._leaving(entries), reason)

    def _leave(self, entries: list[Entry]) -> None:
        if len(entries) > PIECE:
            self.home.let_go(self._leaving(entries))
        else:
            self._forget(entries)

    def _leaving(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Each is forgotten when its turn has come: a broker that is killed before still has it."""
        for entry in entries:
            self._let_go(entry)
            yield entry

    def _forget(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._let_go(entry)

    def _let_go(self, entry: Entry) -> None:
        if entry.stored:
            self.node.journal.forget(entry)
        self._held.remove(entry)
