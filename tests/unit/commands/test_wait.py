"""`wait queue`, `wait broker`, `wait node`, `wait definitions`."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, Ran, run_with

ONE = "GET /api/queues/shop/a%20b%2F%C3%BC"
ALL = "GET /api/queues/shop"
NAME = "a b/ü"


def wait(answers: dict[str, Any], *words: str, **how: Any) -> tuple[Ran, Broker]:
    broker = Broker({"GET /api/overview": {"node": "rabbit@here"}, **answers})
    ran = run_with("-p", "shop", "--timeout", "0.2", "wait", *words, "--interval", "0.05", broker=broker, **how)
    return ran, broker


def holding(*counts: int) -> dict[str, Any]:
    """A queue that holds so many messages, one number an answer, the last for good."""
    left = list(counts)

    def page(_: httpx.Request) -> httpx.Response:
        count = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(200, json={"items": [{"messages": count}]})

    return {ONE: {"name": NAME, "consumers": 0}, ALL: page}


@pytest.mark.parametrize(
    ("counts", "wish"), [((2, 1, 0), ["--empty"]), ((9, 4), ["--below", "5"]), ((0,), ["--empty", "--exists"])]
)
def test_the_wish_comes_true(counts: tuple[int, ...], wish: list[str]) -> None:
    ran, _ = wait(holding(*counts), "queue", NAME, *wish)
    assert ran == Ran(0, "", "")


def test_the_counts_are_asked_of_the_queue_alone_and_fresh() -> None:
    _, broker = wait(holding(0), "queue", NAME, "--empty")
    assert sorted(broker.asked) == [
        f"{ONE}?columns=name,consumers",
        f"{ALL}?disable_stats=true&enable_queue_totals=true&page=1&page_size=1&use_regex=true"
        "&name=%5Ea%5C%20b%2F%C3%BC%24&columns=messages,messages_ready,messages_unacknowledged",
    ]


@pytest.mark.parametrize(
    ("answers", "wish", "said"),
    [
        (holding(7), ["--empty"], "holds 7 messages"),
        (holding(1), ["--empty"], "holds 1 message"),
        (holding(5), ["--below", "5"], "holds 5 messages"),
        (holding(0), ["--has-consumers"], "has no consumers"),
        ({ONE: httpx.Response(404, json=NOT_FOUND)}, ["--exists"], "does not exist"),
    ],
)
def test_the_time_is_up(answers: dict[str, Any], wish: list[str], said: str) -> None:
    ran, _ = wait(answers, "queue", NAME, *wish)
    url = "http://localhost:15672"
    assert ran == Ran(75, "", f"rmqctl: queue 'a b/ü' in virtual host 'shop' {said} after 0.2 seconds ({url})\n")


def test_a_stream_tells_its_messages_in_its_statistics() -> None:
    answers = {ALL: {"items": [{"name": NAME}]}, ONE: {"name": NAME, "messages": 3}}
    assert wait(answers, "queue", NAME, "--below", "4")[0].exit == 0
    assert wait(answers, "queue", NAME, "--below", "3")[0].exit == 75


def test_a_missing_queue_is_an_error_unless_its_existence_is_the_wish() -> None:
    ran, broker = wait({ONE: httpx.Response(404, json=NOT_FOUND)}, "queue", NAME, "--empty")
    assert ran.exit == 65
    assert len(broker.requests) == 1


def test_a_refused_log_in_is_an_error_at_once() -> None:
    refused = httpx.Response(401, json={"error": "not_authorized", "reason": "Login failed"})
    ran, broker = wait({ONE: refused}, "queue", NAME, "--exists")
    assert ran.exit == 77
    assert len(broker.requests) == 1


def test_a_broker_that_starts_is_waited_for() -> None:
    answers: list[Any] = [httpx.ConnectError("refused"), httpx.Response(200, json={"node": "rabbit@here"})]

    def overview(_: httpx.Request) -> httpx.Response:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    ran, _ = wait({"GET /api/overview": overview}, "broker")
    assert ran == Ran(0, "", "")
    ran, _ = wait({"GET /api/overview": httpx.ConnectError("refused")}, "broker")
    assert ran == Ran(75, "", "rmqctl: the broker does not answer after 0.2 seconds (http://localhost:15672)\n")


def test_a_node() -> None:
    node = "GET /api/nodes/rabbit%40there"
    assert wait({node: {"running": True}}, "node", "rabbit@there")[0].exit == 0
    ran, _ = wait({node: {"running": False}}, "node", "rabbit@there")
    assert (ran.exit, ran.err.partition(" after")[0]) == (75, "rmqctl: node 'rabbit@there' does not run")
    assert wait({"GET /api/nodes/rabbit%40here": {"running": True}}, "node")[0].exit == 0


def test_a_terminal_shows_how_far_it_is() -> None:
    ran, _ = wait(holding(20, 10, 0), "queue", NAME, "--empty", terminal=True)
    assert "\rqueue 'a b/ü' in virtual host 'shop' holds 20 messages\x1b[K" in ran.err
    assert " holds 10 messages, about 0 s to go" in ran.err
    assert ran.err.endswith("\r\x1b[K")


def test_what_for_has_to_be_said() -> None:
    ran, broker = wait({}, "queue", NAME)
    assert ran.exit == 64
    assert broker.requests == []


def test_the_form_of_rabbitmqctl_still_says_what_it_needs() -> None:
    ran, _ = wait({}, "/var/run/rabbitmq.pid")
    assert (ran.exit, ran.out) == (69, "")
    assert ran.err.startswith(
        "rmqctl: wait needs rabbitmqctl on the node: it waits for a process by its pid file; wait queue"
    )


def test_definitions(tmp_path: Path) -> None:
    file = tmp_path / "defs.json"
    file.write_text('{"queues": [{"name": "q", "vhost": "shop"}, {"name": "elsewhere", "vhost": "other"}]}')
    empty: dict[str, Any] = {"queues": []}
    there = {"queues": [{"name": "q", "vhost": "shop", "durable": True, "auto_delete": False, "arguments": {}}]}
    answers = [empty, there]
    ran, broker = wait(
        {"GET /api/definitions": lambda _: httpx.Response(200, json=answers.pop(0))}, "definitions", str(file)
    )
    assert (ran, broker.asked) == (Ran(0, "", ""), ["GET /api/definitions"] * 2)
    ran, _ = wait({"GET /api/definitions": empty}, "definitions", str(file))
    assert (ran.exit, ran.out) == (75, "")
    assert "defs.json: 1 lacking or different, the first queue 'q' after 0.2 seconds" in ran.err
    file.write_text("{")
    ran, broker = wait({}, "definitions", str(file))
    assert (ran.exit, broker.requests) == (65, [])


@pytest.mark.parametrize(
    "argv",
    [
        ["wait", "broker"],
        ["wait", "queue", "q", "--empty"],
        ["wait", "node"],
        ["await_startup"],
        ["await_online_quorum_plus_one"],
    ],
)
def test_a_proxy_without_its_broker_is_waited_for_and_named_at_last(argv: list[str]) -> None:
    gateway = httpx.Response(502, html="<h1>Bad Gateway</h1>", headers={"server": "nginx"})
    ran = run_with(*argv, "--timeout", "0.2", broker=httpx.MockTransport(lambda _: gateway))
    assert (ran.exit, ran.out) == (75, "")
    assert "HTTP 502 came from a proxy" in ran.err
    assert "(waited 0.2 seconds)" in ran.err


def test_the_broker_behind_the_proxy_is_there_at_last() -> None:
    answers = iter([502, 503, 504, 429])

    def answer(_: httpx.Request) -> httpx.Response:
        status = next(answers, None)
        return httpx.Response(200, json={"node": "rabbit@a"}) if status is None else httpx.Response(status, html="<p>")

    assert run_with("wait", "broker", "--interval", "0.05", broker=httpx.MockTransport(answer)).exit == 0
