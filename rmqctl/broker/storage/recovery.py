"""Puts back into a new broker what a store has kept."""

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.exchange import Destination
from rmqctl.broker.core.message import Entry, Message, destination_of
from rmqctl.broker.core.permissions import Permission, TopicPermission
from rmqctl.broker.core.policies import Policy
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.storage.batches import Numbers
from rmqctl.broker.storage.database import LEAVE_QUEUE, definition_checksum, entry_checksum, read, unusable

log = logging.getLogger("rmqctl.broker")
Key = tuple[str, ...]
Tell = Callable[[str], None]
# Each needs those before it.
_ORDER = (
    *("vhost", "user", "permission", "topic_permission", "policy", "operator_policy", "parameter", "global_parameter"),
    *("exchange", "queue", "binding"),
)


def load(broker: Broker, database: sqlite3.Connection, tell: Tell = log.warning) -> Numbers:
    """Fills a broker that has nothing yet and no journal.

    What is damaged or cannot be restored is left out, and `tell` is told of it. Raises ConfigError when the file itself
    cannot be used.
    """
    try:
        definitions = _read_definitions(database, tell)
        queues = _define_all(broker, definitions, tell)
        last = _load_messages(database, queues, definitions.left_out, tell)
    except sqlite3.Error as error:
        path = Path(database.execute("PRAGMA database_list").fetchone()[2])
        database.close()
        raise unusable(path, error) from None
    return Numbers(definitions.last + 1, last + 1, definitions.known)


class _Row(NamedTuple):
    number: int
    key: Key
    document: Any


class _Definitions:
    """What was declared, by kind."""

    def __init__(self) -> None:
        self.rows: dict[str, list[_Row]] = {kind: [] for kind in _ORDER}
        self.known: dict[tuple[str, Key], int] = {}
        self.left_out: set[int] = set()
        """The numbers of those that stay in the file only. Those of queues may have messages."""
        self.last = 0


def _read_definitions(database: sqlite3.Connection, tell: Tell) -> _Definitions:
    found = _Definitions()
    for row in database.execute("SELECT number,kind,key,document,checksum FROM definition ORDER BY number"):
        number, kind, key, document, checksum = row
        found.last = number
        try:
            if definition_checksum(number, kind, key, document) != checksum:
                raise ValueError("damaged")
            found.known[kind, tuple(read(key))] = number
            found.rows[kind].append(_Row(number, tuple(read(key)), read(document)))
        except Exception as error:
            found.left_out.add(number)
            tell(f"the definition {kind} {key} is left out: {_words(error)}")
    return found


def _define_all(broker: Broker, definitions: _Definitions, tell: Tell) -> dict[int, Queue]:
    """The queues by their numbers."""
    queues: dict[int, Queue] = {}
    _add_vhosts(broker, definitions, tell)
    for kind, rows in definitions.rows.items():
        for number, key, document in rows:
            with _left_out(kind, key, tell, definitions.left_out, number):
                queue = _define(broker, kind, key, document)
                if queue is not None:
                    queue.number = number
                    queues[number] = queue
    for number, key, document in definitions.rows["vhost"]:
        # Last: a default queue type or a limit of today does not hold for queues of yesterday.
        with _left_out("vhost", key, tell, definitions.left_out, number):
            broker.vhost(key[0]).restore(document)
    return queues


def _add_vhosts(broker: Broker, definitions: _Definitions, tell: Tell) -> None:
    """Also those whose own definition is damaged: what is in them says that they were there."""
    for _, key, _ in definitions.rows["vhost"]:
        broker.add_vhost(key[0])
    for kind in ("exchange", "queue", "binding"):
        for _, key, _ in definitions.rows[kind]:
            if key[0] not in broker.vhosts:
                broker.add_vhost(key[0])
                tell(f"vhost '{key[0]}': its definition is damaged: it has no limits, description and tags any more")


@contextmanager
def _left_out(kind: str, key: Key, tell: Tell, left_out: set[int], number: int) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        left_out.add(number)
        tell(f"{kind} {' '.join(key)} is left out: {_words(error)}")


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _define(broker: Broker, kind: str, key: Key, document: Mapping[str, Any]) -> Queue | None:
    """The queue, when it is one."""
    if kind == "user":
        broker.restore_user(document)
    elif kind == "permission":
        broker.user(key[0]).permit(key[1], Permission(**document))
    elif kind == "topic_permission":
        broker.user(key[0]).permit_topics(key[1], key[2], TopicPermission(**document))
    elif kind in ("policy", "operator_policy"):
        broker.vhost(key[0]).set_policy(Policy.of(document), operator=kind == "operator_policy")
    elif kind == "parameter":
        broker.vhost(key[0]).set_parameter(key[1], key[2], document["value"])
    elif kind == "global_parameter":
        broker.set_global_parameter(key[0], document["value"])
    elif kind == "exchange":
        _exchange(broker, key, document)
    elif kind == "binding":
        destination = Destination(document["destination_type"], document["destination"])
        vhost = broker.vhost(key[0])
        if vhost.router.find(destination) is None or document["source"] not in vhost.exchanges:
            # A broker that was killed had written that one end was deleted, and not yet that the binding went with it.
            return None
        vhost.bind(None, document["source"], destination, document["routing_key"], document["arguments"])
    elif kind == "queue":
        return _queue(broker, key, document)
    return None


def _exchange(broker: Broker, key: Key, document: Mapping[str, Any]) -> None:
    broker.vhost(key[0]).declare_exchange(
        None,
        key[1],
        document["type"],
        durable=True,
        auto_delete=document["auto_delete"],
        internal=document["internal"],
        arguments=Arguments(document["arguments"]),
        by=document["user"],
    )


def _queue(broker: Broker, key: Key, document: Mapping[str, Any]) -> Queue:
    return broker.vhost(key[0]).declare_queue(
        None,
        key[1],
        durable=True,
        auto_delete=document["auto_delete"],
        arguments=Arguments(document["arguments"]),
        by=document["user"],
    )


# ------------------------------------------------------------------------------------------------------------ messages


_COLUMNS = "id,queue,message,expires,route,header,body,deaths,returned"


def _load_messages(database: sqlite3.Connection, queues: Mapping[int, Queue], left_out: set[int], tell: Tell) -> int:
    """The number of the last entry. Entries of queues that are gone are deleted, and those that are damaged."""
    (clean,) = database.execute("SELECT clean FROM shutdown").fetchone() or (0,)
    database.execute("BEGIN IMMEDIATE")
    restoring = _Restoring(queues, left_out, bool(clean))
    last = 0
    for *row, checksum in database.execute(f"SELECT {_COLUMNS},checksum FROM entry ORDER BY id"):  # noqa: S608
        last = row[0]
        restoring.restore(tuple(row), checksum)
    database.executemany("DELETE FROM entry WHERE id = ?", [(identity,) for identity in restoring.damaged])
    _sweep(database, (*queues, *left_out))
    database.execute("UPDATE shutdown SET clean = 0")
    database.execute("COMMIT")
    for number, count in Counter(restoring.damaged.values()).items():
        queue = queues.get(number)
        where = f"queue '{queue.name}' in vhost '{queue.home.name}'" if queue else "a queue that is not known"
        tell(f"{where}: {count} {'messages are' if count > 1 else 'message is'} damaged and dropped")
    return last


def _sweep(database: sqlite3.Connection, queues: Iterable[int]) -> None:
    """A queue's messages are deleted after the queue: an end in between leaves them behind."""
    database.execute("CREATE TEMP TABLE living (number INTEGER PRIMARY KEY)")
    database.executemany("INSERT INTO living VALUES (?)", [(number,) for number in queues])
    database.execute(f"{LEAVE_QUEUE} WHERE queue NOT IN living AND message IS NULL")
    database.execute("DELETE FROM entry WHERE queue NOT IN living AND message IS NOT NULL")
    # Bodies that nobody has any more; most entries have their own.
    if database.execute("SELECT 1 FROM entry WHERE queue = 0 LIMIT 1").fetchone():
        database.execute("CREATE TEMP TABLE needed AS SELECT DISTINCT message FROM entry WHERE message IS NOT NULL")
        database.execute("DELETE FROM entry WHERE queue = 0 AND id NOT IN needed")
        database.execute("DROP TABLE needed")
    database.execute("DROP TABLE living")


class _Restoring:
    """Puts messages back into their queues, one after the other."""

    def __init__(self, queues: Mapping[int, Queue], left_out: set[int], clean: bool) -> None:
        self.damaged: dict[int, int] = {}
        """The queues of entries that cannot be restored, by their numbers."""
        self._queues = queues
        self._left_out = left_out
        self._clean = clean
        self._messages: dict[int, Message] = {}

    def restore(self, row: tuple[Any, ...], checksum: int) -> None:
        try:
            if entry_checksum(*row) != checksum:
                raise ValueError
            self._restore(*row)
        except Exception:
            self.damaged[row[0]] = row[1]

    def _restore(
        self,
        identity: int,
        number: int,
        of: int | None,
        expires: float | None,
        route: bytes,
        header: bytes,
        body: bytes,
        deaths: str | None,
        returned: int,
    ) -> None:
        if of is None:
            exchange, key = destination_of(route)
            message = Message(exchange, key, header, body, route)
            message.stored = identity
            if deaths is not None:
                message.deaths = tuple(read(deaths))
            self._messages[identity] = message
        else:
            message = self._messages[of]
        if number in self._queues:
            entry = Entry(message, identity, expires)
            entry.stored = identity
            entry.count = entry.acquired = returned
            # After a crash nobody knows what had been delivered: a consumer is told to look twice.
            entry.redelivered = bool(returned) or not self._clean
            self._queues[number].restore(entry)
        if number in self._queues or number in self._left_out:
            message.references += 1
