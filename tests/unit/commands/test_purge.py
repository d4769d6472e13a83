"""`purge QUEUE...` and `close connection NAME...`."""

import json
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, Ran, run_with

ODD = "a/b c%2F é"
ODD_PATH = "a%2Fb%20c%252F%20%C3%A9"
DONE = httpx.Response(204)
MISSING = httpx.Response(404, json=NOT_FOUND)


def queues(*rows: dict[str, Any], **more: Any) -> Broker:
    return Broker({
        f"GET /api/queues/{ODD_PATH}": list(rows), "GET /api/overview": {"object_totals": {"queues": len(rows)}}, **more,
    })  # fmt: skip


def contents(name: str) -> str:
    return f"DELETE /api/queues/{ODD_PATH}/{name}/contents"


def test_one_queue_with_its_count() -> None:
    broker = queues({"name": ODD, "messages_ready": 7}, **{contents(ODD_PATH): DONE})
    assert run_with("-p", ODD, "purge", ODD, broker=broker) == Ran(0, f"name\tresult\tmessages\n{ODD}\tpurged\t7\n", "")


def test_by_expression_with_what_failed() -> None:
    rows = [
        {"name": "a", "vhost": ODD, "type": "classic", "messages_ready": 5},
        {"name": "b", "vhost": ODD, "type": "quorum", "messages_ready": 2},
        {"name": "c", "vhost": ODD, "type": "classic", "messages_ready": 0},
        {"name": "s", "vhost": ODD, "type": "stream", "messages_ready": 9},
    ]
    broker = queues(*rows, **{contents("a"): DONE, contents("b"): MISSING})
    ran = run_with("-p", ODD, "purge", "--where", "messages_ready > 0", "--yes", "-f", "json", broker=broker)
    assert ran.exit == 3
    report = json.loads(ran.out)
    assert report["succeeded"] == [{"name": "a", "result": "purged", "messages": 5}]
    assert [each["name"] for each in report["failed"]] == ["b"]


def test_no_such_queue_or_virtual_host() -> None:
    ran = run_with("-p", ODD, "purge", "q", broker=queues(**{contents("q"): MISSING}))
    assert (ran.exit, ran.out) == (65, "")
    assert f"queue 'q' in virtual host {ODD!r} does not exist" in ran.err
    answers = {f"GET /api/queues/{ODD_PATH}": MISSING, "GET /api/overview": {"object_totals": {"queues": 0}}}
    ran = run_with("-p", ODD, "purge", "q", broker=Broker(answers))
    assert (ran.exit, f"virtual host {ODD!r} does not exist" in ran.err) == (65, True)


# close connection

ROWS = [{"name": "h:1 -> h:2", "user": "u", "vhost": "/"}, {"name": "h:3 -> h:4", "user": "v", "vhost": "/"}]
FIRST = "/api/connections/h%3A1%20-%3E%20h%3A2"


def test_a_connection_by_its_name_with_a_reason() -> None:
    broker = Broker({f"DELETE {FIRST}": DONE})
    ran = run_with("close", "connection", "h:1 -> h:2", "--reason", "bye\nnow", broker=broker)
    assert ran == Ran(0, "name\tresult\nh:1 -> h:2\tclosed\n", "")
    assert broker.requests[0].headers["X-Reason"] == "bye now"


def test_a_connection_by_what_its_client_calls_itself() -> None:
    answers = {
        "DELETE /api/connections/app": MISSING, "GET /api/connections/app": MISSING,
        "GET /api/connections": [{"name": "h:1 -> h:2", "user_provided_name": "app"}], f"GET {FIRST}": ROWS[0],
        f"DELETE {FIRST}": DONE,
    }  # fmt: skip
    assert run_with("close", "connection", "app", broker=Broker(answers)).exit == 0


def test_connections_by_expression_of_all_virtual_hosts_unless_one_is_named() -> None:
    broker = Broker({"GET /api/connections": ROWS, f"DELETE {FIRST}": DONE})
    ran = run_with("close", "connection", "--where", "user = u", "--yes", broker=broker)
    assert ran == Ran(0, "name\tresult\nh:1 -> h:2\tclosed\n", "")
    broker = Broker({"GET /api/vhosts/v/connections": ROWS, f"DELETE {FIRST}": MISSING})
    ran = run_with("-p", "v", "close", "connection", "--where", "user = u", "--yes", broker=broker)
    assert ran == Ran(0, "name\tresult\nh:1 -> h:2\tnot there\n", "")


@pytest.mark.parametrize(("words", "code"), [([], 65), (["--if-exists"], 0)])
def test_no_such_connection(words: list[str], code: int) -> None:
    answers = {"DELETE /api/connections/x": MISSING, "GET /api/connections/x": MISSING, "GET /api/connections": []}
    assert run_with("close", "connection", "x", *words, broker=Broker(answers)).exit == code
