"""A connection: where the broker listens for AMQP, the log-in, TLS, and pika's errors as ours."""

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rmqctl.api.nodes import overview
from rmqctl.errors import (
    AccessRefused,
    DataError,
    NotFound,
    RmqctlError,
    TlsFailed,
    Unavailable,
    Unreachable,
    UsageError,
)
from rmqctl.session import Session

if TYPE_CHECKING:
    from pika import BlockingConnection, ConnectionParameters
    from pika.adapters.blocking_connection import BlockingChannel

CONNECT_SECONDS = 10.0


@contextlib.contextmanager
def connected(session: Session, url: str | None) -> "Iterator[BlockingConnection]":
    """A connection to the virtual host of -p, closed at the end. pika's errors come out as ours.

    `url`: amqp(s)://[USER[:PASSWORD]@]HOST[:PORT], None or "auto": where the HTTP API says that the broker listens.
    """
    import pika

    parameters = parameters_of(session, url)
    with translated(session, parameters):
        connection = pika.BlockingConnection(parameters)
        try:
            yield connection
        finally:
            with contextlib.suppress(pika.exceptions.AMQPError):
                connection.close()


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
    return pika.ConnectionParameters(
        host=host,
        port=port,
        virtual_host=session.vhost,
        credentials=pika.PlainCredentials(user, password or ""),
        ssl_options=tls,
        socket_timeout=CONNECT_SECONDS,
        stack_timeout=CONNECT_SECONDS * 1.5,
        client_properties={"connection_name": "rmqctl", "product": "rmqctl"},
    )


def _address(session: Session, url: str | None) -> tuple[str, int, bool, str | None, str | None]:
    """Host, port, whether over TLS, user and password as far as the URL tells them."""
    if url in (None, "auto"):
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
    """Where the node that answers listens for AMQP: its plain listener, or the one with TLS when that is all it has."""
    client = session.client
    found = overview(client, "node", "listeners")
    listeners = [each for each in found.get("listeners") or [] if each.get("node") == found.get("node")]
    for protocol in ("amqp", "amqp/ssl"):
        for listener in listeners:
            if listener.get("protocol") == protocol:
                return _host_of(client.endpoint.host), int(listener["port"]), protocol == "amqp/ssl"
    raise Unavailable(f"{client.endpoint.url} tells of no AMQP listener to user {client.user!r}: give --amqp URL")


def _host_of(host: str) -> str:
    return host.strip("[]")


@contextlib.contextmanager
def translated(session: Session, parameters: "ConnectionParameters") -> Iterator[None]:
    """pika's exceptions as ours."""
    import ssl

    from pika import exceptions

    where = f"amqp://{parameters.host}:{parameters.port}"
    vhost = session.vhost
    try:
        yield
    except exceptions.ProbableAuthenticationError:
        raise AccessRefused(f"{where}: the log-in was refused: wrong user name or password") from None
    except exceptions.ProbableAccessDeniedError as error:
        if "not found" in str(error):
            raise NotFound(f"virtual host {vhost!r} does not exist ({where})") from None
        raise AccessRefused(f"{where}: the user may not open virtual host {vhost!r}") from None
    except exceptions.ChannelClosedByBroker as error:
        raise _refusal(error, where) from error
    except exceptions.ConnectionClosedByBroker as error:
        if error.reply_code == 530:
            raise NotFound(f"{where}: {error.reply_text}") from None
        raise Unreachable(f"{where}: the broker closed the connection: {error.reply_text}") from None
    except exceptions.AMQPConnectionError as error:
        cause = _cause(error)
        if isinstance(cause, ssl.SSLError):
            raise TlsFailed(f"{where}: TLS failed: {cause.reason or cause}") from None
        raise Unreachable(f"{where}: {cause or 'the connection was lost'}") from None


def _refusal(error: Any, where: str) -> RmqctlError:
    kind = {403: AccessRefused, 404: NotFound}.get(error.reply_code, DataError)
    text = error.reply_text.partition(" - ")[2] or error.reply_text
    return kind(f"{text} ({where})")


def _cause(error: BaseException) -> object:
    """What pika's exception is about, which may be inside exceptions that it holds."""
    while True:
        held = (getattr(error, "exception", None), *reversed(getattr(error, "exceptions", ())), *error.args)
        inner = next((each for each in held if each is not None), None)
        if not isinstance(inner, BaseException):
            return inner or (str(error) or None)
        error = inner
        if isinstance(error, OSError):
            return error if not error.strerror else error.strerror.lower()
