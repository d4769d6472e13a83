"""An httpx transport on our own connections; http.client reads the answers.

httpx's own transport brings httpcore, anyio and h11 into the process: about a fifth of the time of a small command. This
one treats the read timeout as a deadline for the whole answer.
"""

import http.client
import io
import socket
import time
import zlib
from typing import Any

import httpx

from rmqctl.api.answers import LONGEST, TooLong
from rmqctl.api.wire import Address, Sent, Wire, head, wait_at_most

SENT = "sent"
"""The extension of a request (`httpx.Request.extensions`) that is on its way already: its `Sent`."""

_PIECE = 1 << 20
_OF_ANY_HEAD = 47
"""zlib's `wbits` for gzip and for deflate."""
_PORTS = {"http": 80, "https": 443}


class HttpTransport(httpx.BaseTransport):
    """Raises httpx.TransportError with the cause attached."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = _deadline(request)
        return self._exchange(request, request.extensions.get(SENT) or self._send(request, deadline), deadline)

    def close(self) -> None:
        self._wire.close()

    def _send(self, request: httpx.Request, deadline: float | None) -> Sent:
        url = request.url
        address = Address(url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme])
        try:
            data = head(request.method, url.raw_path.decode("ascii"), request.headers.raw) + request.read()
        except ValueError as error:
            raise httpx.LocalProtocolError(str(error), request=request) from error
        return self._wire.send(address, data, request.extensions.get("timeout", {}).get("connect"), deadline)

    def _exchange(self, request: httpx.Request, sent: Sent, deadline: float | None) -> httpx.Response:
        try:
            answer, body = _read(request, sent, deadline)
        except BaseException as error:
            if sent.connection is not None:
                self._wire.drop(sent.connection)
            lost = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.TimeoutException)
            if sent.reused and lost and request.method in ("GET", "HEAD"):
                # The broker closed the idle connection, which is its right: ask again on a new one.
                return self._exchange(request, self._send(request, deadline), deadline)
            raise
        assert sent.connection is not None
        if answer.will_close:
            self._wire.drop(sent.connection)
        else:
            self._wire.keep(sent.address, sent.connection)
        headers = answer.getheaders()
        if (encoding := answer.getheader("content-encoding", "identity").lower()) != "identity":
            headers = [(name, value) for name, value in headers if name.lower() != "content-encoding"]
            body = _unpacked(body, encoding, request)
        return httpx.Response(answer.status, headers=headers, content=body, request=request)


def _deadline(request: httpx.Request) -> float | None:
    timeout = request.extensions.get("timeout", {}).get("read")
    return None if timeout is None else time.monotonic() + timeout


def _read(request: httpx.Request, sent: Sent, deadline: float | None) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer and its body, or what became of the request."""
    if sent.connection is None:
        if isinstance(sent.error, TimeoutError):
            raise httpx.ConnectTimeout("no connection in time", request=request) from sent.error
        raise httpx.ConnectError(str(sent.error), request=request) from sent.error
    try:
        if sent.error is not None:
            raise sent.error
        with _Answer(sent.connection, method=request.method, deadline=deadline) as answer:
            answer.begin()
            return answer, _body(answer)
    except TimeoutError as error:
        raise httpx.ReadTimeout("no answer in time", request=request) from error
    except OSError as error:
        raise httpx.ReadError(str(error), request=request) from error
    except http.client.IncompleteRead as error:
        text = f"the answer was cut short after {len(error.partial)} bytes"
        raise httpx.RemoteProtocolError(text, request=request) from error
    except http.client.HTTPException as error:
        raise httpx.RemoteProtocolError(str(error), request=request) from error


def _body(answer: http.client.HTTPResponse) -> bytes:
    """The bytes of the answer, which may be endless."""
    pieces = []
    size = 0
    try:
        while piece := answer.read(_PIECE):
            size += len(piece)
            if size > LONGEST:
                raise TooLong
            pieces.append(piece)
    except http.client.IncompleteRead as error:
        raise http.client.IncompleteRead(b"".join([*pieces, error.partial])) from None
    # A read of so many bytes that ends sooner says nothing of it.
    if answer.length:
        raise http.client.IncompleteRead(b"".join(pieces), answer.length)
    return b"".join(pieces)


def _unpacked(body: bytes, encoding: str, request: httpx.Request) -> bytes:
    """What was packed, up to `LONGEST`: a small answer can unpack to a thousand times its size."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise httpx.DecodingError(f"the answer is packed with {encoding}, which was not asked for", request=request)
    try:
        unpack = zlib.decompressobj(_OF_ANY_HEAD)
        found = unpack.decompress(body, LONGEST + 1)
    except zlib.error as error:
        raise httpx.DecodingError(f"the answer does not unpack: {error}", request=request) from error
    if len(found) > LONGEST:
        raise TooLong
    if not unpack.eof:
        raise httpx.DecodingError("the answer does not unpack: it breaks off", request=request)
    return found


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
        wait_at_most(self._sock, self._deadline)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()
