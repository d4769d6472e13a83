"""The transport over real sockets: connections kept and lost, answers slow, cut and chunked, and proxies."""

import gc
import gzip
import json
import re
import socket
import ssl
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx
import pytest

from rmqctl import __version__
from rmqctl.api import answers, wire
from rmqctl.api.client import Client
from rmqctl.api.over_httpx import exchange, transport
from rmqctl.api.over_httpx.transport import HttpTransport
from rmqctl.errors import BrokenAnswer, ConfigError, NotFound, RmqctlError, TimedOut, Unreachable
from rmqctl.settings import Settings, parse_urls

PATIENCE = 20.0
"""Seconds for what takes none, unless the test fails."""

Handler = Callable[[socket.socket, int], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[]"


class Server:
    """Hands each connection to `handler` with its number, from 0. `heads` are the request heads that came."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.heads: list[str] = []
        self._open: list[tuple[socket.socket, threading.Thread]] = []
        self._closing = False
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def connections(self) -> int:
        return len(self._open)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing:
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=(connection, len(self._open)), daemon=True)
            self._open.append((connection, thread))
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):  # the client has left
            self._handler(connection, number)

    def head(self, connection: socket.socket) -> str:
        """Reads one request head; "" when the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return ""
            data += more
        self.heads.append(data.decode("latin-1"))
        return self.heads[-1]

    def wait_for_a_head(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.heads:
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def settle(self) -> None:
        """Waits until the handlers have ended and their connections are closed."""
        for _, thread in self._open:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def close(self) -> None:
        self._closing = True
        socket.create_connection(self._listener.getsockname()).close()  # wakes the acceptor
        self._acceptor.join(PATIENCE)
        self._listener.close()
        for connection, _ in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes its handler
        self.settle()


@contextmanager
def serving(make: Callable[["Server"], Handler]) -> Iterator[Server]:
    server = Server(lambda connection, number: make(server)(connection, number))
    try:
        yield server
    finally:
        server.close()


@contextmanager
def nobody() -> Iterator[int]:
    """A port that nobody listens on, nor will meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def answering(*answers: bytes) -> Callable[[Server], Handler]:
    """Every connection sends the answers in turn, one a request, and then closes."""

    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            for answer in answers:
                if not server.head(connection):
                    return
                connection.sendall(answer)

        return handle

    return make


@contextmanager
def client_of(url: str, timeout: float | None = PATIENCE) -> Iterator[Client]:
    settings = Settings(endpoints=parse_urls(url), timeout=timeout)
    client = Client(settings, password=lambda *_: "guest", warn=lambda line: None)
    try:
        yield client
    finally:
        client.close()


# --------------------------------------------------------------------------------------------- connections kept and lost


def test_the_connection_is_kept_for_the_next_request() -> None:
    with serving(answering(OK, OK, OK)) as server, client_of(server.url) as client:
        assert [client.get("/api/a"), client.get("/api/b"), client.get("/api/c")] == [[], [], []]
    assert server.connections == 1
    assert [head.split()[1] for head in server.heads] == ["/api/a", "/api/b", "/api/c"]


@pytest.mark.parametrize(
    "closing",
    [OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), OK.replace(b"HTTP/1.1", b"HTTP/1.0")],
    ids=["Connection: close", "HTTP/1.0"],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_connection_that_the_broker_will_close_is_not_kept(closing: bytes, method: str) -> None:
    """A PUT shows that it is not the retry that helps."""
    with serving(answering(closing)) as server, client_of(server.url) as client:
        for _ in range(2):
            assert client.request(method, "/api/a").body == []
    assert server.connections == 2


@pytest.mark.parametrize("answered", [b"", b"HTTP/1.1 2"], ids=["closed", "closed within the answer"])
def test_an_idle_connection_that_the_broker_closed_is_replaced_without_a_word(answered: bytes) -> None:
    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            server.head(connection)
            connection.sendall(OK)
            if number == 0 and answered:
                server.head(connection)
                connection.sendall(answered)

        return handle

    with serving(make) as server, client_of(server.url) as client:
        assert client.get("/api/a") == []
        if not answered:
            server.settle()
        assert client.get("/api/b") == []
    assert server.connections == 2


def test_an_idle_connection_is_replaced_once_and_not_for_ever() -> None:
    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            if server.head(connection) and number == 0:
                connection.sendall(OK)

        return handle

    with serving(make) as server, client_of(server.url) as client:
        assert client.get("/api/a") == []
        server.settle()
        with pytest.raises(Unreachable, match="closed without an HTTP answer"):
            client.get("/api/b")
    assert server.connections == 2


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
@pytest.mark.parametrize("closed", [True, False], ids=["closed before", "closed instead of an answer"])
def test_what_changes_something_is_never_sent_twice(method: str, closed: bool) -> None:
    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            server.head(connection)
            connection.sendall(OK)
            if number or not closed:
                server.head(connection)

        return handle

    with serving(make) as server, client_of(server.url) as client:
        client.get("/api/a")
        if closed:
            server.settle()
        with pytest.raises(Unreachable):
            client.request(method, "/api/b", body={})
    assert server.connections == 1
    assert [head.split()[0] for head in server.heads] == ["GET", *([] if closed else [method])]


def test_requests_side_by_side_leave_their_connections_to_those_that_follow() -> None:
    together = threading.Barrier(2)

    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            while server.head(connection):
                together.wait(PATIENCE)
                connection.sendall(OK)

        return handle

    with serving(make) as server, client_of(server.url) as client:
        for _ in range(3):
            ahead = client.get_ahead("/api/a")
            assert client.get("/api/b") == ahead() == []
    assert server.connections == 2


def test_the_first_request_is_on_its_way_before_httpx_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The broker works while httpx is imported, which takes about as long as a short list."""
    monkeypatch.setitem(sys.modules, "rmqctl.api.over_httpx.exchange", None)
    with serving(answering(OK)) as server:
        with client_of(server.url) as client, pytest.raises(ImportError):
            client.get("/api/a")
        server.wait_for_a_head()
    assert [head.split()[:2] for head in server.heads] == [["GET", "/api/a"]]


def test_a_request_sent_before_httpx_is_there_is_httpx_s_own() -> None:
    query = {"columns": "name,arguments.x é", "disable_stats": "true"}
    with serving(answering(OK, OK)) as server, client_of(server.url) as client:
        for _ in range(2):
            client.get("/api/queues/%2F", query)
    ahead, after = (sorted(head.lower().split("\r\n")) for head in server.heads)
    assert ahead == [line for line in after if line != "connection: keep-alive"]
    assert f"user-agent: rmqctl/{__version__}" in ahead


def test_an_answer_that_was_asked_for_ahead_is_read_once() -> None:
    with serving(answering(OK, OK)) as server, client_of(server.url) as client:
        ahead = client.get_ahead("/api/a")
        assert ahead() is ahead()
        assert client.get("/api/b") == []
    assert [head.split()[1] for head in server.heads] == ["/api/a", "/api/b"]


def test_an_error_that_was_asked_for_ahead_is_told_where_the_answer_is_waited_for() -> None:
    missing = b'HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\n\r\n{"error": "Not Found"}'
    with serving(answering(missing, OK)) as server, client_of(server.url) as client:
        ahead = client.get_ahead("/api/vhosts/x", what="virtual host 'x'")
        with pytest.raises(NotFound, match="virtual host 'x' does not exist"):
            ahead()
        assert ahead() == {}


def test_what_was_sent_ahead_to_an_endpoint_that_is_down_goes_to_the_next() -> None:
    with (
        nobody() as port,
        serving(answering(OK, OK)) as server,
        client_of(f"http://127.0.0.1:{port},{server.url}") as client,
    ):
        ahead = client.get_ahead("/api/a")
        assert client.get("/api/b") == ahead() == []
    assert [head.split()[1] for head in server.heads] == ["/api/b", "/api/a"]


def test_an_idle_connection_that_was_lost_under_what_was_sent_ahead_is_replaced() -> None:
    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            server.head(connection)
            connection.sendall(OK)
            server.head(connection)

        return handle

    with serving(make) as server, client_of(server.url) as client:
        assert client.get("/api/a") == client.get_ahead("/api/b")() == []
    assert server.connections == 2


def test_an_answer_that_nobody_waits_for_is_left_behind() -> None:
    """A socket left open would be a warning, which is an error here."""
    with serving(answering(OK)) as server:
        with client_of(server.url) as client:
            client.get_ahead("/api/a")
            server.wait_for_a_head()
        server.settle()
        gc.collect()
    assert server.connections == 1


def test_a_connection_that_was_idle_for_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change could not be repeated if the broker hung up under it."""

    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            while server.head(connection):
                connection.sendall(OK)

        return handle

    with serving(make) as server, client_of(server.url) as client:
        client.request("DELETE", "/api/a")
        monkeypatch.setattr(wire, "IDLE_AT_MOST", 0)
        client.request("DELETE", "/api/b")
    assert server.connections == 2


def test_a_change_that_may_have_arrived_is_not_sent_to_the_next_endpoint() -> None:
    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            server.head(connection)

        return handle

    def answering(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            while server.head(connection):
                connection.sendall(OK)

        return handle

    with serving(make) as broken, serving(answering) as whole, client_of(f"{broken.url},{whole.url}") as client:
        with pytest.raises(Unreachable, match="whether it was done is not known"):
            client.request("DELETE", "/api/a")
        assert whole.connections == 0
    closed = socket.create_server(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    with serving(answering) as whole, client_of(f"http://127.0.0.1:{port},{whole.url}") as client:
        client.request("DELETE", "/api/a")
        assert whole.connections == 1


# ------------------------------------------------------------------------------------------------------ kinds of answers


def chunked(*chunks: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def test_chunked_answers_are_put_together() -> None:
    text = json.dumps([{"name": "é" * 500}] * 50).encode()
    answer = chunked(text[:7], text[7:3000], text[3000:])
    with serving(answering(answer, OK)) as server, client_of(server.url) as client:
        assert client.get("/api/a") == json.loads(text)
        assert client.get("/api/b") == []
    assert server.connections == 1


def test_an_answer_larger_than_any_buffer() -> None:
    rows = [{"name": f"queue {number}"} for number in range(100_000)]
    body = json.dumps(rows).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with serving(answering(head + body, OK)) as server, client_of(server.url) as client:
        assert client.get("/api/a") == rows
        assert client.get("/api/b") == []
    assert server.connections == 1


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    answer = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"a": 1}'
    with serving(answering(answer)) as server, client_of(server.url) as client:
        assert client.get("/api/a") == {"a": 1}


def test_no_content() -> None:
    with serving(answering(b"HTTP/1.1 204 No Content\r\n\r\n", OK)) as server, client_of(server.url) as client:
        answer = client.request("PUT", "/api/a", body={})
        assert (answer.status, answer.body) == (204, None)
        assert client.get("/api/b") == []
    assert server.connections == 1


def test_the_body_of_a_request_is_sent_with_its_length() -> None:
    came: list[bytes] = []

    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            with connection.makefile("rb") as stream:
                head = b"".join(iter(stream.readline, b"\r\n")).decode()
                server.heads.append(head)
                came.append(stream.read(int(head.lower().partition("content-length: ")[2].split()[0])))
            connection.sendall(OK)

        return handle

    with serving(make) as server, client_of(server.url) as client:
        client.request("PUT", "/api/a%2Fb", {"x": "é"}, body={"name": "ü"})
    assert json.loads(came[0]) == {"name": "ü"}
    assert server.heads[0].startswith("PUT /api/a%2Fb?x=%C3%A9 HTTP/1.1\r\n")
    assert server.heads[0].lower().count("\r\nhost: ") == 1


PACKED = gzip.compress(b'[{"name":"q"}]')


def test_compression_is_not_asked_for_on_this_machine() -> None:
    with serving(answering(OK)) as server, client_of(server.url) as client:
        client.get("/api/a")
    assert "accept-encoding: identity\r\n" in server.heads[0].lower()


def test_compression_is_asked_for_elsewhere_and_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED
    with serving(answering(answer, OK)) as server:
        here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
        with client_of("http://broker.example") as client:
            assert client.get("/api/queues") == [{"name": "q"}]
            assert client.get("/api/a") == []
        monkeypatch.undo()
    assert "gzip" in server.heads[0].lower().partition("accept-encoding: ")[2].partition("\r\n")[0]
    assert server.connections == 1


def test_what_does_not_unpack() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"
    with serving(answering(answer)) as server, client_of(server.url) as client, pytest.raises(RmqctlError) as error:
        client.get("/api/queues")
    assert (error.value.exit_code, str(error.value).count("\n")) == (69, 0)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers have at most a megabyte."""
    for module in (transport, exchange, answers):
        monkeypatch.setattr(module, "LONGEST", 1 << 20)


def endless(server: Server) -> Handler:
    def handle(connection: socket.socket, number: int) -> None:
        server.head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"[],[]," * 10922 + b"[],,\r\n")

    return handle


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("proxied", [False, True])
def test_an_endless_answer_ends(monkeypatch: pytest.MonkeyPatch, proxied: bool) -> None:
    with serving(endless) as server:
        if proxied:
            monkeypatch.setenv("HTTP_PROXY", server.url)
        with client_of(server.url) as client, pytest.raises(BrokenAnswer, match="longer than 1 MiB"):
            client.get("/api/queues")


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_a_small_answer_that_unpacks_to_a_large_one_is_refused(pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b" " * (64 << 20))
    name = b"gzip" if pack is gzip.compress else b"deflate"
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (name, len(packed)) + packed
    with serving(answering(answer)) as server, client_of(server.url) as client:
        tracemalloc.start()
        with pytest.raises(BrokenAnswer, match="longer than 1 MiB"):
            client.get("/api/queues")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'[{"name": "a"}, {"na', "the broker broke off: its answer ends after 20 bytes"),
        (b'[{"name": "a"', "ends after 13 bytes"),
        (b"[1, tru", "ends after 7 bytes"),
        (b'[{"name": "\xc3\xbc"} {}]', "broken JSON at byte 16 of 19"),
        (b'[{"messages": NaN}]', "NaN is no JSON"),
        (b"[" * 100_000, "is broken JSON"),
        (b"[" + b"9" * 5000 + b"]", "is broken JSON"),
        (b'{"name": "q"}', "gave an object where the API promises a list"),
        (b"null", "gave nothing where the API promises a list"),
        (b"", "gave nothing where the API promises a list"),
        (b'"x"', "gave a text where the API promises a list"),
        (b'[{"name": "q"}, 5]', "row 2 of /api/queues is 5 where the API promises an object"),
        (b'[{"name": "q"}, {"name": null}]', "row 2 of /api/queues has no name"),
    ],
)
def test_json_that_is_broken_or_of_another_kind(body: bytes, words: str) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with serving(answering(answer)) as server, client_of(server.url) as client, pytest.raises(BrokenAnswer) as error:
        client.get("/api/queues")
    assert str(error.value).startswith(f"{server.url}: ")
    assert words in str(error.value)


def test_numbers_that_no_float_can_hold_are_unknown() -> None:
    body = b'[{"name": "q", "messages": 1e999, "x": [1e999, -1e400]}]'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with serving(answering(answer)) as server, client_of(server.url) as client:
        assert client.get("/api/queues") == [{"name": "q", "messages": None, "x": [None, None]}]


def test_the_time_limit_is_for_all_requests_of_a_command_together() -> None:
    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            while server.head(connection):
                time.sleep(0.3)
                connection.sendall(OK)

        return handle

    with serving(make) as server, client_of(server.url, timeout=0.5) as client:
        assert client.get("/api/a") == []
        with pytest.raises(TimedOut, match=r"no answer within 0\.5 seconds"):
            client.get("/api/b")
        client.begin()
        assert client.get("/api/c") == []


def test_no_answer_and_a_closed_connection() -> None:
    """That is no idle connection: there is nothing to retry."""
    with serving(answering(b"")) as server, client_of(server.url) as client, pytest.raises(Unreachable) as error:
        client.get("/api/a")
    assert "closed without an HTTP answer" in str(error.value)
    assert server.url in str(error.value)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1, 2", "the answer was cut short"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1, 2]", "the answer was cut short"),
        (chunked(b"[1, 2]").removesuffix(b"0\r\n\r\n"), "the answer was cut short"),
        (chunked(b"[1, 2]")[:-10], "the answer was cut short"),
        (b"AMQP\x00\x00\x09\x01", "without an HTTP answer"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "without an HTTP answer"),
    ],
    ids=["cut", "cut where JSON ends", "cut between chunks", "cut in a chunk", "AMQP", "a TLS alert"],
)
def test_an_answer_that_is_cut_or_no_http_is_an_error(answer: bytes, words: str) -> None:
    with serving(answering(answer)) as server, client_of(server.url) as client, pytest.raises(Unreachable) as error:
        client.get("/api/a")
    assert str(error.value).startswith(f"{server.url}: ")
    assert words in str(error.value)
    assert "\n" not in str(error.value)


# ------------------------------------------------------------------------------------------------------------ time limits


def silent(server: Server) -> Handler:
    def handle(connection: socket.socket, number: int) -> None:
        server.head(connection)
        server.head(connection)  # waits until the client leaves

    return handle


def dripping(start: bytes) -> Callable[[Server], Handler]:
    """Sends a byte every 20 ms, each well within the time limit of the whole, and closes in the end.

    The end comes long after the limit, and is another error.
    """

    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            server.head(connection)
            connection.sendall(start)
            for _ in range(400):
                time.sleep(0.02)
                connection.sendall(b" ")

        return handle

    return make


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(silent, id="no answer"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), id="a slow body"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"), id="a slow body without a length"),
        pytest.param(dripping(chunked(b"[]")[:-5] + b"1000\r\n"), id="a slow chunk"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX-Slow: "), id="a slow head"),
        pytest.param(dripping(b"HTTP"), id="a slow status line"),
    ],
)
def test_the_time_limit_is_for_the_whole_answer(make: Callable[[Server], Handler]) -> None:
    with (
        serving(make) as server,
        client_of(server.url, timeout=0.2) as client,
        pytest.raises(TimedOut, match=r"no answer within 0\.2 seconds"),
    ):
        client.get("/api/a")
    assert server.connections == 1


def test_a_slow_answer_within_the_limit() -> None:
    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            server.head(connection)
            for byte in OK:
                time.sleep(0.001)
                connection.sendall(bytes([byte]))

        return handle

    for timeout in (PATIENCE, None):
        with serving(make) as server, client_of(server.url, timeout=timeout) as client:
            assert client.get("/api/a") == []


def test_a_connection_is_not_kept_after_a_time_out() -> None:
    """What comes late would be taken for the answer to the next request."""

    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            server.head(connection)
            if number == 0:
                server.head(connection)  # waits until the client leaves
            else:
                connection.sendall(OK)

        return handle

    with serving(make) as server, client_of(server.url, timeout=0.1) as client:
        with pytest.raises(TimedOut):
            client.get("/api/a")
        client.timeout = PATIENCE
        assert client.get("/api/b") == []
    assert server.connections == 2


# ------------------------------------------------------------------------------------------------------------- connecting


def test_nobody_listens() -> None:
    with (
        nobody() as port,
        client_of(f"http://127.0.0.1:{port}") as client,
        pytest.raises(Unreachable, match="connection refused"),
    ):
        client.get("/api/a")


def test_a_host_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with client_of("http://nowhere") as client, pytest.raises(Unreachable) as error:
        client.get("/api/a")
    assert str(error.value) == "http://nowhere:15672: host name not known (Name or service not known)"


@pytest.mark.parametrize("host", ["a" * 64, "a..b"])
def test_a_name_that_no_host_can_have(host: str) -> None:
    with client_of(f"http://{host}") as client, pytest.raises(Unreachable, match="host name not known"):
        client.get("/api/a")


def test_times_of_verbose_tell_which_request_was_sent_ahead() -> None:
    lines: list[str] = []
    with serving(answering(OK, OK)) as server, client_of(server.url) as client:
        client.log = lines.append
        client.get("/api/a")
        client.get("/api/b")
    times = [re.sub(r"\d+ ms", "N ms", line.removeprefix(f"GET {server.url}")) for line in lines]
    assert times == ["/api/a: 200, 2 bytes, N ms since it was sent ahead", "/api/b: 200, 2 bytes, N ms"]


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[object] = []

    def slow(address: object, timeout: object = None, *_: object, **__: object) -> None:
        limits.append(timeout)
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", slow)
    for timeout in (None, 3.0):
        with client_of("http://nowhere", timeout) as client, pytest.raises(Unreachable, match="does not answer"):
            client.get("/api/a")
    assert limits == pytest.approx([10.0, 3.0], abs=0.5)


def test_the_port_of_plain_http_asked_for_https() -> None:
    transport = HttpTransport(wire.Wire(lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))

    def make(server: Server) -> Handler:
        def handle(connection: socket.socket, number: int) -> None:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        return handle

    with serving(make) as server, pytest.raises(httpx.ConnectError) as error:
        transport.handle_request(httpx.Request("GET", f"https://127.0.0.1:{server.port}/api"))
    assert isinstance(error.value.__cause__, ssl.SSLError)


# ---------------------------------------------------------------------------------------------------------------- proxies


@pytest.fixture(params=["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def variable(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_proxy_of_the_environment_is_asked_for_the_broker(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with serving(answering(OK)) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        with client_of("http://broker.example:15672") as client:
            assert client.get("/api/a") == []
    assert proxy.heads[0].startswith("GET http://broker.example:15672/api/a HTTP/1.1")


@pytest.mark.parametrize("exempt", ["127.0.0.1", "other.example,127.0.0.1", "*"])
def test_hosts_of_no_proxy_are_asked_directly(monkeypatch: pytest.MonkeyPatch, variable: str, exempt: str) -> None:
    with serving(answering(OK)) as proxy, serving(answering(OK)) as broker:
        monkeypatch.setenv(variable, proxy.url)
        monkeypatch.setenv("NO_PROXY", exempt)
        with client_of(broker.url) as client:
            assert client.get("/api/a") == []
    assert (proxy.connections, broker.connections) == (0, 1)


def test_a_host_beside_those_of_no_proxy_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(OK)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "other.example")
        with client_of("http://broker.example") as client:
            assert client.get("/api/a") == []
    assert proxy.connections == 1


def test_a_proxy_that_is_down_is_an_unreachable_broker(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with nobody() as port:
        monkeypatch.setenv(variable, f"http://ops:s3cret@127.0.0.1:{port}")
        with client_of("http://broker.example:15672") as client, pytest.raises(RmqctlError) as error:
            client.get("/api/a")
    assert error.value.exit_code == 69
    assert f"not reached through the proxy 127.0.0.1:{port} " in str(error.value)
    assert "s3cret" not in str(error.value)


def test_a_proxy_that_wants_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"
    with serving(answering(refusal)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with (
            client_of("http://broker.example:15672") as client,
            pytest.raises(Unreachable, match="the proxy wants a user"),
        ):
            client.get("/api/a")


@pytest.mark.parametrize("proxy", ["nonsense://ops:s3cret@p", "socks5://ops:s3cret@127.0.0.1:1"])
def test_what_cannot_be_a_proxy_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    with pytest.raises(ConfigError, match="HTTP_PROXY") as error, client_of("http://broker.example") as client:
        client.get("/api/a")
    assert "s3cret" not in str(error.value)
