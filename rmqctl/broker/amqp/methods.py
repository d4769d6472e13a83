"""Which function answers which method of an open channel."""

from collections.abc import Callable
from typing import Any

from rmqctl.broker.amqp import basic, declaring, frames, modes
from rmqctl.broker.amqp.channel import Channel
from rmqctl.broker.amqp.errors import AmqpError

_HANDLERS: dict[str, Callable[[Channel, Any], None]] = {
    "Channel.Flow": modes.flow,
    "Basic.Qos": basic.qos,
    "Basic.Consume": basic.consume,
    "Basic.Cancel": basic.cancel,
    "Basic.CancelOk": basic.cancel_ok,
    "Basic.Get": basic.get,
    "Basic.Nack": basic.basic_nack,
    "Basic.Reject": basic.basic_reject,
    "Basic.Recover": basic.recover,
    "Basic.RecoverAsync": basic.recover_async,
    "Confirm.Select": modes.confirm_select,
    "Tx.Select": modes.tx_select,
    "Tx.Commit": modes.tx_commit,
    "Tx.Rollback": modes.tx_rollback,
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


def handle(channel: Channel, payload: bytes) -> None:
    """A method other than those of the class channel, publish and ack. Raises AmqpError."""
    if payload[:4] == _ACCESS_REQUEST:
        # Of AMQP 0-8; clients that still ask are given a ticket that nobody looks at.
        return channel.reply(30, 11, frames.short(1))
    method: Any = frames.decode_method(payload)
    handler = _HANDLERS.get(method.name)
    if method.name in ("Basic.Deliver", "Basic.Return", "Basic.GetOk"):
        return None
    if handler is None:
        raise AmqpError(503, "unimplemented method")
    handler(channel, method)
    return None
