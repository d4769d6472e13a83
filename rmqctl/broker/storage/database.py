"""The SQLite file that a durable broker keeps: how it is made, opened, checked and spelled.

    definition  number, kind, key, document     what was declared; a queue's number stands in its entries
    entry       id, queue, message, ...         a message in a queue; `message` is the entry that has the body, NULL for itself

Numbers grow and are not used again, so the order of numbers is the order of time.
"""

import json
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from rmqctl.errors import ConfigError

APPLICATION = 0x726D7163
"""Tells our files from other SQLite files (the header's application id): "rmqc"."""
SCHEMA = 1
# Bodies of 64 KiB cost a fifth less than with SQLite's usual 4 KiB, and small messages nothing more.
_PAGE = 16_384
# The log is copied into the file after so many pages (64 MiB): most messages are gone by then.
_CHECKPOINT = 4_096
_TABLES = """
CREATE TABLE definition (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    queue INTEGER NOT NULL,
    message INTEGER,
    expires REAL,
    route BLOB,
    header BLOB,
    body BLOB,
    deaths TEXT,
    returned INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE shutdown (clean INTEGER NOT NULL);
INSERT INTO shutdown VALUES (1);
"""
# Bytes of an SQLite file's header (https://www.sqlite.org/fileformat.html, section 1.3).
_MAGIC = b"SQLite format 3\0"
_VERSION_AT, _APPLICATION_AT, _HEADER = 60, 68, 100


def open_database(path: Path, *, full_sync: bool) -> sqlite3.Connection:
    """Opens the file, which is made when there is none.

    Nobody else may have it open: the caller holds the folder's lock. Raises ConfigError when it is damaged or not ours,
    and leaves it as it is then.
    """
    try:
        if path.exists():
            check_header(path)
            _check(path)
        else:
            _make(path)
        database = _connect(path)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if full_sync else 'NORMAL'}")
        database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
    except sqlite3.Error as error:
        raise ConfigError(f"{path}: {error}") from None
    return database


def check_header(path: Path) -> None:
    """Raises ConfigError unless the file says that it is ours. Reads its first 100 bytes only."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if len(header) < _HEADER or not header.startswith(_MAGIC):
        raise ConfigError(f"{path}: damaged, or not a file of rmqctl's broker: not an SQLite file; it is left as it is")
    if int.from_bytes(header[_APPLICATION_AT : _APPLICATION_AT + 4], "big") != APPLICATION:
        raise ConfigError(f"{path}: an SQLite file of another program; it is left as it is")
    version = int.from_bytes(header[_VERSION_AT : _VERSION_AT + 4], "big")
    if version > SCHEMA:
        raise ConfigError(f"{path}: written by a newer rmqctl (format {version}, this one knows {SCHEMA})")


def _connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    database = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    if mode != "ro":
        # Without a file for the index of the log: there is one process only.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
    return database


def _make(path: Path) -> None:
    """Makes the file whole or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    database = _connect(draft, "rwc")
    database.execute(f"PRAGMA page_size = {_PAGE}")
    database.execute(f"PRAGMA application_id = {APPLICATION}")
    database.execute(f"PRAGMA user_version = {SCHEMA}")
    database.executescript(f"BEGIN; {_TABLES} COMMIT;")
    database.close()
    draft.chmod(0o600)
    draft.replace(path)


def _check(path: Path) -> None:
    """Raises ConfigError when the file is damaged; changes nothing in the folder."""
    beside = [path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm")]
    fresh = [each for each in beside if not each.exists()]
    try:
        database = _connect(path, "ro")
        try:
            problem = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            database.close()
    except sqlite3.Error as error:
        problem = str(error)
    for each in fresh:
        each.unlink(missing_ok=True)
    if problem != "ok":
        raise ConfigError(
            f"{path}: damaged ({' '.join(problem.split())}); it is left as it is: restore it from a copy, "
            "or start with another --data-dir"
        )


# ---------------------------------------------------------------------------------------------------------- documents


def spell(value: Any) -> str:
    """JSON, with what field tables have beyond it in objects of one key that starts with a $."""
    return json.dumps(value, default=_beyond, separators=(",", ":"))


def read(text: str) -> Any:
    """What was spelled. Raises ValueError."""
    return json.loads(text, object_hook=_object)


def _beyond(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$time": value.timestamp()}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _object(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        kind, content = next(iter(value.items()))
        if kind == "$bytes":
            return b64decode(content)
        if kind == "$time":
            return datetime.fromtimestamp(content, UTC)
        if kind == "$decimal":
            return Decimal(content)
    return value


# ------------------------------------------------------------------------------------------------------------- batches

ROW = tuple[int, int, int | None, float | None, bytes | None, bytes | None, bytes | None, str | None]
"""What is inserted into `entry`, but for `returned`."""
Statement = tuple[str, tuple[Any, ...]]


class Batch(NamedTuple):
    """Changes to write. `adopted`: entries that left their queue, but have the body of entries elsewhere."""

    number: int
    statements: list[Statement]
    added: dict[int, ROW]
    adopted: list[int]
    removed: list[int]


class Disk:
    """Writes to a database that is open, from whatever thread: each batch whole or not at all. Raises sqlite3.Error."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        self._lock = Lock()

    def write(self, batch: Batch) -> None:
        with self._lock:
            self.database.execute("BEGIN IMMEDIATE")
            try:
                self._apply(batch)
                self.database.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back itself after some errors.
                if self.database.in_transaction:
                    self.database.execute("ROLLBACK")
                raise

    def close(self) -> None:
        self.database.close()

    def _apply(self, batch: Batch) -> None:
        for statement, values in batch.statements:
            self.database.execute(statement, values)
        insert_entries(self.database, batch.added.values())
        for identity in batch.adopted:
            self.database.execute("UPDATE entry SET queue = 0 WHERE id = ?", (identity,))
        delete_entries(self.database, batch.removed)


def of_definitions(statements: list[Statement]) -> Batch:
    """A batch that nobody waits for by its number."""
    return Batch(0, statements, {}, [], [])


_PLACES = "(?,?,?,?,?,?,?,?)"
# Each statement lets go of the interpreter's lock and has to get it back, which costs more than the work itself while
# the broker is busy: so many rows go into one statement.
_GROUPS = (64, 8, 1)


def insert_entries(database: sqlite3.Connection, rows: Iterable[ROW]) -> None:
    waiting = list(rows)
    at = 0
    for size in _GROUPS:
        statement = (
            f"INSERT INTO entry (id,queue,message,expires,route,header,body,deaths) VALUES {','.join([_PLACES] * size)}"  # noqa: S608
        )
        while at + size <= len(waiting):
            database.execute(statement, [value for row in waiting[at : at + size] for value in row])
            at += size


def delete_entries(database: sqlite3.Connection, identities: list[int]) -> None:
    """Sorts `identities`. Most go in the order they came: a few ranges say it all."""
    identities.sort()
    lone: list[int] = []
    at = 0
    while at < len(identities):
        first = identities[at]
        start = at
        while at < len(identities) and identities[at] == first + at - start:
            at += 1
        if at - start < 4:
            lone += identities[start:at]
        else:
            database.execute("DELETE FROM entry WHERE id BETWEEN ? AND ?", (first, identities[at - 1]))
    at = 0
    for size in _GROUPS:
        statement = f"DELETE FROM entry WHERE id IN ({','.join('?' * size)})"  # noqa: S608
        while at + size <= len(lone):
            database.execute(statement, lone[at : at + size])
            at += size
