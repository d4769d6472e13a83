"""A channel: publishing, delivering, acknowledging, confirms and transactions (specification, sections 1.4, 1.8, 1.9).

Declaring and deleting is in `topology`. What raises AmqpError here closes the channel or the connection: see `connection`.
"""

import os
import re
from base64 import urlsafe_b64encode
from collections import OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pamqp import commands

from rmqctl.broker.core import wire
from rmqctl.broker.core.arguments import LONGEST, Arguments, whole
from rmqctl.broker.core.consumer import Consumer
from rmqctl.broker.core.errors import AmqpError, precondition, refused
from rmqctl.broker.core.exchange import Exchange
from rmqctl.broker.core.message import ACTED_ON, Entry, Message
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.stats import Counts

if TYPE_CHECKING:
    from rmqctl.broker.amqp.connection import Connection

REPLY_TO = "amq.rabbitmq.reply-to"
_REPLY_ADDRESS = REPLY_TO + "."
_MANDATORY, _IMMEDIATE = 1, 2
# The largest body that RabbitMQ 4 takes (max_message_size).
_LARGEST = 16 * 1024 * 1024
_LARGEST_EVER = 512 * 1024 * 1024
_TOKEN = 22
# Flags and properties that were found sound.
_SOUND: set[bytes] = set()
_SOUND_AT_MOST = 1000
# Whether what was delivered goes back, and whether its delivery counts as failed, by how it was refused.
_REFUSALS = {
    "nack": (False, False),
    "nack, requeue": (True, False),
    "reject": (False, True),
    "reject, requeue": (True, True),
    "left, requeue": (True, True),
}
# Arguments of consumers that other queues than streams do not know.
_OF_STREAMS = ("x-stream-offset", "x-stream-filter", "x-stream-match-unfiltered")
_UNKNOWN_TAG = "unknown delivery tag {}"


class Unacked(NamedTuple):
    """A delivery that waits to be acknowledged; `consumer` is None after basic.get; `since` in Unix seconds."""

    entry: Entry
    consumer: Consumer | None
    since: float


class Channel:
    """`prefetch` is the limit of the whole channel (basic.qos with global), 0 without."""

    def __init__(self, connection: "Connection", number: int) -> None:
        self.connection = connection
        self.number = number
        self.broker = connection.broker
        self.vhost = connection.vhost
        self.user = connection.user
        self.closing = False
        """A channel.close was sent: everything is ignored until its answer."""
        self.counts = Counts()
        self.consumers: dict[str, Consumer] = {}
        self.unacked: OrderedDict[int, Unacked] = OrderedDict()
        self.consumed = 0
        """Unacknowledged deliveries of consumers."""
        self.prefetch = 0
        self.consumer_prefetch = 0
        """What new consumers start with."""
        self.mode = ""
        """confirm, tx, or neither."""
        self.last_queue = ""
        """Stands for an empty queue name (specification, section 1.7: queue-name)."""
        self.last_used = self.broker.now
        self.uncommitted: list[tuple[str, Any]] = []
        """What a transaction has gathered: ("publish", ...), or as `settle` has it, with deliveries."""
        self.reply_tag: str | None = None
        self._reply_token = ""
        self._delivery_tag = 0
        self._published = 0
        self._confirmed: list[int] = []
        self._waiting: deque[tuple[int, int]] = deque()
        """Publishes that wait for the store: batch and number."""
        self._allowed: dict[str, int] = {}
        """Exchanges that the user may write to, as of which epoch."""
        self._content: wire.Published | None = None
        self._header = b""
        self._size = 0
        self._got = 0
        self._pieces: list[bytes] = []

    # -------------------------------------------------------------------------------------------------------- content

    @property
    def expects_content(self) -> bool:
        return self._content is not None

    def begin_publish(self, payload: bytes) -> None:
        """basic.publish: its content follows."""
        self._content = wire.publish(payload)
        if self._content[2] & _IMMEDIATE:
            raise AmqpError(540, "immediate=true")

    def content_header(self, payload: bytes) -> None:
        if self._content is None:
            raise unexpected("method frame", "non method frame", wire.NOTHING)
        if len(payload) < 12:
            raise wire.bad_frame(501, wire.HEADER, payload, "unknown_frame")
        if len(payload) < 14:
            raise wire.malformed()
        if self._header:
            raise self.other_than_content()
        if payload[:2] != b"\x00\x3c":
            class_id = int.from_bytes(payload[:2], "big")
            raise unexpected("content header for class 60", f"one for class {class_id}")
        if payload[2:4] != b"\x00\x00":
            raise self.other_than_content()
        if payload[12:] not in _SOUND:
            _check_properties(payload)
        self._header = payload
        self._size = int.from_bytes(payload[4:12], "big")
        if self._size > _LARGEST_EVER:
            problem = f"content body size {self._size} exceeds maximum allowed size {_LARGEST_EVER}"
            raise AmqpError(501, problem, blame=wire.PUBLISH)
        self._got = 0
        if not self._size:
            self._complete(b"")

    def content_body(self, payload: bytes) -> None:
        if self._content is None:
            raise unexpected("method frame", "non method frame", wire.NOTHING)
        if not self._header:
            raise self.other_than_content()
        self._got += len(payload)
        if self._got == self._size and not self._pieces:
            self._complete(payload)
        elif self._got > self._size:
            raise AmqpError(501, "content body frame exceeds remaining content size", blame=wire.PUBLISH)
        else:
            self._pieces.append(payload)
            if self._got == self._size:
                self._complete(b"".join(self._pieces))

    def other_than_content(self) -> AmqpError:
        """What to say of a frame that is not the one that has to come next."""
        if self._header:
            return unexpected("content body", "non content body frame")
        return unexpected("content header for class 60", "non content header frame")

    def _complete(self, body: bytes) -> None:
        assert self._content is not None
        content, header = self._content, self._header
        self._content, self._header, self._pieces = None, b"", []
        self._publish_content(content, header, body)

    def publish_whole(self, payload: bytes, header: bytes, body: bytes) -> None:
        """basic.publish with all its content: the same, sooner."""
        content = wire.publish(payload)
        if content[2] & _IMMEDIATE:
            raise AmqpError(540, "immediate=true")
        if header[12:] not in _SOUND:
            _check_properties(header)
        self._publish_content(content, header, body)

    def _publish_content(self, content: wire.Published, header: bytes, body: bytes) -> None:
        exchange, key, bits, route = content
        try:
            if len(body) > _LARGEST:
                raise precondition(f"message size {len(body)} is larger than configured max size {_LARGEST}")
            self.publish(Message(exchange, key, header, body, route), bits & _MANDATORY == _MANDATORY)
        except AmqpError as error:
            error.blame = error.blame or wire.PUBLISH
            raise

    # ----------------------------------------------------------------------------------------------------- publishing

    def publish(self, message: Message, mandatory: bool) -> None:
        """Routes a message and hands it over, at once or with the transaction."""
        exchange = self._exchange_to_write(message)
        if message.flags & ACTED_ON:
            message = self._checked(message)
        if self.mode == "tx":
            self.uncommitted.append(("publish", (exchange, message, self._route(exchange, message), mandatory)))
            return
        number = 0
        if self.mode == "confirm":
            self._published += 1
            number = self._published
        self._hand_over(exchange, message, self._route(exchange, message), mandatory, number)

    def _exchange_to_write(self, message: Message) -> Exchange:
        name = message.exchange
        exchange = self.vhost.exchanges.get(name)
        if self._allowed.get(name) != self.broker.access_epoch:
            self.user.check("write", self.vhost.name, "exchange", name)
            if exchange is not None and not exchange.internal and name not in self._topic_limited():
                self._allowed[name] = self.broker.access_epoch
        if exchange is None:
            raise AmqpError(404, f"no exchange '{name}' in vhost '{self.vhost.name}'")
        if exchange.internal:
            raise refused(f"cannot publish to internal exchange '{name}' in vhost '{self.vhost.name}'")
        if exchange.kind == "topic" and name in self._topic_limited():
            self.user.check_topic("write", self.vhost.name, name, message.key)
        return exchange

    def _topic_limited(self) -> Iterable[str]:
        return self.user.topic_permissions.get(self.vhost.name, ())

    def _checked(self, message: Message) -> Message:
        """Looks at the properties that the broker acts on. The message may come back changed."""
        user_id = message.get("user_id")
        if user_id is not None and user_id != self.user.name and "impersonator" not in self.user.tags:
            raise precondition(f"user_id property set to '{user_id}' but authenticated user was '{self.user.name}'")
        expiration = message.get("expiration")
        if expiration is not None:
            check_expiration(expiration)
        if message.get("reply_to") == REPLY_TO:
            if self.reply_tag is None:
                raise precondition("fast reply consumer does not exist")
            return message.changed(message.exchange, message.key, reply_to=f"{REPLY_TO}.{self._reply_token}")
        return message

    def _route(self, exchange: Exchange, message: Message) -> Sequence[Queue] | None:
        """The queues that the message goes to; None when it is a direct reply."""
        if not exchange.name and message.key.startswith(_REPLY_ADDRESS):
            return None
        return self.vhost.route(exchange, message)

    def _hand_over(
        self, exchange: Exchange, message: Message, queues: Sequence[Queue] | None, mandatory: bool, number: int
    ) -> bool:
        """False when a queue rejected it. `number` is the publish's, for its confirm; 0 when none is wanted."""
        self.counts.publish += 1
        exchange.counts.publish_in += 1
        rejected = stored = False
        if queues is None:
            routed = self._reply(message)
        else:
            if b"\x03BCC" in message.header:
                message = message.changed(message.exchange, message.key, headers={"BCC": None})
            routed = bool(queues)
            for queue in queues:
                rejected |= not queue.push(message)
                stored |= queue.durable
            exchange.counts.publish_out += len(queues)
        if not routed:
            if mandatory:
                self.counts.return_unroutable += 1
                self._return(message, 312, "NO_ROUTE")
            else:
                self.counts.drop_unroutable += 1
        if number:
            self._confirm(number, rejected, stored and message.persistent and self.broker.journal.durable)
        return not rejected

    def _return(self, message: Message, code: int, text: str) -> None:
        self.flush_confirms()
        arguments = b"\x00\x3c\x00\x32" + wire.short(code) + wire.short_string(text) + message.route
        self._send_content(arguments, message)

    # -------------------------------------------------------------------------------------------------------- confirms

    def _confirm(self, number: int, rejected: bool, later: bool) -> None:
        if rejected:
            self.connection.send(wire.method(self.number, 60, 120, wire.longlong(number), b"\x00"))
        elif later:
            self._waiting.append((self.broker.journal.batch, number))
            self.broker.awaiting[self] = None
        else:
            self._confirmed.append(number)
            self.connection.confirming[self] = None

    def committed(self, batch: int) -> None:
        while self._waiting and self._waiting[0][0] <= batch:
            self._confirmed.append(self._waiting.popleft()[1])
        if not self._waiting:
            self.broker.awaiting.pop(self, None)
        self.flush_confirms()

    def flush_confirms(self) -> None:
        """Sends what is confirmed: in one frame as far as nothing before it is still waiting."""
        if not self._confirmed:
            return
        self.counts.confirm += len(self._confirmed)
        self._confirmed.sort()
        before = self._waiting[0][1] if self._waiting else self._published + 1
        together = [number for number in self._confirmed if number < before]
        if together:
            self.connection.send(wire.ack(self.number, together[-1], len(together) > 1))
        for number in self._confirmed[len(together) :]:
            self.connection.send(wire.ack(self.number, number, False))
        self._confirmed.clear()

    @property
    def messages_unconfirmed(self) -> int:
        return len(self._waiting) + len(self._confirmed)

    # ------------------------------------------------------------------------------------------------------ delivering

    def deliver(self, consumer: Consumer, entry: Entry) -> None:
        tag = self._delivery_tag = self._delivery_tag + 1
        if consumer.no_ack:
            self.counts.deliver_no_ack += 1
        else:
            consumer.unacked += 1
            self.consumed += 1
            self.unacked[tag] = Unacked(entry, consumer, self.broker.now)
            self.counts.deliver += 1
        if entry.redelivered:
            self.counts.redeliver += 1
        message = entry.delivered() if entry.acquired else entry.message
        connection = self.connection
        connection.send(
            wire.deliver(self.number, consumer.prefix, tag, entry.redelivered, message, connection.frame_max)
        )

    def cancelled_by_broker(self, consumer: Consumer) -> None:
        """Its queue is gone."""
        if self.consumers.get(consumer.tag) is consumer:
            del self.consumers[consumer.tag]
            if self.connection.capable("consumer_cancel_notify"):
                self.connection.send(wire.method(self.number, 60, 30, wire.short_string(consumer.tag), b"\x01"))

    def _reply(self, message: Message) -> bool:
        """Direct reply-to: straight to the channel of whoever asked (https://www.rabbitmq.com/docs/direct-reply-to)."""
        token = message.key.removeprefix(REPLY_TO + ".")
        target = self.broker.reply_channels.get(token)
        if target is None or target.reply_tag is None:
            # Nobody waits any more; but that somebody did is told by the token.
            return token.endswith(self.broker.seal(token[:_TOKEN]))
        target._delivery_tag += 1
        target.counts.deliver_no_ack += 1
        prefix = wire.deliver_prefix(target.reply_tag)
        target._send_content(wire.delivery(prefix, target._delivery_tag, False, message.route), message)
        return True

    def check_reply_address(self, name: str) -> None:
        """Raises AmqpError when nobody waits for replies there."""
        token = name.removeprefix(REPLY_TO).removeprefix(".")
        if not token or token in self.broker.reply_channels:
            return
        if not self._was_made_here(token):
            raise wire.malformed()
        raise AmqpError(404, f"no queue '{name}' in vhost '{self.vhost.name}'")

    def _was_made_here(self, token: str) -> bool:
        return token.endswith(self.broker.seal(token[:_TOKEN]))

    def _send_content(self, arguments: bytes, message: Message) -> None:
        connection = self.connection
        connection.send(wire.content(self.number, arguments, message.header, message.body, connection.frame_max))

    # --------------------------------------------------------------------------------------------------- acknowledging

    def ack(self, tag: int, multiple: bool) -> None:
        """Consumers get what they can take now when all that came at once is handled: `connection` credits them."""
        if multiple or self.mode == "tx":
            return self.settle("ack", tag, multiple)
        found = self.unacked.pop(tag, None)
        if found is None:
            raise precondition(_UNKNOWN_TAG.format(tag))
        entry, consumer, _ = found
        self.counts.ack += 1
        entry.queue.counts.ack += 1
        entry.queue.settle(entry)
        if consumer is not None:
            consumer.unacked -= 1
            self.consumed -= 1
            if consumer.blocked or self.prefetch:
                self.connection.credited[self] = None
        return None

    def settle(self, kind: str, tag: int, multiple: bool) -> None:
        """`kind`: ack, or one of _REFUSALS; `tag` 0 with `multiple`: all."""
        taken = self._take(tag, multiple)
        if self.mode == "tx":
            self.uncommitted.append((kind, taken))
        else:
            self._settle(kind, [each for _, each in taken])

    def _take(self, tag: int, multiple: bool) -> list[tuple[int, Unacked]]:
        """Takes deliveries out of the unacknowledged ones. Raises AmqpError 406 for a tag that is not among them."""
        if not multiple:
            found = self.unacked.pop(tag, None)
            if found is None:
                raise precondition(_UNKNOWN_TAG.format(tag))
            return [(tag, found)]
        if tag and tag not in self.unacked:
            raise precondition(_UNKNOWN_TAG.format(tag))
        taken = []
        while self.unacked:
            taken.append(self.unacked.popitem(last=False))
            if taken[-1][0] == tag:
                break
        return taken

    def _settle(self, kind: str, deliveries: list[Unacked]) -> None:
        freed: dict[Consumer, None] = {}
        for entry, consumer, _ in deliveries:
            if consumer is not None:
                consumer.unacked -= 1
                self.consumed -= 1
                freed[consumer] = None
            if kind == "ack":
                entry.queue.counts.ack += 1
                entry.queue.settle(entry)
        if kind == "ack":
            self.counts.ack += len(deliveries)
        else:
            back, failed = _REFUSALS[kind]
            for queue, entries in _by_queue(deliveries).items():
                queue.requeue(entries, failed=failed) if back else queue.reject(entries, failed=failed)
        self._credit(self.consumers.values() if self.prefetch else freed)

    def _credit(self, consumers: Iterable[Consumer]) -> None:
        for consumer in list(consumers):
            if self.consumers.get(consumer.tag) is consumer:
                consumer.credited()

    def resume(self) -> None:
        """The connection can take output again."""
        self._credit(self.consumers.values())

    # --------------------------------------------------------------------------------------------------- class basic

    def basic_qos(self, method: commands.Basic.Qos) -> None:
        if method.prefetch_size:
            raise AmqpError(540, f"prefetch_size!=0 ({method.prefetch_size})")
        if method.global_:
            self.prefetch = method.prefetch_count
        else:
            self.consumer_prefetch = method.prefetch_count
        self.reply(60, 11)
        if method.global_:
            self._credit(self.consumers.values())

    def basic_consume(self, method: commands.Basic.Consume) -> None:
        name = self.queue_name(method.queue)
        tag = method.consumer_tag or f"amq.ctag-{_token()}"
        if name == REPLY_TO:
            return self._consume_replies(tag, method)
        self.user.check("read", self.vhost.name, "queue", name)
        if tag in self.consumers:
            raise AmqpError(530, f"attempt to reuse consumer tag '{tag}'")
        queue = self.vhost.queue(name, self.connection)
        arguments = Arguments(method.arguments or {}, getattr(method.arguments, "types", None))
        what = f"queue '{name}' in vhost '{self.vhost.name}'"
        for argument in _OF_STREAMS:
            if argument in arguments:
                raise precondition(f"invalid arg '{argument}' for {what} of queue type rabbit_{queue.kind}_queue")
        if "x-priority" in arguments and (problem := whole("x-priority", arguments["x-priority"], arguments)):
            raise precondition(f"invalid arg 'x-priority' for {what}: {problem}")
        if queue.in_exclusive_use(wanted=method.exclusive):
            raise refused(f"{what} in exclusive use")
        consumer = Consumer(
            self,
            queue,
            tag,
            no_ack=method.no_ack,
            exclusive=method.exclusive,
            prefetch=self.consumer_prefetch,
            arguments=arguments,
        )
        self.consumers[tag] = consumer
        if not method.nowait:
            self.reply(60, 21, wire.short_string(tag))
        queue.add_consumer(consumer)
        return None

    def _consume_replies(self, tag: str, method: commands.Basic.Consume) -> None:
        if not method.no_ack:
            raise precondition("reply consumer cannot acknowledge")
        if self.reply_tag is not None:
            raise precondition("reply consumer already set")
        if tag in self.consumers:
            raise AmqpError(530, f"attempt to reuse consumer tag '{tag}'")
        self.reply_tag = tag
        token = _token()
        self._reply_token = token + self.broker.seal(token)
        self.broker.reply_channels[self._reply_token] = self
        if not method.nowait:
            self.reply(60, 21, wire.short_string(tag))

    def basic_cancel(self, method: commands.Basic.Cancel) -> None:
        tag = method.consumer_tag or ""
        if not method.nowait:
            self.reply(60, 31, wire.short_string(tag))
        if tag == self.reply_tag:
            self._forget_replies()
        elif consumer := self.consumers.pop(tag, None):
            consumer.queue.remove_consumer(consumer)

    def basic_get(self, method: commands.Basic.Get) -> None:
        name = self.queue_name(method.queue)
        self.user.check("read", self.vhost.name, "queue", name)
        queue = self.vhost.queue_to_get(name, self.connection)
        entry = queue.get()
        if entry is None:
            queue.counts.get_empty += 1
            self.counts.get_empty += 1
            return self.reply(60, 72, b"\x00")
        tag = self._delivery_tag = self._delivery_tag + 1
        for counts in (queue.counts, self.counts):
            counts.get += not method.no_ack
            counts.get_no_ack += method.no_ack
            counts.redeliver += entry.redelivered
        message = entry.delivered()
        arguments = wire.delivery(b"\x00\x3c\x00\x47", tag, entry.redelivered, message.route)
        self._send_content(arguments + wire.long(queue.ready.count), message)
        if method.no_ack:
            queue.settle(entry)
        else:
            self.unacked[tag] = Unacked(entry, None, self.broker.now)
        return None

    def basic_nack(self, method: commands.Basic.Nack) -> None:
        self.settle("nack, requeue" if method.requeue else "nack", method.delivery_tag or 0, method.multiple)

    def basic_reject(self, method: commands.Basic.Reject) -> None:
        self.settle("reject, requeue" if method.requeue else "reject", method.delivery_tag or 0, False)

    def basic_recover(self, method: commands.Basic.Recover) -> None:
        _check_requeue(method.requeue)
        self.reply(60, 111)
        self._recover()

    def basic_recoverasync(self, method: commands.Basic.RecoverAsync) -> None:
        _check_requeue(method.requeue)
        self._recover()

    def _recover(self) -> None:
        deliveries = list(self.unacked.values())
        self.unacked.clear()
        self._settle("nack, requeue", deliveries)

    # ------------------------------------------------------------------------------------------ classes confirm and tx

    def confirm_select(self, method: commands.Confirm.Select) -> None:
        if self.mode == "tx":
            raise precondition("cannot switch from tx to confirm mode")
        self.mode = "confirm"
        if not method.nowait:
            self.reply(85, 11)

    def tx_select(self, method: commands.Tx.Select) -> None:
        if self.mode == "confirm":
            raise precondition("cannot switch from confirm to tx mode")
        self.mode = "tx"
        self.reply(90, 11)

    def tx_commit(self, method: commands.Tx.Commit) -> None:
        self._in_transaction()
        gathered, self.uncommitted = self.uncommitted, []
        taken = True
        for kind, what in gathered:
            if kind == "publish":
                exchange, message, queues, mandatory = what
                left = queues and [queue for queue in queues if not queue.deleted]
                taken &= self._hand_over(exchange, message, left, mandatory, 0)
            else:
                self._settle(kind, [each for _, each in what])
        if not taken:
            raise precondition("partial tx completion")
        self.connection.when_safe(wire.method(self.number, 90, 21))

    def tx_rollback(self, method: commands.Tx.Rollback) -> None:
        self._in_transaction()
        self.unacked = self._not_settled()
        self.uncommitted = []
        self.reply(90, 31)

    def _not_settled(self) -> OrderedDict[int, Unacked]:
        """What is unacknowledged as long as the transaction is not committed, in the order of delivery."""
        back = [delivery for kind, what in self.uncommitted if kind != "publish" for delivery in what]
        return OrderedDict(sorted([*back, *self.unacked.items()]))

    def _in_transaction(self) -> None:
        if self.mode != "tx":
            raise precondition("channel is not transactional")

    # ------------------------------------------------------------------------------------------------------ everything

    def reply(self, class_id: int, method_id: int, *arguments: bytes) -> None:
        self.connection.send(wire.method(self.number, class_id, method_id, *arguments))

    def queue_name(self, name: str) -> str:
        """The last queue declared on this channel when it is empty."""
        if name:
            return name
        if not self.last_queue:
            raise AmqpError(404, "no previously declared queue")
        return self.last_queue

    def channel_flow(self, method: commands.Channel.Flow) -> None:
        if not method.active:
            raise AmqpError(540, "active=false")
        self.reply(20, 21, b"\x01")

    def release(self) -> None:
        """It is over: consumers go, and what was not acknowledged goes back."""
        self.broker.awaiting.pop(self, None)
        self.connection.confirming.pop(self, None)
        self._forget_replies()
        self.broker.churn["channel_closed"] += 1
        self.vhost.published.add(self.counts)
        self.counts = Counts()
        consumers, self.consumers = self.consumers, {}
        for consumer in consumers.values():
            consumer.queue.remove_consumer(consumer)
        deliveries = self._not_settled()
        self.unacked.clear()
        self._settle("left, requeue", list(deliveries.values()))

    def _forget_replies(self) -> None:
        self.reply_tag = None
        self.broker.reply_channels.pop(self._reply_token, None)


def _by_queue(deliveries: Iterable[Unacked]) -> dict[Queue, list[Entry]]:
    found: dict[Queue, list[Entry]] = {}
    for delivery in deliveries:
        found.setdefault(delivery.entry.queue, []).append(delivery.entry)
    return found


def unexpected(expected: str, got: str, blame: bytes = wire.PUBLISH) -> AmqpError:
    return AmqpError(505, f"expected {expected}, got {got} instead", blame=blame)


def _check_properties(header: bytes) -> None:
    """Raises AmqpError when the properties do not fit the flags. What was sound once need not be looked at again."""
    wire.split_properties(header)
    if len(_SOUND) >= _SOUND_AT_MOST:
        _SOUND.clear()
    _SOUND.add(header[12:])


def _check_requeue(requeue: bool) -> None:
    if not requeue:
        raise AmqpError(540, "requeue=false")


def check_expiration(text: str) -> None:
    number = re.match(r"[+-]?\d+", text, re.ASCII)
    if number is None:
        problem = "no_integer"
    elif number.end() < len(text):
        problem = f'{{leftover_string,"{text[number.end() :]}"}}'
    elif int(text) < 0:
        problem = f"{{value_negative,{text}}}"
    elif int(text) > LONGEST:
        problem = f"{{value_too_large,{text}}}"
    else:
        return
    raise precondition(f"invalid expiration '{text}': {problem}")


def _token() -> str:
    return urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()
