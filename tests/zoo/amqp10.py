"""As much of AMQP 1.0 as a consumer needs: a connection, a session, a link to a queue of RabbitMQ 4."""

import struct
from collections.abc import Iterator
from urllib.parse import quote

from ..contract import wire

_BEGIN, _ATTACH, _FLOW, _TRANSFER, _DISPOSITION, _SOURCE, _TARGET, _ACCEPTED = (
    *(0x11, 0x12, 0x13, 0x14, 0x15, 0x28, 0x29),
    0x24,
)
_NULL, _TRUE = b"\x40", b"\x41"
_WINDOW = 1_000_000
_FIXED = {0x40: 0, 0x41: 0, 0x42: 0, 0x43: 0, 0x44: 0, 0x45: 0, 0x50: 1, 0x52: 1, 0x53: 1, 0x60: 2, 0x70: 4, 0x80: 8}
"""How many bytes follow the code of a value."""


class Receiver:
    """Takes what comes, with so much credit in all."""

    def __init__(self, port: int, vhost: str, container: str, queue: str, credit: int) -> None:
        self._socket = wire.amqp10(port, container, f"vhost:{vhost}")
        source = wire.described(_SOURCE, _text(f"/queues/{quote(queue, safe='')}"))
        link = (_text("link"), _uint(0), _TRUE, _NULL, _NULL, source, wire.described(_TARGET))
        self._send(_ATTACH, *link)
        # Both windows are wider than a test is long; ids begin with 0 at RabbitMQ's end too.
        self._send(_FLOW, _uint(0), _uint(_WINDOW), _uint(0), _uint(_WINDOW), _uint(0), _uint(0), _uint(credit))

    def deliveries(self, seconds: float) -> Iterator[int]:
        """The numbers of those that come until nothing has for that long."""
        self._socket.settimeout(seconds)
        while True:
            try:
                frame = wire.read_frame(self._socket)
            except TimeoutError:
                return
            body = frame[4:]
            if body[:3] == bytes((0, 0x53, _TRANSFER)):
                yield _fields(body[3:])[1]

    def accept(self, delivery: int) -> None:
        number = _uint(delivery)
        self._send(_DISPOSITION, _TRUE, number, number, _TRUE, wire.described(_ACCEPTED))

    def close(self) -> None:
        self._socket.close()

    def _send(self, code: int, *fields: bytes) -> None:
        self._socket.sendall(wire.frame(0, wire.described(code, *fields)))


def _uint(value: int) -> bytes:
    return b"\x70" + struct.pack(">I", value)


def _text(value: str) -> bytes:
    data = value.encode()
    return b"\xb1" + struct.pack(">I", len(data)) + data


def _fields(data: bytes) -> list[int]:
    """The numbers with which a list begins, as far as its first value of another kind."""
    at = 3 if data[0] == 0xC0 else 9
    found = []
    while at < len(data) and data[at] in _FIXED:
        size = _FIXED[data[at]]
        found.append(int.from_bytes(data[at + 1 : at + 1 + size], "big"))
        at += 1 + size
    return found
