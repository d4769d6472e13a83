"""Connections to the broker's HTTP port, and requests written on them.

Writing needs no httpx, whose import takes about as long as a broker takes for a short list: what is asked first is written
first, and the broker works while httpx is imported. `rmqctl.api.over_httpx` reads the answers.
"""

import socket
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rmqctl.record import Record

if TYPE_CHECKING:
    import ssl

IDLE_AT_MOST = 20.0
"""Seconds that a connection may lie idle before it is used again: the broker hangs up after 60, and a request that
changes something cannot be repeated when that happens under it (a person may think for long about a question)."""


_ENDS = (b"\r", b"\n", b"\0")


class Address(Record):
    """Where a listener is. `scheme` is http or https, `host` ASCII: international names as IDNA spells them."""

    scheme: str
    host: str
    port: int


class Sent(Record):
    """A request on its way, and the connection that its answer will come on.

    `connection` is None when there was none to be had, and `error` is set when the request could not be written: whoever
    reads the answer raises it. `reused`: the connection had been idle, and the broker may have closed it unnoticed.
    """

    address: Address
    started: float
    connection: socket.socket | None
    reused: bool = False
    error: OSError | None = None


def head(method: str, target: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The head of a request, RFC 9112 section 3. Raises ValueError for a header that would end before its line does."""
    lines = [f"{method} {target} HTTP/1.1".encode("ascii"), *(b"%b: %b" % header for header in headers)]
    if any(end in line for line in lines for end in _ENDS):
        raise ValueError("a header with a line break in it")
    return b"\r\n".join([*lines, b"", b""])


class Wire:
    """Keeps as many connections per address alive as there were requests side by side.

    `tls` makes the context for https, once.
    """

    def __init__(self, tls: Callable[[], "ssl.SSLContext"]) -> None:
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._idle: dict[Address, list[tuple[float, socket.socket]]] = {}
        self._busy: set[socket.socket] = set()

    def send(self, address: Address, request: bytes, connect: float | None, deadline: float | None) -> Sent:
        """Writes a request on an idle connection or a new one, for which there are `connect` seconds."""
        started = time.perf_counter()
        connection = self._take_idle(address)
        reused = connection is not None
        try:
            connection = connection or self._connect(address, connect)
            self._busy.add(connection)
            wait_at_most(connection, deadline)
            connection.sendall(request)
        except OSError as error:
            return Sent(address, started, connection, reused, error)
        return Sent(address, started, connection, reused)

    def keep(self, address: Address, connection: socket.socket) -> None:
        """The answer has been read, and the next request may follow it."""
        self._busy.discard(connection)
        self._idle.setdefault(address, []).append((time.monotonic(), connection))

    def drop(self, connection: socket.socket) -> None:
        self._busy.discard(connection)
        connection.close()

    def close(self) -> None:
        """Ends every connection, those too whose answers nobody has read."""
        for connection in [*self._busy, *(connection for idle in self._idle.values() for _, connection in idle)]:
            connection.close()
        self._busy.clear()
        self._idle.clear()

    def _take_idle(self, address: Address) -> socket.socket | None:
        idle = self._idle.get(address, [])
        while idle:
            try:
                since, connection = idle.pop()
            except IndexError:  # another thread was sooner
                return None
            if time.monotonic() - since < IDLE_AT_MOST:
                return connection
            connection.close()
        return None

    def _connect(self, address: Address, timeout: float | None) -> socket.socket:
        # A host in bytes is spared the codec of international names, whose import takes a hundredth of a short command.
        host = address.host.encode("ascii")
        connection = socket.create_connection((host, address.port), timeout)  # type: ignore[arg-type]
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.scheme == "https":
                self._context = self._context or self._tls()
                return self._context.wrap_socket(connection, server_hostname=address.host)
        except BaseException:
            connection.close()
            raise
        return connection


def wait_at_most(connection: socket.socket, deadline: float | None) -> None:
    """Gives what is done next on the connection the time until the deadline (`time.monotonic`), None: any."""
    if deadline is None:
        connection.settimeout(None)
        return
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    connection.settimeout(remaining)
