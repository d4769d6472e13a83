"""An httpx transport over http.client.

httpx's own transport brings httpcore, anyio and h11 into the process: about a fifth of the time of a small command. This
one keeps as many connections per endpoint alive as there were requests side by side, and treats the read timeout as a
deadline for the whole answer.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx

IDLE_AT_MOST = 20.0
"""Seconds that a connection may lie idle before it is used again: the broker hangs up after 60, and a request that
changes something cannot be repeated when that happens under it (a person may think for long about a question)."""


_Key = tuple[str, str, int | None]


class HttpTransport(httpx.BaseTransport):
    """`tls` makes the context for https, once. Raises httpx.TransportError with the cause attached."""

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._idle: dict[_Key, list[tuple[float, http.client.HTTPConnection]]] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key = (request.url.scheme, request.url.host, request.url.port)
        timeouts = request.extensions.get("timeout", {})
        connection = self._take_idle(key)
        reused = connection is not None
        connection = connection or self._connect(request, timeouts.get("connect"))
        try:
            response = _exchange(connection, request, timeouts.get("read"))
        except BaseException as error:
            connection.close()
            lost = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException)
            if reused and lost and request.method in ("GET", "HEAD"):
                # The broker closed the idle connection, which is its right: ask again on a new one.
                return self.handle_request(request)
            raise
        if connection.sock is not None:
            self._idle.setdefault(key, []).append((time.monotonic(), connection))
        return response

    def close(self) -> None:
        for idle in self._idle.values():
            for _, connection in idle:
                connection.close()
        self._idle.clear()

    def _take_idle(self, key: _Key) -> http.client.HTTPConnection | None:
        idle = self._idle.get(key, [])
        while idle:
            try:
                since, connection = idle.pop()
            except IndexError:  # another thread was sooner
                return None
            if time.monotonic() - since < IDLE_AT_MOST:
                return connection
            connection.close()
        return None

    def _connect(self, request: httpx.Request, timeout: float | None) -> http.client.HTTPConnection:
        host, port = request.url.host, request.url.port
        connection: http.client.HTTPConnection
        if request.url.scheme == "https":
            self._context = self._context or self._tls()
            connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=self._context)
        else:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        try:
            connection.connect()
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time", request=request) from error
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return connection


def _exchange(connection: http.client.HTTPConnection, request: httpx.Request, timeout: float | None) -> httpx.Response:
    deadline = None if timeout is None else time.monotonic() + timeout
    connection.response_class = partial(_Answer, deadline=deadline)  # type: ignore[assignment]
    try:
        _wait_at_most(connection.sock, deadline)
        connection.putrequest(
            request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers.raw:
            connection.putheader(name, value)
        connection.endheaders(request.read() or None)
        with connection.getresponse() as answer:
            body = answer.read()
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time", request=request) from error
    except OSError as error:
        raise httpx.ReadError(str(error), request=request) from error
    except http.client.IncompleteRead as error:
        raise httpx.RemoteProtocolError("the answer was cut short", request=request) from error
    except http.client.HTTPException as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
    return httpx.Response(answer.status, headers=answer.getheaders(), content=body, request=request)


class _Answer(http.client.HTTPResponse):
    """An answer whose head and body have to be there by the deadline. A socket's timeout is for each read of it alone."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: float | None, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Timed(sock, deadline))


class _Timed(io.RawIOBase):
    """The bytes of a socket until the deadline."""

    def __init__(self, sock: socket.socket, deadline: float | None) -> None:
        self._sock = sock
        self._stream = sock.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        _wait_at_most(self._sock, self._deadline)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _wait_at_most(sock: socket.socket, deadline: float | None) -> None:
    if deadline is None:
        sock.settimeout(None)
        return
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    sock.settimeout(remaining)
