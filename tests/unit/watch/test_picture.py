"""What a watched list and a watched answer look like on a terminal of 80 columns and 24 lines, and on a tiny one."""

import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rmqctl.output.grid import BOXED, LEAN
from rmqctl.output.style import Style
from rmqctl.result import Answer, Rows, Value
from rmqctl.watch.picture import Picture, picture
from rmqctl.watch.screen import Heading, frame

GOLDEN = Path(__file__).parents[2] / "golden" / "watch"
TIME = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HEADING = Heading("list_queues name messages state", "http://localhost:15672", 2.0, TIME)
COLUMNS = ("name", "messages_ready", "messages_unacknowledged", "state")
ALARMING = frozenset({"messages_unacknowledged"})


def queues(*cells: tuple[object, ...]) -> Rows:
    return Rows(COLUMNS, cells, alarming=ALARMING)


BEFORE = queues(("a b/ü", 3, 0, "running"), ("orders\x1b[2J", 1034, 2, "running"), ("old", 7, 0, "idle"))
AFTER = queues(("a b/ü", 15, 1, "running"), ("orders\x1b[2J", 1031, 2, "idle"), ("日本", 1, 0, "running"))
OBJECT = Value({"name": "a b/ü", "messages": 3, "policy": None, "message_stats": {"publish": 10, "ack": 0.5}, "old": 1})
LATER = Value(
    {"name": "a b/ü", "messages": 1, "policy": "ha", "message_stats": {"publish": 12, "ack": 0.75}, "new": []}
)
TEXT = Value({}, "queue 'a b/ü': 3 ready\nconsumed by\n  nobody\n  key 'x'")
TEXT_LATER = Value({}, f"queue 'a b/ü': 4 ready\nconsumed by\n  consumer {'ctag ' * 20}\n  key 'x'")


def pictures(*results: Answer, box: bool = False) -> Picture:
    found = None
    for result in results:
        found = picture(result, found, BOXED if box else LEAN)
    assert found
    return found


def screen(
    *results: Answer,
    color: bool,
    size: tuple[int, int] = (80, 24),
    heading: Heading = HEADING,
    away: bool = False,
    box: bool = False,
) -> str:
    lines = frame(heading, pictures(*results, box=box), Style(color=color), size, away=away)
    assert len(lines) <= size[1]
    return "".join(f"{line.rstrip()}\n" for line in lines).replace("\x1b", "␛")


AWAY = HEADING._replace(
    news="no answer since 05:06:05: http://localhost:15672: connection refused: is the broker running, here?"
)
BACK = HEADING._replace(
    news="answers again since 05:06:35, after 30 s", notes=("warning: the broker collects no statistics",)
)

SCREENS = {
    "first": lambda: screen(BEFORE, color=False),
    "changed": lambda: screen(BEFORE, AFTER, color=False),
    "changed-color": lambda: screen(BEFORE, AFTER, color=True),
    "after": lambda: screen(BEFORE, AFTER, AFTER, color=False),
    "boxed": lambda: screen(BEFORE, AFTER, color=False, box=True),
    "tiny": lambda: screen(BEFORE, AFTER, color=False, size=(30, 6)),
    "away": lambda: screen(BEFORE, AFTER, color=True, heading=AWAY, away=True),
    "back": lambda: screen(BEFORE, AFTER, color=True, heading=BACK),
    "object": lambda: screen(OBJECT, LATER, color=False),
    "object-color": lambda: screen(OBJECT, LATER, color=True),
    "text": lambda: screen(TEXT, TEXT_LATER, color=False),
    "text-color": lambda: screen(TEXT, TEXT_LATER, color=True),
    "long": lambda: screen(
        queues(*((f"q{n}", n, 0, "running") for n in range(50))),
        queues(*((f"q{n}", n + n // 40, 0, "running") for n in range(50))),
        color=False,
    ),
}


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str) -> None:
    assert SCREENS[name]() == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [1, 2, 5, 20, 79, 200])
@pytest.mark.parametrize("height", [1, 2, 3, 5, 24])
@pytest.mark.parametrize("results", [(BEFORE, AFTER), (OBJECT, LATER), (TEXT, TEXT_LATER), (queues(),)])
def test_no_size_is_too_small(width: int, height: int, results: tuple[Answer, ...]) -> None:
    assert 1 <= len(frame(AWAY, pictures(*results), Style(color=True), (width, height))) <= height


def test_numbers_stay_where_they_are_once_there_was_a_difference() -> None:
    def places(text: str) -> set[int]:
        return {match.start() for match in re.finditer(r"running|idle", text)}

    changed, after = screen(BEFORE, AFTER, color=False), screen(BEFORE, AFTER, AFTER, color=False)
    column = {place - changed.rindex("\n", 0, place) for place in places(changed)}
    assert column == {place - after.rindex("\n", 0, place) for place in places(after)}


def test_lines_that_stand_out_do_so_here_too() -> None:
    alarming = TEXT._replace(alarming=frozenset({2}))
    assert "␛[1;33m  nobody␛[0m" in screen(alarming, color=True)
    assert "␛[1;33;7m  nobody *␛[0m" in screen(Value({}, "1\n2\n3"), alarming, color=True)
    assert "␛" not in screen(alarming, color=False)


def test_another_kind_of_answer_is_compared_with_nothing() -> None:
    assert "*" not in screen(TEXT, BEFORE, color=False)
    assert "new" not in screen(OBJECT, AFTER, color=False)
