"""What survives a restart: the broker's journal in an SQLite file, written by one thread, many changes at a time.

A batch is gathered while the one before it is written (group commit): under load batches grow, and a message that is
acknowledged before its batch is written is never written at all.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, NamedTuple

from rmqctl.broker.core.errors import AmqpError
from rmqctl.broker.core.message import Entry
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.storage.database import ROW, delete_entries, insert_entries, spell

log = logging.getLogger("rmqctl.broker")

# How long changes may wait that nobody waits for, in seconds: what comes and goes within is not written.
_PATIENCE = 0.025
# Between two attempts to write while the disk refuses, in seconds.
_RETRY = 1.0
# Where the vhost stands in the keys of definitions, None for those of no vhost.
_VHOST_AT: Mapping[str, int | None] = {"user": None, "global_parameter": None, "permission": 1, "topic_permission": 1}
_OF_USER = ("permission", "topic_permission")

Statement = tuple[str, tuple[Any, ...]]


class Batch(NamedTuple):
    """Changes to write. `adopted`: entries that left their queue, but have the body of entries elsewhere."""

    number: int
    statements: list[Statement]
    added: dict[int, ROW]
    adopted: list[int]
    removed: list[int]


class Numbers(NamedTuple):
    """Where to go on after a restart; `known` has the numbers of the definitions by kind and key."""

    next_definition: int = 1
    next_entry: int = 1
    known: Mapping[tuple[str, tuple[str, ...]], int] = {}


class Store:
    """Implements `journal.Journal`. Everything but the writing happens on the broker's loop.

    `committed` is called with the number of each batch that is safe, `failing` with the reason when the disk refuses to
    take one and with None when it does again. Between the two nothing is confirmed, and the batch is tried again.
    """

    durable = True

    def __init__(self, database: sqlite3.Connection, numbers: Numbers) -> None:
        self.batch = 1
        self.committed: Callable[[int], None] = lambda _: None
        self.failing: Callable[[str | None], None] = lambda _: None
        self._database = database
        self._lock = Lock()
        """Held by who writes: the thread, or the loop for a definition."""
        self._known = dict(numbers.known)
        self._next_definition = numbers.next_definition
        self._next_entry = numbers.next_entry
        self._grouped = False
        self._failed: str | None = None
        self._statements: list[Statement] = []
        self._added: dict[int, ROW] = {}
        self._adopted: list[int] = []
        self._removed: list[int] = []
        self._busy = False
        self._timer: asyncio.Handle | None = None
        self._urgent = False
        self._jobs: SimpleQueue[Batch | None] = SimpleQueue()
        self._closing = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = Thread(target=self._work, name="store", daemon=True)

    # -------------------------------------------------------------------------------------------------------- messages

    def keep(self, entry: Entry) -> None:
        queue = entry.queue
        number = queue.number or self._number(queue)
        if not number:
            return
        entry.stored = identity = self._next_entry
        self._next_entry += 1
        message = entry.message
        message.references += 1
        if message.stored:
            self._added[identity] = (identity, number, message.stored, entry.expires, None, None, None, None)
            return
        message.stored = identity
        deaths = spell(message.deaths) if message.deaths else None
        route, header, body = message.route, message.header, message.body
        self._added[identity] = (identity, number, None, entry.expires, route, header, body, deaths)

    def forget(self, entry: Entry) -> None:
        identity, entry.stored = entry.stored, 0
        message = entry.message
        message.references -= 1
        if identity == message.stored:
            if message.references:
                self._adopt(identity)
                return
            message.stored = 0
        elif not message.references:
            self._remove(message.stored)
            message.stored = 0
        self._remove(identity)

    def _remove(self, identity: int) -> None:
        if self._added.pop(identity, None) is None:
            self._removed.append(identity)

    def _adopt(self, identity: int) -> None:
        row = self._added.get(identity)
        if row is None:
            self._adopted.append(identity)
        else:
            self._added[identity] = (identity, 0, *row[2:])

    def _number(self, queue: Queue) -> int:
        """The number of a queue; 0 for an exclusive one, which is durable in name only."""
        queue.number = self._known.get(("queue", (queue.vhost.name, queue.name)), 0)
        return queue.number

    # ----------------------------------------------------------------------------------------------------- definitions

    def define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> None:
        """Raises AmqpError 541 when the disk refuses; then it is written as soon as the disk takes it."""
        statements = self._to_define(kind, key, document)
        if self._grouped or self._failed is not None:
            self._statements += statements
        elif statements:
            try:
                with self._lock:
                    _write(self._database, statements)
            except sqlite3.Error as error:
                self._statements += statements
                self._fail(str(error))
        if self._failed is not None:
            raise AmqpError(541, f"the disk does not take it: {self._failed}")

    @contextmanager
    def together(self) -> Iterator[None]:
        """Definitions within are written at the end, at once."""
        self._grouped = True
        try:
            yield
        finally:
            self._grouped = False
            statements, self._statements = self._statements, []
            with self._lock:
                _write(self._database, statements)

    def _to_define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> list[Statement]:
        if document is None:
            gone = [(kind, key), *self._within(kind, key)]
            numbers = [number for each in gone if (number := self._known.pop(each, None)) is not None]
            return [("DELETE FROM definition WHERE number = ?", (number,)) for number in numbers]
        number = self._known.get((kind, key))
        if number is None:
            number = self._known[kind, key] = self._next_definition
            self._next_definition += 1
        return [("INSERT OR REPLACE INTO definition VALUES (?,?,?,?)", (number, kind, spell(key), spell(document)))]

    def _within(self, kind: str, key: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        """What goes with a vhost or a user."""
        if kind == "vhost":
            return [
                each
                for each in self._known
                if (at := _VHOST_AT.get(each[0], 0)) is not None and each[1][at : at + 1] == key
            ]
        return [each for each in self._known if each[0] in _OF_USER and each[1][:1] == key] if kind == "user" else []

    # --------------------------------------------------------------------------------------------------------- writing

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins to write; from now on the database belongs to the store."""
        self._loop = loop
        self._thread.start()

    def changed(self, *, awaited: bool) -> None:
        """Something may have been told: has it written, at once when somebody waits for it."""
        if self._busy or self._loop is None or (self._timer is not None and (self._urgent or not awaited)):
            return
        if awaited or self._has_changes():
            if self._timer is not None:
                self._timer.cancel()
            self._urgent = awaited
            # At the end of this turn of the loop: with all that came in during it.
            self._timer = (
                self._loop.call_soon(self._begin) if awaited else self._loop.call_later(_PATIENCE, self._begin)
            )

    async def close(self, flags: Mapping[int, int] | None = None) -> None:
        """Writes what is left. `flags`: how often messages came back, by the numbers of their entries."""
        if self._timer is not None:
            self._timer.cancel()
        self._closing.set()
        self._jobs.put(None)
        while self._thread.is_alive():
            await asyncio.sleep(0.005)
        last = self._take()
        marks = [
            ("UPDATE entry SET returned = ? WHERE id = ?", (count, number)) for number, count in (flags or {}).items()
        ]
        try:
            if self._failed is not None:
                raise sqlite3.OperationalError(self._failed)
            _write_batch(self._database, last)
            _write(self._database, [*marks, ("UPDATE shutdown SET clean = 1", ())])
        except sqlite3.Error as error:
            log.error("the last changes could not be written: %s", error)
        self._database.close()

    def _has_changes(self) -> bool:
        return bool(self._added or self._removed or self._adopted or self._statements)

    def _take(self) -> Batch:
        batch = Batch(self.batch, self._statements, self._added, self._adopted, self._removed)
        self.batch += 1
        self._statements, self._added, self._adopted, self._removed = [], {}, [], []
        return batch

    def _begin(self) -> None:
        self._timer = None
        if self._busy:
            return
        if not self._has_changes():
            # What was awaited came and went within the batch.
            self.committed(self._take().number)
            return
        self._busy = True
        self._jobs.put(self._take())

    def _work(self) -> None:
        """The thread: writes batches, each until it is written or the store closes."""
        assert self._loop is not None
        while (batch := self._jobs.get()) is not None:
            while True:
                try:
                    with self._lock:
                        _write_batch(self._database, batch)
                except sqlite3.Error as error:
                    self._loop.call_soon_threadsafe(self._fail, str(error))
                    if self._closing.wait(_RETRY):
                        return
                else:
                    self._loop.call_soon_threadsafe(self._done, batch.number)
                    break

    def _done(self, number: int) -> None:
        self._busy = False
        if self._failed is not None:
            self._failed = None
            log.info("the disk takes changes again")
            self.failing(None)
        self.committed(number)
        if self._has_changes():
            self.changed(awaited=True)

    def _fail(self, reason: str) -> None:
        if self._failed is None:
            log.error("the disk does not take changes: %s; publishers wait, and nothing is confirmed", reason)
            self._failed = reason
            self.failing(reason)
            if not self._busy and self._loop is not None:
                # A definition failed: it is tried again with a batch.
                self._loop.call_later(_RETRY, self._begin)
        self._failed = reason


def _write_batch(database: sqlite3.Connection, batch: Batch) -> None:
    database.execute("BEGIN IMMEDIATE")
    try:
        for statement, values in batch.statements:
            database.execute(statement, values)
        insert_entries(database, batch.added.values())
        for identity in batch.adopted:
            database.execute("UPDATE entry SET queue = 0 WHERE id = ?", (identity,))
        delete_entries(database, batch.removed)
        database.execute("COMMIT")
    except BaseException:
        _roll_back(database)
        raise


def _write(database: sqlite3.Connection, statements: list[Statement]) -> None:
    _write_batch(database, Batch(0, statements, {}, [], []))


def _roll_back(database: sqlite3.Connection) -> None:
    """SQLite has done so itself after some errors."""
    if database.in_transaction:
        database.execute("ROLLBACK")
