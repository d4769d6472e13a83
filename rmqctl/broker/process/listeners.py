"""Listening sockets, and who holds a port that is taken."""

import contextlib
import errno
import socket

from rmqctl.errors import ConfigError, Unavailable

_BACKLOG = 1024
_FILES = 65_536
# In the greeting of this broker (see `Connection`), not in RabbitMQ's.
_OURS = b"rmqctl's embedded broker"


def bind(host: str, port: int, option: str) -> socket.socket:
    """A socket that is bound; port 0 takes a free one. `option` is what chooses the port.

    Raises Unavailable when the port is taken, ConfigError when host and port are none of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ConfigError(f"--host {host}: {error.strerror}") from None
    listening = socket.socket(family, kind, protocol)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise Unavailable(
                f"port {port} on {host} is taken{_by(host, port)}: stop that one, or choose another with {option} "
                "(0 for any free one)"
            ) from None
        raise ConfigError(f"{option} {port} on {host}: {error.strerror}") from None
    listening.setblocking(False)
    return listening


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
