"""publish and get: the requests they make, and what their answers come to."""

import json
from pathlib import Path

import httpx
import pytest

from ..conftest import Broker, run_with

ODD = "a/b c%2F é"
PUBLISH = "POST /api/exchanges/%2F/amq.default/publish"
GET = "POST /api/queues/%2F/q/get"
MESSAGE = {
    "payload_bytes": 2, "redelivered": False, "exchange": "", "routing_key": "q", "message_count": 0, "properties": [],
    "payload": "hi", "payload_encoding": "string",
}  # fmt: skip


def sent(broker: Broker) -> dict[str, object]:
    return dict(json.loads(broker.requests[-1].content))


def test_publish_sends_payload_properties_and_headers() -> None:
    broker = Broker({PUBLISH: {"routed": True}})
    words = ("--property", "priority=3", "--header", "a=1", "--header", "b:=1", "--persistent")
    ran = run_with("publish", "-k", "q", "hi", *words, broker=broker)
    assert (ran.exit, ran.out, ran.err) == (0, "", "")
    assert sent(broker) == {
        "routing_key": "q",
        "properties": {"delivery_mode": 2, "priority": 3, "headers": {"a": "1", "b": 1}},
        "payload": "hi",
        "payload_encoding": "string",
    }


def test_publish_takes_odd_names_and_stdin() -> None:
    broker = Broker({"POST /api/exchanges/%2F/a%2Fb%20c%252F%20%C3%A9/publish": {"routed": True}})
    assert run_with("publish", "-e", ODD, "-k", ODD, broker=broker, stdin="from stdin\n").exit == 0
    assert (sent(broker)["routing_key"], sent(broker)["payload"]) == (ODD, "from stdin\n")


def test_publish_sends_bytes_as_base64(tmp_path: Path) -> None:
    broker = Broker({PUBLISH: {"routed": True}})
    file = tmp_path / "payload"
    file.write_bytes(b"\xff\x00")
    assert run_with("publish", "-k", "q", "--file", str(file), broker=broker).exit == 0
    assert (sent(broker)["payload"], sent(broker)["payload_encoding"]) == ("/wA=", "base64")


def test_an_unroutable_message_is_an_error_unless_allowed() -> None:
    broker = Broker({PUBLISH: {"routed": False}})
    ran = run_with("publish", "-k", "q", "hi", broker=broker)
    assert ran.exit == 65
    assert "no queue took the message" in ran.err
    assert run_with("publish", "-k", "q", "hi", "--allow-unroutable", broker=broker).exit == 0


def test_a_broken_connection_leaves_open_whether_it_was_published() -> None:
    broker = Broker({PUBLISH: httpx.ReadError("reset")})
    ran = run_with("publish", "-k", "q", "hi", broker=broker)
    assert ran.exit == 69
    assert "not known" in ran.err
    assert len(broker.requests) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("--property", "colour=red"),
        ("--property", "priority=high"),
        ("--header", "a"),
        ("--header", "a:={"),
        ("--file", "/nonexistent"),
    ],
)
def test_publish_refuses_bad_words_before_any_request(words: tuple[str, ...]) -> None:
    assert run_with("publish", "-k", "q", *(() if "--file" in words else ("hi",)), *words).exit == 64


@pytest.mark.parametrize(
    ("flag", "mode"),
    [
        ((), "ack_requeue_true"),
        (("--requeue",), "ack_requeue_true"),
        (("--ack",), "ack_requeue_false"),
        (("--reject",), "reject_requeue_false"),
    ],
)
def test_get_removes_only_when_asked(flag: tuple[str, ...], mode: str) -> None:
    broker = Broker({GET: [MESSAGE]})
    ran = run_with("get", "q", "--count", "5", *flag, broker=broker)
    assert ran.exit == 0
    assert sent(broker) == {"count": 5, "ackmode": mode, "encoding": "auto"}
    assert ran.out.splitlines()[1] == "\tq\tfalse\t{}\t2\tstring\thi"


def test_get_as_jsonl_has_the_properties() -> None:
    broker = Broker({GET: [{**MESSAGE, "properties": {"headers": {"a": 1}}}]})
    assert json.loads(run_with("get", "q", "-f", "jsonl", broker=broker).out)["properties"] == {"headers": {"a": 1}}


def test_get_of_a_missing_queue() -> None:
    broker = Broker({GET: httpx.Response(404, json={"error": "not_found", "reason": "queue_not_found"})})
    ran = run_with("get", "q", broker=broker)
    assert ran.exit == 65
    assert "queue 'q' in virtual host '/' does not exist" in ran.err


def test_get_takes_one_mode() -> None:
    assert run_with("get", "q", "--ack", "--reject").exit == 64
