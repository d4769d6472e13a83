"""What is read is JSON and nothing else, and whatever there is can be written."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from rmqctl.broker.management.documents import DEEPEST, NotJson, encoded, parse

from .conftest import Api


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    ("data", "document"),
    [
        (b' {"a": [1, -2.5, "\xc3\xbc", null, true]} ', {"a": [1, -2.5, "ü", None, True]}),
        (b'"\\ud83d\\udc07"', "\U0001f407"),
        (b'{"a":1,"b":2,"a":3}', {"a": 1, "b": 2}),
        (b"1e-999", 0.0),
        (b"9" * 4000, int("9" * 4000)),
    ],
)
def test_json_is_read(data: bytes, document: Any) -> None:
    assert parse(data) == document


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b" ", b"{", b"{}x", b"01", b"1.", b"NaN", b"-Infinity", b"[1e999]", b"\xff", b'"\xed\xa0\x80"', b'"\t"'),
        *(b'"\\ud800"', b'["\\udc80"]', b'{"\\udfff":1}', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b"9" * 5000),
        *(b"[" * 100_000, b'{"a":' * 100_000, nested(DEEPEST + 1), b"[" * 500 + b"]" * 500),
    ],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(NotJson):
        parse(data)


def test_there_is_a_depth_that_is_taken() -> None:
    assert parse(nested(DEEPEST - 1)) == json.loads(nested(DEEPEST - 1))


def deep(depth: int) -> Any:
    inner: Any = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"a": "ü\udcff", "b": b"\xff"}, '{"a":"ü\ufffd","b":"\ufffd"}'),
        ("\ud800", '"\ufffd"'),
        ([float("nan"), float("inf"), 10**5000, 1], "[null,null,null,1]"),
        ([Decimal("NaN"), Decimal("1e999"), Decimal("1.5")], "[null,null,1.5]"),
        ({b"a": 1, ("b",): 2}, '{"a":1,"(\'b\',)":2}'),
        ((1, datetime.fromtimestamp(5)), "[1,5]"),
    ],
)
def test_anything_is_written(document: Any, text: str) -> None:
    assert encoded(document).decode() == text


def test_what_is_too_deep_to_be_written_is_cut() -> None:
    assert json.loads(encoded({"deep": deep(5000), "other": 1}))["other"] == 1


@pytest.mark.parametrize("body", [b'{"arguments":{"a":"\\ud800"}}', b'{"arguments":{"a":NaN}}', nested(100_000)])
def test_what_is_no_json_does_not_get_into_lists(api: Api, body: bytes) -> None:
    response = api("PUT", "queues/%2F/q", content=body)
    assert (response.status_code, response.json()["reason"]) == (400, "not_json")
    assert api.get("queues") == []


ARGUMENTS = [5, "x", [1], {"a": None}, {"a": [None]}]


@pytest.mark.parametrize(
    ("method", "path", "body", "field", "wrong"),
    [
        ("PUT", "queues/%2F/new", {}, "durable", [None, 5, "yes", [], {}]),
        ("PUT", "queues/%2F/new", {}, "auto_delete", [None, 5, "yes", [], {}]),
        ("PUT", "queues/%2F/new", {}, "node", [None, 5, True, ["x"], {}]),
        ("PUT", "queues/%2F/new", {}, "arguments", ARGUMENTS),
        ("PUT", "exchanges/%2F/new", {}, "type", [None, 5, True, [], {}]),
        ("PUT", "exchanges/%2F/new", {"type": "direct"}, "internal", [None, 5, "yes", [], {}]),
        ("PUT", "exchanges/%2F/new", {"type": "direct"}, "arguments", ARGUMENTS),
        ("POST", "bindings/%2F/e/amq.topic/e/amq.fanout", {}, "routing_key", [None, 5, True, [], {}]),
        ("POST", "bindings/%2F/e/amq.topic/e/amq.fanout", {}, "arguments", ARGUMENTS),
        ("PUT", "vhosts/new", {}, "tags", [5, {}, {"x": 1}, [["x"]]]),
        ("PUT", "vhosts/new", {}, "default_queue_type", [5, True, ["x"], {"x": 1}]),
        ("PUT", "users/new", {}, "tags", [None, 5, True, {}, [["x"]]]),
        ("PUT", "users/new", {"tags": ""}, "password", [None, 5, True, [], {}]),
        ("PUT", "users/new", {"tags": ""}, "password_hash", [None, 5, True, ["x"], {}, "!"]),
        ("PUT", "users/new", {"tags": ""}, "limits", [5, "x", [1], {"nope": 1}, {"max-channels": "x"}]),
        ("POST", "users/bulk-delete", {}, "users", [None, 5, "guest", {}, [5], [None], [["guest"]]]),
        ("PUT", "topic-permissions/%2F/guest", {"write": "", "read": ""}, "exchange", [None, 5, [], {}]),
        ("PUT", "topic-permissions/%2F/guest", {"exchange": "amq.topic", "read": ""}, "write", [None, 5, [], {}]),
        ("PUT", "parameters/vhost-limits/%2F/limits", {}, "value", [None, 5, "x", [1], {"nope": 1}]),
        ("PUT", "parameters/operator_policy/%2F/p", {}, "value", [None, 5, "x", [], [1], {}, {"pattern": "x"}]),
        ("PUT", "cluster-name", {}, "name", [5, True, [], {}]),
        ("PUT", "global-parameters/cluster_name", {}, "value", [5, True, [], {}]),
        ("POST", "queues/%2F/q/get", {"ackmode": "ack_requeue_true", "encoding": "auto"}, "count", [None, "²", "x", [], True]),
    ],
)  # fmt: skip
def test_a_field_of_the_wrong_type_is_refused_with_a_reason(
    api: Api, method: str, path: str, body: Any, field: str, wrong: list[Any]
) -> None:
    api("PUT", "queues/%2F/q", {})
    before = {kind: api.get(kind) for kind in ("definitions", "queues", "exchanges", "users", "vhosts")}
    for value in wrong:
        response = api(method, path, {**body, field: value})
        assert response.status_code == 400, (value, response.text)
        assert response.json()["reason"]
    assert {kind: api.get(kind) for kind in before} == before


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "health/checks/port-listener/%C2%B2", 400),
        ("GET", "health/checks/certificate-expiration/%C2%B2/days", 400),
        ("GET", "queues?page=%C2%B2", 400),
        ("GET", "queues?page=1_0", 400),
        ("GET", "queues?page=" + "9" * 5000, 400),
        ("GET", "queues?page=1&page=2", 200),
        ("GET", "queues?page=1&use_regex=true&name=" + "(" * 900, 200),
        ("GET", "queues?page=1&use_regex=true&name=a%7B99999999999%7D", 200),
        ("GET", "queues?sort=%FF&columns=%FF", 200),
        ("GET", "queues/%zz", 400),
        ("GET", "queues?%", 400),
        ("GET", "connections/nope/channels", 404),
        ("POST", "bindings/%2F/e/amq.topic/x/q", 400),
    ],
)
def test_odd_paths_and_queries(api: Api, method: str, path: str, status: int) -> None:
    body = {} if method == "POST" else None
    assert api(method, path, body).status_code == status


@pytest.mark.parametrize("properties", [{"timestamp": -1}, {"timestamp": 2**70}, {"priority": 2**70}])
def test_numbers_that_do_not_fit_lose_their_upper_bits(api: Api, properties: Any) -> None:
    api("PUT", "queues/%2F/q", {})
    message = {"routing_key": "q", "properties": properties, "payload": "x", "payload_encoding": "string"}
    assert api("POST", "exchanges/%2F/amq.default/publish", message).json() == {"routed": True}
    for path in ("queues", "queues/%2F/q"):
        api.get(path)
    asked = {"count": 1, "ackmode": "ack_requeue_true", "encoding": "auto"}
    [taken] = api("POST", "queues/%2F/q/get", asked).json()
    assert taken["properties"].keys() == properties.keys()
