"""The whole way: command line, requests, output, end."""

import io
import itertools
import json
import re
import time

import httpx
import pytest

from rmqctl.cli import run
from rmqctl.session import Session
from rmqctl.watch import loop

from ..conftest import NOT_FOUND, Broker, Ran, Terminal

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
QUEUES = "GET /api/queues/%2F"
DOWN = httpx.ConnectError("refused")


def watch(
    *argv: str,
    transport: httpx.BaseTransport,
    times: int,
    terminal: bool = False,
    environ: dict[str, str] | None = None,
) -> Ran:
    """Watches until as many rounds have passed, and then presses Ctrl-C."""
    stream = Terminal if terminal else io.StringIO
    session = Session(stream(), stream(), stream(), environ or {}, transport)
    code = run(argv, interrupted_after(session, times))
    assert isinstance(session.streams.stdout, io.StringIO)
    assert isinstance(session.streams.stderr, io.StringIO)
    return Ran(code, session.streams.stdout.getvalue(), session.streams.stderr.getvalue())


def interrupted_after(session: Session, times: int) -> Session:
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds
        if slept[0] > times - 0.5:
            raise KeyboardInterrupt

    return session._replace(sleep=sleep)


def playing(*counts: object) -> Broker:
    """A broker with one queue that holds so many messages, one number or failure a round, the last for good."""
    left = list(counts)

    def answer(_: httpx.Request) -> httpx.Response:
        count = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(count, Exception):
            raise count
        if isinstance(count, httpx.Response):
            return count
        return httpx.Response(200, json=[{"name": "a b/ü", "vhost": "/", "messages": count}])

    return Broker({QUEUES: answer, "GET /api/overview": {"object_totals": {"queues": 1}}})


def test_a_pipe_gets_every_round() -> None:
    ran = watch(
        "list_queues", "--watch", "1", "name", "messages", "-f", "jsonl", transport=playing(1, 2, 3).transport, times=3
    )
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [(list(row), row["name"], row["messages"]) for row in rows] == [
        (["time", "name", "messages"], "a b/ü", count) for count in (1, 2, 3)
    ]
    assert (ran.exit, ran.err) == (130, "")


def test_an_outage_is_told_on_stderr() -> None:
    busy = httpx.Response(503, json={"error": "busy", "reason": "busy"})
    broker = playing(1, DOWN, DOWN, busy, 4)
    ran = watch("list_queues", "name", "messages", "--watch=1", transport=broker.transport, times=5)
    assert [line.split("\t")[1:] for line in ran.out.splitlines()] == [
        ["name", "messages"],
        ["a b/ü", "1"],
        ["a b/ü", "4"],
    ]
    down, unavailable, back = ran.err.splitlines()
    assert re.fullmatch(r"rmqctl: no answer since \d\d:\d\d:\d\d: http://localhost:15672: refused", down)
    assert "unavailable" in unavailable
    assert re.fullmatch(r"rmqctl: answers again since \d\d:\d\d:\d\d, after \d+ s", back)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (DOWN, 69),
        (httpx.Response(404, json=NOT_FOUND), 65),
        (httpx.Response(401, json={}), 77),
        (httpx.ReadTimeout("late"), 75),
    ],
)
def test_a_first_round_that_fails_ends_as_without_watch(answer: object, code: int) -> None:
    for terminal in (False, True):
        ran = watch("list_queues", "--watch", transport=playing(answer).transport, times=3, terminal=terminal)
        assert (ran.exit, ran.out) == (code, "")
        first = [
            line for line in ran.err.splitlines() if not line.startswith("  ")
        ]  # the rest of a long line is indented
        assert first[-1].startswith("rmqctl: ")


def test_a_log_in_that_is_refused_later_ends_it() -> None:
    ran = watch(
        "list_queues", "name", "--watch=1", transport=playing(1, httpx.Response(401, json={})).transport, times=9
    )
    assert ran.exit == 77
    assert len(ran.out.splitlines()) == 2


def test_the_terminal_is_drawn_in_place_and_left_as_it_was() -> None:
    ran = watch(
        *("list_queues", "name", "messages", "--watch", "1"), transport=playing(3, DOWN, 15).transport, times=3,
        terminal=True, environ={"NO_COLOR": "1"},
    )  # fmt: skip
    assert ran.exit == 130
    assert ran.out.startswith(ENTER)
    assert ran.out.endswith(LEAVE)
    first, away, back = ran.out.split("\x1b[H")[1:]
    assert "a b/ü         3" in first
    assert "no answer since" in away
    assert "refused" in away
    assert "a b/ü         3" in away
    assert "answers again since" in back
    assert "15 +12" in back
    assert ran.err.count("Listing queues") == 0


def test_a_terminal_is_left_before_an_error_is_told() -> None:
    ran = watch(
        "list_queues", "--watch=1", transport=playing(1, httpx.Response(401, json={})).transport, times=9, terminal=True
    )
    assert (ran.exit, ran.out[-len(LEAVE) :]) == (77, LEAVE)
    assert ran.err.startswith("rmqctl: http://localhost:15672: user 'guest' was refused")


@pytest.mark.parametrize("how", [["-f", "jsonl"], ["-f", "table"]])
def test_a_format_for_programs_is_appended_on_a_terminal_too(how: list[str]) -> None:
    ran = watch("list_queues", "name", "--watch=1", *how, transport=playing(1).transport, times=2, terminal=True)
    assert ENTER not in ran.out
    assert ran.out.count("a b/ü") == 2
    assert ran.err == ""


def test_a_terminal_that_cannot_move_its_cursor_gets_rounds_one_after_the_other() -> None:
    ran = watch(
        "list_queues",
        "name",
        "--watch=1",
        transport=playing(1).transport,
        times=2,
        terminal=True,
        environ={"TERM": "dumb"},
    )
    assert "\x1b" not in ran.out


def test_a_check_that_fails_goes_on() -> None:
    failed = httpx.Response(503, json={"status": "failed", "reason": "no", "missing": 1, "port": 1, "ports": []})
    answers = iter((failed, {"status": "ok", "port": 1}))
    broker = Broker({
        "GET /api/health/checks/port-listener/1": lambda _: next(answers),
        "GET /api/overview": {"node": "rabbit@here"},
        "GET /api/nodes": [],
    })  # fmt: skip
    ran = watch("check_port_listener", "1", "--watch=1", transport=broker.transport, times=2)
    assert ran.exit == 130
    assert "No listener for port 1" in ran.out
    assert ran.out.count("\n") == 4


def test_every_round_has_a_time_limit() -> None:
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"]["read"])
        return httpx.Response(200, json=[{"name": "/"}])

    for how in ([], ["--timeout", "5"]):
        watch("list_users", "user", "--watch=1", *how, transport=httpx.MockTransport(answer), times=1)
    assert seen == pytest.approx([60.0, 5.0], abs=1)


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("silent", [0, 1], ids=["at the first question", "later"])
def test_a_silence_is_told_while_it_lasts(monkeypatch: pytest.MonkeyPatch, terminal: bool, silent: int) -> None:
    monkeypatch.setattr(loop, "PATIENCE", 0.05)
    rounds = itertools.count()

    def answer(_: httpx.Request) -> httpx.Response:
        if next(rounds) == silent:
            time.sleep(0.4)
        return httpx.Response(200, json=[{"name": "/"}])

    ran = watch("list_users", "name", "--watch=1", transport=httpx.MockTransport(answer), times=3, terminal=terminal)
    assert (ran.out + ran.err).count("http://localhost:15672 has not answered for 0.05 s; still waiting") == 1


# on a real terminal
