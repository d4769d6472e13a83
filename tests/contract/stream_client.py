"""A client of the stream protocol: connects, publishes, consumes, stores offsets.

Frames are a size, then `key, version` and, in a request or its answer, a correlation number. Strings have two bytes of
length, arrays and blobs four.
"""

import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import Any

DECLARE_PUBLISHER, PUBLISH, PUBLISH_CONFIRM, SUBSCRIBE, STORE_OFFSET = 0x01, 0x02, 0x03, 0x07, 0x0A
PEER_PROPERTIES, SASL_HANDSHAKE, SASL_AUTHENTICATE, TUNE, OPEN, CLOSE = 0x11, 0x12, 0x13, 0x14, 0x15, 0x16
CONSUMER_UPDATE = 0x1A
ANSWER = 0x8000
OK = 1

FIRST, LAST, NEXT, OFFSET, TIMESTAMP = 1, 2, 3, 4, 5
Position = tuple[int, int | None]
"""Where a consumer begins: one of the five above, with the number that the last two take."""


def _string(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def _map(properties: dict[str, str]) -> bytes:
    items = b"".join(_string(key) + _string(value) for key, value in properties.items())
    return struct.pack(">I", len(properties)) + items


def _position(position: Position) -> bytes:
    kind, number = position
    return struct.pack(">H", kind) + (b"" if number is None else struct.pack(">Q", number))


class Client:
    """One connection. Every request waits for its answer; what the broker sends meanwhile is read and dropped."""

    def __init__(
        self, port: int, vhost: str, *, user: str = "guest", password: str = "guest", **properties: str
    ) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._correlation = 0
        self._request(PEER_PROPERTIES, _map({"product": "contract", **properties}))
        self._request(SASL_HANDSHAKE)
        secret = f"\0{user}\0{password}".encode()
        self._request(SASL_AUTHENTICATE, _string("PLAIN") + struct.pack(">I", len(secret)) + secret)
        tune = self._await(TUNE)
        # No heartbeats: nothing may move the counters while two programs read them.
        self._send(TUNE, tune[:4] + struct.pack(">I", 0))
        self._request(OPEN, _string(vhost))

    def declare_publisher(self, publisher: int, stream: str, reference: str = "") -> None:
        self._request(DECLARE_PUBLISHER, bytes([publisher]) + _string(reference) + _string(stream))

    def publish(self, publisher: int, first: int, *messages: bytes) -> None:
        """Publishes under consecutive identifiers and waits until all are confirmed."""
        parts = [
            struct.pack(">QI", number, len(message)) + message for number, message in enumerate(messages, start=first)
        ]
        self._send(PUBLISH, struct.pack(">BI", publisher, len(parts)) + b"".join(parts))
        left = len(messages)
        while left:
            left -= struct.unpack(">I", self._await(PUBLISH_CONFIRM)[1:5])[0]

    def subscribe(self, subscription: int, stream: str, position: Position, credit: int, **properties: str) -> None:
        body = bytes([subscription]) + _string(stream) + _position(position) + struct.pack(">H", credit)
        self._request(SUBSCRIBE, body + (_map(properties) if properties else b""))

    def answer_update(self, position: Position) -> None:
        """Waits until the broker makes a single active consumer of this connection active, and says where to begin."""
        update = self._await(CONSUMER_UPDATE)
        self._send(ANSWER | CONSUMER_UPDATE, update[:4] + struct.pack(">H", OK) + _position(position))

    def store_offset(self, reference: str, stream: str, offset: int) -> None:
        self._send(STORE_OFFSET, _string(reference) + _string(stream) + struct.pack(">Q", offset))

    def close(self) -> None:
        with contextlib.suppress(OSError), self._socket:
            self._request(CLOSE, struct.pack(">H", OK) + _string("done"))

    def _request(self, key: int, body: bytes = b"") -> None:
        self._correlation += 1
        self._send(key, struct.pack(">I", self._correlation) + body)
        code = struct.unpack(">H", self._await(ANSWER | key)[4:6])[0]
        assert code == OK, f"stream protocol: request {key:#x} answered with code {code}"

    def _send(self, key: int, body: bytes) -> None:
        self._socket.sendall(struct.pack(">IHH", len(body) + 4, key, 1) + body)

    def _await(self, key: int) -> bytes:
        """The body of the next frame of that kind, without its key and version."""
        while True:
            size = struct.unpack(">I", self._exactly(4))[0]
            frame = self._exactly(size)
            if struct.unpack(">H", frame[:2])[0] == key:
                return frame[4:]

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            assert more, "the node closed the connection"
            data += more
        return data


@contextlib.contextmanager
def connected(port: int, vhost: str, **options: Any) -> Iterator[Client]:
    with contextlib.closing(Client(port, vhost, **options)) as client:
        yield client
