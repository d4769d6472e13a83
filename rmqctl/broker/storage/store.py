"""What survives a restart: the broker's journal in an SQLite file, written many changes at a time.

A batch is gathered while the one before it is written (group commit): under load batches grow, and a message that is
acknowledged before its batch is written is never written at all. Definitions do not wait for a batch: they are written
before whoever asked for them is answered.

While the disk refuses, the batch that it refused is tried again and again, and messages are gathered. What is declared or
deleted then is refused, and forgotten; only what has happened of its own accord is written later.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from rmqctl.broker.core.errors import Reason, Refusal
from rmqctl.broker.storage.batches import Changes, Numbers
from rmqctl.broker.storage.database import COUNT_RETURNED, Batch, Disk, Statement, of_definitions

log = logging.getLogger("rmqctl.broker")

# How long changes may wait that nobody waits for, in seconds: what comes and goes within is not written.
_PATIENCE = 0.025
# Between two attempts to write while the disk refuses, in seconds.
_RETRY = 1.0
_TRIAL: Statement = ("UPDATE shutdown SET clean = 0", ())


class Handle(Protocol):
    def cancel(self) -> None: ...


class Loop(Protocol):
    """What calls the broker: an event loop. Nothing here is called from another thread."""

    def call_soon(self, call: Callable[[], None], /) -> Handle:
        """At the end of this turn, with all that came in during it."""

    def call_later(self, seconds: float, call: Callable[[], None], /) -> Handle: ...


class Writer(Protocol):
    """Writes batches, one at a time, while the broker goes on: `writer.ThreadWriter`."""

    def write(self, batch: Batch, done: Callable[[str | None], None]) -> None: ...
    def stop(self) -> None: ...


class Store:
    """Implements `ports.Journal`.

    `committed` is called with the number of each batch that is safe, `failing` with the reason when the disk refuses to
    take one and with None when it does again. Between the two nothing is confirmed.
    """

    durable = True

    def __init__(self, disk: Disk, numbers: Numbers) -> None:
        self.committed: Callable[[int], None] = lambda _: None
        self.failing: Callable[[str | None], None] = lambda _: None
        self.disk = disk
        self.batch = 1
        """The number of the batch that is being gathered."""
        self._changes = Changes(numbers)
        # Called for every message.
        self.keep, self.forget = self._changes.keep, self._changes.forget
        self._grouped = False
        self._failed: str | None = None
        self._writing: Batch | None = None
        """The batch that is being written, or is to be tried again."""
        self._timer: Handle | None = None
        self._urgent = False
        self._awaited = False
        """Somebody waits for what was told while a batch was being written."""
        self._loop: Loop | None = None
        self._writer: Writer

    # --------------------------------------------------------------------------------------------------------- changes

    def define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> int:
        return self._changes.define(kind, key, document)

    def settle(self) -> None:
        if self._grouped:
            return
        if self._failed is None:
            self._write_definitions()
        if self._failed is not None:
            self._changes.revoke_definitions()
        self._check()

    def settle_if_possible(self) -> None:
        if self._grouped:
            return
        if self._failed is None:
            self._write_definitions()
        self._changes.settle_definitions()

    @contextmanager
    def together(self) -> Iterator[None]:
        self._check()
        self._grouped = True
        try:
            yield
        finally:
            self._grouped = False
            self.settle_if_possible()
            self._check()

    def _check(self) -> None:
        if self._failed is not None:
            raise Refusal(Reason.INTERNAL_ERROR, f"the disk does not take it: {self._failed}")

    # --------------------------------------------------------------------------------------------------------- writing

    def start(self, loop: Loop, writer: Writer) -> None:
        """Begins to write; from now on the database belongs to the store."""
        self._loop = loop
        self._writer = writer

    def changed(self, *, awaited: bool) -> None:
        """Something may have been told: has it written, at once when somebody waits for it."""
        if self._loop is None or self._writing is not None:
            self._awaited |= awaited
            return
        if self._timer is not None and (self._urgent or not awaited):
            return
        if awaited or self._changes:
            self._cancel()
            self._urgent = awaited
            self._timer = (
                self._loop.call_soon(self._begin) if awaited else self._loop.call_later(_PATIENCE, self._begin)
            )

    def close(self, returned: Mapping[int, int] | None = None) -> None:
        """Writes what is left. `returned`: how often messages came back, by the numbers of their entries."""
        self._cancel()
        if self._loop is not None:
            self._loop = None
            self._writer.stop()
        marks = [(COUNT_RETURNED, (count, number)) for number, count in (returned or {}).items()]
        try:
            if self._writing is not None:
                self.disk.write(self._writing)
            self.disk.write(self._changes.take(self.batch))
            self.disk.write(of_definitions([*marks, ("UPDATE shutdown SET clean = 1", ())]))
        except Exception as error:
            log.error("the last changes could not be written: %s", error)
        finally:
            self.disk.close()

    def _write_definitions(self) -> bool:
        """In the order they were told, before any batch that comes after them. False when the disk refuses."""
        statements = self._changes.take_definitions()
        # With nothing to write, whether the disk takes anything again has to be tried.
        trial = [_TRIAL] if self._failed is not None and not statements else []
        try:
            if statements or trial:
                self.disk.write(of_definitions(statements + trial))
        except sqlite3.Error as error:
            self._changes.put_back_definitions(statements)
            self._refused(str(error))
            return False
        self._changes.settle_definitions()
        return True

    def _begin(self) -> None:
        self._timer = None
        if not self._write_definitions():
            if self._loop is not None and self._timer is None:
                self._timer = self._loop.call_later(_RETRY, self._begin)
            return
        batch = self._changes.take(self.batch)
        self.batch += 1
        if any(batch[1:]):
            self._write(batch)
        else:
            # What was awaited came and went within the batch.
            self._took_it(batch)

    def _write(self, batch: Batch) -> None:
        self._timer = None
        self._writing = batch
        self._writer.write(batch, self._done)

    def _done(self, refused: str | None) -> None:
        """What became of the batch."""
        batch = self._writing
        if self._loop is None or batch is None:
            return
        if refused is not None:
            self._refused(refused)
            self._timer = self._loop.call_later(_RETRY, lambda: self._write(batch))
            return
        self._writing = None
        self._took_it(batch)
        if self._changes or self._awaited:
            self._awaited = False
            self.changed(awaited=True)

    def _took_it(self, batch: Batch) -> None:
        if self._failed is not None:
            self._failed = None
            log.info("the disk takes changes again")
            self.failing(None)
        self.committed(batch.number)

    def _refused(self, reason: str) -> None:
        first, self._failed = self._failed is None, reason
        if not first:
            return
        log.error("the disk does not take changes: %s; publishers wait, and nothing is confirmed", reason)
        self.failing(reason)
        if self._loop is not None and self._writing is None:
            # A definition failed: it is tried again.
            self._cancel()
            self._urgent = True
            self._timer = self._loop.call_later(_RETRY, self._begin)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
