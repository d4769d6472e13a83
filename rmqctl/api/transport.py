"""An httpx transport over http.client.

httpx's own transport brings httpcore, anyio and h11 into the process: about a fifth of the time of a small command. This
one keeps one connection per endpoint alive and treats the read timeout as a deadline for the whole answer.
"""

import http.client
import ssl
import time
from collections.abc import Callable

import httpx

_CHUNK = 1 << 18


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
        except httpx.TransportError as error:
            connection.close()
            if reused and request.method in ("GET", "HEAD") and not isinstance(error, httpx.TimeoutException):
                # The broker closed the idle connection, which is its right: ask again on a new one.
                return self.handle_request(request)
            raise
        if connection.sock is not None:
            self._idle[key] = connection
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
    try:
        _wait_at_most(connection, deadline)
        connection.putrequest(
            request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
        )
        for name, value in request.headers.raw:
            connection.putheader(name, value)
        connection.endheaders(request.read() or None)
        answer = connection.getresponse()
        body = bytearray()
        while True:
            _wait_at_most(connection, deadline)
            chunk = answer.read(_CHUNK)
            if not chunk:
                break
            body += chunk
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time", request=request) from error
    except OSError as error:
        raise httpx.ReadError(str(error), request=request) from error
    except http.client.HTTPException as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error
    return httpx.Response(answer.status, headers=answer.getheaders(), content=bytes(body), request=request)


def _wait_at_most(connection: http.client.HTTPConnection, deadline: float | None) -> None:
    if connection.sock is None:
        return  # the answer is read whole and the broker has closed its side
    if deadline is None:
        connection.sock.settimeout(None)
        return
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    connection.sock.settimeout(remaining)
