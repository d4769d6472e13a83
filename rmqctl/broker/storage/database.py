"""The SQLite file that a durable broker keeps: how it is made, opened, checked and spelled.

    definition  number, kind, key, document     what was declared; a queue's number stands in its entries
    entry       id, queue, message, ...         a message in a queue; `message` is the entry that has the body, NULL for itself

Numbers grow and are not used again, so the order of numbers is the order of time. Each row has a checksum: SQLite itself
sees only what damages the order of its pages.
"""

import json
import logging
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from struct import Struct
from threading import Lock
from typing import Any, NamedTuple
from zlib import crc32

from rmqctl.broker.storage.wal import lost_frames
from rmqctl.errors import ConfigError

log = logging.getLogger("rmqctl.broker")

APPLICATION = 0x726D7163
"""Tells our files from other SQLite files (the header's application id): "rmqc"."""
SCHEMA = 2
# Bodies of 64 KiB cost a fifth less than with SQLite's usual 4 KiB, and small messages nothing more.
_PAGE = 16_384
# The log is copied into the file after so many pages (64 MiB): most messages are gone by then.
_CHECKPOINT = 4_096
_TABLES = """
CREATE TABLE definition (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT NOT NULL,
    checksum INTEGER NOT NULL DEFAULT 0
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
    returned INTEGER NOT NULL DEFAULT 0,
    checksum INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE shutdown (clean INTEGER NOT NULL);
INSERT INTO shutdown VALUES (1);
"""
# Bytes of an SQLite file's header (https://www.sqlite.org/fileformat.html, section 1.3).
_MAGIC = b"SQLite format 3\0"
_VERSION_AT, _APPLICATION_AT, _HEADER = 60, 68, 100


def open_database(path: Path, *, full_sync: bool, tell: Callable[[str], None] = log.warning) -> sqlite3.Connection:
    """Opens the file, which is made when there is none. `tell` is told when changes that were committed are lost.

    Nobody else may have it open: the caller holds the folder's lock. Raises ConfigError when it is damaged or not ours,
    and leaves it as it is then, or when the disk does not let it be used.
    """
    try:
        if path.exists():
            check_header(path)
            _check(path)
        else:
            _make(path)
        return _open(path, full_sync, tell)
    except sqlite3.Error as error:
        raise unusable(path, error) from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _open(path: Path, full_sync: bool, tell: Callable[[str], None]) -> sqlite3.Connection:
    database = _connect(path)
    try:
        # -1 of a file that has no log yet.
        found = max(0, database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])
        if lost := lost_frames(path, _PAGE, found):
            tell(f"{path}-wal: damaged: the last {lost} of {found + lost} pages that the broker had written are lost")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {'FULL' if full_sync else 'NORMAL'}")
        database.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT}")
        _upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def unusable(path: Path, error: sqlite3.Error) -> ConfigError:
    """Only SQLite knows whether the file is to blame, or the disk."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path, str(error))
    return ConfigError(f"{path}: {error}: is the disk full, or the folder not writable? The file itself is not damaged")


def _damaged(path: Path, problem: str) -> ConfigError:
    return ConfigError(
        f"{path}: damaged ({' '.join(problem.split())}); it is left as it is: restore it from a copy, "
        "or start with another --data-dir"
    )


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
    # Whatever bytes a damaged text has, its row can be read, and its checksum looked at.
    database.text_factory = lambda data: data.decode("utf-8", "replace")
    if mode != "ro":
        # Without a file for the index of the log: there is one process only.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
    return database


def _make(path: Path) -> None:
    """Makes the file whole or not at all."""
    draft = path.with_suffix(".new")
    parts = (draft, draft.with_name(f"{draft.name}-journal"))
    for part in parts:
        part.unlink(missing_ok=True)
    try:
        with closing(_connect(draft, "rwc")) as database:
            database.execute(f"PRAGMA page_size = {_PAGE}")
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute(f"PRAGMA user_version = {SCHEMA}")
            database.executescript(f"BEGIN; {_TABLES} COMMIT;")
        draft.chmod(0o600)
        draft.replace(path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _upgrade(database: sqlite3.Connection) -> None:
    """A file of format 1 has no checksums: its rows get them as they are."""
    if database.execute("PRAGMA user_version").fetchone()[0] == SCHEMA:
        return
    for count, checksum in ((4, definition_checksum), (9, entry_checksum)):
        database.create_function(checksum.__name__, count, partial(_checksum_of_any, checksum))
    database.execute("BEGIN IMMEDIATE")
    for table, columns in (("definition", _DEFINITION), ("entry", f"{_ENTRY},returned")):
        database.execute(f"ALTER TABLE {table} ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0")
        database.execute(f"UPDATE {table} SET checksum = {table}_checksum({columns})")  # noqa: S608
    database.execute(f"PRAGMA user_version = {SCHEMA}")
    database.execute("COMMIT")


def _check(path: Path) -> None:
    """Raises ConfigError when the file is damaged; changes nothing in the folder."""
    beside = [path.with_name(f"{path.name}{ending}") for ending in ("-wal", "-shm")]
    fresh = [each for each in beside if not each.exists()]
    try:
        with closing(_connect(path, "ro")) as database:
            problem = database.execute("PRAGMA quick_check(1)").fetchone()[0]
            if problem == "ok" and not _has_our_tables(database):
                problem = "its tables are not as they were made"
    except UnicodeDecodeError:
        # SQLite says what is wrong in the words of the file.
        problem = "it describes its tables in no words"
    finally:
        for each in fresh:
            each.unlink(missing_ok=True)
    if problem != "ok":
        raise _damaged(path, problem)


def _has_our_tables(database: sqlite3.Connection) -> bool:
    """With a column of another name or kind, every row would seem damaged."""
    version = database.execute("PRAGMA user_version").fetchone()[0]
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(_TABLES)
        for table in ("definition", "entry", "shutdown"):
            wanted, found = (each.execute(f"PRAGMA table_info({table})").fetchall() for each in (model, database))
            if found != [column for column in wanted if version == SCHEMA or column[1] != "checksum"]:
                return False
    return True


# ---------------------------------------------------------------------------------------------------------- checksums


def _checksum_of_any(checksum: Callable[..., int], *row: Any) -> int:
    """Also of a row that is damaged already: one that it never has."""
    try:
        return checksum(*row)
    except Exception:
        return -1


def definition_checksum(number: int, kind: str, key: str, document: str) -> int:
    return crc32(f"{number} {kind} {key} {document}".encode())


def entry_checksum(
    identity: int,
    queue: int,
    message: int | None,
    expires: float | None,
    route: bytes | None,
    header: bytes | None,
    body: bytes | None,
    deaths: str | None,
    returned: int = 0,
) -> int:
    """What may change later, queue and count, is added: a statement can then change the sum without the body."""
    when = -1.0 if expires is None else expires
    if route is None or header is None or body is None:
        sizes = (-1 if part is None else len(part) for part in (route, header, body))
        crc = crc32(_ENTRY_FACTS.pack(identity, message or 0, when, *sizes) + (route or b"") + (header or b""))
    else:
        facts = _ENTRY_FACTS.pack(identity, message or 0, when, len(route), len(header), len(body))
        crc = crc32(facts + route + header)
    if body:
        crc = crc32(body, crc)
    if deaths is not None:
        crc = crc32(deaths.encode(), crc)
    return crc + (queue + returned) * _ADDED


# For every message that is written: a text would take three times as long.
_ENTRY_FACTS = Struct(">qqdqqq")
# Above the 32 bits of the CRC.
_ADDED = 1 << 32
LEAVE_QUEUE = f"UPDATE entry SET checksum = checksum - queue * {_ADDED}, queue = 0"  # noqa: S608
COUNT_RETURNED = f"UPDATE entry SET checksum = checksum + (?1 - returned) * {_ADDED}, returned = ?1 WHERE id = ?2"  # noqa: S608


# ---------------------------------------------------------------------------------------------------------- documents


def spell(value: Any) -> str:
    """JSON, with what field tables have beyond it in objects of one key that starts with a $.

    An object of a client's that looks like one of those has one more $.
    """
    return json.dumps(_escaped(value), default=_beyond, separators=(",", ":"))


def read(text: str) -> Any:
    """What was spelled. Raises ValueError."""
    return json.loads(text, object_hook=_object)


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        lone = len(value) == 1
        return {f"${key}" if lone and key.startswith("$") else key: _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list | tuple) else value


def _beyond(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$time": value.timestamp()}
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _object(value: dict[str, Any]) -> Any:
    if len(value) != 1:
        return value
    kind, content = next(iter(value.items()))
    if kind.startswith("$$"):
        return {kind[1:]: content}
    try:
        return _BEYOND[kind](content) if kind in _BEYOND else value
    except (ValueError, TypeError, OverflowError, OSError, ArithmeticError):
        # From a client, and kept before these were escaped.
        return value


_BEYOND: Mapping[str, Callable[[Any], Any]] = {
    "$bytes": lambda content: b64decode(content, validate=True),
    "$time": lambda content: datetime.fromtimestamp(content, UTC),
    "$decimal": Decimal,
}


# ------------------------------------------------------------------------------------------------------------- batches

ROW = tuple[int, int, int | None, float | None, bytes | None, bytes | None, bytes | None, str | None]
"""What is inserted into `entry`, but for `returned` and the checksum."""
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
            self.database.execute(f"{LEAVE_QUEUE} WHERE id = ?", (identity,))
        delete_entries(self.database, batch.removed)


def of_definitions(statements: list[Statement]) -> Batch:
    """A batch that nobody waits for by its number."""
    return Batch(0, statements, {}, [], [])


_DEFINITION = "number,kind,key,document"
_ENTRY = "id,queue,message,expires,route,header,body,deaths"
_PLACES = "(?,?,?,?,?,?,?,?,?)"
# Each statement lets go of the interpreter's lock and has to get it back, which costs more than the work itself while
# the broker is busy: so many rows go into one statement.
_GROUPS = (512, 64, 8, 1)
_INSERTS = {
    size: f"INSERT INTO entry ({_ENTRY},checksum) VALUES {','.join([_PLACES] * size)}"  # noqa: S608
    for size in _GROUPS
}
_DELETES = {size: f"DELETE FROM entry WHERE id IN ({','.join('?' * size)})" for size in _GROUPS}  # noqa: S608


def insert_entries(database: sqlite3.Connection, rows: Iterable[ROW]) -> None:
    waiting = list(rows)
    at = 0
    for size, statement in _INSERTS.items():
        while at + size <= len(waiting):
            values: list[Any] = []
            for row in waiting[at : at + size]:
                values += row
                values.append(entry_checksum(*row))
            database.execute(statement, values)
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
    for size, statement in _DELETES.items():
        while at + size <= len(lone):
            database.execute(statement, lone[at : at + size])
            at += size
