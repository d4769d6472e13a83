"""What the broker and the network can answer, and what the user is told: one line and an exit code."""

import inspect
import re
import ssl
from typing import Any

import httpx
import pytest

from rmqctl.api.over_httpx import failures

from ..conftest import Broker, run_with

URL = "http://guest:s3cret@localhost:15672"


def refused(reason: Any, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": "e", "reason": reason})


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (refused("Login failed", 401), 77, "user 'guest' was refused: wrong user name or password"),
        (refused("Not_Authorized", 401), 77, "user 'guest' was refused: wrong user name or password"),
        (refused("Not management user", 401), 77, "needs the tag management"),
        (refused("Not administrator user", 401), 77, "needs the tag administrator"),
        (refused("Not monitor user", 401), 77, "needs the tag monitoring"),
        (refused("User can only log in via localhost", 401), 77, "from the broker's own host only"),
        (refused("Access refused.", 401), 77, "refused for user 'guest': Access refused."),
        (refused("User not authorised to access virtual host", 401), 65, "not open to user 'guest'"),
        (refused("Not Found", 404), 65, "virtual host '/' does not exist, or user 'guest' may not see it"),
        (refused("inequivalent arg 'durable' for queue 'q' in vhost '/'"), 65, "inequivalent arg 'durable'"),
        (refused(["not_base64", "!!!"]), 65, "not_base64: !!!"),
        (refused(["invalid_regexp", [40], 1]), 65, "invalid_regexp: (: 1"),
        (refused("&lt;&lt;&quot;nope&quot;&gt;&gt;"), 65, '<<"nope">>'),
        (httpx.Response(400), 65, "virtual host '/' (http://localhost:15672)"),
        (refused("protected from deletion", 412), 65, "protected from deletion"),
        (httpx.Response(405), 70, "does not take this method"),
        (httpx.Response(500), 70, "the broker failed with HTTP 500"),
        (refused("overloaded", 503), 69, "unavailable: overloaded"),
        (refused("slow", 504), 75, "the broker gave up waiting: slow"),
        (httpx.Response(504), 69, "HTTP 504 came from a proxy"),
        (httpx.Response(503, json={"message": "no healthy upstream"}), 69, "HTTP 503 came from a proxy"),
        (httpx.Response(429, text="slow down"), 69, "HTTP 429 came from a proxy"),
        (httpx.Response(502, html="<h1>Bad Gateway</h1>", headers={"server": "nginx"}), 69, "(text/html, from nginx)"),
        (httpx.Response(404, html="<h1>Not Found</h1>"), 69, "HTTP 404 came from a proxy"),
        (httpx.Response(401, html="<h1>Sign in</h1>"), 69, "HTTP 401 came from a proxy"),
        (httpx.Response(200, text="<html>"), 69, "this is no RabbitMQ management API"),
        (httpx.Response(301, headers={"location": "https://x/"}), 69, "redirects to https://x/"),
        (httpx.ConnectError("refused"), 69, "http://localhost:15672: refused"),
        (httpx.ConnectTimeout("slow"), 69, "the host does not answer"),
        (httpx.ReadTimeout("slow"), 75, "no answer within 5 seconds (--timeout)"),
        (httpx.RemoteProtocolError("closed"), 69, "http://localhost:15672: closed"),
    ],
)
def test_one_line_and_an_exit_code(answer: Any, code: int, text: str) -> None:
    ran = run_with("list_exchanges", "--url", URL, "-t", "5", "-q", broker=Broker({"GET /api/exchanges/%2F": answer}))
    assert (ran.exit, ran.out) == (code, "")
    assert text in ran.err
    assert ran.err.startswith("rmqctl: ")
    assert ran.err.count("\n") == 1
    assert "http://localhost:15672" in ran.err
    assert "s3cret" not in ran.err


def test_an_unknown_user_has_a_code_of_its_own() -> None:
    ran = run_with("show", "user", "nope", broker=Broker({"GET /api/users/nope": refused("Not Found", 404)}))
    assert (ran.exit, ran.err) == (67, "rmqctl: user 'nope' does not exist (http://localhost:15672)\n")


@pytest.mark.parametrize("argv", [("-t", "0"), ("--timeout=0",)])
def test_no_time_at_all(argv: tuple[str, ...]) -> None:
    ran = run_with("list_users", *argv)
    assert (ran.exit, ran.err) == (75, "rmqctl: http://localhost:15672: no answer within 0 seconds (--timeout)\n")


def test_no_exception_of_httpx_is_missing() -> None:
    known = {
        item
        for _, item in inspect.getmembers(httpx, inspect.isclass)
        if issubclass(item, Exception) and item.__module__ == "httpx"
    }
    assert len(known) > 20
    assert known == set(failures.TRANSPORT_FAILURES)


def test_a_chain_of_causes_that_leads_back_ends() -> None:
    first, second = httpx.ReadError("gone"), ValueError("gone")
    first.__cause__, second.__cause__ = second, first
    assert failures.of_transport(first, "http://h", None).exit_code == 69


def test_the_cause_of_a_failed_handshake_is_named() -> None:
    error = httpx.ConnectError("failed")
    error.__cause__ = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")
    error.__cause__.reason = "WRONG_VERSION_NUMBER"
    told = failures.of_transport(error, "https://h:15672", None)
    assert told.exit_code == 69
    assert "does not speak TLS" in str(told)


def test_the_next_endpoint_is_asked() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "a":
            raise httpx.ConnectError("down", request=request)
        return httpx.Response(200, json=[{"name": "/", "description": request.headers["authorization"]}])

    ran = run_with("list_vhosts", "--url", "http://a,http://u:p@b", broker=httpx.MockTransport(answer))
    assert (ran.exit, ran.out) == (0, "name\n/\n")
    assert ran.err == "warning: http://a:15672: down; trying http://b:15672\n"


def test_all_endpoints_are_down() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down", request=request)

    ran = run_with("list_vhosts", "--url", "http://a,http://b", broker=httpx.MockTransport(answer))
    assert ran.exit == 69
    assert ran.err.endswith("rmqctl: no broker is reachable: http://a:15672: down; http://b:15672: down\n")


def test_each_endpoint_is_passed_over_once_however_many_requests_run_side_by_side() -> None:
    answers = {f"GET {host}": httpx.ConnectError("down") for host in ("a", "b", "c")}
    ran = run_with("list_queues", "--url", "http://a,http://b,http://c", broker=Broker(answers))
    assert ran.exit == 69
    *warnings, error = ran.err.splitlines()
    assert len(warnings) == len({line.partition(";")[0] for line in warnings}) == 2
    assert error.startswith("rmqctl: no broker is reachable: ")


def test_only_a_broker_that_is_alone_is_one_to_start() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request) from ConnectionRefusedError()

    broker = httpx.MockTransport(answer)
    for url, hint in (("http://localhost", True), ("http://localhost,http://localhost:1", False)):
        assert ("rmqctl broker start" in run_with("list_vhosts", "--url", url, broker=broker).err) is hint


def test_the_log_has_no_credentials() -> None:
    ran = run_with("list_vhosts", "--url", URL, "--verbose", broker=Broker({"GET /api/vhosts": []}))
    assert "GET http://localhost:15672/api/vhosts: 200" in ran.err
    assert "s3cret" not in ran.err


def test_a_token_is_sent_as_it_is() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(200, json=[])

    assert run_with("list_vhosts", "--token", "abc", broker=httpx.MockTransport(answer)).exit == 0
    assert set(seen) == {"Bearer abc"}


def test_the_user_of_a_url_needs_a_password_of_its_own() -> None:
    ran = run_with("list_vhosts", "--url", "http://ops@h")
    assert ran.exit == 64
    assert "no password for user 'ops'" in ran.err


@pytest.mark.parametrize(
    ("host", "hint"), [("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("rabbit.example", False)]
)
def test_where_no_broker_runs_here_one_can_be_started(host: str, hint: bool) -> None:
    error = httpx.ConnectError("refused")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    text = str(failures.of_transport(error, f"http://{host}:15672", None))
    assert "connection refused" in text
    assert ("rmqctl broker start" in text and "rmqctl demo" in text) == hint


@pytest.mark.parametrize("server", ["Cowboy", "nginx"])
@pytest.mark.parametrize("merging", [True, False], ids=["slashes are merged", "slashes are kept"])
def test_a_proxy_that_decodes_slashes_is_named(server: str, merging: bool) -> None:
    """As nginx does with a path in proxy_pass."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = httpx.URL(str(request.url)).path.replace("%2F", "/")
        path = re.sub("/+", "/", path).rstrip("/") if merging else path
        known = {
            "/api/vhosts": [{"name": "/"}],
            "/api/whoami": {"name": "guest", "tags": ["administrator"]},
            "/api/queues": [{"name": "of another virtual host"}],
        }
        if path in known:
            return httpx.Response(200, json=known[path], headers={"server": server})
        return httpx.Response(404, json={"error": "Object Not Found"}, headers={"server": server})

    ran = run_with("show", "queue", "q", broker=httpx.MockTransport(answer))
    assert (ran.exit, "turns %2F in paths into a slash" in ran.err) == (69, True)
    if server == "nginx":
        ran = run_with("list_queues", "name", broker=httpx.MockTransport(answer))
        assert (ran.exit, ran.out, "turns %2F in paths into a slash" in ran.err) == (69, "", True)


def test_what_is_not_there_is_not_there_behind_a_proxy_that_keeps_slashes() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        known = {"/api/vhosts": [{"name": "/"}], "/api/vhosts/%2F": {"name": "/"}}
        body = known.get(request.url.raw_path.decode().partition("?")[0])
        headers = {"server": "nginx"}
        return (
            httpx.Response(200, json=body, headers=headers)
            if body
            else httpx.Response(404, json={"error": "x"}, headers=headers)
        )

    ran = run_with("show", "queue", "q", broker=httpx.MockTransport(answer))
    assert (ran.exit, "does not exist" in ran.err) == (65, True)


@pytest.mark.parametrize(
    "stranger",
    [
        httpx.Response(502, html="<h1>Bad Gateway</h1>"),
        httpx.Response(503, text="upstream connect error"),
        httpx.Response(200, html="<h1>Welcome</h1>"),
        httpx.Response(302, headers={"location": "https://sso.example.com/"}),
        httpx.Response(404, html="<h1>Not Found</h1>"),
        httpx.Response(429, json={"message": "Too many requests"}),
    ],
    ids=lambda answer: str(answer.status_code),
)
def test_the_next_endpoint_is_asked_where_something_else_answers(stranger: httpx.Response) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return stranger if request.url.host == "a" else httpx.Response(200, json=[{"name": "/"}])

    broker = httpx.MockTransport(answer)
    ran = run_with("list_vhosts", "--url", "http://a,http://b", broker=broker)
    assert (ran.exit, ran.out) == (0, "name\n/\n")
    assert ran.err.startswith("warning: http://a:15672: ")
    assert ran.err.endswith("; trying http://b:15672\n")
    # A change may have come through all the same.
    ran = run_with("purge_queue", "q", "--url", "http://a,http://b", broker=broker)
    assert ran.exit == 69
    assert "whether it was done is not known" in ran.err


@pytest.mark.parametrize("name", ["alarms", "certificates", "nodes", "queues", "acks", "all"])
@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503, html="<h1>Service Unavailable</h1>"),
        httpx.Response(503, json={"status": "failed", "reason": "something"}),
        httpx.Response(200, json={}),
        httpx.Response(200, json="ok"),
        httpx.Response(200, content=b'{"status": "o'),
        httpx.Response(200, content=b""),
    ],
    ids=["a page", "no culprits", "nothing in it", "a text", "broken", "empty"],
)
def test_a_check_that_is_not_answered_has_not_passed(name: str, answer: httpx.Response) -> None:
    content, headers = answer.content, answer.headers

    def fresh(_: httpx.Request) -> httpx.Response:  # several requests are under way at the same time
        return httpx.Response(answer.status_code, content=content, headers=headers)

    ran = run_with("check", name, broker=httpx.MockTransport(fresh))
    assert (ran.exit, "internal error" in ran.out) == (3, False), ran
