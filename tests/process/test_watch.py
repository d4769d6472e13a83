"""A live view on a real terminal, and in a pipe."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
QUEUES = "GET /api/queues/%2F"
DOWN = httpx.ConnectError("refused")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            assert isinstance(self.server, Server)
            self.server.connections += 1
            super().setup()

        def do_GET(self) -> None:
            body = json.dumps([{"name": "orders", "tracing": False}]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def on_terminal(*argv: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """rmqctl on a terminal of its own, whose other end is given.

    It is a process group of its own, as a shell would make it: the tests' may be one that no shell looks after, and the
    kernel does not stop those by SIGTSTP.
    """
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "rmqctl", *argv]
    program = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}, process_group=0
    )
    os.close(theirs)
    try:
        yield program, ours
    finally:
        program.kill()
        program.wait()
        os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_and_the_terminal_is_as_before(server: Server, number: int) -> None:
    with on_terminal("--url", server.url, "list_vhosts", "name", "--watch", "0.1") as (program, terminal):
        seen = read_until(terminal, lambda text: text.count("\x1b[H") >= 3)
        program.send_signal(number)
        seen += read_until(terminal, lambda text: LEAVE in text)
        assert program.wait(20) == 130
    assert "orders" in seen
    assert seen.index(ENTER) < seen.index("\x1b[H")
    assert seen.rindex(LEAVE) > seen.rindex("\x1b[H")
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")
    assert seen.rindex("\x1b[?7h") > seen.rindex("\x1b[?7l")


def test_while_it_is_stopped_the_terminal_is_the_shells(server: Server) -> None:
    with on_terminal("--url", server.url, "list_vhosts", "name", "--watch", "0.1") as (program, terminal):
        read_until(terminal, lambda text: "\x1b[H" in text)
        program.send_signal(signal.SIGTSTP)
        seen = read_until(terminal, lambda text: LEAVE in text)

        def goes_on(text: str) -> bool:
            program.send_signal(signal.SIGCONT)
            return ENTER in text

        seen = seen[seen.index(LEAVE) :] + read_until(terminal, goes_on)
        seen += read_until(terminal, lambda text: "orders" in text)
        assert "\x1b[H" not in seen[: seen.index(ENTER)]


def test_one_connection_is_kept(server: Server) -> None:
    with on_terminal("--url", server.url, "list_users", "user", "--watch", "0.05") as (_, terminal):
        read_until(terminal, lambda text: text.count("\x1b[H") >= 10)
    assert server.connections == 1


def read_until(terminal: int, enough: Callable[[str], bool]) -> str:
    seen = ""
    deadline = time.monotonic() + 30
    while not enough(seen):
        assert time.monotonic() < deadline, seen
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536).decode()
    return seen


def test_a_reader_that_has_enough_ends_it(server: Server) -> None:
    argv = [sys.executable, "-m", "rmqctl", "--url", server.url, "list_vhosts", "name", "--watch", "0.05"]
    program = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout
    assert program.stderr
    lines = [program.stdout.readline() for _ in range(3)]
    program.stdout.close()
    assert program.wait(20) == 0
    assert program.stderr.read() == ""
    program.stderr.close()
    assert lines[0] == "time\tname\n"
    assert lines[2].endswith("\torders\n")


@pytest.mark.parametrize("words", [[], ["terminal"]])
def test_a_thousand_rounds_take_no_more_memory_than_half_of_them(words: list[str]) -> None:
    program = Path(__file__).with_name("memory_of_watch.py")
    ran = subprocess.run([sys.executable, program, *words], capture_output=True, text=True, check=True)
    code, *sizes = map(int, ran.stdout.split())
    assert code == 130
    # Less than one number kept of each round; caches are full by then.
    assert sizes[1] - sizes[0] < 500 * 50
