"""--json FIELDS and --jq EXPRESSION, -o beside -f."""

import json
import sys

import pytest

from ..conftest import Broker, Ran, run_with

QUEUES = {
    "GET /api/queues/%2F": [
        {"name": "orders", "vhost": "/", "messages": 3, "state": "running"},
        {"name": "idle", "vhost": "/", "messages": 0, "state": "running"},
    ],
    "GET /api/exchanges/%2F/orders": {"name": "orders", "vhost": "/", "arguments": {"x-delayed-type": "topic"}},
    "GET /api/overview": {"object_totals": {"queues": 2}},
    "GET /api/whoami": {"name": "guest", "tags": ["administrator"]},
}


def ran(*words: str) -> Ran:
    return run_with(*words, broker=Broker(QUEUES))


def test_the_fields_of_a_list_are_its_columns() -> None:
    given = ran("list_queues", "--json", "messages,name")
    assert (given.exit, given.err) == (0, "")
    assert [list(row.items()) for row in json.loads(given.out)] == [
        [("messages", 3), ("name", "orders")], [("messages", 0), ("name", "idle")],
    ]  # fmt: skip
    assert json.loads(ran("list_queues", "name", "messages", "-f", "json").out) == json.loads(given.out)


def test_another_json_format() -> None:
    assert ran("list_queues", "--json", "name", "-o", "jsonl").out == '{"name":"orders"}\n{"name":"idle"}\n'


def test_the_fields_of_an_object() -> None:
    given = ran("show", "exchange", "orders", "--json", "name,arguments.x-delayed-type")
    assert json.loads(given.out) == {"name": "orders", "arguments.x-delayed-type": "topic"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("list_queues", "--json", "nam"), "did you mean 'name'?"),
        (("show", "exchange", "orders", "--json", "vhots"), "--json: there is no field 'vhots'; did you mean 'vhost'?"),
        (("show", "exchange", "orders", "--json", ","), "--json: name the fields"),
        (("list_queues", "name", "--json", "name"), "--json name names the columns"),
        (("list_queues", "--json", "name", "-f", "csv"), "--json goes with the JSON formats, not with csv"),
        (("delete_queue", "orders", "--json", "name"), "--json is for commands that only read"),
    ],
)
def test_what_is_refused(words: tuple[str, ...], told: str) -> None:
    given = ran(*words)
    assert (given.exit, given.out) == (64, "")
    assert told in given.err


def test_jq() -> None:
    pytest.importorskip("jq")
    given = ran("list_queues", "name", "messages", "--jq", ".[] | select(.messages > 0) | .name")
    assert given == Ran(0, "orders\n", "")
    assert ran("list_queues", "--json", "name", "--jq", ".[]").out == '{"name":"orders"}\n{"name":"idle"}\n'
    assert ran("list_queues", "name", "-f", "jsonl", "--jq", ".name").out == "orders\nidle\n"


def test_a_wrong_expression_is_refused_before_anything_is_asked() -> None:
    pytest.importorskip("jq")
    broker = Broker(QUEUES)
    given = run_with("delete_queue", "orders", "--jq", ".[", broker=broker)
    assert (given.exit, given.out, broker.requests) == (64, "", [])
    assert given.err.startswith("rmqctl: --jq: syntax error")
    assert ran("list_queues", "name", "--jq", ".a").exit == 64


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jq", None)
    given = ran("list_queues", "--jq", ".")
    assert (given.exit, given.out, given.err) == (69, "", "rmqctl: --jq needs the package jq: pip install jq\n")


@pytest.mark.parametrize("flag", ["-f", "-o", "--formatter"])
def test_o_is_f(flag: str) -> None:
    assert ran("list_queues", "name", flag, "jsonl").out == '{"name":"orders"}\n{"name":"idle"}\n'
