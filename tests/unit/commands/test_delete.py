"""`delete KIND NAME...`: the request of each kind, what is left out, and what is missing."""

from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, Ran, run_with

ODD = "a/b c%2F é"
ODD_PATH = "a%2Fb%20c%252F%20%C3%A9"
DONE = httpx.Response(204)
MISSING = httpx.Response(404, json=NOT_FOUND)

KINDS = [
    ("queue", f"queues/{ODD_PATH}/{ODD_PATH}", []),
    ("exchange", f"exchanges/{ODD_PATH}/{ODD_PATH}", []),
    ("policy", f"policies/{ODD_PATH}/{ODD_PATH}", []),
    ("operator_policy", f"operator-policies/{ODD_PATH}/{ODD_PATH}", []),
    ("vhost", f"vhosts/{ODD_PATH}", []),
    ("user", f"users/{ODD_PATH}", []),
    ("permissions", f"permissions/{ODD_PATH}/{ODD_PATH}", []),
    ("topic_permissions", f"topic-permissions/{ODD_PATH}/{ODD_PATH}", []),
    ("topic_permissions", f"topic-permissions/{ODD_PATH}/{ODD_PATH}/x", ["--exchange", "x"]),
    ("parameter", f"parameters/c/{ODD_PATH}/{ODD_PATH}", ["--component", "c"]),
    ("global_parameter", f"global-parameters/{ODD_PATH}", []),
    ("shovel", f"parameters/shovel/{ODD_PATH}/{ODD_PATH}", []),
    ("federation_upstream", f"parameters/federation-upstream/{ODD_PATH}/{ODD_PATH}", []),
]


def delete(answers: dict[str, Any], *words: str, **how: Any) -> tuple[Ran, Broker]:
    broker = Broker(answers)
    return run_with("-p", ODD, "delete", *words, broker=broker, **how), broker


@pytest.mark.parametrize(("kind", "path", "words"), KINDS)
def test_one_of_a_kind(kind: str, path: str, words: list[str]) -> None:
    ran, broker = delete({f"DELETE /api/{path}": DONE}, kind, ODD, *words)
    assert ran == Ran(0, f"name\tresult\n{ODD}\tdeleted\n", "")
    assert broker.asked == [f"DELETE /api/{path}"]


@pytest.mark.parametrize(("kind", "path", "words"), KINDS)
def test_one_that_is_not_there(kind: str, path: str, words: list[str]) -> None:
    ran, _ = delete({f"DELETE /api/{path}": MISSING}, kind, ODD, *words)
    assert (ran.exit, ran.out) == (67 if kind == "user" else 65, "")
    assert repr(ODD) in ran.err
    ran, _ = delete({f"DELETE /api/{path}": MISSING}, kind, ODD, *words, "--if-exists")
    assert ran == Ran(0, f"name\tresult\n{ODD}\tnot there\n", "")


def test_conditions_are_the_brokers() -> None:
    _, broker = delete({f"DELETE /api/queues/{ODD_PATH}/q": DONE}, "queue", "q", "--if-empty", "--if-unused")
    assert broker.asked == [f"DELETE /api/queues/{ODD_PATH}/q?if-empty=true&if-unused=true"]
    _, broker = delete({f"DELETE /api/exchanges/{ODD_PATH}/x": DONE}, "exchange", "x", "--if-unused")
    assert broker.asked == [f"DELETE /api/exchanges/{ODD_PATH}/x?if-unused=true"]


def test_a_condition_that_the_broker_cannot_put_into_words() -> None:
    """4.x fails with 500 when it wants to say so of a name beyond ASCII."""
    answers = {f"DELETE /api/queues/{ODD_PATH}/{ODD_PATH}": httpx.Response(500)}
    ran, _ = delete(answers, "queue", ODD, "--if-empty")
    assert (ran.exit, ran.out) == (65, "")
    assert f"queue {ODD!r} in virtual host {ODD!r}: not empty, or in use (HTTP 500)" in ran.err
    assert delete(answers, "queue", ODD)[0].exit == 70


def test_a_protected_virtual_host_comes_with_the_way_out() -> None:
    ran, _ = delete({"DELETE /api/vhosts/v": httpx.Response(412, json={"reason": "it is protected"})}, "vhost", "v")
    assert (ran.exit, ran.out) == (65, "")
    assert "virtual host 'v' is protected from deletion" in ran.err
    assert "disable_vhost_deletion_protection" in ran.err


def test_an_expression_leaves_the_brokers_own_exchanges() -> None:
    rows = [{"name": name, "vhost": ODD} for name in ("", "amq.topic", "x")]
    answers = {f"GET /api/exchanges/{ODD_PATH}": rows, f"DELETE /api/exchanges/{ODD_PATH}/x": DONE}
    ran, _ = delete(answers, "exchange", "--match", ".", "--yes")
    assert ran == Ran(0, "name\tresult\nx\tdeleted\n", "")


def test_a_stream_is_no_other_queue() -> None:
    where = f"/api/queues/{ODD_PATH}/s"
    ran, broker = delete({f"GET {where}": {"type": "quorum"}}, "stream", "s")
    assert (ran.exit, len(broker.requests)) == (65, 1)
    assert "is a quorum queue" in ran.err
    assert delete({f"GET {where}": {"type": "stream"}, f"DELETE {where}": DONE}, "stream", "s")[0].exit == 0


def test_a_user_of_several_topic_permissions_is_one() -> None:
    rows = [{"user": "u", "vhost": ODD, "exchange": name} for name in ("x", "y")]
    answers = {
        f"GET /api/vhosts/{ODD_PATH}/topic-permissions": rows,
        f"DELETE /api/topic-permissions/{ODD_PATH}/u": DONE,
    }
    _, broker = delete(answers, "topic_permissions", "--match", "u", "--yes")
    assert len(broker.requests) == 2


# Limits


def test_a_limit_that_is_not_there() -> None:
    answers = {"GET /api/user-limits/u": [{"user": "u", "value": {"max-channels": 1}}],
               "DELETE /api/user-limits/u/max-channels": DONE}  # fmt: skip
    assert delete(answers, "user_limit", "max-channels", "--username", "u")[0].exit == 0
    ran, _ = delete(answers, "user_limit", "max-connections", "--username", "u")
    assert (ran.exit, "limit 'max-connections' of user 'u' does not exist" in ran.err) == (65, True)
    answers = {f"GET /api/vhost-limits/{ODD_PATH}": []}
    assert delete(answers, "vhost_limit", "max-queues", "--if-exists")[0].exit == 0


# Bindings

BINDINGS = f"/api/bindings/{ODD_PATH}/e/x/q/{ODD_PATH}"
ROWS = [
    {"routing_key": "k", "arguments": {}, "properties_key": "k"},
    {"routing_key": "k", "arguments": {"n": 1}, "properties_key": "k~h/"},
    {"routing_key": "l", "arguments": {}, "properties_key": "l"},
]


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["--routing-key", "l"], ["l"]),
        (["--routing-key", "k", "--arguments", "{}"], ["k"]),
        (["--arguments", '{"n": 1}'], ["k~h%2F"]),
        (["--all", "--yes"], ["k", "k~h%2F", "l"]),
    ],
)
def test_a_binding_by_its_parts(words: list[str], keys: list[str]) -> None:
    answers: dict[str, Any] = {f"GET {BINDINGS}": ROWS} | {f"DELETE {BINDINGS}/{key}": DONE for key in keys}
    ran, broker = delete(answers, "binding", "x", ODD, *words)
    assert (ran.exit, ran.err) == (0, "")
    assert broker.asked[:-1] == [f"DELETE {BINDINGS}/{key}" for key in keys]


def test_several_bindings_are_listed_and_left() -> None:
    ran, broker = delete({f"GET {BINDINGS}": ROWS}, "binding", "x", ODD, "--routing-key", "k")
    assert (ran.exit, ran.out, len(broker.requests)) == (65, "", 1)
    assert "there are 2: routing key 'k', arguments {}; routing key 'k', arguments {'n': 1}; name" in ran.err


def test_no_such_binding() -> None:
    ran, _ = delete({f"GET {BINDINGS}": ROWS}, "binding", "x", ODD, "--routing-key", "z")
    assert (ran.exit, ran.out) == (65, "")
    assert delete({f"GET {BINDINGS}": MISSING}, "binding", "x", ODD, "--if-exists")[0] == Ran(0, "", "")
    exchange = BINDINGS.replace("/q/", "/e/")
    assert delete({f"GET {exchange}": []}, "binding", "x", ODD, "--destination-type", "exchange")[0].exit == 65
    assert delete({}, "binding", "x", ODD, "--destination-type", "zork")[0].exit == 64
