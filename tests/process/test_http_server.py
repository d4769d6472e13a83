"""Connections that do not get on with it, and bytes that are no HTTP."""

import socket
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from rmqctl.broker.process import http_server

from .conftest import Live

LOGIN = b"Authorization: Basic " + b64encode(b"guest:guest") + b"\r\n"
SOON = 1.0
LATE = 10.0


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", SOON)


@pytest.fixture
def raw(hasty: None, live: Live) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", urlsplit(live.url).port or 0), timeout=LATE) as connection:
        yield connection


def rest(connection: socket.socket) -> bytes:
    """Until the broker closes it."""
    data = b""
    while part := connection.recv(65536):
        data += part
    return data


def test_a_connection_without_a_request_is_closed(raw: socket.socket) -> None:
    assert rest(raw) == b""


@pytest.mark.parametrize("start", [b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\nx: "])
def test_a_head_that_does_not_end_is_not_waited_for(raw: socket.socket, start: bytes) -> None:
    raw.sendall(start)
    assert rest(raw) == b""


def test_a_connection_is_closed_some_time_after_its_last_answer(raw: socket.socket) -> None:
    ask = b"GET /api/whoami HTTP/1.1\r\nHost: localhost\r\n" + LOGIN + b"\r\n"
    raw.sendall(ask)
    assert b"200 OK" in raw.recv(65536)
    raw.sendall(ask + b"GET / HT")
    assert rest(raw).count(b"HTTP/1.1 200 OK") == 1


def test_more_of_a_body_after_its_refusal_does_not_keep_it_open(raw: socket.socket) -> None:
    raw.sendall(
        b"POST /api/definitions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9999\r\n\r\n"
    )
    answer = rest(raw)
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"100 Continue" not in answer


@pytest.mark.parametrize(
    "data",
    [
        b"\0\xff\r\n\r\n",
        b"AMQP\0\0\x09\x01",
        b"GET /%zz?%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http://[/ HTTP/1.1\r\nHost: [\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/whoami HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"POST /api/definitions HTTP/1.1\r\nHost: localhost\r\n" + LOGIN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"PUT /api/queues/%2F/q HTTP/1.1\r\nHost: localhost\r\n" + LOGIN + b"Content-Length: 99\r\n\r\n{",
        b"GET /api/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: \xff\xfe\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"x: y\r\n" * 20_000,
    ],
)
def test_whatever_comes_is_answered_or_closed(
    raw: socket.socket, live: Live, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    raw.sendall(data)
    raw.shutdown(socket.SHUT_WR)
    try:
        answer = rest(raw)
    except ConnectionResetError:  # it was closed before all was sent
        answer = b""
    assert b" 500 " not in answer
    assert live.http.get("/api/whoami").status_code == 200
    assert [record for record in caplog.records if record.exc_info] == []
