"""Hostile sockets beside an innocent client: `python -m tests.fuzz.sockets --seconds 60 --hostile 50`.

A broker runs as a process of its own. Each hostile client says conversations that are spoiled, one after the other, and
goes when it likes; a hungry one asks for more and more, and reads nothing. The innocent one publishes with confirms and
consumes all the time. The broker's log must have no traceback, its memory must not grow, and the innocent client must
not wait for long.
"""

import argparse
import asyncio
import contextlib
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pika
import pika.exceptions

from tests.fuzz import wire
from tests.fuzz.conversations import Talk
from tests.fuzz.mutations import spoil

# The longest that the innocent client may be away, in seconds.
AWAY = 1.0
# By how much the broker may grow after its first third of the time, in MB.
GROWTH = 60
# Until the broker has noticed that a client is gone, in seconds.
_NOTICED = 15.0
# How often queues and exchanges of hostile clients are deleted, in seconds: what they leave is no leak.
_SWEEP = 2.0
_LEFT_BEHIND = re.compile("q1|q2|q3|quorum|e1|e2")


class Verdict(NamedTuple):
    conversations: int
    round_trips: int
    longest: float
    """Seconds between two messages of the innocent client, at most."""
    errors: Sequence[str]
    grown: int
    """MB."""
    left: int
    """Sockets that the broker still has when all hostile clients are gone."""

    @property
    def problems(self) -> list[str]:
        found = list(self.errors)
        if self.longest > AWAY:
            found.append(f"the innocent client waited {self.longest:.2f} s")
        if self.grown > GROWTH:
            found.append(f"the broker has grown by {self.grown} MB")
        if self.left > 0:
            found.append(f"the broker still has {self.left} sockets")
        if not self.round_trips or not self.conversations:
            found.append("nothing has happened")
        return found


class Innocent(threading.Thread):
    """Publishes with a confirm, waits for its message, and again."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.ends = threading.Event()
        self.round_trips = 0
        self.longest = 0.0
        self.error = ""

    def run(self) -> None:
        try:
            with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
                self._go_on(connection.channel())
        except Exception as error:
            self.error = f"the innocent client: {error!r}"

    def _go_on(self, channel: Any) -> None:
        channel.confirm_delivery()
        queue = channel.queue_declare("", exclusive=True).method.queue
        last, swept = time.monotonic(), 0.0
        for _, _, body in self._messages(channel, queue):
            assert body == b"%d" % self.round_trips, f"{body!r} instead of {self.round_trips}"
            now = time.monotonic()
            self.longest = max(self.longest, now - last)
            last = now
            self.round_trips += 1
            if now - swept > _SWEEP:
                swept = now
                self._sweep()
                last = time.monotonic()
            if self.ends.is_set():
                return
            channel.basic_publish("", queue, b"%d" % self.round_trips, mandatory=True)

    def _messages(self, channel: Any, queue: str) -> Iterator[tuple[Any, Any, bytes]]:
        channel.basic_publish("", queue, b"0", mandatory=True)
        for message in channel.consume(queue, auto_ack=True, inactivity_timeout=30):
            assert message[0] is not None, "no message for 30 s"
            yield message

    def _sweep(self) -> None:
        """Deletes what the others have left, over a connection of its own."""
        with pika.BlockingConnection(pika.URLParameters(self._url)) as connection:
            for name in _LEFT_BEHIND.pattern.split("|"):
                with contextlib.suppress(pika.exceptions.ChannelClosedByBroker):
                    channel = connection.channel()
                    (channel.exchange_delete if name.startswith("e") else channel.queue_delete)(name)


async def _hostile(port: int, seed: str, ends: float) -> int:
    """How many conversations it has had."""
    chance, done = random.Random(seed), 0
    while time.monotonic() < ends:
        said = Talk(chance).conversation(scenery=chance.random() < 0.5)
        spoil(chance, said)
        done += 1
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await _say(chance, said, reader, writer)
    return done


async def _hungry(port: int, ends: float) -> None:
    """Asks for the same large message again and again, and reads nothing."""
    body = bytes(130_000)
    said = [
        *Talk(random.Random(0)).handshake(sound=True),
        wire.method(1, 20, 10, "s", b""),
        wire.method(1, 50, 10, "HsBS", 0, b"large", 4, b""),
        wire.method(1, 60, 40, "HssB", 0, b"", b"large", 0),
        wire.frame(wire.HEADER, 1, b"\x00\x3c\x00\x00" + len(body).to_bytes(8, "big") + b"\x00\x00"),
        wire.frame(wire.BODY, 1, body),
    ]
    again = wire.method(1, 60, 70, "HsB", 0, b"large", 0) + wire.method(1, 60, 120, "QB", 0, 3)
    while time.monotonic() < ends:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"".join(said))
                while time.monotonic() < ends:
                    writer.write(again * 100)
                    await asyncio.wait_for(writer.drain(), 5)
                    await asyncio.sleep(0.1)
            finally:
                writer.transport.abort()


async def _say(
    chance: random.Random, said: Sequence[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    listens = chance.random() < 0.8
    try:
        for piece in said:
            writer.write(piece)
            await asyncio.wait_for(writer.drain(), 1)
            if listens and chance.random() < 0.3:
                with contextlib.suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(reader.read(65536), 0.02)
        if chance.random() < 0.1:
            await asyncio.sleep(chance.random() * 2)
    finally:
        if chance.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()


async def _all(port: int, seed: int, hostile: int, seconds: float, pid: int) -> tuple[int, int]:
    """Conversations, and by how many MB the broker has grown since a third of the time."""
    ends = time.monotonic() + seconds
    going = [asyncio.create_task(_hostile(port, f"{seed} {each}", ends)) for each in range(hostile)]
    hungry = asyncio.create_task(_hungry(port, ends))
    await asyncio.sleep(seconds / 3)
    before = _resident(pid)
    done = sum(await asyncio.gather(*going))
    await hungry
    return done, _resident(pid) - before


def _descriptors(pid: int) -> int:
    """0 where the system does not tell."""
    try:
        return len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return 0


def _left(pid: int, before: int) -> int:
    """How many descriptors more than before it still has after a while."""
    ends = time.monotonic() + _NOTICED
    while (left := _descriptors(pid) - before) > 0 and time.monotonic() < ends:
        time.sleep(0.1)
    return left


def _resident(pid: int) -> int:
    """MB; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") >> 20


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[tuple[str, int]]:
    """Its AMQP URL and its process."""
    command = [sys.executable, "-m", "rmqctl", "broker"]
    ports = ["--amqp-port", "0", "--http-port", "0"]
    started = subprocess.run(
        [*command, "start", "--data-dir", str(folder), *ports], capture_output=True, text=True, check=True
    )
    try:
        yield started.stdout.split()[0], int(re.findall(r'"pid": (\d+)', _state(folder))[0])
    finally:
        subprocess.run([*command, "stop", "--data-dir", str(folder)], capture_output=True, check=True)


def _state(folder: Path) -> str:
    return "".join(each.read_text() for each in folder.glob("*.json"))


def run(folder: Path, *, seed: int, hostile: int, seconds: float) -> Verdict:
    with broker(folder) as (url, pid):
        descriptors = _descriptors(pid)
        innocent = Innocent(url)
        innocent.start()
        port = int(re.findall(r":(\d+)/", url)[0])
        done, grown = asyncio.run(_all(port, seed, hostile, seconds, pid))
        innocent.ends.set()
        innocent.join(40)
        errors = [innocent.error] if innocent.error else []
        left = _left(pid, descriptors)
    log = (folder / "broker.log").read_text(encoding="utf-8", errors="replace")
    errors += sorted({line for line in log.splitlines() if line.startswith("Traceback") or " ERROR " in line})
    return Verdict(done, innocent.round_trips, innocent.longest, errors, grown, left)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.sockets", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--seconds", type=float, default=60, metavar="S")
    parser.add_argument("--hostile", type=int, default=50, metavar="N", help="hostile clients at a time")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        verdict = run(Path(folder) / "broker", seed=options.seed, hostile=options.hostile, seconds=options.seconds)
    print(verdict)
    for each in verdict.problems:
        print(each)
    return 1 if verdict.problems else 0


if __name__ == "__main__":
    sys.exit(main())
