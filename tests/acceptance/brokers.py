"""The brokers that the acceptance tests run on, and the programs that they watch."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urlsplit

import httpx

from ..contract.brokers import Ran, missing, read_settings, rmqctl

HERE = Path(__file__).parent
DEADLINE = 20.0
# A broker that was killed has much to read; how long that takes is for the benchmarks to say.
START_DEADLINE = 120.0
PAUSE = 0.02
T = TypeVar("T")


def eventually(look: Callable[[], T], want: Callable[[T], bool], seconds: float = DEADLINE) -> T:
    """Looks until what is seen is wanted; the last sight is in the failure."""
    deadline = time.monotonic() + seconds
    while not want(seen := look()):
        assert time.monotonic() < deadline, f"after {seconds} s still: {seen!r}"
        time.sleep(PAUSE)
    return seen


class Program:
    """A process whose lines are read as they come."""

    def __init__(self, argv: list[str], env: dict[str, str] | None = None) -> None:
        self.argv = argv
        self.lines: list[str] = []
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            argv,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def __str__(self) -> str:
        return "\n".join([" ".join(self.argv), *self.lines])

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def expect(self, pattern: str, count: int = 1, seconds: float = DEADLINE) -> list[re.Match[str]]:
        """The first `count` lines that the pattern is found in."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while len(found := self.found(pattern)) < count:
                left = deadline - time.monotonic()
                assert left > 0, f"{pattern!r} not {count} times after {seconds} s:\n{self}"
                assert self._reader.is_alive() or len(self.found(pattern)) >= count, f"{pattern!r} never came:\n{self}"
                self._changed.wait(min(left, 0.2))
        return found[:count]

    def found(self, pattern: str) -> list[re.Match[str]]:
        return [match for line in self.lines if (match := re.search(pattern, line))]

    def wait(self, seconds: float = DEADLINE) -> int:
        status = self._process.wait(seconds)
        self._reader.join(seconds)
        return status

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Ends it, and returns when it is gone."""
        if self.running:
            self._process.send_signal(number)
        try:
            self.wait()
        finally:
            if self.running:
                self._process.kill()
                self.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()


@dataclass
class Target:
    """A broker: where it listens, and the programs that a test has started on it."""

    url: str
    amqp_port: int
    programs: list[Program] = field(default_factory=list)

    def start(self, name: str, *arguments: str) -> Program:
        """Starts a program of the tutorials."""
        official = Path(os.environ.get("RMQCTL_TEST_TUTORIALS", HERE)) / name
        path = official if official.exists() else HERE / "tutorials" / name
        argv = [sys.executable, str(HERE / "at_port.py"), str(path), *arguments]
        program = Program(argv, {"RMQCTL_TEST_AMQP_PORT": str(self.amqp_port)})
        self.programs.append(program)
        return program

    def run(self, name: str, *arguments: str) -> str:
        """Runs a program of the tutorials to its end; its output."""
        program = self.start(name, *arguments)
        assert program.wait() == 0, str(program)
        return "\n".join(program.lines)

    def stop_programs(self) -> None:
        for program in self.programs:
            program.kill()
        self.programs.clear()

    def rmqctl(self, *arguments: str) -> Ran:
        ran = rmqctl(*arguments, url=self.url)
        assert ran.exit == 0, str(ran)
        return ran

    def list(self, what: str, *columns: str) -> list[list[str]]:
        """The rows that rmqctl prints, without the header."""
        lines = self.rmqctl("-q", what, *columns).text.splitlines()
        return [line.split("\t") for line in lines if line and line.split("\t") != list(columns)]

    def depth(self, queue: str) -> tuple[int, int]:
        """Ready and unacknowledged messages; (-1, -1) for a queue that is not there."""
        rows = self.list("list_queues", "name", "messages_ready", "messages_unacknowledged")
        return next(((int(ready), int(unacked)) for name, ready, unacked in rows if name == queue), (-1, -1))

    def awaits(self, queue: str, ready: int, unacknowledged: int) -> None:
        eventually(lambda: self.depth(queue), (ready, unacknowledged).__eq__)

    def forget(self, kind: str, name: str) -> None:
        answer = httpx.delete(f"{self.url}/api/{kind}/%2F/{quote(name, safe='')}", trust_env=False)
        assert answer.is_success or answer.status_code == httpx.codes.NOT_FOUND, answer.text


class Embedded:
    """The broker of `rmqctl broker run` as a process."""

    def __init__(self, data: Path | None = None) -> None:
        where = ["--data-dir", str(data)] if data else ["--ephemeral"]
        command = [sys.executable, "-m", "rmqctl", "broker", "run", "--amqp-port", "0", "--http-port", "0", *where]
        environment = {"HOME": "/nonexistent", "XDG_CONFIG_HOME": "/nonexistent"}
        self.program = Program(command, environment)
        try:
            ready = self.program.expect(r"amqp://.*https?://|https?://.*amqp://", seconds=START_DEADLINE)[0].string
        except AssertionError:
            self.program.kill()
            raise
        urls = {
            scheme: urlsplit(url)
            for scheme, url in ((u.split(":")[0], u) for u in re.findall(r"\w+://[^\s,;]+", ready))
        }
        amqp, http = urls["amqp"], urls["http"]
        assert amqp.port, ready
        user = f"{http.username}:{http.password}" if http.username else "guest:guest"
        self.target = Target(f"http://{user}@{http.hostname}:{http.port}", amqp.port)

    def kill(self, number: int = signal.SIGKILL) -> None:
        self.program.kill(number)


@contextlib.contextmanager
def embedded() -> Iterator[Target]:
    broker = Embedded()
    try:
        yield broker.target
    finally:
        broker.kill(signal.SIGTERM)


@contextlib.contextmanager
def real() -> Iterator[Target]:
    """The 4.3 node of tests/brokers/up."""
    settings = read_settings()
    if "RMQCTL_TEST_43_URL" not in settings:
        missing("no RabbitMQ node 43")
    yield Target(settings["RMQCTL_TEST_43_URL"], int(settings["RMQCTL_TEST_43_AMQP_PORT"]))


def embedded_exists() -> bool:
    ran = rmqctl("broker", "run", "--help")
    return ran.exit == 0
