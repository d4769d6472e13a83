"""A broker under more load than it has memory or time for: it stays within its limit, and it goes on answering."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest
from pamqp import commands

from ..unit.broker.client import encoded, handshake, publish

MB = 1 << 20


class Process(NamedTuple):
    pid: int
    port: int

    def resident(self) -> int:
        """Bytes of memory that it has."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * 4096

    def connect(self) -> socket.socket:
        """With channel 1 open."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        connection.sendall(handshake())
        received = b""
        while b"\x00\x14\x00\x0b" not in received:  # channel.open-ok
            received += connection.recv(65536)
        return connection


@contextlib.contextmanager
def running(*options: str) -> Iterator[Process]:
    command = [sys.executable, "-m", "rmqctl", "broker", "run", "--ephemeral", "--amqp-port", "0", "--http-port", "0"]
    with subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield Process(process.pid, urlsplit(process.stdout.readline().split()[0]).port or 0)
        finally:
            process.kill()


def answer(connection: socket.socket) -> float:
    """How long the broker takes to answer a method."""
    began = time.monotonic()
    connection.sendall(encoded(commands.Basic.Qos()))
    connection.recv(65536)
    return time.monotonic() - began


def declare(connection: socket.socket, count: int) -> None:
    """So many queues that get everything."""
    for number in range(count):
        name = f"q{number}"
        connection.sendall(encoded(commands.Queue.Declare(queue=name, nowait=True)))
        connection.sendall(encoded(commands.Queue.Bind(queue=name, exchange="amq.fanout", routing_key="", nowait=True)))
    answer(connection)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("queues", "publishers", "body"), [(300, 20, b""), (1000, 40, b""), (20, 10, bytes(20_000))])
def test_publishers_to_many_queues_are_blocked_in_time(queues: int, publishers: int, body: bytes) -> None:
    limit = 100
    with running("--memory-limit", f"{limit}MB") as broker, broker.connect() as innocent:
        declare(innocent, queues)
        data = publish(body, "", exchange="amq.fanout") * (2000 if not body else 50)
        over = threading.Event()

        def flood() -> None:
            with broker.connect() as connection:
                connection.settimeout(0.5)
                while not over.is_set():
                    with contextlib.suppress(TimeoutError):
                        connection.send(data)

        threads = [threading.Thread(target=flood) for _ in range(publishers)]
        for thread in threads:
            thread.start()
        highest, slowest, end = 0, 0.0, time.monotonic() + 60
        full = 0.0
        while time.monotonic() < end and not (full and time.monotonic() > full + 3):
            slowest = max(slowest, answer(innocent))
            highest = max(highest, broker.resident())
            if not full and highest > 0.9 * limit * 1_000_000:
                full = time.monotonic()
            time.sleep(0.02)
        over.set()
        for thread in threads:
            thread.join()
    assert full, "the limit was never reached"
    assert highest < 1.7 * limit * MB
    assert slowest < 10
