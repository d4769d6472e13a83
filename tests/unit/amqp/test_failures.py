"""Every exception of pika becomes one of ours."""

import inspect
import pkgutil
import socket
import ssl
from importlib import import_module

import pika
import pytest
from pika import exceptions
from pika.adapters.utils import connection_workflow as workflow

from rmqctl.amqp import failures
from rmqctl.amqp.failures import FAILURES, PIKAS, Peer
from rmqctl.errors import (
    AccessRefused,
    DataError,
    NotFound,
    RmqctlError,
    TimedOut,
    TlsFailed,
    Unavailable,
    Unreachable,
)

PEER = Peer("amqp://broker:5672", "guest", "v")
# What pika raises for its own use, and never lets out; pika 1.4 has its adapters for other loops, which are not used.
INTERNAL = {"_DataBufferError"}


def exceptions_of_pika() -> list[type[Exception]]:
    """Those of all modules that a connection over sockets uses."""
    names = [module.name for module in pkgutil.walk_packages(pika.__path__, "pika.")]
    used = [name for name in names if not any(word in name for word in ("tornado", "twisted", "gevent", "asyncio"))]
    found = {
        each
        for name in used
        for each in vars(import_module(name)).values()
        if inspect.isclass(each) and issubclass(each, Exception) and each.__module__.startswith("pika")
    }
    return sorted((each for each in found if each.__name__ not in INTERNAL), key=lambda each: each.__name__)


def made(kind: type[Exception]) -> Exception:
    """One of that kind, however many arguments it takes."""
    for arguments in ((), (OSError("x"),), ([OSError("x")],), (320, "CONNECTION_FORCED - x"), (1, 2, 3, b"")):
        try:
            return kind(*arguments)
        except TypeError:
            continue
    raise AssertionError(f"{kind.__name__} takes other arguments")


def no_tls() -> ssl.SSLError:
    """What a TLS client raises over an answer that is none."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(b"AMQP\x00\x00\x09\x01")
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="x")
    try:
        client.do_handshake()
    except ssl.SSLError as error:
        return error
    raise AssertionError("it shook hands")


def test_the_table_has_every_exception_of_pika() -> None:
    assert set(exceptions_of_pika()) == set(FAILURES)


@pytest.mark.parametrize("kind", exceptions_of_pika(), ids=lambda kind: kind.__name__)
def test_each_is_caught_and_told_in_one_line(kind: type[Exception]) -> None:
    assert issubclass(kind, PIKAS)
    error = failures.of(made(kind), PEER)
    assert isinstance(error, RmqctlError)
    assert "\n" not in str(error)
    assert "amqp://broker:5672" in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (exceptions.AMQPConnectionError(workflow.AMQPConnectionWorkflowFailed([ConnectionRefusedError(111, "x")])),
         Unreachable, "connection refused"),
        (workflow.AMQPConnectorSocketConnectError(socket.gaierror(-2, "Name or service not known")),
         Unreachable, "host name not known"),
        (exceptions.AMQPConnectionError(workflow.AMQPConnectorSocketConnectError(TimeoutError())),
         Unreachable, "the host does not answer"),
        (workflow.AMQPConnectorStackTimeout("x"), Unreachable, "no answer came"),
        (exceptions.IncompatibleProtocolError("x"), Unreachable, "is this the port for AMQP"),
        (workflow.AMQPConnectorTransportSetupError(no_tls()), TlsFailed, "the port does not speak TLS"),
        (exceptions.ProbableAuthenticationError("x"), AccessRefused, "wrong user name or password"),
        (exceptions.AuthenticationError("x"), AccessRefused, "PLAIN"),
        (exceptions.ProbableAccessDeniedError("ConnectionClosedByBroker: (530) \"NOT_ALLOWED - vhost v not found\""),
         NotFound, "virtual host 'v' does not exist"),
        (exceptions.ConnectionClosedByBroker(530, "NOT_ALLOWED - access to vhost 'v' refused for user 'guest'"),
         AccessRefused, "user 'guest' may not open virtual host 'v'"),
        (exceptions.ConnectionClosedByBroker(530, "NOT_ALLOWED - access to vhost 'v' refused: connection limit (1) is reached"),
         Unavailable, "connection limit (1) is reached"),
        (exceptions.ConnectionClosedByBroker(320, "CONNECTION_FORCED - Closed via management plugin"),
         Unreachable, "Closed via management plugin"),
        (exceptions.ConnectionClosedByBroker(540, "NOT_IMPLEMENTED - x"), Unavailable, "NOT_IMPLEMENTED"),
        (exceptions.ChannelClosedByBroker(403, "ACCESS_REFUSED - read access to queue 'q' in vhost 'v' refused"),
         AccessRefused, "read access to queue 'q' in vhost 'v' refused"),
        (exceptions.ChannelClosedByBroker(404, "NOT_FOUND - no queue 'q' in vhost 'v'"), NotFound, "no queue 'q'"),
        (exceptions.ChannelClosedByBroker(406, "PRECONDITION_FAILED - x"), DataError, "x"),
        (exceptions.AMQPHeartbeatTimeout("x"), Unreachable, "no heartbeat came"),
        (exceptions.ShortStringTooLong("x"), DataError, "x"),
    ],
)  # fmt: skip
def test_what_is_said(error: Exception, kind: type[RmqctlError], said: str) -> None:
    found = failures.of(error, PEER)
    assert (type(found), said in str(found)) == (kind, True), found


@pytest.mark.parametrize("error", [workflow.AMQPConnectorStackTimeout("x"), TimeoutError()])
def test_a_wait_that_timeout_ended(error: Exception) -> None:
    found = failures.of(error, PEER, "no answer within 3 seconds (--timeout)")
    assert (type(found), str(found)) == (TimedOut, "no answer within 3 seconds (--timeout)")
    refused = failures.of(ConnectionRefusedError(111, "x"), PEER, "no answer within 3 seconds (--timeout)")
    assert isinstance(refused, Unreachable)
