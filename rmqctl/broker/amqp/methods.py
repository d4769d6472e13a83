"""Which function answers which method of an open channel."""

from collections.abc import Callable
from typing import Any

from rmqctl.broker.amqp import declaring
from rmqctl.broker.amqp.channel import Channel
from rmqctl.broker.core import wire
from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.errors import AmqpError

_HANDLERS: dict[str, Callable[[Channel, Any], None]] = {
    "Channel.Flow": Channel.channel_flow,
    "Basic.Qos": Channel.basic_qos,
    "Basic.Consume": Channel.basic_consume,
    "Basic.Cancel": Channel.basic_cancel,
    "Basic.Get": Channel.basic_get,
    "Basic.Nack": Channel.basic_nack,
    "Basic.Reject": Channel.basic_reject,
    "Basic.Recover": Channel.basic_recover,
    "Basic.RecoverAsync": Channel.basic_recoverasync,
    "Confirm.Select": Channel.confirm_select,
    "Tx.Select": Channel.tx_select,
    "Tx.Commit": Channel.tx_commit,
    "Tx.Rollback": Channel.tx_rollback,
    "Exchange.Declare": declaring.exchange_declare,
    "Exchange.Delete": declaring.exchange_delete,
    "Exchange.Bind": declaring.exchange_bind,
    "Exchange.Unbind": declaring.exchange_unbind,
    "Queue.Declare": declaring.queue_declare,
    "Queue.Bind": declaring.queue_bind,
    "Queue.Unbind": declaring.queue_unbind,
    "Queue.Purge": declaring.queue_purge,
    "Queue.Delete": declaring.queue_delete,
}


_ACCESS_REQUEST = b"\x00\x1e\x00\x0a"
# Methods with arguments whose types matter, and how many short strings stand before those.
_TYPED = {"Exchange.Declare": 2, "Queue.Declare": 1, "Basic.Consume": 2, "Queue.Bind": 3, "Exchange.Bind": 3}


def handle(channel: Channel, payload: bytes) -> None:
    """A method other than those of the class channel, publish and ack. Raises AmqpError."""
    if payload[:4] == _ACCESS_REQUEST:
        # Of AMQP 0-8; clients that still ask are given a ticket that nobody looks at.
        return channel.reply(30, 11, wire.short(1))
    method: Any = wire.decode_method(payload)
    handler = _HANDLERS.get(method.name)
    if method.name in ("Basic.Deliver", "Basic.Return", "Basic.GetOk"):
        return None
    if handler is None:
        raise AmqpError(503, "unimplemented method")
    if strings := _TYPED.get(method.name):
        method.arguments = Arguments(*wire.typed_arguments(payload, strings))
    handler(channel, method)
    return None
