"""The methods of the class basic, but for publish and ack (specification, section 1.8; nack is RabbitMQ's)."""

from pamqp import commands

from rmqctl.broker.amqp import frames
from rmqctl.broker.amqp.channel import Channel, Subscription
from rmqctl.broker.amqp.deliveries import nack, reject
from rmqctl.broker.amqp.errors import AmqpError
from rmqctl.broker.core.arguments import check_consumer
from rmqctl.broker.core.consumer import Consumer
from rmqctl.broker.core.content import short_string
from rmqctl.broker.core.errors import precondition, refused
from rmqctl.broker.core.replies import REPLY_TO


def qos(channel: Channel, method: commands.Basic.Qos) -> None:
    if method.prefetch_size:
        raise AmqpError(540, f"prefetch_size!=0 ({method.prefetch_size})")
    if method.global_:
        channel.prefetch = method.prefetch_count
    else:
        channel.consumer_prefetch = method.prefetch_count
    channel.reply(60, 11)
    if method.global_:
        channel.resume()


def consume(channel: Channel, method: commands.Basic.Consume) -> None:
    name = channel.queue_name(method.queue)
    tag = method.consumer_tag or f"amq.ctag-{channel.node.random_name()}"
    if name == REPLY_TO:
        _consume_replies(channel, tag, method)
        return
    channel.vhost.check(channel.user, "read", "queue", name)
    _check_tag(channel, tag)
    queue = channel.vhost.queue(name, channel.connection)
    arguments = frames.arguments_of(method)
    what = f"queue '{name}' in vhost '{channel.vhost.name}'"
    check_consumer(what, queue.kind, queue.foreign_consumer_arguments, arguments)
    if queue.in_exclusive_use(wanted=method.exclusive):
        raise refused(f"{what} in exclusive use")
    consumer = Consumer(
        channel,
        tag,
        no_ack=method.no_ack,
        exclusive=method.exclusive,
        prefetch=channel.consumer_prefetch,
        arguments=arguments,
    )
    channel.subscriptions[tag] = Subscription(consumer, queue, frames.deliver_prefix(tag))
    if not method.nowait:
        channel.reply(60, 21, short_string(tag))
    queue.add_consumer(consumer)


def cancel(channel: Channel, method: commands.Basic.Cancel) -> None:
    tag = method.consumer_tag or ""
    if not method.nowait:
        channel.reply(60, 31, short_string(tag))
    if tag == channel.reply_tag:
        channel.forget_replies()
    else:
        _remove(channel, tag)


def cancel_ok(channel: Channel, method: commands.Basic.CancelOk) -> None:
    """The client agrees to a consumer's end."""
    _remove(channel, method.consumer_tag or "")


def _remove(channel: Channel, tag: str) -> None:
    if subscription := channel.unsubscribe(tag):
        subscription.queue.remove_consumer(subscription.consumer)


def get(channel: Channel, method: commands.Basic.Get) -> None:
    name = channel.queue_name(method.queue)
    channel.vhost.check(channel.user, "read", "queue", name)
    queue = channel.vhost.queue_to_get(name, channel.connection)
    entry = queue.get(None if method.no_ack else channel)
    if entry is None:
        queue.counts.get_empty += 1
        channel.counts.get_empty += 1
        channel.reply(60, 72, b"\x00")
        return
    for counts in (queue.counts, channel.counts):
        counts.get += not method.no_ack
        counts.get_no_ack += method.no_ack
        counts.redeliver += entry.redelivered
    if method.no_ack:
        tag = channel.deliveries.next_tag()
        queue.settle(entry)
    else:
        tag = channel.deliveries.add(entry, queue, None, channel.node.now)
    message = queue.as_delivered(entry) if entry.acquired else entry.message
    if channel.firehose.on:
        channel.firehose.delivered(channel.origin, message, queue.name, entry.redelivered)
    arguments = frames.delivery(b"\x00\x3c\x00\x47", tag, entry.redelivered, message.route)
    channel.send_content(arguments + frames.long(queue.ready.count), message)


def basic_nack(channel: Channel, method: commands.Basic.Nack) -> None:
    channel.settle(nack(method.requeue), method.delivery_tag or 0, method.multiple)


def basic_reject(channel: Channel, method: commands.Basic.Reject) -> None:
    channel.settle(reject(method.requeue), method.delivery_tag or 0, False)


def recover(channel: Channel, method: commands.Basic.Recover) -> None:
    _check_requeue(method.requeue)
    channel.reply(60, 111)
    channel.recover()


def recover_async(channel: Channel, method: commands.Basic.RecoverAsync) -> None:
    _check_requeue(method.requeue)
    channel.recover()


def _consume_replies(channel: Channel, tag: str, method: commands.Basic.Consume) -> None:
    if not method.no_ack:
        raise precondition("reply consumer cannot acknowledge")
    if channel.reply_tag is not None:
        raise precondition("reply consumer already set")
    _check_tag(channel, tag)
    channel.reply_tag = tag
    channel.publisher.reply_address = channel.broker.replies.open(channel.send_reply)
    if not method.nowait:
        channel.reply(60, 21, short_string(tag))


def _check_tag(channel: Channel, tag: str) -> None:
    if tag in channel.subscriptions:
        raise AmqpError(530, f"attempt to reuse consumer tag '{tag}'")


def _check_requeue(requeue: bool) -> None:
    if not requeue:
        raise AmqpError(540, "requeue=false")
