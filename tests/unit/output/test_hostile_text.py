"""Text of others on a terminal: through every command, format and error nothing of it is obeyed."""

import io
import re
import time
from functools import cache
from typing import Any

import httpx
import pytest

from rmqctl import cli
from rmqctl.commands import COMMANDS
from rmqctl.output import FORMATS
from rmqctl.session import Session

from ...fuzz.test_answers_that_lie import SLOW, WITHOUT_ARGUMENTS, Recording, _command
from ..conftest import Broker, Ran, Terminal, run_with

HOSTILE = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\u2066\u200b\x7f\r\x00\u2028z"
HARMFUL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
PLAIN = {"NO_COLOR": "1", "PAGER": "cat"}
KEPT = frozenset(
    (
        "pattern",
        "type",
        "destination_type",
        "status",
        "protocol",
        "state",
        "apply-to",
        "Raft State",
        "Membership",
        "node",
    )
)
"""Words of the broker's own, by which commands take their ways."""


class Hostile(Recording):
    """A broker whose every text is hostile; names that are asked for are answered all the same."""

    def answer(self, request: httpx.Request) -> httpx.Response:
        found = super().answer(request)
        if "json" not in found.headers.get("content-type", ""):
            return found
        return httpx.Response(found.status_code, json=_hostile(found.json()))


def _hostile(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {_hostile_key(name): _hostile(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_hostile(item, key) for item in value]
    return value + HOSTILE if isinstance(value, str) and key not in KEPT else value


def _hostile_key(name: str) -> str:
    return name + HOSTILE if name.startswith("x-") else name


def harmless(ran: Ran) -> bool:
    return not HARMFUL.search(ran.out) and not HARMFUL.search(ran.err)


def _without_progress(ran: Ran) -> Ran:
    """The line that says what is waited for is written over itself."""
    return ran._replace(err=re.sub(r"\r([^\r\n\x1b]*)\x1b\[K", r"\1", ran.err))


@cache
def _ways(name: str) -> list[list[str]]:
    own = [format_ for format_ in COMMANDS[name].formats if format_ != "svg"]
    return [[], *(["-f", each] for each in (*FORMATS, *own))]


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two looks."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.mark.parametrize("name", [name for name in WITHOUT_ARGUMENTS if name not in SLOW])
def test_nothing_that_a_broker_says_is_obeyed(name: str) -> None:
    for way in _ways(name):
        words = [*_command(name)[:9], *way]
        ran = run_with(*words, broker=Hostile("4.3.6"), environ=PLAIN, terminal=True)
        assert "internal error" not in ran.err, (words, ran.err)
        assert harmless(_without_progress(ran)), (words, HARMFUL.findall(ran.out + ran.err))


@pytest.mark.parametrize("name", [name for name in WITHOUT_ARGUMENTS if name not in SLOW])
def test_no_reason_is_obeyed(name: str) -> None:
    for status in (400, 401, 404, 405, 500, 503):
        refusal = {"error": HOSTILE, "reason": f"why {HOSTILE}", "status": "failed"}
        ran = run_with(
            *_command(name)[:9],
            broker=httpx.MockTransport(lambda _, status=status, refusal=refusal: httpx.Response(status, json=refusal)),
            environ=PLAIN,
            terminal=True,
        )
        assert harmless(_without_progress(ran)), (name, status, ran.err)


@pytest.mark.parametrize(
    "argv",
    [
        ["show", "queue", HOSTILE],
        ["declare", "queue", HOSTILE],
        ["delete_queue", HOSTILE],
        ["list_queues", HOSTILE],
        [HOSTILE],
        ["list_queues", "--where", HOSTILE],
        ["list_queues", "-f", HOSTILE],
        ["list_queues", "--url", HOSTILE],
        ["set_policy", HOSTILE, "x", HOSTILE],
        ["add_user", HOSTILE, "x"],
        ["close_connection", HOSTILE, HOSTILE],
        ["definitions", "export", f"/nowhere/{HOSTILE}"],
    ],
)
def test_nothing_in_the_arguments_is_obeyed_either(argv: list[str]) -> None:
    refusal = httpx.Response(400, json={"error": "e", "reason": HOSTILE})
    ran = run_with(*argv, broker=httpx.MockTransport(lambda _: refusal), environ=PLAIN, terminal=True)
    assert ran.exit != 0
    assert harmless(ran), ran.err


def test_what_differs_is_told_without_what_it_would_do() -> None:
    there = {
        "name": "q",
        "vhost": "/",
        "durable": True,
        "auto_delete": False,
        "arguments": {"x-dead-letter-exchange": HOSTILE},
    }
    refusal = httpx.Response(400, json={"error": "bad_request", "reason": "inequivalent arg"})
    answers = {
        "GET /api/queues/%2F/q": there,
        "PUT /api/queues/%2F/q": refusal,
        "GET /api/overview": {"rabbitmq_version": "4.3.6"},
    }
    ran = run_with("declare", "queue", "q", "--dlx", "dlx", broker=Broker(answers), environ=PLAIN, terminal=True)
    assert "\\x1b" in ran.err
    assert harmless(ran)


def test_json_on_a_terminal_is_json_still() -> None:
    import json

    rows = [{"name": HOSTILE + "\U000e0041", "tags": []}]
    ran = run_with(
        "list_users", "name", "-f", "raw_json", broker=Broker({"GET /api/users": rows}), environ=PLAIN, terminal=True
    )
    assert harmless(ran)
    assert json.loads(ran.out)[0]["name"] == rows[0]["name"]


def test_programs_get_every_character() -> None:
    rows = [{"name": HOSTILE, "tags": []}]
    assert HOSTILE in run_with("list_users", broker=Broker({"GET /api/users": rows})).out


def test_the_log_of_a_debugged_error_is_harmless() -> None:
    refusal = httpx.Response(200, content=b"[" + HOSTILE.encode())
    stderr = Terminal()
    session = Session(io.StringIO(), io.StringIO(), stderr, {}, httpx.MockTransport(lambda _: refusal))
    assert cli.run(["list_users", "--debug", "--verbose"], session) == 69
    assert not HARMFUL.search(stderr.getvalue())


def test_bytes_of_a_message_are_shown_and_not_sent() -> None:
    terminal = Terminal()
    session = Session(io.StringIO(), terminal, io.StringIO(), {})
    session.streams.write_bytes(HOSTILE.encode() + b"\xff\n\tz")
    assert not HARMFUL.search(terminal.getvalue())
    assert terminal.getvalue().endswith("\\xff\n\tz")
