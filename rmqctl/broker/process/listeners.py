"""Listening sockets, and who holds a port that is taken."""

import contextlib
import errno
import logging
import select
import socket
from typing import Any

from rmqctl.errors import ConfigError, Unavailable

log = logging.getLogger("rmqctl.broker")

_BACKLOG = 1024
# How often another free port is looked for that all addresses of a host have free.
_ATTEMPTS = 20
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_FILES = 65_536
# In the greeting of this broker (see `Connection`), not in RabbitMQ's.
_OURS = b"rmqctl's embedded broker"


class Listening(socket.socket):
    """A listening socket of which the loop makes a pause while there are no files left for what it would accept.

    asyncio stops listening for a second then, but tries once for each place in its backlog before.
    """

    _short = False
    _tired = False

    def accept(self) -> tuple[socket.socket, Any]:
        if self._tired:
            self._tired = False
            raise BlockingIOError
        try:
            accepted = super().accept()
        except OSError as error:
            if is_short(error):
                self._tired = True
                self._say(True, f"accepts no connections for now: {error.strerror}")
            raise
        self._say(False, "accepts connections again")
        return accepted

    def _say(self, short: bool, what: str) -> None:
        """Once each time that it begins and ends."""
        if short != self._short:
            self._short = short
            log.warning("%s %s", address_of(self), what)


def is_short(error: BaseException | None) -> bool:
    """Whether the system has no more files, or no room for them."""
    return isinstance(error, OSError) and error.errno in _SHORT


def hung_up(descriptor: int) -> bool:
    """Whether the other side of a connection has closed it, whatever it has sent before."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    # What says it while there is still something to read is not known everywhere.
    poll.register(descriptor, getattr(select, "POLLRDHUP", 0))
    return bool(poll.poll(0))


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind(host: str, port: int, option: str) -> list[socket.socket]:
    """Sockets that are bound, one for each address of a host, on the same port; 0 takes a free one. `option` is what
    chooses the port.

    Raises Unavailable when the port is taken, ConfigError when host and port are none of this machine's.
    """
    for _ in range(_ATTEMPTS):
        bound: list[socket.socket] = []
        try:
            for family, address in _addresses(host, port):
                _bind_one(bound, host, family, address, option)
        except Unavailable:
            for each in bound:
                each.close()
            if port or not bound:
                raise
        else:
            return bound
    raise Unavailable(f"no port is free on all addresses of {host}: choose one with {option}")


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigError(f"--host {host}: {getattr(error, 'strerror', None) or error}") from None
    addresses = [(family, address) for family, _, _, _, address in found]
    if host == "localhost":
        # Whatever the machine's table of names says: clients try both.
        addresses += [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port, 0, 0))]
    return list(dict.fromkeys(addresses))


def _bind_one(bound: list[socket.socket], host: str, family: socket.AddressFamily, address: Any, option: str) -> None:
    """Adds a socket to those that are bound, on the port that the first one has got."""
    port = bound[0].getsockname()[1] if bound else address[1]
    listening = None
    try:
        listening = Listening(family, socket.SOCK_STREAM)
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and bound:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((address[0], port, *address[2:]))
        listening.listen(_BACKLOG)
    except OSError as error:
        if listening is not None:
            listening.close()
        if bound and error.errno in _NO_SUCH_ADDRESS:
            # localhost has an address of a family that this machine does not use.
            return
        if error.errno == errno.EADDRINUSE:
            raise Unavailable(
                f"port {port} on {host} is taken{_by(host, port)}: stop that one, or choose another with {option} "
                "(0 for any free one)"
            ) from None
        raise ConfigError(f"{option} {port} on {host}: {error.strerror}") from None
    listening.setblocking(False)
    bound.append(listening)


def raise_file_limit() -> None:
    """As many connections as the system allows: the usual limit is 1,024 files."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _by(host: str, port: int) -> str:
    """Who listens there, as far as a greeting tells."""
    for greeting in (b"AMQP\0\0\x09\x01", b"GET / HTTP/1.0\r\n\r\n"):
        answer = _answer(host, port, greeting)
        if _OURS in answer:
            return " by another broker of rmqctl (rmqctl broker status)"
        if b"RabbitMQ" in answer:
            return " by RabbitMQ"
    return ", perhaps by RabbitMQ or another broker of rmqctl"


def _answer(host: str, port: int, greeting: bytes) -> bytes:
    try:
        with socket.create_connection((host, port), timeout=0.5) as connection:
            connection.sendall(greeting)
            return connection.recv(8192)
    except OSError:
        return b""
