"""What is kept, in which order, and what a damaged or foreign folder is told. No sockets; the clock stands still."""

import asyncio
import hashlib
import sqlite3
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
from rmqctl.broker.core.errors import Reason, Refusal
from rmqctl.broker.core.exchange import Destination
from rmqctl.broker.core.message import message
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.permissions import Permission, TopicPermission
from rmqctl.broker.core.policies import Policy
from rmqctl.broker.core.queue import Queue
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

    def open(self) -> None:
        self.broker = Broker(Node(lambda: NOW, Seeded()), consumer_timeout=None)
        self.database = open_database(self.path, full_sync=False)
        self.store = Store(Disk(self.database), load(self.broker, self.database))
        self.broker.node.journal = self.store
        if not self.broker.vhosts:
            self.broker.seed()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on the thread writes."""
        self.store.start(loop, ThreadWriter(self.store.disk, loop.call_soon_threadsafe))

    def write(self) -> int:
        """How many rows of messages there are now."""
        self.store.disk.write(self.store._changes.take())
        return int(self.database.execute("SELECT count(*) FROM entry").fetchone()[0])

    def crash(self) -> None:
        """What was not committed is gone, and nothing is said to anybody."""
        self.database.close()
        self.open()

    def stop(self) -> None:
        self.store.close(returned(self.broker))
        self.open()

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
        assert queue.push(shared)


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
    batch = kept.store._changes.take()
    assert (batch.added, batch.adopted, batch.removed) == ({}, [], [])


@pytest.mark.parametrize("first", ["one", "other"])
@pytest.mark.parametrize("written", [True, False])
def test_a_body_is_kept_once_until_its_last_queue_lets_go(kept: Kept, first: str, written: bool) -> None:
    queues = {"one": kept.queue("one"), "other": kept.queue("other")}
    push(queues["one"], queues["other"], body=b"shared")
    if written:
        assert kept.write() == 2
        assert kept.database.execute("SELECT count(body) FROM entry").fetchone() == (1,)
    assert queues.pop(first).purge() == 1
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
    assert "later" in kept.broker.vhosts["/"].queues


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
