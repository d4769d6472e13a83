"""What is kept, in which order, and what a damaged or foreign folder is told. No sockets; the clock stands still."""

import asyncio
import hashlib
import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.definitions import export_definitions
from rmqctl.broker.core.errors import Reason, Refusal
from rmqctl.broker.core.exchange import Destination
from rmqctl.broker.core.message import message
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.permissions import Permission, TopicPermission
from rmqctl.broker.core.policies import Policy, checked
from rmqctl.broker.core.queue import REJECTED, Queue
from rmqctl.broker.process.server import returned
from rmqctl.broker.storage import database
from rmqctl.broker.storage.data_folder import DataFolder
from rmqctl.broker.storage.database import Disk, open_database
from rmqctl.broker.storage.recovery import load
from rmqctl.broker.storage.store import Store
from rmqctl.broker.storage.writer import ThreadWriter
from rmqctl.errors import ConfigError, Unavailable

from .chance import Seeded

NOW = 1_000_000.0


class Kept:
    """A broker on a file. `write` stands for the end of a turn of the loop: all that was told is committed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.open()

    def open(self, tell: Callable[[str], None] = lambda _: None) -> None:
        self.broker = Broker(Node(lambda: NOW, Seeded()), consumer_timeout=None)
        self.database = open_database(self.path, full_sync=False, tell=tell)
        self.store = Store(Disk(self.database), load(self.broker, self.database, tell))
        self.broker.node.journal = self.store
        if not self.broker.vhosts:
            self.broker.seed()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on the thread writes."""
        self.store.start(loop, ThreadWriter(self.store.disk, loop.call_soon_threadsafe))

    def write(self) -> int:
        """How many rows of messages there are now."""
        self.store.disk.write(self.store._changes.take(self.store.batch))
        return int(self.database.execute("SELECT count(*) FROM entry").fetchone()[0])

    def crash(self) -> None:
        """What was not committed is gone, and nothing is said to anybody."""
        self.database.close()
        self.open()

    def stop(self, tell: Callable[[str], None] = lambda _: None) -> None:
        self.store.close(returned(self.broker))
        self.open(tell)

    def queue(self, name: str, **arguments: Any) -> Queue:
        return self.broker.vhosts["/"].declare_queue(None, name, durable=True, arguments=Arguments(arguments))

    def found(self, name: str) -> Queue:
        return self.broker.vhosts["/"].queues[name]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    kept = Kept(tmp_path / "broker.sqlite")
    yield kept
    kept.database.close()


def push(*queues: Queue, body: bytes = b"x", **properties: Any) -> None:
    """One message into each of the queues."""
    shared = message("e", "k", body, {"delivery_mode": 2, **properties})
    for queue in queues:
        assert queue.push(shared) is not REJECTED


def bodies(queue: Queue) -> list[bytes]:
    return [entry.message.body for entry in queue.messages()]


# ------------------------------------------------------------------------------------------------------------ messages


def test_persistent_messages_of_durable_queues_come_back_in_order(kept: Kept) -> None:
    queue = kept.queue("q")
    transient = kept.broker.vhosts["/"].declare_queue(None, "t")
    for number in range(100):
        push(queue, body=b"%d" % number)
    push(transient)
    queue.push(message("", "q", b"transient", {}))
    assert kept.write() == 100
    kept.crash()
    assert bodies(kept.found("q")) == [b"%d" % number for number in range(100)]
    assert "t" not in kept.broker.vhosts["/"].queues


def test_what_was_not_written_is_gone_and_what_was_acknowledged_does_not_come_back(kept: Kept) -> None:
    queue = kept.queue("q")
    for body in (b"a", b"b", b"c"):
        push(queue, body=body)
    kept.write()
    taken = queue.get()
    assert taken
    queue.settle(taken)
    kept.write()
    push(queue, body=b"unwritten")
    kept.crash()
    assert bodies(kept.found("q")) == [b"b", b"c"]


def test_what_comes_and_goes_within_a_batch_is_not_written(kept: Kept) -> None:
    one, other = kept.queue("one"), kept.queue("other")
    push(one, other)
    for queue in (one, other):
        entry = queue.get()
        assert entry
        queue.settle(entry)
    batch = kept.store._changes.take(kept.store.batch)
    assert (batch.added, batch.adopted, batch.removed) == ({}, [], [])


@pytest.mark.parametrize("first", ["one", "other"])
@pytest.mark.parametrize("written", [True, False])
def test_a_body_is_kept_once_until_its_last_queue_lets_go(kept: Kept, first: str, written: bool) -> None:
    queues = {"one": kept.queue("one"), "other": kept.queue("other")}
    push(queues["one"], queues["other"], body=b"shared")
    if written:
        assert kept.write() == 2
        assert kept.database.execute("SELECT count(body) FROM entry").fetchone() == (1,)
    assert queues.pop(first).purge() == (1, True)
    kept.write()
    kept.crash()
    (name,) = queues
    assert bodies(kept.found(name)) == [b"shared"]
    assert bodies(kept.found(first)) == []
    kept.found(name).purge()
    assert kept.write() == 0


def test_after_a_restart_numbers_go_on(kept: Kept) -> None:
    push(kept.queue("q"), body=b"old")
    kept.write()
    kept.crash()
    queue = kept.found("q")
    push(queue, body=b"new")
    push(kept.queue("later"))
    assert kept.write() == 3
    old, new = queue.messages()
    assert old.position < new.position
    kept.crash()
    assert bodies(kept.found("q")) == [b"old", b"new"]


def test_properties_expiry_priority_and_deaths_come_back(kept: Kept) -> None:
    queue = kept.queue("q", **{"x-max-priority": 5})
    push(queue, body=b"low", priority=1, headers={"h": "v"}, message_id="1")
    push(queue, body=b"high", priority=5, expiration="60000")
    dead = message("e", "k", b"dead", {"delivery_mode": 2})
    dead.deaths = ({"queue": "before", "reason": "expired", "count": 2, "time": datetime.fromtimestamp(5, UTC)},)
    queue.push(dead)
    kept.write()
    kept.crash()
    high, low, last = kept.found("q").messages()
    assert (high.message.body, high.expires) == (b"high", NOW + 60)
    assert low.message.all_properties() == {"delivery_mode": 2, "priority": 1, "headers": {"h": "v"}, "message_id": "1"}
    assert (low.message.exchange, low.message.key, low.expires) == ("e", "k", None)
    assert last.message.deaths == dead.deaths


def test_redelivered_is_exact_after_a_stop_and_cautious_after_a_crash(kept: Kept) -> None:
    queue = kept.queue("q")
    push(queue, body=b"returned")
    push(queue, body=b"untouched")
    entry = queue.get()
    assert entry
    queue.requeue([entry])
    kept.stop()
    assert [(each.redelivered, each.count) for each in kept.found("q").messages()] == [(True, 1), (False, 0)]
    kept.crash()
    assert [each.redelivered for each in kept.found("q").messages()] == [True, True]


def test_messages_of_a_deleted_queue_go_even_when_they_are_not_acknowledged(kept: Kept) -> None:
    queue, other = kept.queue("q"), kept.queue("other")
    for _ in range(3):
        push(queue, other, body=b"shared")
    entry = queue.get()
    assert entry
    kept.write()
    kept.broker.vhosts["/"].delete_queue(None, "q")
    queue.requeue([entry])
    kept.write()
    assert not kept.queue("q").ready.count
    kept.crash()
    assert bodies(kept.found("q")) == []
    assert bodies(kept.found("other")) == [b"shared"] * 3
    kept.found("other").purge()
    assert kept.write() == 0


def test_a_crash_right_after_the_deletion_of_a_queue_leaves_nothing_of_it(kept: Kept) -> None:
    queue, other = kept.queue("q"), kept.queue("other")
    push(queue, other, body=b"shared")
    push(queue, body=b"alone")
    kept.write()
    kept.broker.vhosts["/"].delete_queue(None, "q")
    kept.crash()
    assert bodies(kept.found("other")) == [b"shared"]
    assert kept.database.execute("SELECT count(*) FROM entry").fetchone() == (2,)
    kept.found("other").purge()
    assert kept.write() == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["push", "both", "ack", "requeue", "purge", "write", "crash"]), st.integers(0, 1)),
        max_size=40,
    )
)
def test_whatever_happens_the_file_has_what_the_queues_have(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    kept = Kept(tmp_path_factory.mktemp("kept") / "broker.sqlite")
    kept.queue("q0")
    kept.queue("q1")
    for number, (step, which) in enumerate(steps):
        queue = kept.found(f"q{which}")
        body = b"%d" % number
        if step == "push":
            push(queue, body=body)
        elif step == "both":
            push(queue, kept.found(f"q{1 - which}"), body=body)
        elif step in ("ack", "requeue") and (entry := queue.get()):
            queue.settle(entry) if step == "ack" else queue.requeue([entry])
        elif step == "purge":
            queue.purge()
        elif step == "write":
            kept.write()
        elif step == "crash":
            kept.write()
            kept.crash()
    kept.write()
    expected = [bodies(kept.found(name)) for name in ("q0", "q1")]
    kept.crash()
    assert [bodies(kept.found(name)) for name in ("q0", "q1")] == expected
    kept.found("q0").purge()
    kept.found("q1").purge()
    assert kept.write() == 0
    kept.database.close()


@given(st.sets(st.integers(1, 200), max_size=120))
def test_exactly_the_named_entries_are_deleted(gone: set[int]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(database._TABLES)
        database.insert_entries(connection, [(number, 1, None, None, b"", b"", b"", None) for number in range(1, 201)])
        database.delete_entries(connection, list(gone))
        left = {row[0] for row in connection.execute("SELECT id FROM entry")}
    assert left == set(range(1, 201)) - gone


# --------------------------------------------------------------------------------------------------------- definitions


def test_definitions_come_back(kept: Kept) -> None:
    broker = kept.broker
    vhost = broker.add_vhost("v", {"description": "d", "tags": ["t"], "default_queue_type": "quorum"})
    vhost.limit({"max-queues": 1})
    anne = broker.put_user("anne", "hash", ["monitoring"])
    anne.limit({"max-connections": 7})
    anne.permit("v", Permission("c", "w", "r"))
    anne.permit_topics("v", "amq.topic", TopicPermission("w", "r"))
    vhost.set_policy(Policy("v", "p", "^q", "queues", {"max-length": 3}, 1))
    vhost.set_policy(Policy("v", "op", "^q", "queues", {"max-length": 2}, 1), operator=True)
    vhost.set_parameter("component", "n", {"a": [1]})
    broker.set_global_parameter("cluster_name", "here")
    arguments = {
        "x": b"\xff",
        "when": datetime.fromtimestamp(5, UTC),
        "price": Decimal("1.5"),
        "list": [1, {"a": True}],
    }
    vhost.declare_exchange(None, "e", "topic", durable=True, internal=True, arguments=Arguments(arguments))
    vhost.declare_exchange(None, "gone", "topic")
    queue = vhost.declare_queue(None, "q", durable=True, arguments=Arguments({"x-queue-type": "classic"}))
    vhost.bind(None, "e", Destination("queue", "q"), "a.#", arguments)
    vhost.bind(None, "e", Destination("exchange", "amq.fanout"), "", {})
    assert queue.user
    kept.crash()
    broker = kept.broker
    vhost = broker.vhosts["v"]
    assert vhost.metadata == {"description": "d", "tags": ["t"], "default_queue_type": "quorum"}
    assert vhost.limits == {"max-queues": 1}
    anne = broker.users["anne"]
    assert (anne.tags, anne.limits) == (("monitoring",), {"max-connections": 7})
    assert anne.permissions == {"v": Permission("c", "w", "r")}
    assert anne.topic_permissions("v") == {"amq.topic": TopicPermission("w", "r")}
    assert vhost.parameters == {("component", "n"): {"a": [1]}}
    assert broker.cluster_name == "here"
    assert "gone" not in vhost.exchanges
    assert (vhost.exchanges["e"].internal, dict(vhost.exchanges["e"].arguments)) == (True, arguments)
    assert vhost.queues["q"].max_length == 2
    assert vhost.queues["q"].kind == "classic"
    bindings = [each for each in vhost.router.bindings() if each.source == "e"]
    assert [(each.destination.name, each.key, dict(each.arguments)) for each in bindings] == [
        ("q", "a.#", arguments),
        ("amq.fanout", "", {}),
    ]


@pytest.mark.parametrize(
    "delete",
    [
        lambda broker: broker.delete_vhost("v"),
        lambda broker: (broker.vhost("v").delete_queue(None, "q"), broker.delete_vhost("v")),
    ],
)
def test_everything_of_a_deleted_vhost_goes(kept: Kept, delete: Callable[[Broker], object]) -> None:
    broker = kept.broker
    vhost = broker.add_vhost("v")
    broker.user("guest").permit("v", Permission("", "", ""))
    vhost.set_policy(Policy("v", "p", ".*", "all", {}, 0))
    vhost.set_parameter("c", "n", 1)
    vhost.declare_exchange(None, "e", "direct", durable=True)
    queue = vhost.declare_queue(None, "q", durable=True)
    vhost.bind(None, "e", Destination("queue", "q"), "", {})
    push(queue)
    before = set(kept.store._changes._known)
    delete(broker)
    assert {("vhost", ("v",)), ("queue", ("v", "q"))} <= before - set(kept.store._changes._known)
    assert not [key for _, key in kept.store._changes._known if "v" in key]
    assert kept.write() == 0
    kept.crash()
    assert list(kept.broker.vhosts) == ["/"]
    assert list(kept.broker.users["guest"].permissions) == ["/"]


def test_a_deleted_user_takes_its_permissions_along(kept: Kept) -> None:
    kept.broker.put_user("anne", "", []).permit("/", Permission("", "", ""))
    kept.broker.delete_user("anne")
    kept.broker.put_user("anne", "", [])
    kept.crash()
    assert kept.broker.users["anne"].permissions == {}


# ----------------------------------------------------------------------------------------------------------- the writer


def test_a_batch_is_told_once_it_is_in_the_file(kept: Kept) -> None:
    told: list[tuple[int, int]] = []

    async def scene() -> None:
        def committed(batch: int) -> None:
            told.append((batch, kept.database.execute("SELECT count(*) FROM entry").fetchone()[0]))

        kept.store.committed = committed
        kept.start(asyncio.get_running_loop())
        queue = kept.queue("q")
        for _ in range(3):
            push(queue)
            push(queue)
            kept.store.changed(awaited=True)
            await asyncio.sleep(0.1)
        kept.store.close()

    asyncio.run(scene())
    kept.open()
    assert [rows for _, rows in told] == [2, 4, 6]
    assert [batch for batch, _ in told] == [1, 2, 3]


def test_a_disk_that_refuses_confirms_nothing_until_it_takes_the_batch(kept: Kept) -> None:
    told: list[int] = []
    failing: list[str | None] = []

    async def scene() -> None:
        kept.store.committed = told.append
        kept.store.failing = failing.append
        queue = kept.queue("q")
        pages = kept.database.execute("PRAGMA page_count").fetchone()[0]
        kept.database.execute(f"PRAGMA max_page_count = {pages}")  # the disk is full
        kept.start(asyncio.get_running_loop())
        push(queue, body=bytes(1_000_000))
        kept.store.changed(awaited=True)
        await asyncio.sleep(0.2)
        assert told == []
        assert failing == ["database or disk is full"]
        with pytest.raises(Refusal, match="disk is full") as refused:
            kept.queue("later")
        assert refused.value.reason is Reason.INTERNAL_ERROR
        kept.database.execute("PRAGMA max_page_count = 1000000")
        await asyncio.sleep(1.3)
        assert told[0] == 1
        assert failing == ["database or disk is full", None]
        kept.store.close()

    asyncio.run(scene())
    kept.open()
    assert [len(body) for body in bodies(kept.found("q"))] == [1_000_000]
    assert "later" not in kept.broker.vhosts["/"].queues


# ----------------------------------------------------------------------------------------------------------- the folder


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def damaged(path: Path) -> None:
    kept = Kept(path)
    queue = kept.queue("q")
    for _ in range(100):
        push(queue, body=bytes(2000))
    kept.write()
    kept.database.close()
    data = bytearray(path.read_bytes())
    data[40_000:120_000] = b"\x5a" * 80_000
    path.write_bytes(data)


def newer(path: Path) -> None:
    Kept(path).database.close()
    data = bytearray(path.read_bytes())
    data[60:64] = (99).to_bytes(4, "big")
    path.write_bytes(data)


def foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (damaged, "damaged"),
        (newer, "newer rmqctl"),
        (foreign, "another program"),
        (lambda path: path.write_bytes(b""), "not an SQLite file"),
        (lambda path: path.write_bytes(b"hello" * 1000), "not an SQLite file"),
    ],
)
def test_a_file_that_cannot_be_used_is_left_as_it_was(
    tmp_path: Path, make: Callable[[Path], object], text: str
) -> None:
    path = tmp_path / "broker.sqlite"
    make(path)
    before = contents(tmp_path)
    with pytest.raises(ConfigError, match=text):
        open_database(path, full_sync=False)
    assert contents(tmp_path) == before


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(ConfigError, match=r"it has 'holiday\.jpg'"):
        DataFolder(tmp_path).make()
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_folder_is_private_and_held_by_one(tmp_path: Path) -> None:
    if sys.platform != "win32":
        pytest.importorskip("fcntl")
    folder = DataFolder(tmp_path / "a" / "b")
    assert not folder.is_held()
    folder.make()
    assert folder.path.stat().st_mode & 0o777 == 0o700
    folder.write_state({"pid": 1})
    with folder.held():
        assert folder.state() == {}, "what a killed broker left is not about this one"
        folder.write_state({"pid": 4711})
        assert folder.is_held()
        with pytest.raises(Unavailable, match="pid 4711"), DataFolder(folder.path).held():
            pass
    assert not folder.is_held()
    assert folder.state() == {}


# ----------------------------------------------------------------------------------------- what one row may not prevent


LIKE_OURS: tuple[Any, ...] = (
    {"$bytes": 5},
    {"$bytes": "aGk="},
    {"$time": 1e30},
    {"$decimal": "abc"},
    {"$$x": {"$x": 1}},
    [{"$a": []}],
)


@pytest.mark.parametrize("value", LIKE_OURS)
def test_what_a_client_sets_is_not_taken_for_the_spelling_of_a_type(kept: Kept, value: Any) -> None:
    vhost = kept.broker.vhosts["/"]
    kept.queue("q", custom=value)
    kept.broker.set_global_parameter("g", value)
    vhost.set_parameter("c", "n", value)
    vhost.bind(None, "amq.headers", Destination("queue", "q"), "", {"h": value})
    kept.crash()
    vhost = kept.broker.vhosts["/"]
    assert kept.found("q").arguments["custom"] == value
    assert kept.broker.global_parameters["g"] == value
    assert vhost.parameters["c", "n"] == value
    assert [each.arguments for each in vhost.router.bindings() if each.source] == [{"h": value}]


@pytest.mark.parametrize("value", LIKE_OURS[::2])
def test_an_older_file_has_them_as_they_are(value: Any) -> None:
    assert database.read(json.dumps(value)) in (value, {"$x": {"$x": 1}})


HUGE = 10**400


@pytest.mark.parametrize("kind", ["classic", "quorum"])
@pytest.mark.parametrize("key", ["message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit"])
def test_a_limit_may_have_any_number(kept: Kept, kind: str, key: str) -> None:
    policy = {"pattern": "q", "name": "p", "vhost": "/", "definition": {key: HUGE, "overflow": "reject-publish"}}
    kept.broker.vhosts["/"].set_policy(checked(policy))
    queue = kept.queue("q", **{"x-queue-type": kind, "x-delivery-limit": "abc"} if kind == "quorum" else {})
    kept.broker.vhosts["/"].set_policy(checked({**policy, "name": "op"}), operator=True)
    push(queue, body=b"kept")
    kept.write()
    kept.crash()
    assert bodies(kept.found("q")) == [b"kept"]
    assert kept.broker.vhosts["/"].policies["p"].definition[key] == HUGE


def tampered(kept: Kept, statement: str, *values: Any) -> list[str]:
    """What is told at the next start after a change to the file of a broker that was killed."""
    kept.database.execute(statement, values)
    kept.database.close()
    told: list[str] = []
    kept.open(told.append)
    return told


@pytest.mark.parametrize(
    ("document", "reason"),
    [("[", "damaged"), ("5", "damaged"), ('{"durable":true}', "damaged"), ("\N{PILE OF POO}", "damaged")],
)
@pytest.mark.parametrize("kind", ["user", "permission", "policy", "exchange", "queue", "binding", "parameter"])
def test_the_broker_starts_without_a_definition_that_is_damaged(
    kept: Kept, kind: str, document: str, reason: str
) -> None:
    vhost = kept.broker.vhosts["/"]
    vhost.set_policy(Policy("/", "p", "x", "all", {"max-length": 3}, 1))
    vhost.set_parameter("c", "n", 1)
    vhost.declare_exchange(None, "e", "direct", durable=True)
    vhost.bind(None, "e", Destination("queue", kept.queue("q").name), "", {})
    kept.queue("other")
    (line, *more) = tampered(
        kept, "UPDATE definition SET document = ? WHERE kind = ? AND key NOT LIKE '%other%'", document, kind
    )
    assert kind in line
    assert reason in line
    assert "other" in kept.broker.vhosts["/"].queues
    assert all("is left out" in each for each in more)


def test_the_broker_starts_without_a_definition_that_cannot_be_restored(kept: Kept) -> None:
    queue = kept.queue("q")
    push(queue, body=b"waits")
    kept.queue("other")
    kept.write()
    number, *row = kept.database.execute("SELECT number,kind,key FROM definition WHERE key LIKE '%\"q\"%'").fetchone()
    bad = database.spell({**queue.document(), "user": "u", "arguments": {"x-max-length": "abc"}})
    statement = "UPDATE definition SET document = ?, checksum = ? WHERE number = ?"
    (line,) = tampered(kept, statement, bad, database.definition_checksum(number, *row, bad), number)
    assert line.startswith("queue / q is left out: invalid arg 'x-max-length'")
    assert list(kept.broker.vhosts["/"].queues) == ["other"]
    # It is in the file, with its messages: a later release may know more.
    assert kept.write() == 1
    kept.queue("q")
    kept.crash()
    assert bodies(kept.found("q")) == [b"waits"]


def test_a_vhost_of_which_the_definition_is_damaged_keeps_its_queues(kept: Kept) -> None:
    kept.broker.add_vhost("v").declare_queue(None, "q", durable=True)
    told = tampered(kept, "UPDATE definition SET document = '' WHERE kind = 'vhost' AND key LIKE '%v%'")
    assert list(kept.broker.vhosts["v"].queues) == ["q"]
    assert any("vhost 'v': its definition is damaged" in line for line in told)


COLUMNS = ("queue", "message", "expires", "route", "header", "body", "deaths", "returned", "checksum")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", [4711, None, 0.5, "x", b"\xff"])
def test_a_message_that_is_damaged_is_not_served(kept: Kept, column: str, value: Any) -> None:
    queue, other = kept.queue("q"), kept.queue("other")
    for number in range(3):
        push(queue, body=b"%d" % number)
    push(other, body=b"3")
    kept.write()
    damage = f"UPDATE entry SET {column} = ? WHERE id = 2 AND {column} IS NOT ?"
    if value is None and column in ("queue", "returned", "checksum"):
        return  # The file itself does not take it.
    changed = kept.database.execute(damage, (value, value)).rowcount
    told = tampered(kept, "SELECT 1")
    assert ["1 message is damaged and dropped" in line for line in told] == [True] * changed
    assert bodies(kept.found("q")) == [b"0", b"2"] if changed else [b"0", b"1", b"2"]
    assert bodies(kept.found("other")) == [b"3"]
    assert tampered(kept, "SELECT 1") == []


def test_with_a_body_its_other_queues_lose_it_too(kept: Kept) -> None:
    push(kept.queue("q"), kept.queue("other"), body=b"shared")
    push(kept.found("q"), body=b"sound")
    kept.write()
    told = tampered(kept, "UPDATE entry SET body = x'00' WHERE id = 1")
    assert [line.split(":")[0] for line in told] == ["queue 'q' in vhost '/'", "queue 'other' in vhost '/'"]
    assert bodies(kept.found("q")) == [b"sound"]
    assert bodies(kept.found("other")) == []
    assert kept.write() == 1


def test_checksums_follow_what_changes_later(kept: Kept) -> None:
    """A body that its own queue has let go, and messages that came back."""
    queue, other = kept.queue("q"), kept.queue("other")
    push(queue, other, body=b"shared")
    push(queue, body=b"returned")
    kept.write()
    for _ in range(2):
        entries = [entry for entry in (queue.get(), queue.get()) if entry]
        queue.requeue(entries)
    entry = queue.get()
    assert entry
    queue.settle(entry)
    for _ in range(3):
        told: list[str] = []
        kept.stop(told.append)
        assert told == []
        assert [(each.message.body, each.count) for each in kept.found("q").messages()] == [(b"returned", 2)]
        assert bodies(kept.found("other")) == [b"shared"]


def test_a_file_without_checksums_gets_them(kept: Kept) -> None:
    push(kept.queue("q"), kept.queue("other"), body=b"old")
    kept.write()
    kept.found("q").purge()
    kept.write()
    push(kept.found("q"), body=b"damaged")
    kept.write()
    kept.database.execute("UPDATE entry SET header = 5 WHERE body = ?", (b"damaged",))
    for table in ("definition", "entry"):
        kept.database.execute(f"ALTER TABLE {table} DROP COLUMN checksum")
    assert tampered(kept, "PRAGMA user_version = 1") == ["queue 'q' in vhost '/': 1 message is damaged and dropped"]
    assert bodies(kept.found("other")) == [b"old"]
    push(kept.found("q"), body=b"new")
    kept.write()
    kept.crash()
    assert bodies(kept.found("q")) == [b"new"]
    assert tampered(kept, "UPDATE entry SET body = x'00'") != []


def test_of_a_new_file_nothing_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    open_database(tmp_path / "broker.sqlite", full_sync=False, tell=told.append).close()
    open_database(tmp_path / "broker.sqlite", full_sync=False, tell=told.append).close()
    assert told == []


def test_a_log_that_ends_early_is_told_of(kept: Kept) -> None:
    queue = kept.queue("q")
    for _ in range(10):
        push(queue, body=bytes(100))
        kept.write()
    wal = kept.path.with_name("broker.sqlite-wal")
    data, file = wal.read_bytes(), kept.path.read_bytes()
    kept.database.close()
    frame = 24 + 16_384
    assert len(data) > 32 + 5 * frame
    for at, count in (
        (8, None),
        (18, None),
        (32 + 4 * frame + 100, None),
        (32 + 3 * frame + 9, None),
        (len(data) - 1, None),
    ):
        kept.path.write_bytes(file)
        wal.write_bytes(data[:at] + bytes((data[at] ^ 0xFF,)) + data[at + 1 :])
        told: list[str] = []
        kept.open(told.append)
        assert "broker.sqlite-wal: damaged: the last" in told[0], (at, count)
        kept.database.close()
    for size in (len(data), len(data) - frame + 8):
        kept.path.write_bytes(file)
        wal.write_bytes(data[:size])
        told = []
        kept.open(told.append)
        assert told == [], "it was cut off by the end of the process"
        kept.database.close()
    kept.open()


# ---------------------------------------------------------------------------------------- what the disk does not take


CHANGES: dict[str, Callable[[Broker], object]] = {
    "declare a queue": lambda broker: broker.vhost("/").declare_queue(None, "new", durable=True),
    "declare a queue that expires": lambda broker: broker.vhost("/").declare_queue(
        None, "new", durable=True, arguments=Arguments({"x-expires": 1000})
    ),
    "delete a queue": lambda broker: broker.vhost("/").delete_queue(None, "q"),
    "declare an exchange": lambda broker: broker.vhost("/").declare_exchange(None, "new", "topic", durable=True),
    "delete an exchange": lambda broker: broker.vhost("/").delete_exchange(None, "e"),
    "bind": lambda broker: broker.vhost("/").bind(None, "e", Destination("queue", "q"), "new", {}),
    "unbind": lambda broker: broker.vhost("/").unbind(None, "e", Destination("queue", "q"), "k", {}),
    "set a policy": lambda broker: broker.vhost("/").set_policy(Policy("/", "new", "q", "all", {"max-length": 0}, 9)),
    "clear a policy": lambda broker: broker.vhost("/").clear_policy("p"),
    "set a parameter": lambda broker: broker.vhost("/").set_parameter("c", "new", 1),
    "clear a parameter": lambda broker: broker.vhost("/").set_parameter("c", "n", None),
    "limit a vhost": lambda broker: broker.vhost("/").limit({"max-queues": 1}),
    "clear a limit": lambda broker: broker.vhost("/").unlimit("max-connections"),
    "describe a vhost": lambda broker: broker.vhost("/").describe({"description": "new"}, tracing=True),
    "protect a vhost": lambda broker: broker.vhost("/").protect(True),
    "add a vhost": lambda broker: broker.add_vhost("new"),
    "delete a vhost": lambda broker: broker.delete_vhost("/"),
    "add a user": lambda broker: broker.put_user("new", "", []),
    "change a user": lambda broker: broker.put_user("guest", "new", []),
    "limit a user": lambda broker: broker.user("guest").limit({"max-channels": 1}),
    "delete a user": lambda broker: broker.delete_user("guest"),
    "permit": lambda broker: broker.user("guest").permit("/", Permission("new", "", "")),
    "permit topics": lambda broker: broker.user("guest").permit_topics("/", "amq.topic", TopicPermission("new", "")),
    "clear a permission": lambda broker: broker.user("guest").permit("/", None),
    "set a global parameter": lambda broker: broker.set_global_parameter("new", 1),
    "clear a global parameter": lambda broker: broker.clear_global_parameter("g"),
}


def everything(broker: Broker) -> Any:
    document = export_definitions(broker)
    waits = [bodies(queue) for vhost in broker.vhosts.values() for queue in vhost.queues.values()]
    vhosts = {each.name: (each.metadata, each.limits, each.tracing, each.parameters) for each in broker.vhosts.values()}
    written = json.dumps(
        [document, waits, str(vhosts)], default=lambda it: list(it) if isinstance(it, Iterator) else str(it)
    )
    return json.loads(written)


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("what", CHANGES)
def test_what_the_disk_does_not_take_is_not_done(kept: Kept, what: str, grouped: bool) -> None:
    """`grouped`: the disk is known to refuse, and what is to be written together is not begun."""
    broker, vhost = kept.broker, kept.broker.vhost("/")
    broker.add_vhost("other")
    vhost.declare_exchange(None, "e", "direct", durable=True, auto_delete=True)
    vhost.bind(None, "e", Destination("queue", kept.queue("q").name), "k", {})
    vhost.set_policy(Policy("/", "p", "q", "all", {"max-length": 10}, 1))
    vhost.set_parameter("c", "n", 1)
    vhost.limit({"max-connections": 100})
    broker.set_global_parameter("g", 1)
    push(kept.found("q"), body=b"waits")
    kept.write()
    before = everything(broker)
    disk = kept.store.disk
    kept.store.disk = Refusing(kept.database)
    with pytest.raises(Refusal, match="the disk does not take it") as refused:
        CHANGES[what](broker)
    assert refused.value.reason is Reason.INTERNAL_ERROR
    assert everything(broker) == before
    if grouped:
        with pytest.raises(Refusal, match="the disk does not take it"), kept.store.together():
            pytest.fail("this is not begun")
    kept.store.disk = disk
    kept.write()
    assert everything(broker) == before
    kept.crash()
    assert everything(kept.broker) == before
    CHANGES[what](kept.broker)
    after = everything(kept.broker)
    assert after != before
    kept.write()
    kept.crash()
    assert everything(kept.broker) == after


class Refusing(Disk):
    def write(self, batch: database.Batch) -> None:
        raise sqlite3.OperationalError("database or disk is full")


class Counting(Disk):
    """How many transactions there were."""

    count = 0

    def write(self, batch: database.Batch) -> None:
        self.count += 1
        super().write(batch)


@pytest.mark.parametrize("what", ["delete a queue", "delete an exchange", "unbind", "delete a vhost", "delete a user"])
def test_what_goes_together_goes_in_one_transaction(kept: Kept, what: str) -> None:
    vhost = kept.broker.vhost("/")
    vhost.declare_exchange(None, "e", "direct", durable=True, auto_delete=True)
    vhost.declare_exchange(None, "before", "direct", durable=True, auto_delete=True)
    vhost.bind(None, "before", Destination("exchange", "e"), "k", {})
    vhost.bind(None, "e", Destination("queue", kept.queue("q").name), "k", {})
    push(kept.found("q"))
    disk = kept.store.disk = Counting(kept.database)
    CHANGES[what](kept.broker)
    assert disk.count == 1
    kept.crash()
    if what != "delete a user":
        assert not [each for each in kept.broker.vhosts.values() if {"e", "before"} & each.exchanges.keys()]


def test_what_went_of_its_own_accord_is_written_once_the_disk_takes_it(kept: Kept) -> None:
    queue = kept.broker.vhost("/").declare_queue(None, "q", durable=True, auto_delete=True)
    disk = kept.store.disk
    kept.store.disk = Refusing(kept.database)
    kept.broker.vhost("/").remove_queue(queue)
    with pytest.raises(Refusal):
        kept.queue("other")
    kept.store.disk = disk
    kept.write()
    kept.crash()
    assert list(kept.broker.vhost("/").queues) == []


def test_the_disk_is_tried_before_it_is_said_to_take_changes_again(kept: Kept) -> None:
    failing: list[str | None] = []

    async def scene() -> None:
        kept.store.failing = failing.append
        kept.start(asyncio.get_running_loop())
        disk, kept.store.disk = kept.store.disk, Refusing(kept.database)
        with pytest.raises(Refusal):
            kept.queue("q")
        await asyncio.sleep(1.2)
        assert failing == ["database or disk is full"]
        kept.store.disk = disk
        await asyncio.sleep(1.2)
        assert failing == ["database or disk is full", None]
        kept.store.close()

    asyncio.run(scene())
    kept.open()
