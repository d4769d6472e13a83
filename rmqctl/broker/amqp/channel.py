"""A channel: what it publishes, what was delivered to it, and how both are settled (specification, sections 1.8 and 1.9).

The methods that a client sends are answered in `basic`, `declaring` and `modes`; messages are put together in `content`;
confirms, deliveries and transactions are kept in ledgers of their own. What raises AmqpError or Refusal here closes the
channel or the connection: see `connection`.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from rmqctl.broker.amqp import content, frames
from rmqctl.broker.amqp.confirms import Confirms
from rmqctl.broker.amqp.deliveries import ACK, LEFT, Deliveries, Settlement, Tagged, by_queue
from rmqctl.broker.amqp.errors import AmqpError, error_of
from rmqctl.broker.amqp.states import ChannelState, Mode
from rmqctl.broker.amqp.transaction import Published, TransactionLog
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.consumer import Consumer, Impatient, Origin, Overdue
from rmqctl.broker.core.content import short_string
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.ports import Connection
from rmqctl.broker.core.publishing import TAKEN, Outcome, Publisher
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.shield import shielded
from rmqctl.broker.core.users import User
from rmqctl.broker.core.vhost import VHost

_MANDATORY = 1
_TX, _CONFIRM = Mode.TX, Mode.CONFIRM
_GUIDE = "This timeout value can be configured, see consumers doc guide to learn more"
_NO_ROUTE = frames.short(312) + short_string("NO_ROUTE")


class Client(Connection, Protocol):
    """The connection of a channel."""

    broker: Broker
    paused: bool
    frame_max: int
    confirming: "dict[Channel, None]"
    """Channels that have confirms to flush when all that came at once is handled."""
    credited: "dict[Channel, None]"
    """Channels whose consumers may be able to take messages again."""
    holding: "dict[Channel, None]"
    """Channels that hold what queues have for them."""
    handling: bool
    """A method of the client is being handled."""

    @property
    def choked(self) -> bool: ...
    @property
    def user(self) -> User: ...
    @property
    def vhost(self) -> VHost: ...

    def send(self, frames: bytes) -> None: ...
    def fail_channel(self, number: int, error: AmqpError) -> None: ...
    def capable(self, name: str) -> bool: ...


class Subscription(NamedTuple):
    """A consumer, its queue, and what every basic.deliver to it starts with."""

    consumer: Consumer
    queue: Queue
    prefix: bytes


class Handed(NamedTuple):
    """A message that a queue has handed out."""

    subscription: Subscription
    entry: Entry
    message: Message


class Safe(NamedTuple):
    """Frames that go out once the store has everything that it was told until then."""

    frames: bytes


Event = Handed | Consumer | Safe
"""What queues have for a channel: a message, that a consumer is cancelled, or that a transaction is done."""


class Channel:
    """`prefetch` is the limit of the whole channel (basic.qos with global), 0 without."""

    def __init__(self, connection: Client, number: int) -> None:
        self.connection = connection
        self.number = number
        self.broker = connection.broker
        self.node = connection.broker.node
        self.vhost = connection.vhost
        self.user = connection.user
        self.state = ChannelState.OPEN
        self.mode = Mode.PLAIN
        self.origin = Origin(connection.name, number, connection.peer, self.user.name)
        self.firehose = self.vhost.firehose
        self.publisher = Publisher(
            self.vhost.name, self.vhost.router, self.broker.replies, self.user, self.firehose, self.origin
        )
        self.counts = self.publisher.counts
        self.assembly = content.Assembly()
        self.confirms = Confirms(self.node, number, self.counts, connection.send)
        self.deliveries = Deliveries()
        self.transaction = TransactionLog()
        self.subscriptions: dict[str, Subscription] = {}
        """By consumer tag."""
        self.reply_tag: str | None = None
        """The consumer tag of direct replies, while there are to be any."""
        self.prefetch = 0
        self._refused: dict[str, None] = {}
        """Tags of consumers that were told that they cannot take anything now, in that order."""
        self._freed: dict[str, None] = {}
        """Tags of consumers that have acknowledged something since they were last credited."""
        self.consumer_prefetch = 0
        """What new consumers start with."""
        self.last_queue = ""
        """Stands for an empty queue name (specification, section 1.7: queue-name)."""
        self.last_used = self.node.now
        self._held: list[Event] = []
        self.commits: deque[tuple[int, bytes]] = deque()
        """Answers to transactions that wait for the store: batch and frames."""

    # ----------------------------------------------------------------------------------------------------- publishing

    def begin_publish(self, payload: bytes) -> None:
        self.assembly.begin(payload)

    def content_header(self, payload: bytes) -> None:
        if (whole := self.assembly.header(payload)) is not None:
            self._publish(*whole)

    def content_body(self, payload: bytes) -> None:
        if (whole := self.assembly.body(payload)) is not None:
            self._publish(*whole)

    def publish_whole(self, payload: bytes, header: bytes, body: bytes) -> None:
        """basic.publish with all its content: the same, sooner."""
        published = frames.publish(payload)
        content.check_properties(header)
        self._publish(published, header, body)

    def _publish(self, published: frames.Published, header: bytes, body: bytes) -> None:
        exchange, key, bits, route = published
        message = Message(exchange, key, header, body, route)
        unroutable = self._return if bits & _MANDATORY else None
        try:
            if self.mode is _TX:
                to, message = self.publisher.accept(message)
                self.transaction.publish(Published(to, message, self.publisher.route(to, message), unroutable))
            elif self.mode is _CONFIRM:
                number = self.confirms.next()
                self._confirm(number, self.publisher.publish(message, unroutable))
            else:
                self.publisher.publish(message, unroutable)
        except Refusal as refusal:
            error = error_of(refusal)
            error.blame = error.blame or frames.PUBLISH
            raise error from None

    def _confirm(self, number: int, outcome: Outcome) -> None:
        if outcome is TAKEN:
            self.confirms.confirm(number)
            self.connection.confirming[self] = None
        elif outcome.rejected:
            self.confirms.reject(number)
        elif outcome.stored:
            self.confirms.wait(number)
            if not self.node.journal.durable:
                self.connection.holding[self] = None
        else:
            # It was returned: its answer follows at once.
            self.confirms.confirm(number)
            self.confirms.flush()

    def _return(self, message: Message) -> None:
        self.confirms.flush()
        self.send_content(b"\x00\x3c\x00\x32" + _NO_ROUTE + message.route, message)

    # ------------------------------------------------------------------------------------------------------ delivering

    def may_send(self, consumer: Consumer) -> bool:
        """See `Outlet`."""
        if (
            self.connection.paused
            or (self.prefetch and self.deliveries.consumed >= self.prefetch)
            or (consumer.prefetch and consumer.unacked >= consumer.prefetch)
        ):
            self._refused[consumer.tag] = None
            return False
        return True

    def _takes_nothing(self) -> bool:
        """None of its consumers can take anything: also one that needs no acknowledgement waits for the others'."""
        return self.connection.paused or bool(self.prefetch and self.deliveries.consumed >= self.prefetch)

    def send(self, consumer: Consumer, entry: Entry, message: Message) -> None:
        """See `Outlet`."""
        subscription = self.subscriptions[consumer.tag]
        if not consumer.no_ack:
            consumer.unacked += 1
            self.deliveries.consumed += 1
        if self.connection.handling:
            self.hold(Handed(subscription, entry, message))
        else:
            self._deliver(subscription, entry, message)

    def cancelled(self, consumer: Consumer) -> None:
        """See `Outlet`."""
        if self.connection.handling:
            self.hold(consumer)
        else:
            self._cancel(consumer)

    def withdraw_overdue(self, queue: Impatient, now: float) -> tuple[list[Overdue], float | None]:
        """See `Outlet`."""
        return self.deliveries.withdraw_overdue(queue, now)

    def timed_out(self, consumer: Consumer | None) -> None:
        """See `Outlet`. A consumer that can be told by basic.cancel keeps its place; for others the channel ends."""
        known = consumer is not None and self.subscriptions.get(consumer.tag)
        if known and known.consumer is consumer and self.connection.capable("consumer_cancel_notify"):
            self._send_cancel(consumer.tag)
        else:
            # RabbitMQ 4.3 tells no other timeout than this one.
            text = f"delivery acknowledgement on channel {self.number} timed out. Timeout value used: -1 ms. {_GUIDE}"
            self.connection.fail_channel(self.number, AmqpError(406, text))

    def hold(self, event: Event) -> None:
        """Something from a queue: it comes after the answer to the method that is being handled."""
        self._held.append(event)
        self.connection.holding[self] = None

    def flush(self) -> None:
        """The method is handled: what was held goes out."""
        self.confirms.flush()
        held, self._held = self._held, []
        for event in held:
            if isinstance(event, Handed):
                self._deliver(*event)
            elif isinstance(event, Consumer):
                self._cancel(event)
            else:
                self._send_when_safe(event.frames)
        if not self.node.journal.durable:
            self.confirms.committed(self.node.journal.batch)

    def _send_when_safe(self, frames: bytes) -> None:
        """Once the store has everything that it was told until now."""
        if self.node.journal.durable:
            self.commits.append((self.node.journal.batch, frames))
            awaiting = self.node.awaiting
            awaiting[self] = None
            if self.confirms in awaiting:
                # Its answers go before what the same commit confirms.
                del awaiting[self.confirms]
                awaiting[self.confirms] = None
        else:
            self.connection.send(frames)

    def committed(self, batch: int) -> None:
        """The store has everything up to this batch."""
        while self.commits and self.commits[0][0] <= batch:
            self.connection.send(self.commits.popleft()[1])
        if not self.commits:
            self.node.awaiting.pop(self, None)

    def _deliver(self, subscription: Subscription, entry: Entry, message: Message) -> None:
        """basic.deliver"""
        consumer, queue, prefix = subscription
        if consumer.no_ack:
            tag = self.deliveries.next_tag()
            self.counts.deliver_no_ack += 1
        else:
            tag = self.deliveries.add(entry, queue, consumer, self.node.now)
            self.counts.deliver += 1
        if entry.redelivered:
            self.counts.redeliver += 1
        if self.firehose.on:
            self.firehose.delivered(self.origin, message, queue.name, entry.redelivered)
        connection = self.connection
        connection.send(frames.deliver(self.number, prefix, tag, entry.redelivered, message, connection.frame_max))

    def _cancel(self, consumer: Consumer) -> None:
        """basic.cancel: its queue is gone."""
        if self.unsubscribe(consumer.tag) and self.connection.capable("consumer_cancel_notify"):
            self._send_cancel(consumer.tag)

    def _send_cancel(self, tag: str) -> None:
        self.connection.send(frames.method(self.number, 60, 30, short_string(tag), b"\x01"))

    def send_reply(self, message: Message) -> None:
        """A direct reply: it needs no acknowledgement, and there is no queue where it could wait: who is choked loses it."""
        assert self.reply_tag is not None
        if self.connection.choked:
            return
        self.counts.deliver_no_ack += 1
        prefix = frames.deliver_prefix(self.reply_tag)
        self.send_content(frames.delivery(prefix, self.deliveries.next_tag(), False, message.route), message)

    def send_content(self, arguments: bytes, message: Message) -> None:
        connection = self.connection
        connection.send(frames.content(self.number, arguments, message.header, message.body, connection.frame_max))

    def resume(self, *, early: bool = False) -> None:
        """All of the channel's consumers may be able to take messages again: who was refused first is asked first.

        `early`: in the middle of what the client has sent, where those of queues that settle later cannot yet.
        """
        for tag in list(self._refused):
            if self._takes_nothing():
                return
            self._credit(tag, self._refused, early)

    def credit(self, *, early: bool = False) -> None:
        """Those that have acknowledged something may be able to; with a limit for the whole channel perhaps others."""
        self._credit_all(self._freed, early)

    def _credit_all(self, freed: dict[str, None], early: bool = False) -> None:
        if self.prefetch:
            self.resume(early=early)
        for tag in list(freed):
            self._credit(tag, freed, early)

    def _credit(self, tag: str, among: dict[str, None], early: bool) -> None:
        subscription = self.subscriptions.get(tag)
        if subscription is not None and early and subscription.queue.settles_later:
            return
        del among[tag]
        if subscription is not None:
            subscription.queue.credit(subscription.consumer)

    # --------------------------------------------------------------------------------------------------- acknowledging

    def ack(self, tag: int, multiple: bool) -> None:
        """Consumers get what they can take now when all that came at once is handled: the connection credits them."""
        if multiple or self.mode is _TX:
            self.settle(ACK, tag, multiple)
            return
        entry, queue, consumer, _ = self.deliveries.settle(tag)
        self.counts.ack += 1
        queue.counts.ack += 1
        queue.settle(entry)
        if consumer is not None and (consumer.blocked or self.prefetch):
            self._freed[consumer.tag] = None
            self.connection.credited[self] = None

    def unacknowledged(self) -> list[Tagged]:
        """What it has, the oldest first; what a transaction is to settle comes last."""
        return [*self.deliveries.tagged(), *self.transaction.settled()]

    def settle(self, settlement: Settlement, tag: int, multiple: bool) -> None:
        """`tag` 0 with `multiple`: all."""
        taken = self.deliveries.take_up_to(tag) if multiple else [(tag, self.deliveries.take(tag))]
        if self.mode is _TX:
            self.transaction.settle(settlement, taken)
        else:
            self.settle_now(settlement, taken)

    def settle_now(self, settlement: Settlement, taken: Iterable[Tagged]) -> None:
        deliveries = [delivery for _, delivery in taken]
        freed: dict[str, None] = {}
        for delivery in deliveries:
            self.deliveries.settled(delivery)
            if delivery.consumer is not None:
                freed[delivery.consumer.tag] = None
            if settlement.ack:
                self.counts.ack += 1
                delivery.queue.counts.ack += 1
                delivery.queue.settle(delivery.entry)
        if settlement.ack:
            self._credit_all(freed)
            return
        if not settlement.left:
            # As RabbitMQ: what was got first, then each consumer's, by their tags.
            deliveries.sort(key=lambda each: each.consumer.tag if each.consumer is not None else "")
        entries = by_queue(deliveries)
        # Dead letters take their way after the consumers got their next messages.
        with self.vhost.dead_letters_later():
            if settlement.requeue:
                for queue, found in entries.items():
                    queue.requeue(found, failed=settlement.failed)
            self._credit_all(freed)
            if not settlement.requeue:
                for queue, found in entries.items():
                    queue.reject(found, failed=settlement.failed)

    def recover(self) -> None:
        """Everything that is unacknowledged goes back."""
        self.settle_now(Settlement(requeue=True), self.deliveries.take_up_to(0))

    # ------------------------------------------------------------------------------------------------------ everything

    def reply(self, class_id: int, method_id: int, *arguments: bytes) -> None:
        self.connection.send(frames.method(self.number, class_id, method_id, *arguments))

    def queue_name(self, name: str) -> str:
        """The last queue declared on this channel when it is empty."""
        if name:
            return name
        if not self.last_queue:
            raise AmqpError(404, "no previously declared queue")
        return self.last_queue

    def unsubscribe(self, tag: str) -> Subscription | None:
        """The consumer of this tag is forgotten; None when there was none."""
        self._refused.pop(tag, None)
        self._freed.pop(tag, None)
        return self.subscriptions.pop(tag, None)

    def forget_replies(self) -> None:
        self.broker.replies.close(self.publisher.reply_address)
        self.publisher.reply_address = ""
        self.reply_tag = None

    def release(self) -> None:
        """It is over: consumers go, and what was not acknowledged goes back."""
        release([self])

    def detach(self) -> list[Queue]:
        """The consumers go. Returns the queues that they leave."""
        self.connection.confirming.pop(self, None)
        self.connection.holding.pop(self, None)
        self.connection.credited.pop(self, None)
        self.node.awaiting.pop(self, None)
        self.confirms.forget()
        self.forget_replies()
        self.node.churn["channel_closed"] += 1
        self.vhost.published.add(self.counts)
        self.counts.clear()
        subscriptions, self.subscriptions = self.subscriptions, {}
        return [each.queue for each in subscriptions.values() if each.queue.detach(each.consumer)]

    def put_back(self) -> None:
        """What was not acknowledged goes back, also what was held."""
        held, self._held = self._held, []
        for event in held:
            if isinstance(event, Handed) and not event.subscription.consumer.no_ack:
                consumer, queue, _ = event.subscription
                self.deliveries.add(event.entry, queue, consumer, self.node.now)
        self.deliveries.put_back(self.transaction.settled())
        self.transaction.take()
        self.settle_now(LEFT, self.deliveries.take_up_to(0))


def release(channels: Iterable[Channel]) -> None:
    """They are over. First no consumer of theirs takes anything, so that what comes back goes to others."""
    channels = list(channels)
    left: dict[Queue, None] = {}
    for channel in channels:
        with shielded(f"take the consumers of channel {channel.number} from their queues"):
            left |= dict.fromkeys(channel.detach())
    for channel in channels:
        with shielded(f"return what channel {channel.number} has not acknowledged"):
            channel.put_back()
    for queue in left:
        with shielded(f"go on with queue '{queue.name}'"):
            queue.after_leaving()
