"""Every list, show and check is fed each recorded answer with one field after the other removed, nulled and of another type.

What does not fit is unknown: no traceback and no internal error, `check` says 0 to 3, and no number that is none gets out.
"""

import copy
import json
import os
import time
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import httpx
import pytest

from rmqctl.commands import COMMANDS
from tests.unit.conftest import (
    Broker,
    Ran,
    RecordedBroker,
    _nothing_of_the_user,
    recorded_answers,
    run_with,
    target_of,
)

__all__ = ["_nothing_of_the_user"]

MISSING = object()
OTHERS: tuple[Any, ...] = (
    MISSING, None, 5, -1, 1.5, 10**30, float("inf"), True, "x", "", "\x1b[2J", [], [5], [None], [[]], {}, {"a": 5}, {"name": 5},
)  # fmt: skip
IN_TURN = len(OTHERS) - 2
THOROUGH = bool(os.environ.get("RMQCTL_THOROUGH"))
"""Every field gets several of these; else one, another from field to field."""


class Recording(Broker):
    """Plays a broker, and answers one of its paths with another body. `served`: what it answered."""

    def __init__(self, version: str, changed: tuple[str, Any] | None = None) -> None:
        super().__init__({})
        self._real = RecordedBroker(version)
        self._changed = changed
        self.served: dict[str, Any] = {}

    def answer(self, request: httpx.Request) -> httpx.Response:
        target = target_of(request)
        if self._changed and target == self._changed[0]:
            return httpx.Response(200, content=json.dumps(self._changed[1]).replace("Infinity", "1e999"))
        try:
            found = _extra(target) or self._real.answer(request)
        except (AssertionError, KeyError):
            return httpx.Response(404, json={"error": "Object Not Found", "reason": "Not Found"})
        if found.status_code == 200 and found.headers["content-type"] == "application/json":
            self.served[target] = found.json()
        return found


@cache
def _of_plugins() -> dict[str, Any]:
    """What was recorded with the plugins on, or with names of its own."""
    found = {
        entry["path"]: entry["body"]
        for version in ("4.3.6-amqp10", "4.3.6-extra")
        for entry in recorded_answers(version)
        if entry["method"] == "GET" and entry["status"] == 200 and isinstance(entry.get("body"), list | dict)
    }
    return {
        path: body
        for path, body in found.items()
        if path.startswith(("/api/shovels", "/api/federation", "/api/stream"))
    }


def _extra(target: str) -> httpx.Response | None:
    path = target.partition("?")[0]
    if path in ("/api/health/checks/alarms", "/api/health/checks/local-alarms"):
        failed = {"status": "failed", "reason": "alarms", "alarms": [{"node": "rabbit@a", "resource": "memory"}]}
        return httpx.Response(503, json=failed)
    if path.startswith("/api/health/checks/certificate-expiration"):
        expired = [{"name": "https", "port": 15671, "protocol": "https", "node": "rabbit@a", "interface": "[::]",
                    "cert_expires_on": ["2020-01-01 00:00:00"]}]  # fmt: skip
        return httpx.Response(503, json={"status": "failed", "reason": "Certificates expire", "expired": expired})
    if path.startswith("/api/queues/") and path.endswith("/bindings"):
        return httpx.Response(200, json=_bindings_of(path.split("/")[4]))
    if path.startswith("/api/stream/connections/"):
        return httpx.Response(200, json=_of_plugins()["/api/stream/connections"])
    if path in _of_plugins():
        return httpx.Response(200, json=_of_plugins()[path])
    return None


@cache
def _bindings_of(queue: str) -> list[Any]:
    rows: list[Any] = next(entry["body"] for entry in recorded_answers("4.3.6") if entry["path"] == "/api/bindings/%2F")
    return [row for row in rows if row["destination"] == queue]


WITHOUT_ARGUMENTS = [
    name
    for name, entry in COMMANDS.items()
    if not (entry.raw or entry.changes or entry.local or entry.hidden or name == "top" or name.startswith("check_"))
]
WORDS: dict[str, Sequence[str]] = {
    "list_user_permissions": ("guest",),
    "list_user_topic_permissions": ("guest",),
    "list_policies_that_match": ("orders",),
    "list_stream_tracking": ("st.events",),
    "show queue": ("orders",),
    "show exchange": ("ex.direct",),
    "show binding": ("ex.direct", "queue", "orders", "orders"),
    "show user": ("guest",),
    "show policy": ("p-maxlen",),
    "who": ("orders",),
    "is_enabled": ("rabbitmq_management",),
    "quorum_status": ("qq.orders",),
    "explain queue": ("orders",),
    "explain exchange": ("ex.direct",),
    "policies matching": ("queue", "orders"),
    "check_port_listener": ("5704",),
    "check_protocol_listener": ("amqp",),
    "check_for_quorum_queues_without_an_elected_leader": ("^qq",),
    "await_online_nodes": ("1", "--timeout", "0.01"),
    "await_startup": ("--timeout", "0.01"),
    "await_online_quorum_plus_one": ("--timeout", "0.01"),
    "wait broker": ("--timeout", "0.01"),
    "wait node": ("--timeout", "0.01"),
    "wait queue": ("orders", "--empty", "--timeout", "0.01"),
}  # fmt: skip
SLOW = frozenset(("check_port_connectivity", "wait definitions", "check definitions", "list_connections_details"))
ALL_COLUMNS = frozenset(
    (
        "list_queues",
        "list_exchanges",
        "list_connections",
        "list_channels",
        "list_consumers",
        "list_vhosts",
        "list_nodes",
    )
)


def _command(name: str) -> list[str]:
    words = [*name.split(), *WORDS.get(name, ())]
    if name in ALL_COLUMNS:
        words += _columns(name)
    return words


@cache
def _columns(name: str) -> tuple[str, ...]:
    from importlib import import_module

    function = getattr(import_module(f"rmqctl.commands.{COMMANDS[name].module}"), name)
    return tuple(function.resource.names())


CASES = [
    *(("4.3.6", name) for name in WITHOUT_ARGUMENTS if name not in SLOW),
    ("3.10.8", "list_queues"), ("3.10.8", "status"), ("3.10.8", "cluster_status"), ("3.10.8", "list_users"),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two looks."""
    monkeypatch.setattr(time, "sleep", lambda _: None)


@pytest.mark.parametrize(("version", "name"), CASES)
def test_what_does_not_fit_is_unknown(version: str, name: str) -> None:
    words = _command(name)
    turn = 0
    for target, body in _served(version, words).items():
        for where in _paths(body):
            turn += 1
            for number in (0, 1, 2 + turn % IN_TURN, 2 + 7 * turn % IN_TURN) if THOROUGH else (5 * turn % len(OTHERS),):
                _look(version, words, target, body, where, OTHERS[number])


@pytest.mark.parametrize("name", [name for name in WITHOUT_ARGUMENTS if name not in SLOW])
def test_an_answer_of_another_kind_is_an_error(name: str) -> None:
    words = _command(name)
    for target, body in _served("4.3.6", words).items():
        others = ([], {}, None, 5, "x", [5], [None]) if isinstance(body, list | dict) else ()
        for other in others:
            _judge(run_with(*words, broker=Recording("4.3.6", (target, other))), words, target, (), other)


def _served(version: str, words: Sequence[str]) -> dict[str, Any]:
    broker = Recording(version)
    ran = run_with(*words, broker=broker)
    assert "internal error" not in ran.err
    return broker.served


def _look(version: str, words: Sequence[str], target: str, body: Any, where: tuple[Any, ...], other: Any) -> None:
    changed = copy.deepcopy(body)
    holder = changed
    for step in where[:-1]:
        holder = holder[step]
    if other is MISSING:
        del holder[where[-1]]
    else:
        holder[where[-1]] = other
    formats = ([], ["-f", "json"], ["-f", "pretty_json"])
    ran = run_with(*words, *formats[len(str(where)) % 3], broker=Recording(version, (target, changed)))
    _judge(ran, words, target, where, other)


def _judge(ran: Ran, words: Sequence[str], target: str, where: tuple[Any, ...], other: Any) -> None:
    told = f"{' '.join(words)}: {target} with {'.'.join(map(str, where))} = {other!r}: {ran.exit} {ran.err}"
    assert "internal error" not in ran.err, told
    if words[0] == "check":
        assert ran.exit in (0, 1, 2, 3), told
    else:
        # 70 only where rabbitmqctl has it: a time that is up for await_online_nodes, a broker that failed.
        assert ran.exit in ((0, 70, 75) if words[0] == "await_online_nodes" else (0, 64, 65, 67, 69, 75, 77)), told
    assert "NaN" not in ran.out, told
    assert "Infinity" not in ran.out, told


def _paths(body: Any) -> Iterator[tuple[Any, ...]]:
    """The way to each field, in the first of the rows that have it."""
    seen: set[tuple[Any, ...]] = set()
    for where in _walk(body, ()):
        shape = tuple("[]" if isinstance(step, int) else step for step in where)
        if shape not in seen:
            seen.add(shape)
            yield where


def _walk(value: Any, where: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inside:
        if isinstance(value, dict):
            yield (*where, step)
        yield from _walk(item, (*where, step))
