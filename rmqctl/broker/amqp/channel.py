"""A channel: what it publishes, what was delivered to it, and how both are settled (specification, sections 1.8 and 1.9).

The methods that a client sends are answered in `basic`, `declaring` and `modes`; messages are put together in `content`;
confirms, deliveries and transactions are kept in ledgers of their own. What raises AmqpError or Refusal here closes the
channel or the connection: see `connection`.
"""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from rmqctl.broker.amqp import content, frames
from rmqctl.broker.amqp.confirms import Confirms
from rmqctl.broker.amqp.deliveries import ACK, LEFT, Deliveries, Settlement, Tagged, by_queue
from rmqctl.broker.amqp.errors import AmqpError, error_of
from rmqctl.broker.amqp.states import ChannelState, Mode
from rmqctl.broker.amqp.transaction import Published, Settled, TransactionLog
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.consumer import Consumer, Origin
from rmqctl.broker.core.content import short_string
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.ports import Connection
from rmqctl.broker.core.publishing import Publisher
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.users import User
from rmqctl.broker.core.vhost import VHost

_MANDATORY = 1
_TX, _CONFIRM = Mode.TX, Mode.CONFIRM
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

    @property
    def user(self) -> User: ...
    @property
    def vhost(self) -> VHost: ...

    def send(self, frames: bytes) -> None: ...
    def send_after(self, frames: bytes) -> None: ...
    def send_when_safe(self, frames: bytes) -> None: ...
    def capable(self, name: str) -> bool: ...


class Subscription(NamedTuple):
    """A consumer, its queue, and what every basic.deliver to it starts with."""

    consumer: Consumer
    queue: Queue
    prefix: bytes


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
        self.publisher = Publisher(self.vhost.name, self.vhost.router, self.broker.replies, self.user)
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
        self.consumer_prefetch = 0
        """What new consumers start with."""
        self.last_queue = ""
        """Stands for an empty queue name (specification, section 1.7: queue-name)."""
        self.last_used = self.node.now
        self.origin = Origin(connection.name, number, connection.peer, self.user.name)

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
                self.transaction.add(Published(to, message, self.publisher.route(to, message), unroutable))
            elif self.mode is _CONFIRM:
                number = self.confirms.next()
                if self.confirms.add(number, self.publisher.publish(message, unroutable)):
                    self.connection.confirming[self] = None
            else:
                self.publisher.publish(message, unroutable)
        except Refusal as refusal:
            error = error_of(refusal)
            error.blame = error.blame or frames.PUBLISH
            raise error from None

    def _return(self, message: Message) -> None:
        self.confirms.flush()
        self.send_content(b"\x00\x3c\x00\x32" + _NO_ROUTE + message.route, message)

    # ------------------------------------------------------------------------------------------------------ delivering

    def may_send(self, consumer: Consumer) -> bool:
        """See `Outlet`."""
        if self.connection.paused:
            return False
        if consumer.no_ack:
            return True
        if consumer.prefetch and consumer.unacked >= consumer.prefetch:
            return False
        return not self.prefetch or self.deliveries.consumed < self.prefetch

    def send(self, consumer: Consumer, entry: Entry, message: Message) -> None:
        """basic.deliver."""
        subscription, connection = self.subscriptions[consumer.tag], self.connection
        if consumer.no_ack:
            tag = self.deliveries.next_tag()
            self.counts.deliver_no_ack += 1
        else:
            tag = self.deliveries.add(entry, subscription.queue, consumer, self.node.now)
            self.counts.deliver += 1
        if entry.redelivered:
            self.counts.redeliver += 1
        connection.send(
            frames.deliver(self.number, subscription.prefix, tag, entry.redelivered, message, connection.frame_max)
        )

    def cancelled(self, consumer: Consumer) -> None:
        """Its queue is gone."""
        if self.subscriptions.pop(consumer.tag, None) and self.connection.capable("consumer_cancel_notify"):
            self.connection.send_after(frames.method(self.number, 60, 30, short_string(consumer.tag), b"\x01"))

    def send_reply(self, message: Message) -> None:
        """A direct reply: it needs no acknowledgement, and there is no queue where it could wait."""
        assert self.reply_tag is not None
        self.counts.deliver_no_ack += 1
        prefix = frames.deliver_prefix(self.reply_tag)
        self.send_content(frames.delivery(prefix, self.deliveries.next_tag(), False, message.route), message)

    def send_content(self, arguments: bytes, message: Message) -> None:
        connection = self.connection
        connection.send(frames.content(self.number, arguments, message.header, message.body, connection.frame_max))

    def resume(self) -> None:
        """All of the channel's consumers may be able to take messages again."""
        self._credit(self.subscriptions.values())

    def _credit(self, subscriptions: Iterable[Subscription]) -> None:
        for each in list(subscriptions):
            each.queue.credit(each.consumer)

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
            self.connection.credited[self] = None

    def settle(self, settlement: Settlement, tag: int, multiple: bool) -> None:
        """`tag` 0 with `multiple`: all."""
        taken = self.deliveries.take_up_to(tag) if multiple else [(tag, self.deliveries.take(tag))]
        if self.mode is _TX:
            self.transaction.add(Settled(settlement, taken))
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
        if not settlement.ack:
            for queue, entries in by_queue(deliveries).items():
                (queue.requeue if settlement.requeue else queue.reject)(entries, failed=settlement.failed)
        if self.prefetch:
            self.resume()
        else:
            self._credit(self.subscriptions[tag] for tag in freed if tag in self.subscriptions)

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

    def forget_replies(self) -> None:
        self.broker.replies.close(self.publisher.reply_address)
        self.publisher.reply_address = ""
        self.reply_tag = None

    def release(self) -> None:
        """It is over: consumers go, and what was not acknowledged goes back."""
        self.connection.confirming.pop(self, None)
        self.confirms.forget()
        self.forget_replies()
        self.node.churn["channel_closed"] += 1
        self.vhost.published.add(self.counts)
        self.counts.clear()
        subscriptions, self.subscriptions = self.subscriptions, {}
        for each in subscriptions.values():
            each.queue.remove_consumer(each.consumer)
        self.deliveries.put_back(self.transaction.settled())
        self.settle_now(LEFT, self.deliveries.take_up_to(0))
