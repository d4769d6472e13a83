"""Stores that a disk, a copy or a person has damaged: `python -m tests.fuzz.damaged --seed N --count 500`.

Each number makes a store as a broker leaves it, stopped or killed, damages one or both of its files, and starts on them.
It starts, or says in one line what is wrong. What it serves was published like that; what it lacks it has told of, but
for what ended with a file that was cut off: nobody can know of that.
"""

import argparse
import shutil
import sqlite3
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.exchange import Destination
from rmqctl.broker.core.message import message
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.process.server import returned
from rmqctl.broker.process.system import SystemEntropy
from rmqctl.broker.storage.database import Disk, open_database
from rmqctl.broker.storage.recovery import load
from rmqctl.broker.storage.store import Store
from rmqctl.errors import ConfigError

_NOW = 1_700_000_000.0
_FILE, _LOG = "broker.sqlite", "broker.sqlite-wal"
_ROUNDS = 8
Served = tuple[str, bytes, bytes, bytes]


class Outcome(NamedTuple):
    """`what` happened, and with it the `problem` when that must not be."""

    what: str
    problem: str = ""


class Running:
    """A broker on a file, as `process.run` starts one."""

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self.broker = Broker(Node(lambda: _NOW, SystemEntropy()), consumer_timeout=None)
        database = open_database(path, full_sync=False, tell=self.told.append)
        self.store = Store(Disk(database), load(self.broker, database, self.told.append))
        self.broker.node.journal = self.store
        for vhost in self.broker.vhosts.values():
            for queue in list(vhost.queues.values()):
                queue.restored()
        if not self.broker.vhosts:
            self.broker.seed()

    def write(self) -> None:
        self.store.disk.write(self.store._changes.take(self.store.batch))

    def stop(self) -> None:
        self.store.close(returned(self.broker))

    def serves(self) -> list[Served]:
        return [
            (queue.name, entry.message.route, entry.message.header, entry.message.body)
            for vhost in self.broker.vhosts.values()
            for queue in vhost.queues.values()
            for entry in queue.messages()
        ]


def make(folder: Path, random: Random) -> tuple[set[Served], set[Served]]:
    """Leaves the files of a broker there. Returns all that was ever published, and what waits at the end."""
    running = Running(folder / _FILE)
    vhost = running.broker.vhosts["/"]
    running.broker.put_user("anne", "", ["monitoring"])
    queues = [
        vhost.declare_queue(None, f"q{number}", durable=True, arguments=Arguments({"x-queue-type": kind}))
        for number, kind in enumerate(random.choices(["classic", "quorum"], k=3))
    ]
    for queue in queues:
        vhost.bind(None, "amq.topic", Destination("queue", queue.name), f"{queue.name}.#", {"n": 1})
    published: set[Served] = set()
    for _ in range(_ROUNDS):
        for _ in range(random.randint(1, 25)):
            _publish(random.sample(queues, random.choice([1, 1, 1, 2, 3])), random, published)
        for _ in range(random.randint(0, 10)):
            _take(random.choice(queues), random)
        running.write()
    waiting = set(running.serves())
    if random.random() < 0.3:
        running.stop()
    else:
        files = {name: (folder / name).read_bytes() for name in (_FILE, _LOG)}
        running.store.disk.close()
        for name, data in files.items():
            (folder / name).write_bytes(data)
    return published, waiting


def _publish(queues: list[Queue], random: Random, published: set[Served]) -> None:
    body = random.randbytes(random.choice([0, 1, 20, 20, 300, 5000, 40_000]))
    properties = {"delivery_mode": 2, "message_id": str(random.random()), "headers": {"h": random.random()}}
    shared = message("e", f"k{random.randint(0, 99)}", body, properties)
    for queue in queues:
        queue.push(shared)
        published.add((queue.name, shared.route, shared.header, shared.body))


def _take(queue: Queue, random: Random) -> None:
    entry = queue.get()
    if entry is not None:
        queue.settle(entry) if random.random() < 0.7 else queue.requeue([entry])


# -------------------------------------------------------------------------------------------------------------- damage


def flip_bits(data: bytearray, random: Random) -> None:
    for _ in range(random.choice([1, 1, 2, 5, 50])):
        data[random.randrange(len(data))] ^= 1 << random.randrange(8)


def other_bytes(data: bytearray, random: Random) -> None:
    at = random.randrange(len(data))
    data[at : at + 8] = random.randbytes(len(data[at : at + 8]))


def zero(data: bytearray, random: Random) -> None:
    size = random.choice([16, 512, 4096, 16_384])
    at = random.randrange(len(data)) // size * size
    data[at : at + size] = bytes(len(data[at : at + size]))


def copy_over(data: bytearray, random: Random) -> None:
    """A block of the file stands in the place of another."""
    size = random.choice([512, 4096, 16_384])
    one, other = (random.randrange(len(data)) // size * size for _ in range(2))
    data[one : one + size] = data[other : other + size]


def truncate(data: bytearray, random: Random) -> None:
    del data[random.randrange(len(data)) :]


_KINDS: tuple[Callable[[bytearray, Random], None], ...] = (
    *(flip_bits, flip_bits, other_bytes, zero, copy_over, truncate),
)


def damage(folder: Path, random: Random) -> list[str]:
    """What was done to which file."""
    done = []
    there = [name for name in (_FILE, _LOG) if (folder / name).exists()]
    for name in random.sample(there, random.choice([1, 1, 1, len(there)])):
        kind = random.choice(_KINDS)
        data = bytearray((folder / name).read_bytes())
        if data:
            kind(data, random)
        (folder / name).write_bytes(data)
        done.append(f"{kind.__name__} {name}")
    return done


# ---------------------------------------------------------------------------------------------------------------- judge


def run(number: int, folder: Path) -> Outcome:
    random = Random(f"damaged {number}")
    published, waiting = make(folder, random)
    done = damage(folder, random)
    try:
        return _judge(folder, published, waiting, done)
    except Exception:
        return Outcome("crashed", f"{done}: {traceback.format_exc()}")


def _judge(folder: Path, published: set[Served], waiting: set[Served], done: list[str]) -> Outcome:
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    try:
        running = Running(folder / _FILE)
    except ConfigError as error:
        if len(str(error).splitlines()) != 1:
            return Outcome("refused", f"{done}: more than a line: {error}")
        changed = {each.name: each.read_bytes() for each in folder.iterdir()} != before
        return Outcome("refused", f"{done}: refused, and the files are changed" if changed else "")
    served = running.serves()
    if strange := set(served) - published:
        return Outcome("started", f"{done}: never published: {[each[:2] for each in strange][:3]}")
    lost = waiting - set(served)
    if lost and not running.told and not any(each.startswith("truncate") for each in done):
        return Outcome("started", f"{done}: {len(lost)} of {len(waiting)} messages are gone, and nothing is said")
    running.stop()
    try:
        again = Running(folder / _FILE)
    except ConfigError as error:
        return Outcome("started", f"{done}: not a second time: {error}")
    same = sorted(again.serves()) == sorted(served)
    again.store.disk.close()
    if not same:
        return Outcome("started", f"{done}: a second start serves something else")
    return Outcome("started and told" if running.told else "started with all" if not lost else "started, cut off")


def run_many(numbers: range) -> tuple[Counter[str], list[str]]:
    found: Counter[str] = Counter()
    problems = []
    for number in numbers:
        folder = Path(tempfile.mkdtemp(prefix="damaged-"))
        try:
            outcome = run(number, folder)
        finally:
            shutil.rmtree(folder)
        found[outcome.what] += 1
        if outcome.problem:
            problems.append(f"number {number}: {outcome.problem}")
    return found, problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="the first number")
    parser.add_argument("--count", type=int, default=500)
    options = parser.parse_args()
    found, problems = run_many(range(options.seed, options.seed + options.count))
    print(*problems, sep="\n")
    print(f"SQLite {sqlite3.sqlite_version}:", ", ".join(f"{count} {what}" for what, count in found.most_common()))
    print(f"{options.count} stores, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
