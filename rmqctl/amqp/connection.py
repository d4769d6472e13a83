"""A connection: where the broker listens for AMQP, the log-in, TLS, and pika's errors as ours."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rmqctl.api.answering import overview
from rmqctl.errors import RmqctlError, TimedOut, Unavailable, UsageError
from rmqctl.session import Session

if TYPE_CHECKING:
    from pika import BlockingConnection, ConnectionParameters
    from pika.adapters.blocking_connection import BlockingChannel

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 10.0
LATE_SECONDS = 0.2
"""A wait for a connection ends so much before the time limit or less, when that is why it ends."""


@contextlib.contextmanager
def connected(session: Session, url: str | None) -> "Iterator[BlockingConnection]":
    """A connection to the virtual host of -p, closed at the end or when --timeout is over. pika's errors come out as ours.

    `url`: amqp(s)://[USER[:PASSWORD]@]HOST[:PORT], None or "auto": where the HTTP API says that the broker listens.
    """
    with connected_to_stay(session, url) as (connection, _):
        yield connection


@contextlib.contextmanager
def connected_to_stay(session: Session, url: str | None) -> "Iterator[tuple[BlockingConnection, Callable[[], None]]]":
    """As `connected`, with a function that lifts the time limit."""
    import pika

    parameters = parameters_of(session, url)
    check = same_cluster(session, url)
    with translated(session, parameters):
        try:
            connection = pika.BlockingConnection(parameters)
        except OSError as error:  # of TLS; further on, one is about the output
            raise _failure(error, session, parameters) from error
        lift = limited(session, connection._impl, parameters)
        try:
            check(connection._impl)
            yield connection, lift
        finally:
            with contextlib.suppress(pika.exceptions.AMQPError, TimedOut):
                if connection.is_open:
                    ends_soon(connection._impl)
                    connection.close()


def same_cluster(session: Session, url: str | None) -> Callable[[Any], None]:
    """What raises Unavailable when a connection that is open leads to another cluster than the one whose HTTP API was asked.

    Behind a forwarded port, another broker may listen where the API says. An address that somebody named is taken as it is.
    """
    if _named(url) is not None:
        return lambda _: None
    client = session.client
    wanted = overview(client, "cluster_name").get("cluster_name")

    def check(connection: Any) -> None:
        found = (connection.server_properties or {}).get("cluster_name")
        if None not in (wanted, found) and found != wanted:
            where = _where(connection.params)
            problem = f"{where} is cluster {found!r}, and {client.endpoint.url} is cluster {wanted!r}"
            raise Unavailable(f"{problem}: use --amqp URL to say where the broker listens")

    return check


def limited(session: Session, connection: Any, parameters: "ConnectionParameters") -> Callable[[], None]:
    """Ends the connection, whatever it waits for, when --timeout is over. Returns a function that takes that back."""
    deadline = session.client.deadline()
    if deadline is None:
        return lambda: None
    error = TimedOut(_out_of_time(session, parameters))
    # As pika does it when the broker blocks a connection for too long.
    timer = connection.ioloop.call_later(max(deadline - monotonic(), 0), lambda: connection._terminate_stream(error))
    return lambda: connection.ioloop.remove_timeout(timer)


def ends_soon(connection: Any) -> None:
    """Nothing is wanted from the broker any more but that it agrees to the end: it need not for long."""
    error = TimedOut(f"no answer to the end of the connection within {CLOSE_SECONDS:g} seconds")
    connection.ioloop.call_later(CLOSE_SECONDS, lambda: connection._terminate_stream(error))


@contextlib.contextmanager
def putting_back(channel: "BlockingChannel") -> Iterator[None]:
    """At the end, what was not settled on the channel is put back where it was.

    Closing the channel would do that too, but quorum queues of RabbitMQ 4.3 take it for a failure, which counts against their
    delivery limit; basic.nack does not.
    """
    from pika.exceptions import AMQPError

    try:
        yield
    finally:
        with contextlib.suppress(AMQPError):
            channel.basic_nack(delivery_tag=0, multiple=True, requeue=True)


def parameters_of(session: Session, url: str | None) -> "ConnectionParameters":
    """Of a connection to the virtual host of -p; `url` as for `connected`."""
    import pika

    logging.getLogger("pika").setLevel(logging.CRITICAL)  # the errors are told once, by us
    host, port, secure, user, password = _address(session, url)
    if user is None:
        user, known = session.client.log_in
        password = known if password is None else password
    tls = None
    if secure:
        from rmqctl.api import tls as contexts

        tls = pika.SSLOptions(contexts.context(session.settings.tls), host)
    seconds = _seconds_to_connect(session, f"amqp://{host}:{port}")
    return pika.ConnectionParameters(
        host=host,
        port=port,
        virtual_host=session.vhost,
        credentials=pika.PlainCredentials(user, password or ""),
        ssl_options=tls,
        socket_timeout=seconds * 0.99,  # so that it is known which of the two it was
        stack_timeout=seconds,
        client_properties={"connection_name": "rmqctl", "product": "rmqctl"},
    )


def _named(url: str | None) -> str | None:
    """None for an address that the HTTP API is asked for."""
    return None if url == "auto" else url


def _address(session: Session, url: str | None) -> tuple[str, int, bool, str | None, str | None]:
    """Host, port, whether over TLS, user and password as far as the URL tells them."""
    if (url := _named(url)) is None:
        host, port, secure = _listener(session)
        return host, port, secure, None, None
    try:
        parts = urlsplit(url)
        port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
    except ValueError as error:
        raise UsageError(f"--amqp: {error}") from None
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        raise UsageError("--amqp wants amqp(s)://[USER[:PASSWORD]@]HOST[:PORT]; the virtual host is that of -p")
    from urllib.parse import unquote

    user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
    return parts.hostname, port, parts.scheme == "amqps", user, password


def _listener(session: Session) -> tuple[str, int, bool]:
    """Where the node that answers listens for AMQP; with TLS when its HTTP API is asked with TLS, or when that is all it has."""
    client = session.client
    found = overview(client, "node", "listeners")
    listeners = [each for each in found.get("listeners") or [] if each.get("node") == found.get("node")]
    for protocol in ("amqp/ssl", "amqp") if client.endpoint.scheme == "https" else ("amqp", "amqp/ssl"):
        for listener in listeners:
            if listener.get("protocol") == protocol:
                return _host_of(client.endpoint.host), int(listener["port"]), protocol == "amqp/ssl"
    raise Unavailable(f"{client.endpoint.url} tells of no AMQP listener to user {client.user!r}: give --amqp URL")


def _host_of(host: str) -> str:
    return host.strip("[]")


def _seconds_to_connect(session: Session, where: str) -> float:
    """Raises TimedOut when there is no time left."""
    deadline = session.client.deadline()
    if deadline is None:
        return CONNECT_SECONDS
    left = deadline - monotonic()
    if left <= 0:
        raise TimedOut(f"{where}: no answer within {session.client.timeout:g} seconds (--timeout)")
    return min(left, CONNECT_SECONDS)


@contextlib.contextmanager
def translated(session: Session, parameters: "ConnectionParameters") -> Iterator[None]:
    """pika's exceptions as ours."""
    import ssl

    from rmqctl.amqp.failures import PIKAS

    try:
        yield
    except (*PIKAS, ssl.SSLError) as error:
        raise _failure(error, session, parameters) from error


def _failure(error: Exception, session: Session, parameters: "ConnectionParameters") -> RmqctlError:
    from rmqctl.amqp import failures

    deadline = session.client.deadline()
    late = deadline is not None and monotonic() >= deadline - LATE_SECONDS
    peer = failures.Peer(_where(parameters), parameters.credentials.username, session.vhost)
    return failures.of(error, peer, _out_of_time(session, parameters) if late else "")


def _where(parameters: "ConnectionParameters") -> str:
    return f"amqp{'s' if parameters.ssl_options else ''}://{parameters.host}:{parameters.port}"


def _out_of_time(session: Session, parameters: "ConnectionParameters") -> str:
    return f"{_where(parameters)}: no answer within {session.client.timeout:g} seconds (--timeout)"
