"""Every way in which pika can fail, in our words. Imported with pika, by a command that uses AMQP."""

import socket
import ssl
from typing import Any, NamedTuple

from pika import exceptions
from pika.adapters.utils import connection_workflow as workflow

from rmqctl.api import tls
from rmqctl.errors import AccessRefused, DataError, NotFound, RmqctlError, TimedOut, Unavailable, Unreachable

FAILURES: dict[type[Exception], type[RmqctlError]] = {
    exceptions.AMQPError: RmqctlError,
    exceptions.AMQPConnectionError: Unreachable,
    exceptions.ConnectionOpenAborted: Unreachable,
    exceptions.StreamLostError: Unreachable,
    exceptions.IncompatibleProtocolError: Unreachable,
    exceptions.AuthenticationError: AccessRefused,
    exceptions.ProbableAuthenticationError: AccessRefused,
    exceptions.ProbableAccessDeniedError: AccessRefused,
    exceptions.NoFreeChannels: Unavailable,
    exceptions.ConnectionWrongStateError: Unreachable,
    exceptions.ConnectionClosed: Unreachable,
    exceptions.ConnectionClosedByBroker: Unreachable,
    exceptions.ConnectionClosedByClient: Unreachable,
    exceptions.ConnectionBlockedTimeout: Unavailable,
    exceptions.AMQPHeartbeatTimeout: Unreachable,
    exceptions.AMQPChannelError: RmqctlError,
    exceptions.ChannelWrongStateError: RmqctlError,
    exceptions.ChannelClosed: DataError,
    exceptions.ChannelClosedByBroker: DataError,
    exceptions.ChannelClosedByClient: RmqctlError,
    exceptions.DuplicateConsumerTag: RmqctlError,
    exceptions.ConsumerCancelled: Unavailable,
    exceptions.UnroutableError: DataError,
    exceptions.NackError: DataError,
    exceptions.InvalidChannelNumber: RmqctlError,
    exceptions.ProtocolSyntaxError: Unreachable,
    exceptions.UnexpectedFrameError: Unreachable,
    exceptions.ProtocolVersionMismatch: Unreachable,
    exceptions.BodyTooLongError: Unreachable,
    exceptions.InvalidFrameError: Unreachable,
    exceptions.InvalidFieldTypeException: Unreachable,
    exceptions.UnsupportedAMQPFieldException: DataError,
    exceptions.MethodNotImplemented: RmqctlError,
    exceptions.ChannelError: RmqctlError,
    exceptions.ReentrancyError: RmqctlError,
    exceptions.ShortStringTooLong: DataError,
    exceptions.DuplicateGetOkCallback: RmqctlError,
    workflow.AMQPConnectorException: Unreachable,
    workflow.AMQPConnectorStackTimeout: Unreachable,
    workflow.AMQPConnectorAborted: Unreachable,
    workflow.AMQPConnectorWrongState: RmqctlError,
    workflow.AMQPConnectorPhaseErrorBase: Unreachable,
    workflow.AMQPConnectorSocketConnectError: Unreachable,
    workflow.AMQPConnectorTransportSetupError: Unreachable,
    workflow.AMQPConnectorAMQPHandshakeError: Unreachable,
    workflow.AMQPConnectionWorkflowAborted: Unreachable,
    workflow.AMQPConnectionWorkflowWrongState: RmqctlError,
    workflow.AMQPConnectionWorkflowFailed: Unreachable,
}
"""Every exception of pika and the error it becomes; a test walks pika to see that none is missing."""

PIKAS = (exceptions.AMQPError, exceptions.ChannelError, exceptions.ReentrancyError, workflow.AMQPConnectorException)
"""What all of them derive from."""

_BY_CODE: dict[int, type[RmqctlError]] = {
    403: AccessRefused,
    404: NotFound,
    540: Unavailable,
    541: RmqctlError,
}
"""Reply codes that say more than that the broker refused (https://www.rabbitmq.com/amqp-0-9-1-reference)."""

_NOT_AMQP = "what answers there does not speak AMQP 0-9-1: is this the port for AMQP, with TLS if the broker wants it?"


class Peer(NamedTuple):
    """Whom an error is about."""

    where: str
    user: str
    vhost: str


def of(error: BaseException, peer: Peer, out_of_time: str = "") -> RmqctlError:
    """The error to show for what pika raised. `out_of_time`: why a wait ended, when --timeout did that."""
    cause = _innermost(error)
    if isinstance(cause, RmqctlError):
        return cause
    if isinstance(cause, ssl.SSLError):
        return tls.explain(cause, peer.where)
    if out_of_time and _is_timeout(cause):
        return TimedOut(out_of_time)
    if isinstance(cause, exceptions.ChannelClosed):
        kind = _BY_CODE.get(cause.reply_code, DataError)
        return kind(f"{cause.reply_text.partition(' - ')[2] or cause.reply_text} ({peer.where})")
    if isinstance(cause, exceptions.ProbableAccessDeniedError | exceptions.ConnectionClosed):
        return _closed(cause, peer)
    if isinstance(cause, exceptions.ProbableAuthenticationError):
        return AccessRefused(f"{peer.where}: the log-in was refused: wrong user name or password")
    kind = FAILURES.get(type(cause), Unreachable)  # type: ignore[arg-type]
    return kind(f"{peer.where}: {_reason(cause)}")


def _closed(cause: Any, peer: Peer) -> RmqctlError:
    """The broker refused the virtual host, or closed the connection with a reply code."""
    text = str(getattr(cause, "reply_text", cause))
    code = getattr(cause, "reply_code", 530)
    if code == 530:
        if "not found" in text:
            return NotFound(f"virtual host {peer.vhost!r} does not exist ({peer.where})")
        if "limit" in text or "is down" in text:
            return Unavailable(f"{peer.where}: {text}")
        return AccessRefused(f"{peer.where}: user {peer.user!r} may not open virtual host {peer.vhost!r}")
    return _BY_CODE.get(code, Unreachable)(f"{peer.where}: the broker closed the connection: {text}")


def _innermost(error: BaseException) -> BaseException:
    """What pika's exception is about, which may be inside exceptions that it holds."""
    while True:
        held = (getattr(error, "exception", None), *reversed(getattr(error, "exceptions", ())), *error.args)
        inner = next((each for each in held if isinstance(each, BaseException)), None)
        if inner is None:
            return error
        error = inner


def _is_timeout(cause: BaseException) -> bool:
    return isinstance(cause, TimeoutError | workflow.AMQPConnectorStackTimeout)


def _reason(cause: BaseException) -> str:
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused"
    if isinstance(cause, socket.gaierror):
        return f"host name not known ({cause.strerror})"
    if isinstance(cause, TimeoutError):
        return "no connection: the host does not answer (firewall, wrong address?)"
    if isinstance(cause, workflow.AMQPConnectorStackTimeout):
        return "connected, but no answer came: is this the port for AMQP?"
    if isinstance(cause, exceptions.ConnectionBlockedTimeout):
        return "the broker takes no messages: it is short of memory or disk"
    if isinstance(cause, exceptions.AMQPHeartbeatTimeout):
        return "the connection was lost: no heartbeat came"
    not_amqp = (
        exceptions.IncompatibleProtocolError | exceptions.ProtocolSyntaxError | exceptions.ProtocolVersionMismatch
    )
    if isinstance(cause, not_amqp) or not isinstance(cause, (*PIKAS, OSError)):
        return _NOT_AMQP
    if isinstance(cause, OSError):
        return (cause.strerror or str(cause)).lower()
    if isinstance(cause, exceptions.AuthenticationError):
        return "the broker offers no log-in by user name and password (PLAIN)"
    if isinstance(cause, exceptions.AMQPConnectionError):
        return f"the connection was lost{f': {cause}' if cause.args and str(cause) else ''}"
    return str(cause) or type(cause).__name__
