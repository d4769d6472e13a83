"""The nodes that tests/brokers/up started, and the two programs that are compared on them."""

import contextlib
import fcntl
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

import httpx
import pytest

DEFAULT_DIRECTORY = "/var/tmp/rmqctl-brokers"
SECONDS_FOR_A_COMMAND = 90


@dataclass(frozen=True)
class Ran:
    """What a program printed and how it ended."""

    argv: tuple[str, ...]
    exit: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        return self.stdout.decode("utf-8", "surrogateescape")

    @property
    def errors(self) -> str:
        return self.stderr.decode("utf-8", "replace")

    def __str__(self) -> str:
        return f"{shlex.join(self.argv)}\nexit {self.exit}\nstdout: {self.stdout!r}\nstderr: {self.stderr!r}"


def run(argv: list[str], env: dict[str, str] | None = None, stdin: bytes = b"") -> Ran:
    done = subprocess.run(argv, capture_output=True, input=stdin, env=env, timeout=SECONDS_FOR_A_COMMAND, check=False)
    return Ran(tuple(argv), done.returncode, done.stdout, done.stderr)


def rmqctl(*arguments: str, url: str | None = None) -> Ran:
    """Runs the rmqctl under test, untouched by the settings and contexts of whoever runs the tests."""
    return run(*command(*arguments, url=url))


def command(*arguments: str, url: str | None = None) -> tuple[list[str], dict[str, str]]:
    """How rmqctl is called, and its environment."""
    program = shlex.split(os.environ.get("RMQCTL_BIN", "")) or [sys.executable, "-m", "rmqctl"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("RMQCTL_")}
    env.update(HOME="/nonexistent", XDG_CONFIG_HOME="/nonexistent", LC_ALL="C.UTF-8", NO_PROXY="*")
    return [*program, *(["--url", url] if url else []), *arguments], env


@dataclass(frozen=True)
class Node:
    """One real RabbitMQ node."""

    key: str
    settings: dict[str, str]

    def _setting(self, name: str) -> str:
        return self.settings[f"RMQCTL_TEST_{self.key.upper()}_{name}"]

    @property
    def name(self) -> str:
        return self._setting("NODE")

    @property
    def url(self) -> str:
        return self._setting("URL")

    def port(self, service: str) -> int:
        return int(self._setting(f"{service.upper()}_PORT"))

    @property
    def modern(self) -> bool:
        """Whether this is a 4.x node."""
        return self.key != "310"

    def tool(self, program: str, *arguments: str) -> Ran:
        return run([f"{self._setting('BIN')}/{program}", *arguments])

    def ctl(self, *arguments: str) -> Ran:
        return self.tool("rabbitmqctl", *arguments)

    def rmqctl(self, *arguments: str) -> Ran:
        return rmqctl(*arguments, url=self.url)

    @cached_property
    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api", timeout=30, trust_env=False)

    def api(self, method: str, *segments: str, body: object = None, query: str = "") -> Any:
        """One request; the segments of the path are encoded here. Anything but a 2xx answer fails the test."""
        path = "/".join(quote(segment, safe="") for segment in segments)
        # RabbitMQ wants a body, even an empty one, where it wants any.
        answer = self._client.request(method, f"/{path}{query}", json=body if method in ("PUT", "POST") else None)
        assert answer.is_success, f"{method} /{path}{query} {body}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content and answer.status_code == httpx.codes.OK else None

    def get(self, *segments: str, query: str = "") -> Any:
        return self.api("GET", *segments, query=query)

    def put(self, *segments: str, body: object = None) -> None:
        self.api("PUT", *segments, body={} if body is None else body)

    def post(self, *segments: str, body: object) -> Any:
        return self.api("POST", *segments, body=body)

    def delete(self, *segments: str) -> None:
        self.api("DELETE", *segments)

    def close(self) -> None:
        self._client.close()

    def answers(self) -> bool:
        try:
            return self._client.get("/whoami").is_success
        except httpx.HTTPError:
            return False


@contextlib.contextmanager
def embedded() -> Iterator[Node]:
    """The embedded broker as a node, which has no program of its own."""
    argv = [sys.executable, "-m", "rmqctl", "broker", "run", "--ephemeral", "--amqp-port", "0", "--http-port", "0"]
    broker = subprocess.Popen([*argv, "--log-level", "none"], stdout=subprocess.PIPE, text=True)
    assert broker.stdout
    try:
        with broker.stdout:
            amqp, http = broker.stdout.readline().split()
        name = httpx.get(f"{http}/api/overview", trust_env=False).json()["node"]
        settings = {"NODE": name, "URL": http, "AMQP_PORT": str(urlsplit(amqp).port)}
        with contextlib.closing(
            Node("embedded", {f"RMQCTL_TEST_EMBEDDED_{k}": v for k, v in settings.items()})
        ) as node:
            yield node
    finally:
        broker.terminate()
        broker.wait(20)


def settings_file() -> Path:
    return Path(os.environ.get("RMQCTL_TEST_DIR", DEFAULT_DIRECTORY)) / "env"


def read_settings() -> dict[str, str]:
    """The file that tests/brokers/up wrote; empty when it has not run."""
    path = settings_file()
    if not path.exists():
        return {}
    return dict(line.split("=", 1) for line in shlex.split(path.read_text(encoding="utf-8"), comments=True))


def missing(what: str) -> NoReturn:
    """Skips on a developer's machine, fails where the contract has to be proved."""
    reason = f"{what}: run tests/brokers/up cluster"
    if os.environ.get("RMQCTL_CONTRACT") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keeps a second run of the tests off the same nodes: each would empty what the other has built."""
    with settings_file().open("rb") if settings_file().exists() else contextlib.nullcontext() as lock:
        try:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.fail(f"another run of these tests is using the nodes of {settings_file()}", pytrace=False)
        yield


@contextlib.contextmanager
def running_node(key: str) -> Iterator[Node]:
    settings = read_settings()
    if f"RMQCTL_TEST_{key.upper()}_URL" not in settings:
        missing(f"no RabbitMQ node {key}")
    with contextlib.closing(Node(key, settings)) as node:
        if not node.answers():
            missing(f"RabbitMQ node {key} does not answer at {node.url}")
        yield node
