"""`-` is standard input wherever a file is read."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, run_with

PUBLISH = "POST /api/exchanges/%2F/amq.default/publish"


@pytest.mark.parametrize(
    ("words", "stdin", "payloads"),
    [
        (("--file", "-"), "hi\n", ["hi\n"]),
        (("--lines", "--file", "-"), "one\ntwo\n", ["one", "two"]),
        (("--jsonl", "--file", "-"), '{"payload": "x"}\n', ["x"]),
    ],
)
def test_payloads(words: tuple[str, ...], stdin: str, payloads: list[str]) -> None:
    broker = Broker({PUBLISH: {"routed": True}})
    assert run_with("publish", "-k", "q", *words, broker=broker, stdin=stdin).exit == 0
    assert [json.loads(request.content)["payload"] for request in broker.requests] == payloads


def test_a_payload_and_stdin_are_two_sources() -> None:
    assert run_with("publish", "-k", "q", "--file", "-", "payload").exit == 64


@pytest.mark.parametrize(
    "words",
    [
        ("publish", "-k", "q"),
        ("publish", "-k", "q", "--file", "-"),
        ("publish", "-k", "q", "--lines"),
        ("declare", "-f", "-"),
        ("definitions", "import", "-"),
        ("definitions", "diff", "-", "FILE"),
        ("add_user", "u", "--new-password-file", "-"),
        ("wait", "definitions", "-"),
        ("check", "queues", "--config", "-"),
    ],
)
@pytest.mark.parametrize("password", [("--password-stdin",), ("--password-file", "-")])
def test_standard_input_has_the_password_or_something_else(
    words: tuple[str, ...], password: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text('{"queues": []}')
    words = tuple(str(tmp_path / "file") if word == "FILE" else word for word in words)
    ran = run_with(*words, *password, stdin="secret\n")
    assert (ran.exit, "standard input" in ran.err, "secret" in ran.err) == (64, True, False), ran


def test_the_password() -> None:
    broker = Broker({"GET /api/whoami": {"name": "u", "tags": ["management"]}})
    for words in (("--password-file", "-"), ("--password-stdin",)):
        assert run_with("whoami", "--user", "u", *words, broker=broker, stdin="secret\n").exit == 0
    by_file, by_flag = (request.headers["Authorization"] for request in broker.requests)
    assert by_file == by_flag


def test_a_new_password() -> None:
    broker = Broker({"GET /api/users/u": httpx.Response(404, json=NOT_FOUND), "PUT /api/users/u": None})
    assert run_with("add_user", "u", "--new-password-file", "-", broker=broker, stdin="secret\n").exit == 0
    assert json.loads(broker.requests[-1].content)["password"] == "secret"


def test_the_file_of_checks() -> None:
    for stdin, code in (("[queues]\nno-such-limit = 1\n", 78), ("nonsense", 78)):
        ran = run_with("check", "queues", "--config", "-", stdin=stdin)
        assert (ran.exit in (code, 3), ran.err + ran.out != "") == (True, True), ran


def test_definitions_that_are_waited_for_and_checked() -> None:
    document: dict[str, Any] = {"vhosts": [{"name": "/"}]}
    broker = Broker({"GET /api/definitions": document, "GET /api/overview": {"rabbitmq_version": "4.3.6"}})
    for words in (("wait", "definitions", "-"), ("check", "definitions", "-")):
        assert run_with(*words, broker=broker, stdin=json.dumps(document)).exit == 0


def test_another_tools_configuration() -> None:
    ran = run_with("context", "import", "-", stdin="[host_normal]\nhostname = broker\nport = 15672\n")
    assert (ran.exit, "host_normal" in ran.out) == (0, True), ran
