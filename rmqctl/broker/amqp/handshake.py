"""Before a connection is open: who the broker says it is, and who the client is (specification, section 1.4.2)."""

import platform

from pamqp import commands

from rmqctl.broker.amqp import frames
from rmqctl.broker.amqp.errors import NO_METHOD, AmqpError, HangUp
from rmqctl.broker.core.broker import DEFAULT_USER, RABBITMQ_VERSION, Broker
from rmqctl.broker.core.content import BadField, decode_table, long_string, table
from rmqctl.broker.core.users import User, is_loopback

CHANNEL_MAX = 2047
FRAME_MAX = 131072
HEARTBEAT = 60
FRAME_MIN = 8192
"""Frames before tuning may not be larger, nor may a client ask for smaller ones (RabbitMQ's initial_frame_max)."""
_MECHANISMS = "ANONYMOUS AMQPLAIN PLAIN"
_CAPABILITIES = {
    "publisher_confirms": True,
    "exchange_exchange_bindings": True,
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "connection.blocked": True,
    "consumer_priorities": True,
    "authentication_failure_close": True,
    "per_consumer_qos": True,
    "direct_reply_to": True,
}
_HEADER_0_9 = b"AMQP\x01\x01\x00\x09"


def other_protocol(header: bytes) -> bytes | None:
    """What a client is offered that begins in another way; None for one that speaks AMQP 0-9-1.

    RabbitMQ 4 offers the SASL layer of AMQP 1.0 to most of them, which this broker does not speak.
    """
    return None if header in (frames.PROTOCOL_HEADER, _HEADER_0_9) else frames.PROTOCOL_HEADER


def start(broker: Broker) -> bytes:
    """connection.start."""
    properties = {
        "capabilities": _CAPABILITIES,
        "cluster_name": broker.cluster_name,
        "copyright": "rmqctl's embedded broker, not RabbitMQ itself",
        "information": "Licensed under the Apache License 2.0",
        "platform": f"Python {platform.python_version()}",
        "product": "RabbitMQ",
        "version": RABBITMQ_VERSION,
    }
    return frames.method(0, 10, 10, b"\x00\x09", table(properties), long_string(_MECHANISMS), long_string("en_US"))


def tune() -> bytes:
    """connection.tune."""
    return frames.method(0, 10, 30, frames.short(CHANNEL_MAX), frames.long(FRAME_MAX), frames.short(HEARTBEAT))


def log_in(broker: Broker, method: commands.Connection.StartOk, host: str) -> User:
    """Who the client is; `host` is where it is. Raises HangUp for what makes no sense, else AmqpError."""
    mechanism = method.mechanism
    if mechanism not in _MECHANISMS.split():
        raise HangUp
    name, password = _credentials(mechanism, _octets(method.response or ""))
    user = broker.authenticate(name, password)
    refused = user is None or (name == DEFAULT_USER and not is_loopback(host))
    broker.attempts.count("amqp091", not refused)
    if user is None or refused:
        problem = f"Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
        raise AmqpError(403, problem, hard=True, blame=NO_METHOD)
    return user


def _credentials(mechanism: str, response: bytes) -> tuple[str, str]:
    """User and password: PLAIN (RFC 4616), or AMQPLAIN, a table without its length. Raises HangUp.

    Who is ANONYMOUS logs in as the default user with the default password, as long as it has that one.
    """
    if mechanism == "ANONYMOUS":
        return DEFAULT_USER, DEFAULT_USER
    try:
        if mechanism == "PLAIN":
            nobody, name, password = response.split(b"\0")
            if nobody:
                raise HangUp
            return name.decode(), password.decode()
        fields = decode_table(frames.long(len(response)) + response)
        return str(fields["LOGIN"]), str(fields["PASSWORD"])
    except (ValueError, KeyError, BadField):
        raise HangUp from None


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
