"""await_* commands: the same question again and again, until the answer is yes or the time is up."""

import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from rmqctl.api import health
from rmqctl.api import nodes as api
from rmqctl.api.client import Client
from rmqctl.commands.health import for_programs, this_node
from rmqctl.errors import DataError, RmqctlError, TimedOut, TlsFailed, Unavailable
from rmqctl.result import Nothing, Result, Value
from rmqctl.session import Session

PAUSE = 0.5
"""Seconds between two questions."""

STARTUP_SECONDS = 300.0
NODES_SECONDS = 300.0
QUORUM_SECONDS = 120.0
"""rabbitmqctl's defaults."""

T = TypeVar("T")


def await_startup(session: Session) -> Result:
    """Wait until the broker answers and takes the log-in, at most --timeout seconds [300].

    Ends with exit code 75 when the time is up.
    """
    client = session.client
    node = _poll(client, _limit(session, STARTUP_SECONDS), lambda: this_node(client))
    if node is None:
        raise TimedOut(f"{client.endpoint.url} has not started within {_seconds(session, STARTUP_SECONDS)}")
    return _done(session, {"node": node, "result": "ok"})


def await_online_nodes(
    session: Session, count: Annotated[str, typer.Argument(metavar="COUNT", help="How many nodes must run.")]
) -> Result:
    """Wait until so many nodes of the cluster run, at most --timeout seconds [300].

    Ends with exit code 70 when the time is up.
    """
    if not count.isascii() or not count.isdigit() or int(count) < 1:
        raise DataError(f"{count!r} is no number of nodes: it must be 1 or more")
    client = session.client
    seen = 0

    def enough() -> str | None:
        nonlocal seen
        seen = sum(bool(node.get("running")) for node in api.nodes(client, ("running",)))
        return this_node(client) if seen >= int(count) else None

    node = _poll(client, _limit(session, NODES_SECONDS), enough)
    if node is None:
        waited = _seconds(session, NODES_SECONDS)
        raise RmqctlError(f"timed out: {seen} of {count} nodes run at {client.endpoint.url} after {waited}")
    return _done(session, {"node": node, "result": "ok"})


def await_online_quorum_plus_one(session: Session) -> Result:
    """Wait until no quorum queue or stream would lose its quorum with the node that answers, at most --timeout seconds [120].

    Ends with exit code 75 when the time is up.
    """
    client = session.client

    def uncritical() -> health.Health | None:
        found = health.check(client, "node-is-quorum-critical", what="the quorum queues")
        return found if found.passed else None

    found = _poll(client, _limit(session, QUORUM_SECONDS), uncritical)
    if found is None:
        waited = _seconds(session, QUORUM_SECONDS)
        raise TimedOut(f"{client.endpoint.url}: some quorum queues or streams have no member to spare after {waited}")
    if "single node" in found.reason:
        text = "Target node seems to be the only one in a single node cluster, the command does not apply"
        return Value({"message": text, "result": "ok"}, text)
    return _done(session, {"node": this_node(client), "result": "ok"})


def _poll(client: Client, seconds: float, ask: Callable[[], T | None]) -> T | None:
    """The first answer that is not None, or None when the time is up. A broker that cannot be reached is no answer yet."""
    deadline = time.monotonic() + seconds
    while True:
        # One question may not take longer than what is left.
        client.timeout = max(deadline - time.monotonic(), 0.1)
        try:
            if (answer := ask()) is not None:
                return answer
        except TlsFailed:
            raise  # waiting does not help
        except (Unavailable, TimedOut):
            pass
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        time.sleep(min(PAUSE, left))


def _limit(session: Session, default: float) -> float:
    timeout = session.settings.timeout
    return default if timeout is None else timeout


def _seconds(session: Session, default: float) -> str:
    return f"{_limit(session, default):g} seconds"


def _done(session: Session, data: dict[str, object]) -> Result:
    """Nothing to read for people, an object for programs."""
    return Value(data) if for_programs(session) else Nothing()
