"""The methods of the classes confirm and tx, and channel.flow (specification, sections 1.5 and 1.9)."""

from pamqp import commands

from rmqctl.broker.amqp import frames
from rmqctl.broker.amqp.channel import Channel, Safe
from rmqctl.broker.amqp.errors import AmqpError
from rmqctl.broker.amqp.states import MODES, Mode
from rmqctl.broker.core.errors import precondition


def flow(channel: Channel, method: commands.Channel.Flow) -> None:
    if not method.active:
        raise AmqpError(540, "active=false")
    channel.reply(20, 21, b"\x01")


def confirm_select(channel: Channel, method: commands.Confirm.Select) -> None:
    _switch(channel, Mode.CONFIRM)
    if not method.nowait:
        channel.reply(85, 11)


def tx_select(channel: Channel, method: commands.Tx.Select) -> None:
    _switch(channel, Mode.TX)
    channel.reply(90, 11)


def tx_commit(channel: Channel, method: commands.Tx.Commit) -> None:
    """First all that was published goes to its queues, then deliveries are settled, as in RabbitMQ."""
    _in_transaction(channel)
    published, settled = channel.transaction.take()
    taken = True
    for exchange, message, route, unroutable in published:
        left = route and [queue for queue in route if not queue.deleted]
        taken &= not channel.publisher.hand_over(exchange, message, left, unroutable).rejected
    for settlement, deliveries in settled:
        channel.settle_now(settlement, deliveries)
    if not taken:
        raise precondition("partial tx completion")
    answer = frames.method(channel.number, 90, 21)
    if published or channel.commits:
        # What was published is safe, and with its queues, before the client is told so: also by an earlier commit.
        channel.hold(Safe(answer))
    else:
        channel.connection.send(answer)


def tx_rollback(channel: Channel, method: commands.Tx.Rollback) -> None:
    _in_transaction(channel)
    channel.deliveries.put_back(channel.transaction.settled())
    channel.transaction.take()
    channel.reply(90, 31)


def _switch(channel: Channel, mode: Mode) -> None:
    if mode not in MODES[channel.mode]:
        raise precondition(f"cannot switch from {channel.mode.value} to {mode.value} mode")
    channel.mode = mode


def _in_transaction(channel: Channel) -> None:
    if channel.mode is not Mode.TX:
        raise precondition("channel is not transactional")
