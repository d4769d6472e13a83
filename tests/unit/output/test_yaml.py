"""YAML that every reader of YAML takes for the values that went in."""

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as any_

from rmqctl.output import FORMATS
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value

from ..conftest import Broker, run_with

FORMAT = FORMATS["yaml"]
WORDS = ["", "yes", "No", "null", "~", "1", "1e3", "0x1f", "2026-01-31", "a: b", "- a", "#a", "a #b", "'", '"', "\\", "=",
         "\n", "a\nb\n", " a ", "\x85", "\u2028", "\ufeff", "\x7f", "\x9b[31m", "🐇",
         "<<", "*a", "&a", "!a", "%a", "@a", "`"]  # fmt: skip
SCALARS = (
    any_.none()
    | any_.booleans()
    | any_.integers()
    | any_.floats(allow_nan=False)
    | any_.text()
    | any_.sampled_from(WORDS)
)
DATA = any_.recursive(
    SCALARS, lambda inner: any_.lists(inner) | any_.dictionaries(any_.text() | any_.sampled_from(WORDS), inner)
)


def value(data: object) -> str:
    return "".join(FORMAT.load().value(Value(data), Style()))


@given(DATA)
def test_round_trip(data: object) -> None:
    assert yaml.safe_load(value(data)) == data
    assert yaml.safe_load(FORMAT.on_terminal(value(data))) == data


def test_not_a_number() -> None:
    assert math.isnan(yaml.safe_load(value(math.nan)))


def test_looks_like_yaml() -> None:
    data = {"name": "a.b-c", "arguments": {}, "rate": 1e100, "on": "on", "tags": ["x", {"n1": [1, 2]}]}
    assert value(data) == (
        'name: a.b-c\narguments: {}\nrate: 1.0e+100\n"on": "on"\ntags:\n  - x\n  - n1:\n      - 1\n      - 2\n'
    )


@pytest.mark.parametrize("count", [0, 1, 2500])
def test_rows_stream(count: int) -> None:
    rows = Rows(("name", "arguments"), [(f"q{number}", {"x": [number]}) for number in range(count)])
    assert yaml.safe_load("".join(FORMAT.load().rows(rows, Style()))) == [
        {"name": f"q{number}", "arguments": {"x": [number]}} for number in range(count)
    ]


def test_of_a_list() -> None:
    found: list[dict[str, Any]] = [{"name": "orders", "vhost": "/", "arguments": {"x-max-priority": 5}}]
    broker = Broker({"GET /api/queues/%2F": found, "GET /api/overview": {"object_totals": {"queues": 1}}})
    ran = run_with("list_queues", "name", "arguments", "-o", "yaml", broker=broker)
    assert (ran.exit, ran.err) == (0, "")
    assert ran.out == "- name: orders\n  arguments:\n    x-max-priority: 5\n"
