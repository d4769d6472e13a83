"""A format is known by its facts: one that is added to the table works wherever results are written."""

import json
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import httpx
import pytest

from rmqctl.output import FORMATS, Format
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value

from ..conftest import Broker, run_with
from ..graph.world import world
from ..watch.test_watch import ENTER, playing, watch

NAME = "paper"
LISTED = {
    "GET /api/queues/%2F": [{"name": name, "vhost": "/"} for name in "ab"],
    "GET /api/overview": {"object_totals": {"queues": 2}},
    "DELETE /api/queues/%2F/a": None,
    "DELETE /api/queues/%2F/b": httpx.Response(400, json={"error": "bad_request", "reason": "in use"}),
}


def rows(result: Rows, style: Style) -> Iterator[str]:
    yield from (f"row {json.dumps(dict(zip(result.columns, map(str, row), strict=True)))}\n" for row in result.cells)


def value(result: Value, style: Style) -> Iterator[str]:
    yield f"value {json.dumps(result.data, default=str)}\n"


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Adds a format with the facts given, and its module."""

    def added(**facts: Any) -> None:
        module = ModuleType(f"rmqctl.output.{NAME}")
        module.__dict__.update(rows=rows, value=value)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(FORMATS, NAME, Format(NAME, **facts))

    return added


def printed(*argv: str, broker: Broker) -> list[tuple[str, Any]]:
    ran = run_with(*argv, "-f", NAME, broker=broker)
    assert (ran.exit, ran.err) == (0, ""), ran
    return [(kind, json.loads(data)) for kind, _, data in (line.partition(" ") for line in ran.out.splitlines())]


def test_a_structured_one_gets_whole_answers(add: Any) -> None:
    add(native=True, nested=True, for_programs=True)
    ((kind, data),) = printed("check", "alarms", broker=Broker({"GET /api/health/checks/alarms": {"status": "ok"}}))
    assert (kind, data["status"], data["findings"]) == ("value", "OK", [])
    ((kind, data),) = printed("topology", broker=world())
    assert (kind, {"exchanges", "queues"} <= data.keys()) == ("value", True)
    ((kind, data),) = printed("topology", "--trace", "orders", "k", broker=world())
    assert (kind, "queues" in data) == ("value", True)
    ran = run_with("delete", "queue", "a", "b", "--yes", "-f", NAME, broker=Broker(LISTED))
    kind, _, text = ran.out.partition(" ")
    assert (ran.exit, kind, [row["name"] for row in json.loads(text)["failed"]]) == (3, "value", ["b"])


def test_one_of_rows_that_can_be_written_as_they_come(add: Any) -> None:
    add(streams=True)
    assert {kind for kind, _ in printed("topology", broker=world())} == {"row"}
    ran = run_with("delete", "queue", "a", "b", "--yes", "-f", NAME, broker=Broker(LISTED))
    assert sorted(ran.out.splitlines())[0] == 'row {"name": "a", "result": "deleted"}'
    assert f"jsonl, yaml, csv, kvp, markdown or {NAME}\n" in run_with("consume", "q", "-f", "json").err


@pytest.mark.parametrize("frame", ["", "boxed"])
def test_watch_draws_it_in_place_if_it_can_be_drawn(add: Any, frame: str) -> None:
    add(native=True, nested=True, frame=frame)
    words = ("list_queues", "--watch", "1", "name", "messages", "-f", NAME)
    ran = watch(*words, transport=playing(1, 2).transport, times=2, terminal=True, environ={"TERM": "xterm"})
    assert (ENTER in ran.out) == bool(frame)
    if not frame:
        assert [json.loads(line[4:])["messages"] for line in ran.out.splitlines()] == ["1", "2"]
