"""Runs rmqctl in this process, against brokers that are played by recorded or made-up answers."""

import io
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import httpx
import pytest
import respx
from hypothesis import HealthCheck, settings
from typer.core import TyperArgument

from rmqctl.cli import build
from rmqctl.cli import run as run_rmqctl
from rmqctl.commands import COMMANDS
from rmqctl.session import Session

# A suite that a shell started in the background ignores Ctrl-C, and so would the programs that tests send it to.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run of CI, and no example is too slow on a busy machine.
settings.register_profile(
    "rmqctl",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("rmqctl")

# ----------------------------------------------------------------------------------------------------- what unit tests are

OUTSIDE = frozenset(
    ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "socket.bind", "socket.connect")
)
"""What is for tests/process (https://docs.python.org/3/library/audit_events.html)."""
_went_outside: list[str] | None = None


def _note(event: str, _: tuple[object, ...]) -> None:
    if _went_outside is not None and event in OUTSIDE:
        _went_outside.append(event)


sys.addaudithook(_note)


@pytest.fixture(autouse=True)
def _no_process_and_no_socket() -> Iterator[None]:
    global _went_outside
    _went_outside = noted = []
    yield
    _went_outside = None
    assert noted == [], "a test with a process or a socket is one of tests/process"


RECORDINGS = Path(__file__).parents[1] / "recordings"
NOT_FOUND = {"error": "Object Not Found", "reason": "Not Found"}


@pytest.fixture(autouse=True)
def _nothing_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable, contexts file or proxy of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(("RMQCTL_", "XDG_")) or name.lower().endswith("_proxy") or name in ("PAGER", "NO_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


# ------------------------------------------------------------------------------------------------ running the program


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Ran(NamedTuple):
    """What one run of the program left behind."""

    exit: int
    out: str
    err: str


def run_with(
    *argv: str,
    broker: "Broker | httpx.BaseTransport | None" = None,
    environ: Mapping[str, str] | None = None,
    stdin: str = "",
    terminal: bool = False,
) -> Ran:
    """Runs a command line; `terminal`: all three streams are one. Without a broker any request fails the test."""
    stream = Terminal if terminal else io.StringIO
    stdout, stderr = stream(), stream()
    transport = broker.transport if isinstance(broker, Broker) else broker or Broker({}).transport
    session = Session(stream(stdin), stdout, stderr, dict(environ or {}), transport)
    with redirect_stdout(stdout):  # the help goes to the stdout of the process
        code = run_rmqctl(list(argv), session)
    return Ran(code, stdout.getvalue(), stderr.getvalue())


def parameters_of(name: str) -> list[Any]:
    """The arguments and options of a command, as typer has them."""
    return build(name, COMMANDS[name], Session(io.StringIO(), io.StringIO(), io.StringIO(), {})).params


def words_for(parameters: Iterable[Any]) -> Iterator[str]:
    """A value for each of them, behind its flag where it has one: the first that it knows, else 1."""
    for each in parameters:
        yield from () if isinstance(each, TyperArgument) else each.opts[:1]
        yield str(next(iter(getattr(each.type, "choices", ("1",)))))


@pytest.fixture
def run() -> Callable[..., Ran]:
    return run_with


# -------------------------------------------------------------------------------------------------- brokers of answers


class Broker:
    """Answers each `METHOD target` of `answers` with its JSON, or with the response or exception given; counts requests.

    A target without a query answers all its queries. Who asks is an administrator unless an answer
    says otherwise. `transport` is what a session takes instead of the network.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.requests: list[httpx.Request] = []
        self._lock = threading.Lock()
        router = respx.MockRouter(assert_all_called=False)
        router.route().mock(side_effect=self._answer)
        self.transport = httpx.MockTransport(router.handler)

    @property
    def asked(self) -> list[str]:
        """The requests as `METHOD target`, sorted, since some run side by side."""
        return sorted(f"{request.method} {target_of(request)}" for request in self.requests)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self.requests.append(request)
        return self.answer(request)

    def answer(self, request: httpx.Request) -> httpx.Response:
        wanted = f"{request.method} {target_of(request)}"
        for key in (wanted, wanted.partition("?")[0], f"{request.method} {request.url.host}"):
            if key in self.answers:
                given = self.answers[key]
                if callable(given):
                    given = given(request)
                if isinstance(given, Exception):
                    raise given
                return given if isinstance(given, httpx.Response) else httpx.Response(200, json=given)
        if wanted == "GET /api/whoami":
            return httpx.Response(200, json={"name": "guest", "tags": ["administrator"]})
        raise AssertionError(f"nobody expected {wanted}")


def target_of(request: httpx.Request) -> str:
    """Path and query as they go over the wire."""
    return request.url.raw_path.decode("ascii")


@pytest.fixture
def broker() -> type[Broker]:
    return Broker


@cache
def recorded_answers(version: str) -> tuple[dict[str, Any], ...]:
    """The answers of a real broker: phase, method, path, status, user and body or text of each."""
    return _lines(RECORDINGS / version / "http.jsonl")


@cache
def recorded_runs(version: str) -> tuple[dict[str, Any], ...]:
    """What rabbitmqctl printed at the same moment: argv and stdout of each run."""
    return _lines(RECORDINGS / version / "rabbitmqctl.jsonl")


def _lines(file: Path) -> tuple[dict[str, Any], ...]:
    with file.open(encoding="utf-8", newline="") as lines:
        return tuple(json.loads(line) for line in lines)


class RecordedBroker(Broker):
    """A broker that had its state recorded: it trims, pages and filters by virtual host as the real one did.

    The lists were recorded before and after rabbitmqctl ran (`phase`), everything else in the main phase.
    """

    def __init__(self, version: str, phase: str = "main") -> None:
        super().__init__({})
        self.modern = not version.startswith("3.")
        self._bodies: dict[str, Any] = {}
        self._statuses: dict[str, int] = {}
        for kind in (None, "main", phase):
            for entry in recorded_answers(version):
                fits = entry["phase"] == kind if kind else entry["phase"] not in ("errors", "as-user", "just-declared")
                if fits and entry["method"] == "GET" and "user" not in entry:
                    self._bodies[entry["path"]] = entry.get("body")
                    self._statuses[entry["path"]] = entry["status"]

    def answer(self, request: httpx.Request) -> httpx.Response:
        raw_path, _, raw_query = target_of(request).partition("?")
        query = dict(parse_qsl(raw_query))
        if request.method != "GET":
            raise AssertionError(f"a list was asked for with {request.method}")
        try:
            body, status = self._body(raw_path, [unquote(part) for part in raw_path.split("/")[2:]], query)
        except LookupError:
            return httpx.Response(404, json=NOT_FOUND)
        if status != 200:
            return httpx.Response(status, json=body)
        columns = query.get("columns")
        if columns is not None and not (self.modern and raw_path == "/api/vhosts"):
            body = trimmed(body, columns.split(","))
        return httpx.Response(200, json=body)

    def _body(self, raw_path: str, parts: list[str], query: Mapping[str, str]) -> tuple[Any, int]:
        if parts[0] == "queues":
            return self._queues(parts, query), 200
        if parts[0] in ("exchanges", "bindings", "consumers", "policies", "operator-policies") and len(parts) <= 2:
            return self._of_vhost(self._bodies[f"/api/{parts[0]}"], *parts[1:]), 200
        if parts[0] == "vhosts" and len(parts) == 3:
            return self._of_vhost(self._bodies[f"/api/{parts[2]}"], parts[1]), 200
        if parts[0] == "users" and len(parts) == 3:
            if parts[1] not in {user["name"] for user in self._bodies["/api/users"]}:
                raise LookupError
            return [row for row in self._bodies[f"/api/{parts[2]}"] if row["user"] == parts[1]], 200
        if parts[0] == "vhosts" and len(parts) == 2:
            return {vhost["name"]: vhost for vhost in self._bodies["/api/vhosts"]}[parts[1]], 200
        return self._bodies[raw_path], self._statuses[raw_path]

    def _of_vhost(self, rows: list[Any], vhost: str | None = None) -> list[Any]:
        if vhost is None:
            return rows
        if vhost not in {each["name"] for each in self._bodies["/api/vhosts"]}:
            raise LookupError
        return [row for row in rows if row.get("vhost", row.get("queue", {}).get("vhost")) == vhost]

    def _queues(self, parts: list[str], query: Mapping[str, str]) -> Any:
        form = "&".join(f"{name}={query[name]}" for name in ("disable_stats", "enable_queue_totals") if name in query)
        rows = self._bodies.get(f"/api/queues?{form}", self._bodies["/api/queues"])
        if not form and self.modern and "columns" in query:
            # Asked for by name, statistics come from the detailed rows.
            detailed = {(row["vhost"], row["name"]): row for row in self._bodies["/api/queues/detailed"]}
            rows = [detailed.get((row["vhost"], row["name"]), {}) | row for row in rows]
        rows = self._of_vhost(rows, *parts[1:2])
        if len(parts) == 3:
            return {row["name"]: row for row in rows}[parts[2]]
        if "page" in query:
            size = int(query["page_size"])
            counts = dict.fromkeys(("filtered_count", "total_count"), len(rows))
            return {**counts, "item_count": min(size, len(rows)), "page": 1, "page_size": size, "items": rows[:size]}
        return rows


def trimmed(body: Any, columns: Iterable[str]) -> Any:
    """What `columns=` leaves of an answer: an object without any of them becomes an empty list."""
    tree: dict[str, Any] = {}
    for column in columns:
        branch = tree
        for word in column.split("."):
            branch = branch.setdefault(word, {})
    if isinstance(body, dict) and "items" in body and "page" in body:
        return body | {"items": _trim(body["items"], tree)}
    return _trim(body, tree)


def _trim(value: Any, tree: Mapping[str, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_trim(item, tree) for item in value]
    if isinstance(value, dict):
        return {key: _trim(item, tree[key]) for key, item in value.items() if key in tree} or []
    return value


@pytest.fixture
def recorded() -> Callable[..., RecordedBroker]:
    return RecordedBroker
