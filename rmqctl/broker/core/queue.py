"""A queue: what waits, who takes it, and what happens to messages that nobody takes.

Consumers are served in turn, higher priorities first; one that can take nothing now leaves the round until it can again.
Whether an operation is allowed is the vhost's to say.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rmqctl.broker.core import wire
from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.consumer import Consumer
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.ready import QuorumReady, Ready
from rmqctl.broker.core.stats import Counts
from rmqctl.broker.core.timers import Timer

if TYPE_CHECKING:
    from rmqctl.broker.amqp.connection import Connection
    from rmqctl.broker.core.vhost import VHost

_EXPIRATION = wire.FLAGS["expiration"]
# What x-delivery-limit is for quorum queues without one (RabbitMQ 4.0).
_DELIVERY_LIMIT = 20
# A quorum queue refuses what is published from its first message above a limit until it is down to this share of it.
_LOW = 0.8


class Queue:
    """`owner` is the connection of an exclusive queue. Limits come from `configure`, durations in seconds."""

    def __init__(
        self,
        vhost: "VHost",
        name: str,
        *,
        durable: bool,
        auto_delete: bool,
        arguments: Mapping[str, Any],
        owner: "Connection | None" = None,
        exclusive: bool = False,
        user: str = "rmqctl",
    ) -> None:
        self.vhost = vhost
        self.broker = vhost.broker
        self.name = name
        self.durable = durable
        self.auto_delete = auto_delete
        self.arguments = arguments if isinstance(arguments, Arguments) else Arguments(arguments)
        self.owner = owner
        self.exclusive = exclusive
        self.user = user
        self.kind = str(arguments.get("x-queue-type") or "classic")
        self.max_priority: int = arguments.get("x-max-priority", 0)
        self.single_active = bool(arguments.get("x-single-active-consumer", False))
        self.counts = Counts()
        self.ready = QuorumReady() if self.kind == "quorum" else Ready(self.max_priority)
        self.unacked = 0
        self.unacked_bytes = 0
        self.consumers: dict[Consumer, None] = {}
        self.active: Consumer | None = None
        """With x-single-active-consumer the one that is served."""
        self.number = 0
        """What the store calls it; 0 when it does not know it."""
        self.deleted = False
        self.idle_since = self.used = self.broker.now
        self.policy: str | None = None
        self.operator_policy: str | None = None
        self.effective: Mapping[str, Any] = {}
        self._rounds: dict[int, deque[Consumer]] = {}
        self._next_position = 0
        self._expiry: Timer | None = None
        self._unused: Timer | None = None
        self.configure({})

    # ------------------------------------------------------------------------------------------------------ settings

    def configure(self, effective: Mapping[str, Any]) -> None:
        """Takes over what arguments and policies come to, by the policies' names (`message-ttl`, milliseconds)."""
        self.effective = effective
        ttl, expires = effective.get("message-ttl"), effective.get("expires")
        self.ttl: float | None = None if ttl is None else ttl / 1000
        self.expires_after: float | None = None if expires is None else expires / 1000
        self.max_length: int | None = effective.get("max-length")
        self.max_bytes: int | None = effective.get("max-length-bytes")
        self.overflow: str = effective.get("overflow", "drop-head")
        self.dead_letter_exchange: str | None = effective.get("dead-letter-exchange")
        self.dead_letter_key: str | None = effective.get("dead-letter-routing-key")
        limit = effective.get("delivery-limit", _DELIVERY_LIMIT) if self.kind == "quorum" else None
        self.delivery_limit: int | None = limit if isinstance(limit, int) and limit >= 0 else None
        self._limited = self.max_length is not None or self.max_bytes is not None
        self._refusing = False
        self._keep_limits()
        self._watch_use()

    # ----------------------------------------------------------------------------------------------------- publishing

    def push(self, message: Message, *, redelivered: bool = False) -> bool:
        """Takes a message. False when the queue is full and rejects it."""
        self.counts.publish += 1
        if self._limited and self.overflow != "drop-head" and self._is_full(message):
            if self.overflow == "reject-publish-dlx":
                self._dead_letter([Entry(message, self, 0, None)], "maxlen")
            return False
        entry = Entry(message, self, self._next_position, None)
        self._next_position += 1
        if self.ttl is not None or message.flags & _EXPIRATION:
            entry.expires = self._expires(message)
        if message.persistent and self.durable:
            self.broker.journal.keep(entry)
        if not self.ready.count and (consumer := self._next_consumer()):
            self._deliver(consumer, entry)
            return True
        entry.redelivered = redelivered
        self.ready.push(entry)
        if entry.expires is not None:
            self._watch_expiry()
        if self._limited:
            self._keep_limits()
        return True

    def restore(self, entry: Entry) -> None:
        """Takes back a message that the store had kept."""
        self._next_position = max(self._next_position, entry.position + 1)
        self.ready.push(entry)
        if entry.expires is not None:
            self._watch_expiry()

    # ------------------------------------------------------------------------------------------------------ consuming

    def get(self) -> Entry | None:
        """The next message, for basic.get. It counts as unacknowledged until `settle` or `requeue`."""
        self.used = self.broker.now
        entry = self._pop()
        if entry is not None:
            self._took(entry)
        return entry

    def settle(self, entry: Entry) -> None:
        """The message was acknowledged, or needs no acknowledgement."""
        if entry.stored:
            self.broker.journal.forget(entry)
        if not self.deleted:
            self.unacked -= 1
            self.unacked_bytes -= len(entry.message.body)

    def reject(self, entries: Iterable[Entry], *, failed: bool = False) -> None:
        """The messages were refused for good; `failed`: by basic.reject, which RabbitMQ takes for a failed delivery."""
        gone = []
        for entry in entries:
            entry.count += failed
            self.unacked -= not self.deleted
            self.unacked_bytes -= len(entry.message.body)
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
            self.unacked_bytes -= len(entry.message.body)
            entry.redelivered = True
            entry.acquired += 1
            entry.count += failed
            limit = self.delivery_limit
            (tired if failed and limit is not None and entry.count > limit else back).append(entry)
        self.ready.put_back(back)
        self._dead_letter(tired, "delivery_limit")
        self._drop_expired()
        if self._limited:
            self._keep_limits()
        self.drain()

    def add_consumer(self, consumer: Consumer) -> None:
        self.consumers[consumer] = None
        self.used = self.broker.now
        if self.single_active:
            consumer.blocked = True
            if self.kind == "quorum" and self.active is not None and consumer.priority > self.active.priority:
                self._retire_active()
            self._choose_active()
        else:
            self._round(consumer.priority).append(consumer)
        self.drain()

    def remove_consumer(self, consumer: Consumer) -> None:
        """Deletes the queue when it was the last one of an auto-delete queue."""
        if consumer not in self.consumers:
            return
        del self.consumers[consumer]
        self.used = self.broker.now
        found = self._rounds.get(consumer.priority)
        if found is not None and consumer in found:
            found.remove(consumer)
        if self.active is consumer:
            self.active = None
            self._choose_active()
        self._watch_use()
        if self.auto_delete and not self.consumers and not self.deleted:
            self.vhost.remove_queue(self)
        else:
            self.drain()

    def resume(self, consumer: Consumer) -> None:
        """A consumer that was out of the round can take messages again."""
        if self.single_active and self.active is not consumer:
            consumer.blocked = True
            return
        if consumer in self.consumers:
            self._round(consumer.priority).append(consumer)
            if self.ready.count:
                self.drain()

    def drain(self) -> None:
        """Delivers what can be delivered."""
        while self.ready.count and (consumer := self._next_consumer()):
            entry = self._pop()
            if entry is None:
                self._round(consumer.priority).appendleft(consumer)
                return
            self._deliver(consumer, entry)

    def in_exclusive_use(self, *, wanted: bool) -> bool:
        """Whether a consumer that comes now has to be sent away; `wanted`: it asks for exclusive use itself.

        Quorum queues do not know exclusive consumers.
        """
        if self.kind == "quorum":
            return False
        return self.exclusive_consumer is not None or (wanted and (self.single_active or bool(self.consumers)))

    @property
    def exclusive_consumer(self) -> Consumer | None:
        return next((consumer for consumer in self.consumers if consumer.exclusive), None)

    # ------------------------------------------------------------------------------------------------------- removing

    def purge(self) -> int:
        entries = self.ready.clear()
        self._keep_limits()
        self._forget(entries)
        return len(entries)

    def delete(self) -> None:
        """Forgets all messages and tells the consumers. The vhost takes care of names and bindings."""
        self.deleted = True
        self._forget(self.ready.clear())
        for timer in (self._expiry, self._unused):
            if timer:
                timer.cancel()
        consumers, self.consumers = self.consumers, {}
        for consumer in consumers:
            consumer.channel.cancelled_by_broker(consumer)

    def messages(self) -> Iterator[Entry]:
        """The ready ones in the order of delivery."""
        return iter(self.ready)

    # -------------------------------------------------------------------------------------------------------- the inside

    def _round(self, priority: int) -> deque[Consumer]:
        if priority not in self._rounds:
            self._rounds[priority] = deque()
            self._rounds = dict(sorted(self._rounds.items(), reverse=True))
        return self._rounds[priority]

    def _next_consumer(self) -> Consumer | None:
        """The one whose turn it is, taken out of the round; those that can take nothing now leave it."""
        for consumers in self._rounds.values():
            while consumers:
                consumer = consumers.popleft()
                if consumer.can_take():
                    return consumer
                consumer.blocked = True
        return None

    def _deliver(self, consumer: Consumer, entry: Entry) -> None:
        self._rounds[consumer.priority].append(consumer)
        if consumer.no_ack:
            self.counts.deliver_no_ack += 1
            if entry.stored:
                self.broker.journal.forget(entry)
        else:
            self._took(entry)
            self.counts.deliver += 1
        if entry.redelivered:
            self.counts.redeliver += 1
        consumer.channel.deliver(consumer, entry)

    def _took(self, entry: Entry) -> None:
        self.unacked += 1
        self.unacked_bytes += len(entry.message.body)

    def _pop(self) -> Entry | None:
        """The next message that has not expired."""
        while self.ready.count:
            entry = self.ready.pop()
            if self._refusing:
                self._keep_limits()
            if self._expiry is not None or entry.expires is not None:
                self._watch_expiry()
            if entry.expires is None or entry.expires > self.broker.now:
                return entry
            self._dead_letter([entry], "expired")
        return None

    def _retire_active(self) -> None:
        """Takes the active consumer out of the round; it stays one of those that wait."""
        assert self.active is not None
        found = self._round(self.active.priority)
        if self.active in found:
            found.remove(self.active)
        self.active.blocked = True
        self.active = None

    def _choose_active(self) -> None:
        if not self.single_active or self.active is not None or not self.consumers:
            return
        self.active = max(self.consumers, key=lambda consumer: consumer.priority)
        self.active.blocked = False
        self._round(self.active.priority).append(self.active)

    def _is_full(self, message: Message) -> bool:
        if self.kind == "quorum":
            return self._refusing
        if self.max_length is not None and self.ready.count >= self.max_length:
            return True
        return self.max_bytes is not None and self.ready.bytes + len(message.body) > self.max_bytes

    def _is_over(self, share: float = 1) -> bool:
        """Whether more waits than this share of a limit."""
        if self.max_length is not None and self.ready.count > int(self.max_length * share):
            return True
        return self.max_bytes is not None and self.ready.bytes > int(self.max_bytes * share)

    def _keep_limits(self) -> None:
        """Drops what is too much, or takes note that no more is wanted."""
        if self.overflow != "drop-head":
            self._refusing = self._is_over(_LOW if self._refusing else 1)
            return
        dropped = []
        while self.ready.count and self._is_over():
            dropped.append(self.ready.pop())
        if dropped:
            self._watch_expiry()
        self._dead_letter(dropped, "maxlen")

    def _expires(self, message: Message) -> float:
        limits = [] if self.ttl is None else [self.ttl]
        if message.flags & _EXPIRATION:
            limits.append(int(message.get("expiration")) / 1000)
        return self.broker.now + min(limits)

    def _watch_expiry(self) -> None:
        """Has the timer go off when the first of the messages at the heads expires."""
        due = min((head.expires for head in self.ready.heads() if head.expires is not None), default=None)
        if self._expiry is not None:
            if self._expiry.when == due:
                return
            self._expiry.cancel()
            self._expiry = None
        if due is not None:
            self._expiry = self.broker.timers.at(due, self._drop_expired)

    def _drop_expired(self) -> None:
        expired = self.ready.pop_expired(self.broker.now)
        self._watch_expiry()
        self._dead_letter(expired, "expired")

    def _watch_use(self) -> None:
        """x-expires: deletes the queue when it has not been used for so long."""
        if self._unused is not None:
            self._unused.cancel()
            self._unused = None
        if self.expires_after is not None and not self.deleted:
            self._unused = self.broker.timers.at(self.used + self.expires_after, self._delete_unused)

    def _delete_unused(self) -> None:
        assert self.expires_after is not None
        if self.consumers:
            self.used = self.broker.now
        if self.used + self.expires_after > self.broker.now:
            self._watch_use()
        else:
            self.vhost.remove_queue(self)

    def _dead_letter(self, entries: list[Entry], reason: str) -> None:
        if not entries:
            return
        self._forget(entries)
        if self.dead_letter_exchange is not None:
            for entry in entries:
                self.vhost.dead_letter(self, entry, reason)

    def _forget(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if entry.stored:
                self.broker.journal.forget(entry)
