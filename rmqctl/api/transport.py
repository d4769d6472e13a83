"""An httpx transport over http.client.

httpx's own transport brings httpcore, anyio and h11 into the process: about a fifth of the time of a small command. This
one keeps one connection per endpoint alive and treats the read timeout as a deadline for the whole answer.
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


class HttpTransport(httpx.BaseTransport):
    """`tls` makes the context for https, once. Raises httpx.TransportError with the cause attached."""

    def __init__(self, tls: Callable[[], ssl.SSLContext]) -> None:
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._idle: dict[tuple[str, str, int | None], http.client.HTTPConnection] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        key = (request.url.scheme, request.url.host, request.url.port)
        timeouts = request.extensions.get("timeout", {})
        connection = self._idle.pop(key, None)
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
        # Of requests side by side, one leaves its connection to those that follow.
        if connection.sock is not None and self._idle.setdefault(key, connection) is not connection:
            connection.close()
        return response

    def close(self) -> None:
        for connection in self._idle.values():
            connection.close()
        self._idle.clear()

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
