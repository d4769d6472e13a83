"""publish and get: the requests they make, and what their answers come to."""

import errno
import json
import os
from pathlib import Path

import httpx
import pytest

from ..conftest import Broker, run_with

ODD = "a/b c%2F é"
PUBLISH = "POST /api/exchanges/%2F/amq.default/publish"
GET = "POST /api/queues/%2F/q/get"
CLASSIC = {"GET /api/queues/%2F/q": {"type": "classic"}, "GET /api/overview": {"node": "n", "listeners": []}}
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


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("403 ACCESS_REFUSED - write access to exchange 'amq.default' in vhost '/' refused for user 'u'", 77),
        ("404 NOT_FOUND - no exchange 'e' in vhost '/'", 65),
        ("406 PRECONDITION_FAILED - invalid expiration 'x': no_integer", 65),
        ("rejected Unable to publish message. Check queue limits.", 65),
    ],
)
def test_a_publish_that_is_refused(reason: str, code: int) -> None:
    refusal = httpx.Response(400, json={"error": "bad_request", "reason": reason})
    for words in ((), ("--count", "2")):
        ran = run_with("publish", "-k", "q", "x", *words, broker=Broker({PUBLISH: refusal}))
        assert (ran.exit, reason in ran.err) == (code, True), ran


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
    broker = Broker({**CLASSIC, GET: [MESSAGE]})
    ran = run_with("get", "q", "--count", "5", *flag, broker=broker)
    assert ran.exit == 0
    assert sent(broker) == {"count": 5, "ackmode": mode, "encoding": "auto"}
    assert ran.out.splitlines()[1] == "\tq\tfalse\t{}\t2\tstring\thi"


def test_get_as_jsonl_has_the_properties() -> None:
    broker = Broker({**CLASSIC, GET: [{**MESSAGE, "properties": {"headers": {"a": 1}}}]})
    assert json.loads(run_with("get", "q", "-f", "jsonl", broker=broker).out)["properties"] == {"headers": {"a": 1}}


def test_get_of_a_missing_queue() -> None:
    broker = Broker({**CLASSIC, GET: httpx.Response(404, json={"error": "not_found", "reason": "queue_not_found"})})
    ran = run_with("get", "q", broker=broker)
    assert ran.exit == 65
    assert "queue 'q' in virtual host '/' does not exist" in ran.err


def test_get_takes_one_mode() -> None:
    assert run_with("get", "q", "--ack", "--reject").exit == 64


# Many messages


def test_lines_are_messages() -> None:
    broker = Broker({PUBLISH: {"routed": True}})
    ran = run_with("publish", "-k", "q", "--lines", "--content-type", "a/b", broker=broker, stdin="one\n\nthree")
    assert (ran.exit, ran.out, ran.err) == (0, "", "")
    bodies = [json.loads(request.content) for request in broker.requests]
    assert [body["payload"] for body in bodies] == ["one", "", "three"]
    assert {json.dumps(body["properties"]) for body in bodies} == {'{"content_type": "a/b"}'}


def test_what_the_queue_added_is_not_published_again() -> None:
    headers = {"x-delivery-count": 2, "x-acquired-count": 3, "x-stream-offset": 4, "x-death": [{"queue": "q"}]}
    broker = Broker({PUBLISH: {"routed": True}})
    line = json.dumps({**MESSAGE, "properties": {"headers": headers}})
    assert run_with("publish", "--jsonl", broker=broker, stdin=line).exit == 0
    assert sent(broker)["properties"] == {"headers": {"x-death": [{"queue": "q"}]}}


@pytest.mark.parametrize(
    ("words", "exchange", "key"),
    [
        ((), "ex", "own"),
        (("-k", "k"), "amq.default", "k"),
        (("-e", "e"), "e", "own"),
        (("-e", "e", "-k", "k"), "e", "k"),
    ],
)
def test_what_get_prints_is_published_again(words: tuple[str, ...], exchange: str, key: str) -> None:
    line = {**MESSAGE, "exchange": "ex", "routing_key": "own", "properties": {"priority": 1, "headers": {"a": 1}}}
    lines = [line, {**line, "payload": "/wA=", "payload_encoding": "base64"}, {**line, "properties": []}]
    broker = Broker({f"POST /api/exchanges/%2F/{exchange}/publish": {"routed": True}})
    stdin = "\n".join(map(json.dumps, lines))
    ran = run_with("publish", "--jsonl", "--header", "b=2", *words, broker=broker, stdin=stdin)
    assert (ran.exit, ran.out, ran.err) == (0, "", "")
    bodies = [json.loads(request.content) for request in broker.requests]
    assert bodies[0]["properties"] == {"priority": 1, "headers": {"a": 1, "b": "2"}}
    assert bodies[2]["properties"] == {"headers": {"b": "2"}}
    assert (bodies[1]["payload"], bodies[1]["payload_encoding"]) == ("/wA=", "base64")
    assert {body["routing_key"] for body in bodies} == {key}


@pytest.mark.parametrize(
    "line",
    ["nope", "[]", '{"key": "q"}', '{"payload": "%", "payload_encoding": "base64"}',
     '{"payload": "", "properties": {"priority": "x"}}', '{"payload": "", "properties": {"unknown": 1}}'],
)  # fmt: skip
def test_a_line_that_is_no_message_ends_it(line: str) -> None:
    broker = Broker({PUBLISH: {"routed": True}})
    good = '{"payload": "x", "key": "q"}'
    ran = run_with("publish", "--jsonl", "-f", "json", broker=broker, stdin=f"{good}\n\n{line}\n{good}\n")
    assert (ran.exit, json.loads(ran.out)["routed"], len(broker.requests)) == (3, 1, 1)
    assert ran.err.startswith("rmqctl: stopped after 1 message: line 3 is no message: ")
    ran = run_with("publish", "--jsonl", stdin=line)
    assert (ran.exit, ran.err.startswith("rmqctl: line 1 is no message: ")) == (65, True)


@pytest.mark.parametrize(("kind", "drawn"), [("xterm", True), ("dumb", False)])
def test_a_bar_is_drawn_on_a_terminal_that_can(kind: str, drawn: bool) -> None:
    broker = Broker({PUBLISH: {"routed": True}})
    ran = run_with("publish", "-k", "q", "--lines", broker=broker, stdin="1\n2", terminal=True, environ={"TERM": kind})
    assert (ran.exit, "\x1b[" in ran.err) == (0, drawn)
    assert drawn or ran.err.startswith("Published 2 messages")


def test_some_that_no_queue_takes() -> None:
    answers = iter([True, False, False])
    broker = Broker({PUBLISH: lambda _: {"routed": next(answers)}})
    ran = run_with("publish", "-k", "q", "--lines", "-f", "json", broker=broker, stdin="1\n2\n3\n")
    assert (ran.exit, json.loads(ran.out)) == (
        3, {"published": 3, "routed": 1, "unroutable": 2, "refused": 0, "unconfirmed": 0},
    )  # fmt: skip
    assert ran.err == "rmqctl: no queue took 2 of 3 messages; the first: exchange '', key 'q'\n"
    never = Broker({PUBLISH: {"routed": False}})
    assert run_with("publish", "-k", "q", "x", "--count", "3", broker=never).exit == 65
    assert run_with("publish", "-k", "q", "x", "--count", "3", "--allow-unroutable", broker=never).exit == 0


def test_a_connection_that_breaks_between_messages() -> None:
    answers = iter([{"routed": True}, httpx.ReadError("reset")])
    broker = Broker({PUBLISH: lambda _: next(answers)})
    ran = run_with("publish", "-k", "q", "x", "--count", "5", broker=broker)
    assert (ran.exit, len(broker.requests)) == (3, 2)
    assert ran.err.startswith("rmqctl: stopped after 1 message: ")
    assert "whether it was done is not known" in ran.err


def test_rabbitmqadmins_words() -> None:
    broker = Broker({PUBLISH: {"routed": True}, "POST /api/exchanges/%2F/e/publish": {"routed": True}})
    words = ("exchange=amq.default", "routing_key=q", "payload=a=b", 'properties={"priority": 2}')
    assert run_with("publish", *words, broker=broker).exit == 0
    assert sent(broker) == {
        "routing_key": "q", "properties": {"priority": 2}, "payload": "a=b", "payload_encoding": "string",
    }  # fmt: skip
    words = ("exchange=e", "routing_key=q", "payload=/wA=", "payload_encoding=base64")
    assert run_with("publish", *words, broker=broker).exit == 0
    assert (sent(broker)["payload"], sent(broker)["payload_encoding"]) == ("/wA=", "base64")
    assert run_with("publish", "routing_key=q", broker=broker, stdin="in").exit == 0
    assert sent(broker)["payload"] == "in"
    # With an option for it, the word is a payload.
    assert run_with("publish", "-k", "q", "routing_key=q", broker=broker).exit == 0
    assert sent(broker)["payload"] == "routing_key=q"
    assert run_with("publish", "routing_key=q", "payload=x", "properties=nope").exit == 64


@pytest.mark.parametrize(
    "words",
    [("x", "--lines"), ("--lines", "--jsonl"), ("x", "--file", "f"), ("--from", "d", "--lines"), ("a", "b"),
     ("--lines", "--count", "2"), ("--from", "/nonexistent"), ("x", "--expiration", "soon"), ("--lines", "--file", "/none")],
)  # fmt: skip
def test_words_that_do_not_go_together(words: tuple[str, ...]) -> None:
    assert run_with("publish", "-k", "q", *words).exit == 64


def test_single_properties() -> None:
    broker = Broker({PUBLISH: {"routed": True}})
    words = ("--expiration", "1.5s", "--type", "t", "--priority", "3", "--delivery-mode", "1", "--timestamp", "9")
    assert run_with("publish", "-k", "q", "x", *words, broker=broker).exit == 0
    assert sent(broker)["properties"] == {
        "expiration": "1500", "type": "t", "priority": 3, "delivery_mode": 1, "timestamp": 9,
    }  # fmt: skip


def test_a_dump_is_published_again(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    binary = {
        **MESSAGE,
        "exchange": "e",
        "payload": "/wA=",
        "payload_encoding": "base64",
        "properties": {"priority": 1},
    }
    broker = Broker(
        {
            **CLASSIC,
            GET: [MESSAGE, binary],
            "POST /api/exchanges/%2F/e/publish": {"routed": True},
            PUBLISH: {"routed": True},
        }
    )
    assert run_with("get", "q", "--count", "2", "--dump", str(folder), broker=broker).exit == 0
    assert {file.name for file in folder.iterdir()} == {
        "message-000001", "message-000001.json", "message-000002", "message-000002.json",
    }  # fmt: skip
    assert (folder / "message-000002").read_bytes() == b"\xff\x00"
    assert run_with("publish", "--from", str(folder), broker=broker).exit == 0
    first, second = (json.loads(request.content) for request in broker.requests[2:])
    assert (first["payload"], first["properties"]) == ("hi", {})
    assert (second["payload"], second["payload_encoding"], second["properties"]) == ("/wA=", "base64", {"priority": 1})
    assert [request.url.path for request in broker.requests[2:]] == [
        "/api/exchanges///amq.default/publish", "/api/exchanges///e/publish",
    ]  # fmt: skip
    ran = run_with("get", "q", "--dump", str(folder))
    assert (ran.exit, "message-000001" in ran.err, "give another folder" in ran.err) == (64, True, True)
    (folder / "message-000001").unlink()
    assert "message-000001 is missing" in run_with("publish", "--from", str(folder)).err


def test_a_dump_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    ran = run_with("get", "q", "--dump", str(tmp_path / "dump"), broker=Broker({**CLASSIC, GET: [MESSAGE]}))
    assert (ran.exit, "No space left on device" in ran.err) == (70, True), ran
    assert list((tmp_path / "dump").iterdir()) == []


def test_removed_over_http_with_a_warning_where_amqp_is_out_of_reach() -> None:
    ran = run_with("get", "q", "--ack", broker=Broker({**CLASSIC, GET: [MESSAGE]}))
    assert (ran.exit, ran.err.count("\n")) == (0, 1), ran
    assert "removes messages before they are written" in ran.err


def test_payloads_alone() -> None:
    broker = Broker({**CLASSIC, GET: [MESSAGE, {**MESSAGE, "payload": "eA==", "payload_encoding": "base64"}]})
    assert run_with("get", "q", "--count", "2", "--payload-only", broker=broker).out == "hi\nx\n"
    broker = Broker({**CLASSIC, GET: [MESSAGE]})
    assert run_with("peek", "q", "--payload-only", broker=broker).out == "hi"
    assert sent(broker)["ackmode"] == "ack_requeue_true"


def test_why_a_message_died_in_words() -> None:
    death = {"count": 2, "reason": "expired", "queue": "q", "exchange": "", "routing-keys": ["q"], "time": 0}
    message = {**MESSAGE, "properties": {"priority": 1, "headers": {"x-death": [death], "h": 1}}}
    ran = run_with("get", "q", broker=Broker({**CLASSIC, GET: [message]}), terminal=True)
    assert "\ndied 2 times in queue q (expired, 19" in ran.out
    assert "published to exchange (default) with key q" in ran.out
    assert "x-death" not in ran.out
    ran = run_with("get", "q", "-f", "jsonl", broker=Broker({**CLASSIC, GET: [message]}))
    assert json.loads(ran.out)["properties"]["headers"]["x-death"] == [death]


def test_messages_in_blocks_on_a_terminal() -> None:
    """Nothing of a payload is cut, however long its lines are."""
    payload = "x" * 300
    message = {**MESSAGE, "payload": payload, "payload_bytes": 300}
    ran = run_with("get", "q", "--count", "2", "--color", "never", "--no-pager",
                   broker=Broker({**CLASSIC, GET: [message, message]}), terminal=True)  # fmt: skip
    assert [line[:4] for line in ran.out.splitlines() if line.startswith("──")] == ["── 1", "── 2"]
    assert ran.out.count(f"\n  {payload}\n") == 2
    empty = run_with("get", "q", broker=Broker({**CLASSIC, GET: []}), terminal=True)
    assert (empty.exit, empty.out, empty.err) == (0, "", "The queue has no messages to get.\n")


@pytest.mark.parametrize("death", [None, 5, "x", [5], {}, [{"time": 1e300, "routing-keys": 7}]])
def test_a_header_that_looks_like_a_death(death: object) -> None:
    """Any client may have written it."""
    message = {**MESSAGE, "properties": {"headers": {"x-death": death}}}
    for terminal in (True, False):
        ran = run_with("peek", "q", broker=Broker({**CLASSIC, GET: [message]}), terminal=terminal)
        assert (ran.exit, "internal error" in ran.err) == (0, False), ran


@pytest.mark.parametrize(
    "answer",
    [None, 5, [5], [{}], [{**MESSAGE, "payload": 5}], [{**MESSAGE, "payload_encoding": "rot13"}],
     [{**MESSAGE, "payload_encoding": "base64", "payload": "?"}]],
)  # fmt: skip
def test_what_is_no_message(answer: object) -> None:
    ran = run_with("peek", "q", broker=Broker({**CLASSIC, GET: httpx.Response(200, json=answer)}))
    assert (ran.exit, ran.out) == (69, ""), ran


def test_an_answer_that_does_not_say_whether_it_was_routed() -> None:
    for answer in (None, [], {}, {"routed": "yes"}):
        ran = run_with("publish", "-k", "q", "x", broker=Broker({PUBLISH: httpx.Response(200, json=answer)}))
        assert (ran.exit, "does not say whether" in ran.err) == (69, True), ran


def test_rabbitmqadmins_words_for_get() -> None:
    broker = Broker({**CLASSIC, GET: [MESSAGE]})
    assert run_with("get", "queue=q", "count=3", "ackmode=ack_requeue_false", "encoding=auto", broker=broker).exit == 0
    assert (sent(broker)["count"], sent(broker)["ackmode"]) == (3, "ack_requeue_false")
    for words in (("queue=q", "ackmode=x"), ("queue=q", "count=x"), ("queue=q", "payload_file=f"), ("a", "b")):
        assert run_with("get", *words).exit == 64


def test_messages_of_a_stream_stay() -> None:
    refusal = httpx.Response(400, json={"error": "bad_request", "reason": "540 NOT_IMPLEMENTED"})
    broker = Broker({GET: refusal, "GET /api/queues/%2F/q": {"type": "stream"}})
    ran = run_with("get", "q", "--ack", broker=broker)
    assert (ran.exit, "--offset reads it" in ran.err) == (69, True)
    assert run_with("get", "q", "--offset", "soon").exit == 64
    assert run_with("get", "q", "--offset", "first", "--ack").exit == 64


def test_an_unknown_encoding_is_refused() -> None:
    ran = run_with("get", "queue=q", "encoding=rot13")
    assert (ran.exit, "encoding=rot13: one of auto, base64 is wanted" in ran.err) == (64, True)
