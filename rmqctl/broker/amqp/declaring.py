"""The methods of the classes exchange and queue (specification, sections 1.6 and 1.7; exchange.bind is RabbitMQ's)."""

from pamqp import commands

from rmqctl.broker.amqp import frames
from rmqctl.broker.amqp.channel import Channel, Safe
from rmqctl.broker.core.content import short_string
from rmqctl.broker.core.errors import refused
from rmqctl.broker.core.exchange import Destination
from rmqctl.broker.core.replies import REPLY_TO


def exchange_declare(channel: Channel, method: commands.Exchange.Declare) -> None:
    if method.passive:
        if not method.exchange:
            raise refused("operation not permitted on the default exchange")
        channel.vhost.check_any(channel.user, "exchange", _name(method.exchange))
        channel.vhost.exchange(_name(method.exchange))
    else:
        channel.vhost.declare_exchange(
            channel.user,
            _name(method.exchange),
            method.exchange_type,
            durable=method.durable,
            auto_delete=method.auto_delete,
            internal=method.internal,
            arguments=frames.arguments_of(method),
        )
    if not method.nowait:
        channel.reply(40, 11)


def exchange_delete(channel: Channel, method: commands.Exchange.Delete) -> None:
    channel.vhost.delete_exchange(channel.user, _name(method.exchange), if_unused=method.if_unused)
    if not method.nowait:
        channel.reply(40, 21)


def exchange_bind(channel: Channel, method: commands.Exchange.Bind) -> None:
    destination = Destination("exchange", _name(method.destination))
    channel.vhost.bind(channel.user, _name(method.source), destination, method.routing_key, method.arguments or {})
    if not method.nowait:
        channel.reply(40, 31)


def exchange_unbind(channel: Channel, method: commands.Exchange.Unbind) -> None:
    destination = Destination("exchange", _name(method.destination))
    channel.vhost.unbind(channel.user, _name(method.source), destination, method.routing_key, method.arguments or {})
    if not method.nowait:
        channel.reply(40, 51)


def queue_declare(channel: Channel, method: commands.Queue.Declare) -> None:
    name, messages, consumers = _name(method.queue), 0, 0
    if name.startswith(REPLY_TO):
        channel.broker.replies.check(name, channel.vhost.name)
        consumers = 1
    else:
        if method.passive:
            channel.vhost.check_any(channel.user, "queue", name)
            queue = channel.vhost.queue(name, channel.connection)
            queue.used = channel.node.now
        else:
            queue = channel.vhost.declare_queue(
                channel.user,
                name,
                durable=method.durable,
                exclusive=method.exclusive,
                auto_delete=method.auto_delete,
                arguments=frames.arguments_of(method),
                owner=channel.connection,
            )
        name, messages, consumers = queue.name, queue.ready.count, queue.consumer_count
    channel.last_queue = name
    if not method.nowait:
        channel.reply(50, 11, short_string(name), frames.long(messages), frames.long(consumers))


def queue_bind(channel: Channel, method: commands.Queue.Bind) -> None:
    name, key = _bound(channel, method.queue, method.routing_key)
    channel.vhost.bind(
        channel.user,
        _name(method.exchange),
        Destination("queue", name),
        key,
        method.arguments or {},
        channel.connection,
    )
    if not method.nowait:
        channel.reply(50, 21)


def queue_unbind(channel: Channel, method: commands.Queue.Unbind) -> None:
    name, key = _bound(channel, method.queue, method.routing_key)
    channel.vhost.unbind(
        channel.user,
        _name(method.exchange),
        Destination("queue", name),
        key,
        method.arguments or {},
        channel.connection,
    )
    channel.reply(50, 51)


def queue_purge(channel: Channel, method: commands.Queue.Purge) -> None:
    purged = channel.vhost.purge_queue(channel.user, channel.queue_name(method.queue), channel.connection)
    if method.nowait:
        return
    if purged.stored or channel.commits:
        # They do not come back after this, whatever happens to the broker; and answers come in order.
        channel.hold(Safe(frames.method(channel.number, 50, 31, frames.long(purged.messages))))
    else:
        channel.reply(50, 31, frames.long(purged.messages))


def queue_delete(channel: Channel, method: commands.Queue.Delete) -> None:
    count = channel.vhost.delete_queue(
        channel.user,
        _name(channel.queue_name(method.queue)),
        if_unused=method.if_unused,
        if_empty=method.if_empty,
        owner=channel.connection,
    )
    if not method.nowait:
        channel.reply(50, 41, frames.long(count))


def _bound(channel: Channel, queue: str, key: str) -> tuple[str, str]:
    """Without a queue name the last one declared; then, without a key, its name is the key (section 1.7.2.3)."""
    name = _name(channel.queue_name(queue))
    return name, key if queue or key else name


def _name(name: str) -> str:
    """RabbitMQ drops line ends from names that are declared, deleted and bound, but not where messages go in or out."""
    return name.replace("\n", "").replace("\r", "")
