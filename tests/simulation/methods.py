"""What each AMQP method has to do, and what the broker has to answer."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from pamqp import commands

from tests.simulation.answering import Answering
from tests.simulation.client import Said
from tests.simulation.declaring import Refused, refuse
from tests.simulation.model import (
    Binding,
    Channel,
    Connection,
    Consumer,
    Delivery,
    Exchange,
    Message,
    Publish,
    Queue,
    Violation,
)
from tests.simulation.rules import REPLY_TO


class Methods(Answering):
    """Takes what clients have said, once all of it has reached the broker."""

    def apply(self, connection: Connection, said: Said) -> None:
        name = said.method.name
        self.acting = connection
        self._reply, self._listened = None, False
        if connection.over:
            return
        if connection.closing:
            if name == "Connection.CloseOk":
                connection.over = True
            elif name == "Connection.Close":
                self.expect(connection, 0, commands.Connection.CloseOk)
                connection.over = True
            return
        if name == "Connection.Close":
            self.expect(connection, 0, commands.Connection.CloseOk)
            self.release_all(connection)
            connection.over = True
            return
        try:
            self._apply_to_channel(connection, said, name)
        except Refused as refused:
            self.fail(connection, said.channel, refused)
        self.deliveries()

    def _apply_to_channel(self, connection: Connection, said: Said, name: str) -> None:
        channel = connection.channels.get(said.channel)
        if channel is not None and channel.closing:
            self.while_closing(channel, name)
        elif name == "Channel.Open":
            self.open_channel(connection, channel, said.channel)
        elif channel is not None:
            if name not in _SILENT:
                self.listen(connection, name)
            if name in _DEFINING and self.refused_by_disk(self._reply):
                raise Refused(541)
            _HANDLERS[name](self, channel, said)
        elif said.channel in connection.just_closed:
            self.just_closed(connection, said.channel, name)
        else:
            refuse(504)

    # ------------------------------------------------------------------------------------------------------- declaring

    def _queue_declare(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        connection = channel.connection
        if method.passive:
            self.check_any(connection.user, method.queue)
            queue = self.queue(method.queue, connection)
            queue.use(self.now)
        else:
            queue = self.declare_queue(
                connection.user,
                connection,
                method.queue,
                method.durable,
                method.exclusive,
                method.auto_delete,
                method.arguments or {},
            )
        channel.last_queue = queue.name
        self.deliveries()
        counts = {"message_count": len(queue.ready), "consumer_count": queue.told_consumers()}
        self.expect(connection, channel.number, commands.Queue.DeclareOk, queue=queue.name, **counts)

    def _queue_delete(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        connection = channel.connection
        count = self.delete_queue(connection.user, connection, method.queue, method.if_unused, method.if_empty)
        self.expect(connection, channel.number, commands.Queue.DeleteOk, message_count=count)

    def _queue_purge(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        channel.purging.append(self.purge_queue(channel.connection.user, channel.connection, method.queue))

    def _queue_bind(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        binding = Binding(method.exchange, "queue", method.queue, method.routing_key)
        self.bind(channel.connection.user, channel.connection, binding)
        self.expect(channel.connection, channel.number, commands.Queue.BindOk)

    def _queue_unbind(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        binding = Binding(method.exchange, "queue", method.queue, method.routing_key)
        self.unbind(channel.connection.user, channel.connection, binding)
        self.expect(channel.connection, channel.number, commands.Queue.UnbindOk)

    def _exchange_declare(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        flags = method.durable, method.auto_delete, method.internal
        wanted = Exchange(method.exchange, method.exchange_type, *flags, method.arguments or {})
        self.declare_exchange(channel.connection.user, wanted)
        self.expect(channel.connection, channel.number, commands.Exchange.DeclareOk)

    def _exchange_delete(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        self.delete_exchange(channel.connection.user, method.exchange, method.if_unused)
        self.expect(channel.connection, channel.number, commands.Exchange.DeleteOk)

    def _exchange_bind(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        binding = Binding(method.source, "exchange", method.destination, method.routing_key)
        self.bind(channel.connection.user, channel.connection, binding)
        self.expect(channel.connection, channel.number, commands.Exchange.BindOk)

    def _exchange_unbind(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        binding = Binding(method.source, "exchange", method.destination, method.routing_key)
        self.unbind(channel.connection.user, channel.connection, binding)
        self.expect(channel.connection, channel.number, commands.Exchange.UnbindOk)

    # ------------------------------------------------------------------------------------------------------- publishing

    def _publish(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        message = Message(method.exchange, method.routing_key, dict(said.properties or {}), said.body)
        self.check(channel.connection.user, "write", message.exchange)
        exchange = self.exchanges.get(message.exchange) or refuse(404)
        if exchange.internal:
            refuse(403)
        if message.properties.get("reply_to") == REPLY_TO and channel.reply_tag is None:
            refuse(406)
        if message.properties.get("reply_to") == REPLY_TO:
            self.asked[message.body] = channel
        queues = self._targets(exchange, message)
        if channel.mode == "tx":
            channel.uncommitted.append(("publish", (message, queues, method.mandatory)))
            return
        publish = Publish()
        if channel.mode != "confirm":
            self._hand_over(channel, message, queues, method.mandatory, publish)
            return
        channel.published += 1
        if queues is None or queues:
            channel.unconfirmed[channel.published] = publish
            self._hand_over(channel, message, queues, method.mandatory, publish)
        else:
            self._hand_over(channel, message, queues, method.mandatory, publish)
            channel.unconfirmed[channel.published] = publish
            self._confirmed_at_once(channel)

    def _confirmed_at_once(self, channel: Channel) -> None:
        """What has gone nowhere is confirmed in its place, with what is to be confirmed besides."""
        heard = channel.connection.heard
        while channel.published in channel.unconfirmed:
            first = next((each for each in heard if each.channel == channel.number), None)
            if first is None or not isinstance(first.method, commands.Basic.Ack):
                break
            if not self.confirmed(channel, first.method):
                break
            heard.remove(first)
        if channel.published in channel.unconfirmed:
            raise Violation(f"publish {channel.published} went nowhere, and is not confirmed at once")

    def _targets(self, exchange: Exchange, message: Message) -> list[Queue] | None:
        """None for a direct reply."""
        if not exchange.name and message.key.startswith(REPLY_TO + "."):
            return None
        return self.route(exchange, message, message.copies)

    def _hand_over(
        self, channel: Channel, message: Message, queues: list[Queue] | None, mandatory: bool, publish: Publish
    ) -> None:
        routed = bool(queues)
        copies = self.hand_over(queues or [], message)
        publish.refused |= None in copies
        publish.copies += [copy for copy in copies if copy is not None]
        if queues is None:
            asker = self._asker(message.key)
            routed = True
            if asker is not None:
                asker.replies.append(message)
        if not routed and mandatory:
            heard = self.expect(
                channel.connection,
                channel.number,
                commands.Basic.Return,
                reply_code=312,
                exchange=message.exchange,
                routing_key=message.key,
            )
            if heard.body != message.body:
                raise Violation(f"{message.body.decode()} should be returned, not {heard.body.decode()}")

    def _asker(self, key: str) -> Channel | None:
        channels = [each for connection in self.connections.values() for each in connection.channels.values()]
        return next((each for each in channels if each.reply_tag is not None and key == each.reply_to), None)

    # -------------------------------------------------------------------------------------------- getting and consuming

    def next_to_get(self, queue: Queue, *, no_ack: bool = False) -> Any:
        """The next message, counted as unacknowledged; None without one."""
        self.deliveries()
        queue.use(self.now)
        self.expire(queue, one_by_one=True)
        if not queue.ready:
            return None
        copy = queue.ready.pop(0)
        self._less(queue)
        queue.held[copy] = None
        # What comes to the front expires at once, before anybody counts; in a quorum queue, when the message is settled.
        if queue.kind == "classic" or no_ack:
            self.expire(queue)
        return copy

    def queue_to_get(self, name: str, connection: Connection | None) -> Queue:
        queue = self.queue(name, connection)
        if queue.kind == "quorum" and queue.single_active:
            refuse(405)
        return queue

    def _get(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        connection = channel.connection
        self.check(connection.user, "read", method.queue)
        queue = self.queue_to_get(method.queue, connection)
        copy = self.next_to_get(queue, no_ack=method.no_ack)
        if copy is None:
            self.expect(connection, channel.number, commands.Basic.GetEmpty)
            return
        fields = {"delivery_tag": self.got_tag, "message_count": len(queue.ready)}
        heard = self.expect(connection, channel.number, commands.Basic.GetOk, **fields)
        problem = (
            self.differs(copy, heard) if heard.body == copy.message.body else f"the next of {queue.name} is {copy}"
        )
        if problem:
            raise Violation(f"connection {connection.number} got {heard}: {problem}")
        copy.redelivered = heard.method.redelivered
        if method.no_ack:
            del queue.held[copy]
            self.gone(copy)
        else:
            channel.unacked[self.got_tag] = Delivery(copy, None)

    def _consume(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        tag, connection = method.consumer_tag, channel.connection
        if method.queue == REPLY_TO:
            return self._consume_replies(channel, tag, method.no_ack)
        self.check(connection.user, "read", method.queue)
        if tag in channel.consumers:
            refuse(530)
        queue = self.queue(method.queue, connection)
        if queue.kind != "quorum":
            taken = any(each.exclusive for each in queue.consumers)
            if taken or (method.exclusive and (queue.single_active or queue.consumers)):
                refuse(403)
        self.expect(connection, channel.number, commands.Basic.ConsumeOk, consumer_tag=tag)
        priority = (method.arguments or {}).get("x-priority", 0)
        self.add_consumer(Consumer(channel, queue, tag, method.no_ack, method.exclusive, priority))
        return None

    def _consume_replies(self, channel: Channel, tag: str, no_ack: bool) -> None:
        if not no_ack or channel.reply_tag is not None:
            refuse(406)
        if tag in channel.consumers:
            refuse(530)
        channel.reply_tag, channel.reply_to = tag, ""
        self.asked = {body: each for body, each in self.asked.items() if each is not channel}
        self.expect(channel.connection, channel.number, commands.Basic.ConsumeOk, consumer_tag=tag)

    def _cancel(self, channel: Channel, said: Said) -> None:
        tag = said.method.consumer_tag  # type: ignore[attr-defined]
        self.expect(channel.connection, channel.number, commands.Basic.CancelOk, consumer_tag=tag)
        if tag == channel.reply_tag:
            channel.reply_tag = None
        elif consumer := channel.consumers.pop(tag, None):
            self.remove_consumer(consumer)

    def _qos(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        self.expect(channel.connection, channel.number, commands.Basic.QosOk)
        if method.global_:
            channel.prefetch = method.prefetch_count
            self._freed(channel)
            for consumer in list(channel.consumers.values()):
                self.served(consumer.queue)
        else:
            channel.consumer_prefetch = method.prefetch_count

    # --------------------------------------------------------------------------------------------------------- settling

    def _take_tags(self, channel: Channel, tag: int, multiple: bool) -> list[tuple[int, Delivery]]:
        if (not multiple or tag) and tag not in channel.unacked:
            refuse(406)
        tags = [each for each in sorted(channel.unacked) if not tag or each <= tag] if multiple else [tag]
        return [(each, channel.unacked.pop(each)) for each in tags]

    def _settle(self, channel: Channel, kind: str, tag: int, multiple: bool) -> None:
        taken = self._take_tags(channel, tag, multiple)
        if channel.mode == "tx":
            channel.uncommitted.append((kind, taken))
        else:
            self.settle(kind, taken)

    def _ack(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        self._settle(channel, "ack", method.delivery_tag, method.multiple)

    def _nack(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        self._settle(channel, "requeue" if method.requeue else "reject", method.delivery_tag, method.multiple)

    def _reject(self, channel: Channel, said: Said) -> None:
        method: Any = said.method
        self._settle(channel, "requeue failed" if method.requeue else "reject failed", method.delivery_tag, False)

    def _recover(self, channel: Channel, said: Said) -> None:
        self.expect(channel.connection, channel.number, commands.Basic.RecoverOk)
        taken, channel.unacked = list(channel.unacked.items()), {}
        self.settle("requeue", taken)

    # ------------------------------------------------------------------------------------------------- confirms and tx

    def _confirm_select(self, channel: Channel, said: Said) -> None:
        if channel.mode == "tx":
            refuse(406)
        channel.mode = "confirm"
        self.expect(channel.connection, channel.number, commands.Confirm.SelectOk)

    def _tx_select(self, channel: Channel, said: Said) -> None:
        if channel.mode == "confirm":
            refuse(406)
        channel.mode = "tx"
        self.expect(channel.connection, channel.number, commands.Tx.SelectOk)

    def _tx_commit(self, channel: Channel, said: Said) -> None:
        if channel.mode != "tx":
            self.listen(channel.connection, "Tx.Commit")
            refuse(406)
        gathered = channel.uncommitted
        published = [what for kind, what in gathered if kind == "publish"]
        settled = [(kind, what) for kind, what in gathered if kind != "publish"]
        behind = 0
        if published:
            behind = self.listen_for_commit(channel)
        elif not channel.committing:
            self.listen(channel.connection, "Tx.Commit")
            self.expect(channel.connection, channel.number, commands.Tx.CommitOk)
        publish = Publish()
        for message, queues, mandatory in published:
            left = queues and [each for each in queues if not each.deleted]
            self._hand_over(channel, message, left, mandatory, publish)
        channel.uncommitted = []
        for kind, group in groupby(settled, key=lambda each: each[0]):
            self.settle(kind, [each for _, what in group for each in what])
        if publish.refused:
            refuse(406)
        self.not_refused(channel, behind)
        if published or channel.committing:
            # The answers come in the order of the commits.
            channel.committing.append(publish.copies)

    def _tx_rollback(self, channel: Channel, said: Said) -> None:
        if channel.mode != "tx":
            refuse(406)
        channel.unacked = dict(sorted({**channel.unacked, **channel.settling()}.items()))
        channel.uncommitted = []
        self.expect(channel.connection, channel.number, commands.Tx.RollbackOk)


_DEFINING = frozenset(
    f"{kind}.{what}" for kind in ("Queue", "Exchange") for what in ("Declare", "Delete", "Bind", "Unbind")
)
# Methods that are not answered, or not at once, unless something is wrong with them.
_SILENT = frozenset(
    ("Channel.CloseOk", "Basic.Publish", "Basic.Ack", "Basic.Nack", "Basic.Reject", "Tx.Commit", "Queue.Purge")
)
_HANDLERS: dict[str, Callable[[Methods, Channel, Said], None]] = {
    "Channel.Close": lambda model, channel, _: model.close_channel(channel),
    "Channel.CloseOk": lambda *_: None,
    "Queue.Declare": Methods._queue_declare,
    "Queue.Delete": Methods._queue_delete,
    "Queue.Purge": Methods._queue_purge,
    "Queue.Bind": Methods._queue_bind,
    "Queue.Unbind": Methods._queue_unbind,
    "Exchange.Declare": Methods._exchange_declare,
    "Exchange.Delete": Methods._exchange_delete,
    "Exchange.Bind": Methods._exchange_bind,
    "Exchange.Unbind": Methods._exchange_unbind,
    "Basic.Publish": Methods._publish,
    "Basic.Get": Methods._get,
    "Basic.Consume": Methods._consume,
    "Basic.Cancel": Methods._cancel,
    "Basic.Qos": Methods._qos,
    "Basic.Ack": Methods._ack,
    "Basic.Nack": Methods._nack,
    "Basic.Reject": Methods._reject,
    "Basic.Recover": Methods._recover,
    "Confirm.Select": Methods._confirm_select,
    "Tx.Select": Methods._tx_select,
    "Tx.Commit": Methods._tx_commit,
    "Tx.Rollback": Methods._tx_rollback,
}
