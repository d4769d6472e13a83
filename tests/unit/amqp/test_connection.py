"""Where an AMQP connection goes, as whom, and how long it may take."""

import io
from typing import Any

import pika
import pytest

from rmqctl.amqp.connection import CONNECT_SECONDS, parameters_of
from rmqctl.errors import TimedOut, Unavailable, UsageError
from rmqctl.session import Session
from rmqctl.settings import Credentials, Endpoint, Settings

from ..conftest import Broker

PLAIN = {"node": "n", "protocol": "amqp", "port": 5672}
TLS = {"node": "n", "protocol": "amqp/ssl", "port": 5671}
ELSEWHERE = {"node": "m", "protocol": "amqp", "port": 7777}


def session_of(listeners: list[Any], settings: Settings | None = None) -> Session:
    broker = Broker({"GET /api/overview": {"node": "n", "listeners": listeners}})
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
