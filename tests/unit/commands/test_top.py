"""top: where it does not start, and why. tests/unit/top has the view itself."""

import sys
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, run_with

TERM = {"TERM": "xterm"}


def test_a_pipe_is_told_what_serves_it() -> None:
    ran = run_with("top", environ=TERM)
    assert (ran.exit, ran.out) == (64, "")
    assert ran.err.splitlines()[0] == (
        "rmqctl: top: standard input, output and error have to be a terminal; list_queues --watch serves a pipe"
    )


def test_so_is_a_terminal_that_cannot_move_its_cursor() -> None:
    ran = run_with("top", terminal=True, environ={"TERM": "dumb"})
    assert ran.exit == 64
    assert "TERM=dumb" in ran.err
    assert "list_queues --watch" in " ".join(ran.err.split())


def test_without_textual_one_line_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)
    ran = run_with("top", terminal=True, environ=TERM)
    assert (ran.exit, ran.out) == (69, "")
    told = "rmqctl: top needs the library textual: pip install 'rmqctl[top]', or '.[top]' in a checkout"
    assert " ".join(ran.err.split()) == told


@pytest.mark.parametrize(
    ("answer", "exit_code", "words"),
    [
        (httpx.Response(401, json={"error": "not_authorised", "reason": "Login failed"}), 77, "user 'guest'"),
        (httpx.ConnectError("refused"), 69, "http://localhost:15672"),
        (httpx.Response(404, json=NOT_FOUND), 65, "virtual host 'nope'"),
    ],
)
def test_what_fails_at_once_is_an_error_like_any_other(answer: Any, exit_code: int, words: str) -> None:
    broker = Broker({"GET /api/whoami": {"tags": "monitoring"}, "GET /api/vhosts/nope": answer})
    ran = run_with("top", "-p", "nope", "--password", "x", broker=broker, terminal=True, environ=TERM)
    lines = [line for line in ran.err.splitlines() if not line.startswith("  ")]  # the rest of a long line is indented
    assert (ran.exit, ran.out, len(lines)) == (exit_code, "", 1)
    assert words in " ".join(ran.err.split())
