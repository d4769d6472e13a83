"""The worlds that conversations take place in, and what is watched in them: what is logged, and how long calls take."""

import logging
import signal
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.management.api import Api, Request, Response
from rmqctl.broker.management.web import Ports
from tests.simulation.disk import Loop
from tests.simulation.world import Link, World

# Seconds of processor time that one conversation or one look at the broker may take: machines that run tests are busy.
LONGEST = 1.0
_LOGGER = logging.getLogger("rmqctl.broker")
_HEADERS = {"authorization": "Basic " + b64encode(b"guest:guest").decode(), "host": "127.0.0.1:15672"}


class Stored(World):
    """With a disk, and all is written at once."""

    def add_vhosts(self, names: Iterable[str]) -> None:
        """Guest may do everything in them."""
        for each in names:
            self.broker.add_vhost(each, {}, maker=self.broker.user("guest"))
        self._changed()
        self.pump()

    def number_links(self, first: int) -> None:
        """The link that is made next has this number."""
        self._numbers = count(first)

    def feed(self, link: Link, data: bytes) -> None:
        self._look_at_clock()
        link.connection.receive(data)
        self._changed()

    def _queues(self) -> Mapping[str, Queue]:
        """Of all virtual hosts."""
        return {
            f"{vhost.name} {queue.name}": queue
            for vhost in self.broker.vhosts.values()
            for queue in vhost.queues.values()
        }

    def ask(self, method: str, path: str, data: bytes = b"") -> Response:
        raw, _, query = f"/api/{path}".partition("?")
        headers = {**_HEADERS, "content-type": "application/json"} if data else _HEADERS
        response = self._api.respond(Request(method, raw, query, headers, data, "127.0.0.1"))
        self._changed()
        return response

    def pump(self) -> None:
        """The disk takes what there is."""
        while self.begin_writes():
            self.write()

    def restart(self) -> bool:
        """False when nothing was kept."""
        self.stop()
        return True


class Unstored(Stored):
    """Nothing is kept: it is made many times faster."""

    def _put(self, file: bytes, wal: bytes) -> None:
        pass

    def _open(self) -> None:
        self.broker = Broker(Node(lambda: self.now, self._chance))
        self.broker.seed()
        self.store: Any = SimpleNamespace(_writing=None, _changes=None, _failed=None)
        self._api = Api(self.broker, Ports(5672, 15672, "127.0.0.1"))
        self._loop = Loop()

    def _changed(self) -> None:
        pass

    def pump(self) -> None:
        pass

    def restart(self) -> bool:
        return False

    def close(self) -> None:
        pass


class Records(logging.Handler):
    """Gathers what is logged as an error, or with a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.ERROR and not record.exc_info:
            return
        cause = record.exc_info[1] if record.exc_info else None
        self.found.append(described(cause) if cause is not None else record.getMessage())


@contextmanager
def watched_log() -> Iterator[Records]:
    records = Records()
    level, propagated, _LOGGER.propagate = _LOGGER.level, _LOGGER.propagate, False
    # Others in this process may have silenced it.
    _LOGGER.setLevel(logging.WARNING)
    _LOGGER.addHandler(records)
    try:
        yield records
    finally:
        _LOGGER.removeHandler(records)
        _LOGGER.propagate = propagated
        _LOGGER.setLevel(level)


class TooLong(BaseException):
    """Passes through everything that catches what went wrong."""


@contextmanager
def limited() -> Iterator[None]:
    """Ends what takes longer than it may, in processor time. In the main thread only."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


@contextmanager
def alarm() -> Iterator[None]:
    """What `limited` needs around it."""
    before = signal.signal(signal.SIGPROF, _too_long)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, before)


def _too_long(number: int, at: FrameType | None) -> None:
    raise TooLong(f"takes longer than {LONGEST:g} s")


def described(error: BaseException) -> str:
    """What was raised, and in which function of the broker."""
    place, at = "", error.__traceback__
    while at is not None:
        code = at.tb_frame.f_code
        if "rmqctl" in Path(code.co_filename).parts:
            place = f" in {Path(code.co_filename).name} {code.co_name}"
        at = at.tb_next
    return f"{type(error).__name__}{place}: {str(error)[:200]}"
