"""Where an AMQP connection goes, as whom, and how long it may take."""

import contextlib
import io
from typing import Any

import pika
import pytest
from pika import exceptions
from pika.adapters.utils import connection_workflow as workflow

from rmqctl.amqp.connection import (
    CLOSE_SECONDS,
    CONNECT_SECONDS,
    connected,
    connected_to_stay,
    parameters_of,
    putting_back,
)
from rmqctl.errors import (
    AccessRefused,
    NotFound,
    RmqctlError,
    TimedOut,
    TlsFailed,
    Unavailable,
    Unreachable,
    UsageError,
)
from rmqctl.session import Session
from rmqctl.settings import Credentials, Endpoint, Settings

from ..conftest import Broker
from .scripted import Blocking, session
from .test_failures import no_tls

PLAIN = {"node": "n", "protocol": "amqp", "port": 5672}
TLS = {"node": "n", "protocol": "amqp/ssl", "port": 5671}
ELSEWHERE = {"node": "m", "protocol": "amqp", "port": 7777}


def session_of(listeners: list[Any], settings: Settings | None = None, cluster: str | None = None) -> Session:
    broker = Broker({"GET /api/overview": {"node": "n", "listeners": listeners, "cluster_name": cluster}})
    session = Session(io.StringIO(), io.StringIO(), io.StringIO(), {}, broker.transport)
    return session._replace(settings=settings or Settings())


def place(parameters: pika.ConnectionParameters) -> tuple[str, int, bool]:
    return parameters.host, parameters.port, parameters.ssl_options is not None


@pytest.mark.parametrize(
    ("scheme", "listeners", "port", "secure"),
    [
        ("http", [ELSEWHERE, TLS, PLAIN], 5672, False),
        ("http", [TLS], 5671, True),
        ("https", [PLAIN, TLS], 5671, True),
        ("https", [PLAIN], 5672, False),
    ],
)
def test_the_node_that_answers_says_where_it_listens(
    scheme: str, listeners: list[Any], port: int, secure: bool
) -> None:
    settings = Settings(endpoints=(Endpoint(scheme, "::1", 15672),))
    for url in (None, "auto"):
        assert place(parameters_of(session_of(listeners, settings), url)) == ("::1", port, secure)


ANOTHER = (
    r"amqp://localhost:5672 is cluster 'rabbit@b', and http://localhost:15672 is cluster 'rabbit@a': use --amqp URL"
)


@pytest.mark.parametrize(
    ("url", "asked", "found", "refused"),
    [
        (None, "rabbit@a", "rabbit@b", True),
        ("auto", "rabbit@a", "rabbit@b", True),
        (None, "rabbit@a", "rabbit@a", False),
        ("amqp://localhost", "rabbit@a", "rabbit@b", False),
        (None, None, "rabbit@b", False),
        (None, "rabbit@a", None, False),
    ],
)
def test_another_cluster_behind_an_address_that_nobody_named_is_refused(
    blocking: Blocking, url: str | None, asked: str | None, found: str | None, refused: bool
) -> None:
    blocking.server_properties = {"cluster_name": found} if found else None
    what = pytest.raises(Unavailable, match=ANOTHER) if refused else contextlib.nullcontext()
    with what, connected(session_of([PLAIN], cluster=asked), url):
        blocking.did.append("work")
    assert blocking.did == (["close"] if refused else ["work", "close"])


def test_a_node_that_tells_of_no_listener() -> None:
    with pytest.raises(Unavailable, match="give --amqp URL"):
        parameters_of(session_of([ELSEWHERE]), None)


@pytest.mark.parametrize(
    ("url", "found", "user", "password"),
    [
        ("amqp://broker", ("broker", 5672, False), "u", "p"),
        ("amqps://broker", ("broker", 5671, True), "u", "p"),
        ("amqp://a%40b:c%2Fd@[::1]:7", ("::1", 7, False), "a@b", "c/d"),
        ("amqp://other@broker", ("broker", 5672, False), "other", ""),
    ],
)
def test_a_url_says_it_all_but_the_virtual_host(
    url: str, found: tuple[str, int, bool], user: str, password: str
) -> None:
    session = session_of([], Settings(vhost="v", credentials=Credentials("u", "p")))
    parameters = parameters_of(session, url)
    assert (place(parameters), parameters.virtual_host) == (found, "v")
    assert (parameters.credentials.username, parameters.credentials.password) == (user, password)


@pytest.mark.parametrize("url", ["http://broker", "broker", "amqp://", "amqp://broker:port", "amqp://broker:99999"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="--amqp"):
        parameters_of(session_of([]), url)


@pytest.mark.parametrize(("timeout", "seconds"), [(None, CONNECT_SECONDS), (60.0, CONNECT_SECONDS), (3.0, 3.0)])
def test_how_long_a_connection_may_take(timeout: float | None, seconds: float) -> None:
    parameters = parameters_of(session_of([], Settings(timeout=timeout)), "amqp://broker")
    assert seconds - 0.5 < parameters.stack_timeout <= seconds
    assert parameters.socket_timeout < parameters.stack_timeout


def test_no_time_is_left() -> None:
    with pytest.raises(TimedOut, match="no answer within 0 seconds"):
        parameters_of(session_of([], Settings(timeout=0)), "amqp://broker")


# A whole connection

URL = "amqp://broker"


def test_a_connection_is_closed_at_the_end_and_after_an_error(blocking: Blocking) -> None:
    with connected(session(), URL) as connection:
        assert connection is blocking
        assert blocking.did == []
    assert blocking.did == ["close"]
    blocking.is_open = True
    with pytest.raises(NotFound, match=r"no queue 'q' in vhost '/' \(amqp://broker:5672\)"), connected(session(), URL):
        raise exceptions.ChannelClosedByBroker(404, "NOT_FOUND - no queue 'q' in vhost '/'")
    assert blocking.did == ["close", "close"]


def test_one_that_is_gone_is_not_closed(blocking: Blocking) -> None:
    with connected(session(), URL):
        blocking.is_open = False
    assert blocking.did == []


@pytest.mark.parametrize("error", [exceptions.StreamLostError("x"), exceptions.ConnectionWrongStateError("x")])
def test_an_end_that_fails_is_the_end_all_the_same(blocking: Blocking, error: Exception) -> None:
    def fail() -> None:
        raise error

    blocking.on_close = fail
    with connected(session(), URL):
        pass


def test_a_broker_that_does_not_agree_to_the_end_is_left(blocking: Blocking) -> None:
    def wait() -> None:
        (due, _, end), *_ = blocking.ioloop._due
        assert due - blocking.ioloop.now == CLOSE_SECONDS
        end()

    blocking.on_close = wait
    with connected(session(), URL):
        pass
    assert not blocking.is_open


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exceptions.ProbableAuthenticationError("x"), AccessRefused),
        (exceptions.AMQPConnectionError(workflow.AMQPConnectorSocketConnectError(TimeoutError())), Unreachable),
        (exceptions.IncompatibleProtocolError("x"), Unreachable),
        (no_tls(), TlsFailed),
        (ConnectionResetError(104, "Connection reset by peer"), Unreachable),
    ],
)
def test_where_there_is_no_connection(blocking: Blocking, error: Exception, kind: type[RmqctlError]) -> None:
    blocking.refuses = error
    with pytest.raises(kind, match="amqp://broker:5672") as raised, connected(session(), URL):
        pass
    assert raised.value.__cause__ is error


def test_an_error_of_the_output_is_not_the_connections(blocking: Blocking) -> None:
    with pytest.raises(BrokenPipeError), connected(session(), URL):
        raise BrokenPipeError
    assert blocking.did == ["close"]


def test_a_connection_that_is_late_is_out_of_time(blocking: Blocking) -> None:
    blocking.refuses = exceptions.AMQPConnectionError(workflow.AMQPConnectorStackTimeout("x"))
    with pytest.raises(TimedOut, match=r"no answer within 0.1 seconds \(--timeout\)"):  # noqa: SIM117
        with connected(session(timeout=0.1), URL):
            pass
    with pytest.raises(Unreachable, match="no answer came: is this the port for AMQP"):  # noqa: SIM117
        with connected(session(timeout=60.0), URL):
            pass


def test_whatever_it_waits_for_ends_when_the_time_is_over(blocking: Blocking) -> None:
    def wait() -> None:
        with connected(session(timeout=7.0), URL):
            ((due, _, end),) = blocking.ioloop._due
            assert 6 < due - blocking.ioloop.now <= 7
            end()

    with pytest.raises(TimedOut, match=r"amqp://broker:5672: no answer within 7 seconds \(--timeout\)"):
        wait()


def test_the_limit_can_be_lifted(blocking: Blocking) -> None:
    with connected_to_stay(session(timeout=7.0), URL) as (_, lift):
        lift()
        assert blocking.ioloop._due == []
    blocking.is_open = True
    with connected_to_stay(session(), URL) as (_, lift):
        lift()


@pytest.mark.parametrize("fails", [None, exceptions.ChannelWrongStateError("x")])
def test_what_was_not_settled_is_put_back_whatever_happens(blocking: Blocking, fails: Exception | None) -> None:
    channel = blocking.channel()
    channel.fails = fails
    with pytest.raises(KeyboardInterrupt), putting_back(channel):  # type: ignore[arg-type]
        raise KeyboardInterrupt
    assert blocking.did == ([("nack", 0, True, True)] if fails is None else [])
