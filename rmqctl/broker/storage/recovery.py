"""Puts back into a new broker what a store has kept."""

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.exchange import Destination
from rmqctl.broker.core.message import Entry, Message, destination_of
from rmqctl.broker.core.permissions import Permission, TopicPermission
from rmqctl.broker.core.policies import Policy
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.storage.batches import Numbers
from rmqctl.broker.storage.database import read
from rmqctl.errors import ConfigError

# Each needs those before it.
_ORDER = (
    *("vhost", "user", "permission", "topic_permission", "policy", "operator_policy", "parameter", "global_parameter"),
    *("exchange", "queue", "binding"),
)


def load(broker: Broker, database: sqlite3.Connection) -> Numbers:
    """Fills a broker that has nothing yet and no journal. Raises ConfigError when the records make no sense."""
    rows = database.execute("SELECT number, kind, key, document FROM definition ORDER BY number").fetchall()
    known: dict[tuple[str, tuple[str, ...]], int] = {}
    try:
        documents: dict[str, list[tuple[int, tuple[str, ...], Any]]] = {kind: [] for kind in _ORDER}
        for number, kind, key, document in rows:
            documents[kind].append((number, tuple(read(key)), read(document)))
            known[kind, tuple(read(key))] = number
        queues: dict[int, Queue] = {}
        for kind in _ORDER:
            for number, key, document in documents[kind]:
                queue = _define(broker, kind, key, document)
                if queue is not None:
                    queue.number = number
                    queues[number] = queue
        for _, key, document in documents["vhost"]:
            # Last: a default queue type or a limit of today does not hold for queues of yesterday.
            broker.vhost(key[0]).restore(document)
    except (Refusal, KeyError, TypeError, ValueError, IndexError) as error:
        raise ConfigError(f"the broker's data folder has definitions that make no sense: {error!r}") from error
    last = _load_messages(database, queues)
    return Numbers(max((row[0] for row in rows), default=0) + 1, last + 1, known)


def _define(broker: Broker, kind: str, key: tuple[str, ...], document: Mapping[str, Any]) -> Queue | None:
    """The queue, when it is one."""
    if kind == "vhost":
        broker.add_vhost(key[0])
    elif kind == "user":
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
    else:
        return _queue(broker, key, document)
    return None


def _exchange(broker: Broker, key: tuple[str, ...], document: Mapping[str, Any]) -> None:
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


def _queue(broker: Broker, key: tuple[str, ...], document: Mapping[str, Any]) -> Queue:
    return broker.vhost(key[0]).declare_queue(
        None,
        key[1],
        durable=True,
        auto_delete=document["auto_delete"],
        arguments=Arguments(document["arguments"]),
        by=document["user"],
    )


# ------------------------------------------------------------------------------------------------------------ messages


def _load_messages(database: sqlite3.Connection, queues: Mapping[int, Queue]) -> int:
    """The number of the last entry. Entries of queues that are gone are deleted."""
    clean = bool(database.execute("SELECT clean FROM shutdown").fetchone()[0])
    database.execute("BEGIN IMMEDIATE")
    _sweep(database, queues)
    messages: dict[int, Message] = {}
    last = 0
    for row in database.execute("SELECT * FROM entry ORDER BY id"):
        last = row[0]
        _restore(row, queues, messages, clean)
    database.execute("UPDATE shutdown SET clean = 0")
    database.execute("COMMIT")
    return last


def _sweep(database: sqlite3.Connection, queues: Iterable[int]) -> None:
    """A queue's messages are deleted after the queue: an end in between leaves them behind."""
    database.execute("CREATE TEMP TABLE living (number INTEGER PRIMARY KEY)")
    database.executemany("INSERT INTO living VALUES (?)", [(number,) for number in queues])
    database.execute("UPDATE entry SET queue = 0 WHERE queue NOT IN living AND message IS NULL")
    database.execute("DELETE FROM entry WHERE queue NOT IN living AND message IS NOT NULL")
    # Bodies that nobody has any more; most entries have their own.
    if database.execute("SELECT 1 FROM entry WHERE queue = 0 LIMIT 1").fetchone():
        database.execute("CREATE TEMP TABLE needed AS SELECT DISTINCT message FROM entry WHERE message IS NOT NULL")
        database.execute("DELETE FROM entry WHERE queue = 0 AND id NOT IN needed")
        database.execute("DROP TABLE needed")
    database.execute("DROP TABLE living")


def _restore(row: tuple[Any, ...], queues: Mapping[int, Queue], messages: dict[int, Message], clean: bool) -> None:
    identity, number, of, expires, route, header, body, deaths, returned = row
    if of is None:
        exchange, key = destination_of(route)
        message = Message(exchange, key, header, body, route)
        message.stored = identity
        if deaths is not None:
            message.deaths = tuple(read(deaths))
        messages[identity] = message
    else:
        message = messages[of]
    if number:
        entry = Entry(message, identity, expires)
        entry.stored = identity
        entry.count = entry.acquired = returned
        # After a crash nobody knows what had been delivered: a consumer is told to look twice.
        entry.redelivered = bool(returned) or not clean
        message.references += 1
        queues[number].restore(entry)
