"""A disk that refuses and that is cut off in the middle of a write, and the calls that wait for their time."""

import heapq
import sqlite3
from collections.abc import Callable
from itertools import count

from rmqctl.broker.storage.database import Batch, Disk

_UNLIMITED = 1_073_741_823


class _Handle:
    """A call that the store has asked for."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Loop:
    """As much of an event loop as the store wants: calls soon and later, by a clock that never steps back."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = count()
        self._calls: list[tuple[float, int, _Handle]] = []

    def call_soon(self, call: Callable[[], None]) -> _Handle:
        return self.call_later(0.0, call)

    def call_later(self, seconds: float, call: Callable[[], None]) -> _Handle:
        handle = _Handle(call)
        heapq.heappush(self._calls, (self.now + seconds, next(self._order), handle))
        return handle

    @property
    def has_calls(self) -> bool:
        """Something is going to be called."""
        return any(handle.call is not None for _, _, handle in self._calls)

    def run(self) -> None:
        while self._calls and self._calls[0][0] <= self.now:
            handle = heapq.heappop(self._calls)[2]
            if handle.call is not None:
                handle.call()


class FaultyDisk(Disk):
    """The broker's disk, which may refuse: `broken`, it takes nothing; `full`, nothing that needs more pages."""

    def __init__(self, database: sqlite3.Connection) -> None:
        super().__init__(database)
        self.broken = False
        self._full = False

    @property
    def full(self) -> bool:
        return self._full

    @full.setter
    def full(self, full: bool) -> None:
        self._full = full
        if not full:
            self.database.execute(f"PRAGMA max_page_count = {_UNLIMITED}")

    @property
    def refuses(self) -> bool:
        return self.broken or self._full

    def write(self, batch: Batch) -> None:
        if self.broken:
            raise sqlite3.OperationalError("disk I/O error")
        if self._full:
            pages = self.database.execute("PRAGMA page_count").fetchone()[0]
            self.database.execute(f"PRAGMA max_page_count = {pages}")
        super().write(batch)


class PatientWriter:
    """Takes the place of the thread that writes: a batch waits until the simulation has it written."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._job: tuple[Batch, Callable[[str | None], None]] | None = None

    @property
    def waiting(self) -> Batch | None:
        return self._job[0] if self._job is not None else None

    def write(self, batch: Batch, done: Callable[[str | None], None]) -> None:
        assert self._job is None, "a batch is being written"
        self._job = batch, done

    def stop(self) -> None:
        """What waits is written by the store."""
        self._job = None

    def go_on(self) -> str | None:
        """Writes the batch that waits. Returns why the disk refused."""
        assert self._job is not None
        (batch, done), self._job = self._job, None
        problem = None
        try:
            self._disk.write(batch)
        except sqlite3.Error as error:
            problem = str(error)
        done(problem)
        return problem


def torn(before: tuple[bytes, bytes], after: tuple[bytes, bytes], cut: int) -> tuple[bytes, bytes]:
    """The files after a kill in the middle of a write: the log is written first, then the file itself."""
    (file, wal), (new_file, new_wal) = before, after
    starts = [_first_change(wal, new_wal), _first_change(file, new_file)]
    sizes = [len(new_wal) - starts[0], len(new_file) - starts[1]]
    at = cut % (sum(sizes) + 1)
    if at <= sizes[0]:
        end = starts[0] + at
        return file, new_wal[:end] + wal[end:]
    end = starts[1] + at - sizes[0]
    return new_file[:end] + file[end:], new_wal


def _first_change(old: bytes, new: bytes) -> int:
    size = min(len(old), len(new))
    if old[:size] == new[:size]:
        return size if len(old) != len(new) else len(new)
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        if old[: middle + 1] == new[: middle + 1]:
            low = middle + 1
        else:
            high = middle
    return low
