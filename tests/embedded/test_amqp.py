"""The AMQP side of rmqctl against servers that are silent, that break off, and that are none."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator

import pika
import pytest

from ..contract.brokers import Node, rmqctl

NOWHERE = "http://127.0.0.1:9"
COMMANDS = (
    ("move", "a", "b"),
    ("redrive", "a"),
    ("move", "a", "b", "--dry-run", "--force"),
    ("consume", "a"),
    ("tap", "amq.topic:#"),
    ("get", "a", "--ack"),
    ("get", "a", "--offset", "first"),
    ("publish", "-k", "a", "x"),
    ("bench",),
)


@contextlib.contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Calls `serve` with each connection, on a thread of its own. Yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=_quietly, args=(serve, connection), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with listener:
        yield f"amqp://127.0.0.1:{listener.getsockname()[1]}"


def _quietly(serve: Callable[[socket.socket], None], connection: socket.socket) -> None:
    with contextlib.suppress(OSError), connection:
        serve(connection)


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def frame(payload: bytes, kind: int = 1, channel: int = 0) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def saying(data: bytes) -> Callable[[socket.socket], None]:
    def say(connection: socket.socket) -> None:
        connection.recv(100)
        connection.sendall(data)

    return say


def relay(port: int, length: float, said: list[int] | None = None) -> Callable[[socket.socket], None]:
    """To the broker, and back so many bytes of what it says: then nothing more. `said`: how many it let through each time."""

    def serve(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as broker:
            threading.Thread(target=back, args=(connection, broker), daemon=True).start()
            while data := connection.recv(4096):
                broker.sendall(data)

    def back(connection: socket.socket, broker: socket.socket) -> None:
        left = length
        with contextlib.suppress(OSError):
            while data := broker.recv(4096):
                data = data[: int(min(left, len(data)))]
                left -= len(data)
                if said is not None:  # before: who hears it asks at once how much it was
                    said.append(len(data))
                connection.sendall(data)

    return serve


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_listener_that_is_silent(words: tuple[str, ...]) -> None:
    with server(silent) as url:
        began = time.monotonic()
        ran = rmqctl("--timeout", "1", *words, "--amqp", url, url=NOWHERE)
        seconds = time.monotonic() - began
    assert (ran.exit, ran.errors) == (75, f"rmqctl: {url}: no answer within 1 seconds (--timeout)\n"), ran
    assert seconds < 8


@pytest.fixture
def queues(ours: Node) -> Iterator[None]:
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", ours.port("amqp"))) as connection:
        channel = connection.channel()
        for name in ("a", "b"):
            channel.queue_declare(name)
        yield
        for name in ("a", "b"):
            channel.queue_delete(name)


@pytest.mark.usefixtures("queues")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_broker_that_falls_silent(ours: Node, words: tuple[str, ...]) -> None:
    """After the handshake, which takes some 500 bytes of it."""
    said = handshake(ours)
    for length in (said - 1, said, said + 20):
        with server(relay(ours.port("amqp"), length)) as url:
            began = time.monotonic()
            ran = rmqctl("--timeout", "1", *words, "--amqp", url, url=ours.url)
            seconds = time.monotonic() - began
        assert (ran.exit, "no answer within 1 seconds (--timeout)" in ran.errors) == (75, True), (length, ran)
        assert seconds < 8, length


def handshake(ours: Node) -> int:
    """How many bytes a broker says until the connection is open."""
    said: list[int] = []
    with server(relay(ours.port("amqp"), float("inf"), said)) as url, pika.BlockingConnection(pika.URLParameters(url)):
        return sum(said)


@pytest.mark.usefixtures("queues")
def test_a_broker_that_is_silent_at_the_end(ours: Node) -> None:
    """It has ten seconds to agree to it."""

    def for_a_while(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", ours.port("amqp"))) as broker:
            until = time.monotonic() + 1.5
            broker.settimeout(0.05)
            connection.settimeout(0.05)
            while time.monotonic() < until:
                for one, other in ((connection, broker), (broker, connection)):
                    with contextlib.suppress(TimeoutError):
                        other.sendall(one.recv(4096))
            connection.settimeout(None)
            silent(connection)

    with server(for_a_while) as url:
        began = time.monotonic()
        ran = rmqctl("consume", "a", "--idle-timeout", "2s", "--amqp", url, url=ours.url)
    assert (ran.exit, ran.text) == (0, ""), ran
    assert time.monotonic() - began < 40


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "does not speak AMQP 0-9-1"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak AMQP 0-9-1"),
        (b"AMQP\x00\x01\x00\x00", "does not speak AMQP 0-9-1"),
        (bytes(range(256)), "does not speak AMQP 0-9-1"),
        (frame(struct.pack(">HH", 99, 99)), "does not speak AMQP 0-9-1"),
        (frame(struct.pack(">HHBB", 10, 10, 0, 9)), "does not speak AMQP 0-9-1"),
        (frame(struct.pack(">HHBBI", 10, 10, 0, 9, 6) + b"\x01aZzzz" + struct.pack(">I", 5) + b"PLAIN\0\0\0\0"),
         "does not speak AMQP 0-9-1"),
        (frame(struct.pack(">HHBBII", 10, 10, 0, 9, 0, 5) + b"OTHER" + struct.pack(">I", 5) + b"en_US"), "PLAIN"),
    ],
)  # fmt: skip
def test_what_is_no_broker(data: bytes, said: str) -> None:
    with server(saying(data)) as url:
        for words in (("consume", "a"), ("publish", "-k", "a", "x")):
            ran = rmqctl(*words, "--amqp", url, url=NOWHERE)
            assert (ran.exit in (69, 77), said in ran.errors, ran.errors.count("\n")) == (True, True, 1), ran


@pytest.mark.usefixtures("queues")
def test_a_connection_that_breaks(ours: Node) -> None:
    """In the middle of an answer, wherever that is."""
    whole = handshake(ours)
    for length in (whole // 2, whole, whole + 3, whole + 60):

        def broken(connection: socket.socket, length: int = length) -> None:
            with socket.create_connection(("127.0.0.1", ours.port("amqp"))) as broker:
                left = length
                broker.settimeout(0.1)
                connection.settimeout(0.1)
                while left > 0:
                    with contextlib.suppress(TimeoutError):
                        broker.sendall(connection.recv(4096))
                    with contextlib.suppress(TimeoutError):
                        data = broker.recv(left)
                        left -= len(data)
                        connection.sendall(data)

        with server(broken) as url:
            ran = rmqctl("move", "a", "b", "--amqp", url, url=ours.url)
        assert (ran.exit, "internal error" in ran.errors) == (69, False), (length, ran)
