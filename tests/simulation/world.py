"""The world that a simulated broker lives in: its clock, its disk, its sockets and its HTTP callers.

With what it is made of (`disk`, `callers`, `inside`) and `faults` it is all that knows the broker's code. Nothing here
waits, and nothing comes from outside the seed: an input goes in, what it causes has happened when the call returns, and
the outputs are picked up from the links.
"""

import hashlib
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.management.api import Api
from rmqctl.broker.management.web import Ports
from rmqctl.broker.process.server import returned
from rmqctl.broker.storage.database import open_database
from rmqctl.broker.storage.recovery import load
from rmqctl.broker.storage.store import Store
from tests.simulation.callers import Request
from tests.simulation.disk import FaultyDisk, Loop, PatientWriter, torn
from tests.simulation.inside import Inside

START = 1_700_000_000.0
_PORTS = Ports(5672, 15672, "127.0.0.1")
# The store tries again after so long when the disk has refused, in seconds.
_RETRY = 1.0
_template: dict[str, bytes] = {}
T = TypeVar("T")


class _Chance:
    """Implements `ports.Entropy`."""

    def __init__(self, seed: int) -> None:
        self._random = Random(f"entropy {seed}")

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def choice(self, options: Sequence[T]) -> T:
        return self._random.choice(options)


class Link:
    """A socket between a client and the broker."""

    def __init__(self, number: int, connection: Connection) -> None:
        self.number = number
        self.connection = connection
        self.lost = False

    @property
    def reads(self) -> bool:
        return self.connection.reads


class World(Inside):
    """One broker from one seed. `trace` is called with a line for everything that goes in or comes out."""

    def __init__(self, seed: int, folder: Path, trace: Callable[[str], None] | None = None) -> None:
        super().__init__()
        self.now = START
        self.ahead = 0.0
        """By how much the calendar is ahead of the clock."""
        self.links: dict[int, Link] = {}
        self.requests: list[Request] = []
        self.digest = hashlib.blake2b(digest_size=16)
        self.trace = trace
        self._chance = _Chance(seed)
        self._path = folder / "broker.db"
        self._wal = folder / "broker.db-wal"
        self._numbers = count(1)
        if not _template:
            open_database(self._path, full_sync=False).close()
            _template["file"] = self._path.read_bytes()
        self._put(_template["file"], b"")
        self._open()

    # -------------------------------------------------------------------------------------------- beginning and ending

    def _open(self) -> None:
        """As `process.run` and `process.server` do it."""
        self.now, self.ahead = self.date, 0.0
        database = open_database(self._path, full_sync=False)
        self.disk = FaultyDisk(database)
        self.broker = Broker(self._node(), consumer_timeout=None)
        self.store = Store(self.disk, load(self.broker, database))
        self.broker.node.journal = self.store
        self.recovered = {name: self.contents(name) for name in self.counts()} if self.broker.vhosts else {}
        """What queues had on the disk, before their limits counted."""
        for vhost in self.broker.vhosts.values():
            for queue in list(vhost.queues.values()):
                queue.restored()
        with self.store.together():
            if not self.broker.vhosts:
                self.broker.seed()
        self.store.committed = self.broker.node.committed
        # Without an alarm while the disk refuses, which would keep clients from publishing then: the model is to see it.
        self._loop = Loop()
        self._writer = PatientWriter(self.disk)
        self.store.start(self._loop, self._writer)
        self._api = Api(self.broker, _PORTS)

    def _put(self, file: bytes, wal: bytes) -> None:
        self._path.write_bytes(file)
        self._wal.unlink(missing_ok=True)
        if wal:
            self._wal.write_bytes(wal)

    def _files(self) -> tuple[bytes, bytes]:
        return self._path.read_bytes(), self._wal.read_bytes() if self._wal.exists() else b""

    def kill(self, cut: int | None) -> None:
        """Ends the broker without a word; with `cut`, in the middle of the write of a batch, at that byte of it."""
        self._say(f"kill {cut}")
        self._repair()
        image = self._files()
        if cut is not None and self._writer.waiting is not None:
            self.disk.write(self._writer.waiting)
            image = torn(image, self._files(), cut)
        self.disk.close()
        self._put(*image)
        self._restart()

    def stop(self) -> None:
        """Ends the broker in an orderly way, its connections being closed, and starts it again."""
        self._say("stop")
        self._repair()
        self.store.close(returned(self.broker))
        self._restart()

    def _repair(self) -> None:
        self.disk.broken = self.disk.full = False

    def _restart(self) -> None:
        self.links, self.requests = {}, []
        self._open()

    def close(self) -> None:
        self.disk.close()

    # ------------------------------------------------------------------------------------------------------- time, disk

    def tick(self) -> None:
        """Timers that are due go off."""
        self.broker.node.tick()
        self._changed()

    def due(self) -> float | None:
        return self.broker.node.timers.next()

    def _node(self) -> Node:
        return Node(lambda: self.now, self._chance, calendar=lambda: self.date)

    @property
    def date(self) -> float:
        """What the machine says that it is: it can be set."""
        return self.now + self.ahead

    def pass_time(self, seconds: float) -> None:
        """The clock goes on; nothing has noticed yet."""
        self._say(f"clock {seconds:+.6f}")
        self.now += seconds
        self._loop.now += seconds

    def set_date(self, seconds: float) -> None:
        """Forwards or back."""
        self._say(f"date {seconds:+.6f}")
        self.ahead += seconds

    def begin_writes(self) -> bool:
        """What the store has asked its loop for. Whether a batch waits for the disk then."""
        self._loop.run()
        return self._writer.waiting is not None

    def write(self) -> str | None:
        """The disk takes the batch that waits, or says why not."""
        problem = self._writer.go_on()
        self._say(f"write {problem}")
        self._changed()
        return problem

    @property
    def stalled(self) -> bool:
        """There is something to write, and nobody is ever going to."""
        return not self.idle and self._writer.waiting is None and not self._loop.has_calls

    def wait_for_retry(self) -> None:
        """So much time passes for the store, which goes by another clock, that it tries again."""
        self._loop.now += _RETRY

    def breaks(self, broken: bool) -> None:
        self.disk.broken = broken

    def fill(self, full: bool) -> None:
        self.disk.full = full

    def _changed(self) -> None:
        self.store.changed(awaited=bool(self.broker.node.awaiting))

    # ------------------------------------------------------------------------------------------------------ connections

    def connect(self) -> Link:
        self._look_at_clock()
        number = next(self._numbers)
        peer = "127.0.0.1", 50000 + number
        link = Link(number, Connection(self.broker, peer, ("127.0.0.1", 5672), lambda: None))
        self.links[number] = link
        return link

    def feed(self, link: Link, data: bytes) -> None:
        self._look_at_clock()
        self.digest.update(b"<%d" % link.number + data)
        link.connection.receive(data)
        self._changed()

    def lose(self, link: Link) -> None:
        """The socket is gone."""
        self._say(f"lost {link.number}")
        self._look_at_clock()
        link.lost = True
        link.connection.lost()
        self._changed()

    def force(self, link: Link) -> None:
        """The broker ends, and closes its connections."""
        self._look_at_clock()
        link.connection.close("broker forced connection closure with reason 'shutdown'")
        self._changed()

    def hold(self, link: Link, held: bool) -> None:
        """The socket takes no more output, or takes it again."""
        (link.connection.stop_output if held else link.connection.resume_output)()
        self._changed()

    def outputs(self) -> list[tuple[int, bytes]]:
        """What every link has been sent meanwhile."""
        found = []
        for number, link in list(self.links.items()):
            data = b"".join(link.connection.take())
            if data:
                self.digest.update(b">%d" % number + data)
                found.append((number, data))
            if link.lost:
                del self.links[number]
        return found

    def http(self, method: str, path: str, user: str = "guest", body: Any = None) -> Request:
        request = Request(self._api, self.broker.node, self._changed, method, path, user, body)
        if method != "GET":
            self._say(f"http {method} {path} {user} {body}: {request.answer}")
        if request.answer is None:
            self.requests.append(request)
        return request

    def forget_answered(self) -> None:
        self.requests = [each for each in self.requests if each.answer is None]

    def fits_together(self) -> list[str]:
        """What does not fit together inside the broker."""
        return self.problems({link.connection for link in self.links.values()})

    def _look_at_clock(self) -> None:
        self.broker.node.now = self.broker.node.clock()

    def _say(self, line: str) -> None:
        self.digest.update(line.encode())
        if self.trace is not None:
            self.trace(line)
