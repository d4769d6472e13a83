"""Conversations of a few seeds hold, what a broker once failed on does, and what is wrong is found out."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rmqctl.broker.amqp import content
from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core import content as core_content
from rmqctl.broker.core.consumer import Consumer
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.vhost import VHost
from rmqctl.broker.management import documents, listing
from tests.fuzz import wire
from tests.fuzz.amqp import TOGETHER, is_stored, kind_of, main, report, try_some
from tests.fuzz.judge import judge
from tests.fuzz.moves import SAY, Move, dumped, loaded
from tests.fuzz.mutations import conversation
from tests.fuzz.shrink import shrink
from tests.fuzz.worlds import alarm
from tests.simulation.simulation import new_folder

# Of basic.recover-async, by pamqp.
pytestmark = pytest.mark.filterwarnings("ignore:This command is deprecated:DeprecationWarning")
SEEDS = (1_000_001, 1_000_002, 1_000_003, 1_000_004)
# Of each seed: a few seconds.
COUNT = 500
# Conversations that are looked at until a fault is found.
_PATIENCE = 1500
FOUND = json.loads(Path(__file__).with_name("corpus").joinpath("amqp.json").read_text())


@pytest.fixture
def folder() -> Iterator[Path]:
    found = new_folder()
    with alarm():
        yield found
    for each in found.iterdir():
        each.unlink()
    found.rmdir()


@pytest.mark.parametrize("seed", SEEDS)
def test_conversations_hold(seed: int, folder: Path) -> None:
    failures = try_some(seed, range(COUNT))
    assert not failures, report(seed, failures[0], folder)


@pytest.mark.parametrize("stored", [False, True], ids=["without a disk", "with a restart"])
@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once(name: str, stored: bool, folder: Path) -> None:
    assert judge([loaded(FOUND[name])], folder, stored=stored) is None


def test_a_conversation_is_always_the_same() -> None:
    """And can be read back."""
    moves = conversation(7, 11)
    assert conversation(7, 11) == moves
    assert loaded(json.loads(dumped(moves))) == moves
    assert conversation(7, 12) != moves


def test_frames_are_cut_where_they_end() -> None:
    frames = [wire.PROTOCOL_HEADER, wire.method(1, 20, 10, "s", b""), wire.frame(wire.BODY, 1, b"\xce")]
    assert wire.cut(b"".join(frames)) == frames
    assert wire.cut(b"".join(frames) + b"\x01") == [*frames, b"\x01"]


def test_shrinking_leaves_what_is_needed() -> None:
    frames = [wire.frame(wire.BODY, number, b"abcdefgh") for number in range(20)]

    def fails(moves: Sequence[Move]) -> bool:
        said = b"".join(each.data for each in moves)
        return wire.frame(wire.BODY, 7, b"abcdefgh")[:3] in said and b"d" in said

    found = shrink([Move(SAY, 0, b"".join(frames))], fails)
    assert found == [Move(SAY, 0, wire.frame(wire.BODY, 7, b"d"))]


def test_a_report_has_the_shortest_moves(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    _forgets_exclusive_queues(monkeypatch)
    failure = try_some(SEEDS[0], range(100))[0]
    said = report(SEEDS[0], failure, folder)
    assert len(said.splitlines()) <= 10
    moves = loaded(json.loads(said.rpartition(" --moves ")[2].strip("'")))
    problem = judge([moves], folder, stored=is_stored(failure.numbers[0]))
    assert problem is not None
    assert kind_of(problem) == kind_of(failure.problem)


# ---------------------------------------------------------------------------------- faults, each of which has to be found


def _raises_at_expiry(patch: pytest.MonkeyPatch) -> None:
    """Headers are not looked at when they come in."""
    patch.setattr(content, "decode_table", lambda data: {})
    patch.setattr(content, "_SOUND", set())


def _forgets_exclusive_queues(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(VHost, "forget_connection", lambda self, owner: None)


def _keeps_consumers(patch: pytest.MonkeyPatch) -> None:
    """Of a client that is gone."""

    def detach(self: Queue, consumer: Consumer) -> bool:
        return consumer in self.consumers

    patch.setattr(Queue, "detach", detach)


def _keeps_connections(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Connection, "lost", Connection.forget_socket)


def _raises_in_a_timer(patch: pytest.MonkeyPatch) -> None:
    def delete_unused(self: Queue) -> None:
        raise RuntimeError(self.name)

    patch.setattr(Queue, "_delete_unused", delete_unused)


def _reads_tables_however_deep(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(core_content, "_DEEPEST", 1_000_000)


def _cannot_write_every_name(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(listing, "encoded", lambda document: documents._dumped(document).encode())


def _takes_long(patch: pytest.MonkeyPatch) -> None:
    bind = VHost.bind

    def slow(self: VHost, *arguments: object) -> object:
        while arguments[3] == "#.#.#.#.a":
            pass
        return bind(self, *arguments)  # type: ignore[arg-type]

    patch.setattr(VHost, "bind", slow)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (_raises_at_expiry, "BadField|malformed|answers 400"),
        (_forgets_exclusive_queues, "exclusive"),
        (_keeps_consumers, "consumer|KeyError|AssertionError|hears"),
        (_keeps_connections, "is left"),
        (_raises_in_a_timer, "RuntimeError"),
        (_reads_tables_however_deep, "RecursionError"),
        (_cannot_write_every_name, "answers 400|UnicodeEncodeError"),
        (_takes_long, "TooLong"),
    ],
)
def test_a_fault_is_found(
    fault: Callable[[pytest.MonkeyPatch], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By conversations that have a broker together, as long runs have them."""
    fault(monkeypatch)
    for start in range(0, _PATIENCE, TOGETHER):
        failures = try_some(SEEDS[0], range(start, start + TOGETHER))
        if failures:
            assert any(word in failures[0].problem for word in words.split("|")), failures
            return
    pytest.fail(f"{fault.__name__} was not found in {_PATIENCE} conversations")


def test_what_only_several_do_together_is_found(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """And the fewest of them are named."""
    opened = VHost.declare_exchange

    def declare(self: VHost, *arguments: Any, **named: Any) -> Any:
        found = opened(self, *arguments, **named)
        declared.setdefault(id(self.node), set()).add(self.name)
        if len(declared[id(self.node)]) > 2:
            raise RuntimeError("three virtual hosts have exchanges")
        return found

    declared: dict[int, set[str]] = {}
    monkeypatch.setattr(VHost, "declare_exchange", declare)
    (failure,) = try_some(SEEDS[0], range(1, TOGETHER))
    assert "three virtual hosts" in failure.problem
    assert len(failure.numbers) == 3
    said = report(SEEDS[0], failure, folder)
    numbers = ",".join(map(str, failure.numbers))
    assert said.splitlines()[-1] == f"python -m tests.fuzz.amqp --seed {SEEDS[0]} --number {numbers}"
    assert main(["--seed", str(SEEDS[0]), "--number", numbers]) == 1
