"""Policies and parameters: the same effect on every broker, rabbitmqctl's exit codes, and explain against the broker."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from .brokers import Ran, rmqctl
from .conftest import Place

VHOST = "policies a/b c%2F é"
NAME = "p/q r%2F ü"
V = "policies%20a%2Fb%20c%252F%20%C3%A9"


class Api:
    """What the broker has, read and written without rmqctl."""

    def __init__(self, place: Place) -> None:
        self.client = httpx.Client(base_url=f"{place.http}/api/", timeout=30, trust_env=False)

    def put(self, path: str, body: object) -> None:
        answer = self.client.put(path, json=body)
        assert answer.is_success, answer.text

    def get(self, path: str) -> Any:
        return self.client.get(path).json()

    def delete(self, path: str) -> None:
        self.client.delete(path)

    def close(self) -> None:
        self.client.close()


@pytest.fixture
def api(place: Place) -> Iterator[Api]:
    api = Api(place)
    api.put(f"vhosts/{V}", {})
    api.put(f"permissions/{V}/guest", {"configure": ".*", "write": ".*", "read": ".*"})
    yield api
    api.delete(f"vhosts/{V}")
    api.close()


def did(place: Place, *arguments: str) -> None:
    ran = rmqctl(*arguments, "-p", VHOST, url=place.http)
    assert (ran.exit, ran.stdout, ran.stderr) == (0, b"", b""), str(ran)


def listed(place: Place, command: str) -> list[Any]:
    """As rabbitmqctl lists it where there is a node, else as rmqctl does."""
    argv = ("-q", command, "-p", VHOST, "--formatter", "json")
    ran = place.node.ctl(*argv) if place.node else rmqctl(*argv, url=place.http)
    assert ran.exit == 0, str(ran)
    rows: list[Any] = json.loads(ran.stdout)
    return rows


@pytest.mark.parametrize("operator", ["", "operator_"])
def test_a_policy_comes_and_goes(place: Place, api: Api, operator: str) -> None:
    del api
    set_it, clear, list_them = f"set_{operator}policy", f"clear_{operator}policy", f"list_{operator}policies"
    more = ("--priority", "3", "--apply-to", "queues")
    for _ in range(2):
        did(place, set_it, NAME, "^ü", '{"max-length": 5}', *more)
        (row,) = listed(place, list_them)
        assert (row["name"], row["pattern"], row["apply-to"], row["priority"]) == (NAME, "^ü", "queues", 3)
        assert json.loads(row["definition"]) == {"max-length": 5}
    did(place, set_it, NAME, "^x", '{"expires": 5}')
    (row,) = listed(place, list_them)
    assert (row["pattern"], row["priority"], json.loads(row["definition"])) == ("^x", 0, {"expires": 5})
    did(place, clear, NAME)
    assert listed(place, list_them) == []
    assert rmqctl(clear, NAME, "-p", VHOST, url=place.http).exit == 69


def test_parameters_come_and_go(place: Place, api: Api) -> None:
    for _ in range(2):
        did(place, "set_parameter", "vhost-limits", "limits", '{"max-queues": 5}')
        (row,) = listed(place, "list_parameters")
        assert (row["component"], row["name"], json.loads(row["value"])) == (
            "vhost-limits",
            "limits",
            {"max-queues": 5},
        )
    did(place, "clear_parameter", "vhost-limits", "limits")
    assert listed(place, "list_parameters") == []
    for value in ('"é"', '{"a": [1, true, null]}'):
        did(place, "set_global_parameter", NAME, value)
        assert {row["name"]: row["value"] for row in api.get("global-parameters")}[NAME] == json.loads(value)
    did(place, "clear_global_parameter", NAME)
    assert NAME not in {row["name"] for row in api.get("global-parameters")}


FAILURES = (
    ("set_policy", "p", "^q", "nope"),
    ("set_policy", "p", "^q", "[1]"),
    ("set_policy", "p", "^q", '{"nope": 1}'),
    ("set_policy", "p", "^q", '{"max-length": 1}', "--apply-to", "nope"),
    ("set_policy", "p", "^q", '{"max-length": 1}', "--priority", "x"),
    ("set_policy", "p", "^q", '{"max-length": 1}', "-p", "no such vhost"),
    ("clear_policy", "nope"),
    ("set_operator_policy", "p", "^q", '{"dead-letter-exchange": "x"}'),
    ("clear_operator_policy", "nope"),
    ("set_parameter", "nope", "x", "1"),
    ("set_parameter", "vhost-limits", "limits", "{}", "-p", "no such vhost"),
    ("clear_parameter", "nope", "x"),
    ("clear_parameter", "policy", "x"),
    ("set_global_parameter", "x", "nope"),
    ("clear_global_parameter", "nope"),
)


def test_what_rabbitmqctl_refuses_is_refused_with_its_exit_code(place: Place) -> None:
    for argv in FAILURES:
        ran = rmqctl(*argv, url=place.http)
        assert ran.exit != 0, str(ran)
        assert (ran.stdout, ran.errors[:8]) == (b"", "rmqctl: "), str(ran)
        if place.node:
            expected = place.node.ctl(*argv)
            assert ran.exit == expected.exit, f"{expected}\n{ran}"


def test_who_may_not(place: Place, api: Api) -> None:
    api.put("users/policies%20low", {"password": "s", "tags": "management"})
    low = place.http.replace("guest:guest@", "policies%20low:s@")
    for argv in (
        ("set_policy", "p", "^q", '{"max-length": 1}'),
        ("clear_policy", "p"),
        ("set_parameter", "a", "b", "1"),
    ):
        ran = rmqctl(*argv, url=low)
        assert ran.exit == 77, str(ran)
    api.delete("users/policies%20low")


def test_helpers(place: Place, api: Api) -> None:
    def definitions() -> dict[str, tuple[int, Any]]:
        return {row["name"]: (row["priority"], row["definition"]) for row in api.get(f"policies/{V}")}

    did(place, "set_policy", "p", "^q", '{"max-length": 5, "expires": 90000}', "--priority", "3")
    did(place, "policies", "declare_override", "p", "--definition", '{"max-length": 1}')
    for _ in range(2):
        did(place, "policies", "declare_blanket", "rest", "--definition", '{"max-length": 9}')
    assert definitions() == {
        "p": (3, {"max-length": 5, "expires": 90000}),
        "overrides.p": (103, {"max-length": 1, "expires": 90000}),
        "rest": (-20, {"max-length": 9}),
    }
    did(place, "policies", "patch", "p", "--definition", '{"max-length": 6}')
    did(place, "policies", "delete_keys", "p", "expires")
    assert definitions()["p"] == (3, {"max-length": 6})
    ran = rmqctl("policies", "delete_keys", "--all", "max-length", "--yes", "-p", VHOST, "-f", "jsonl", url=place.http)
    found = {row["name"]: row["result"] for row in map(json.loads, ran.stdout.splitlines())}
    kept = "skipped: no setting would be left"
    assert (ran.exit, found) == (0, {"p": kept, "overrides.p": "changed", "rest": kept})
    assert definitions()["overrides.p"] == (103, {"expires": 90000})
    did(place, "set_policy", "twin", "^x", '{"expires": 1000}', "--priority", "3", "--apply-to", "exchanges")
    assert names(rmqctl("policies", "conflicting", "name", "-p", VHOST, url=place.http)) == {"p", "twin"}


def names(ran: Ran) -> set[str]:
    assert ran.exit == 0, str(ran)
    return set(ran.text.splitlines()[1:])


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_explain_agrees_with_the_broker(place: Place, api: Api, kind: str) -> None:
    """Overflow makes the difference: a full queue drops its first message, or refuses the next."""
    arguments = {"x-queue-type": kind, "x-max-length": 9, "x-overflow": "drop-head"}
    api.put(f"queues/{V}/q", {"durable": True, "arguments": arguments})
    did(place, "set_policy", "low", "^q", '{"max-length": 5}', "--priority", "1")
    did(place, "set_policy", "high", "^q", '{"max-length": 7, "overflow": "reject-publish"}', "--priority", "3")
    did(place, "set_policy", "streams", "^q", '{"max-age": "7D"}', "--priority", "30")
    did(place, "set_operator_policy", "op", "^q", '{"max-length": 2}')
    ran = rmqctl("explain", "queue", "q", "-p", VHOST, "-f", "jsonl", url=place.http)
    rows = {row["key"]: row for row in map(json.loads, ran.stdout.splitlines())}
    overflow = "drop-head" if kind == "classic" else "reject-publish"
    held = {key: (row["value"], row["from"]) for key, row in rows.items()}
    assert held == {
        "max-age": (None, None),
        "max-length": (2, "operator policy 'op'"),
        "overflow": (overflow, "argument" if kind == "classic" else "policy 'high'"),
    }
    assert {loser["from"] for loser in rows["max-length"]["lost"]} == {"argument", "policy 'high'", "policy 'low'"}
    if kind == "classic":
        for payload in ("1", "2", "3"):
            message = {"properties": {}, "routing_key": "q", "payload": payload, "payload_encoding": "string"}
            api.client.post(f"exchanges/{V}/amq.default/publish", json=message)
        asked = {"count": 9, "ackmode": "ack_requeue_false", "encoding": "auto"}
        got = api.client.post(f"queues/{V}/q/get", json=asked).json()
        assert [message["payload"] for message in got] == ["2", "3"]


def test_an_exchange_is_explained(place: Place, api: Api) -> None:
    api.put(f"exchanges/{V}/x", {"type": "direct", "durable": True, "arguments": {}})
    did(place, "set_policy", "p", "^x", '{"alternate-exchange": "amq.fanout"}', "--apply-to", "exchanges")
    ran = rmqctl("explain", "exchange", "x", "-p", VHOST, url=place.http)
    assert ran.text == "key\tvalue\tfrom\tlost\nalternate-exchange\tamq.fanout\tpolicy 'p'\t\n"
    assert rmqctl("explain", "queue", "nope", "-p", VHOST, url=place.http).exit == 65
