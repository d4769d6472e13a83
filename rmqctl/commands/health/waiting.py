"""await_* and wait commands: the same question again and again, until the answer is yes or the time is up."""

import time
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from rmqctl.api import definitions, health, queues
from rmqctl.api import nodes as api
from rmqctl.api.answering import this_node
from rmqctl.api.client import Client
from rmqctl.commands.definitions.definitions import read
from rmqctl.commands.health.health import for_programs
from rmqctl.errors import (
    BrokenAnswer,
    DataError,
    NotFound,
    NotTheBroker,
    RmqctlError,
    TimedOut,
    TlsFailed,
    Unavailable,
    UsageError,
)
from rmqctl.naming import named
from rmqctl.result import Nothing, Result, Value
from rmqctl.session import Session
from rmqctl.topology.documents import of_vhost
from rmqctl.topology.plan import plan

PAUSE = 0.5
"""Seconds between two questions."""

STARTUP_SECONDS = 300.0
NODES_SECONDS = 300.0
QUORUM_SECONDS = 120.0
"""rabbitmqctl's defaults."""

WAIT_SECONDS = 300.0
"""Of the wait commands, which rabbitmqctl does not have."""

Interval = Annotated[
    float, typer.Option("--interval", min=0.05, metavar="SECONDS", help="Seconds between two questions.")
]
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
    """Wait until COUNT nodes of the cluster run, at most --timeout seconds [300].

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


def wait_queue(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="QUEUE", show_default=False)],
    empty: Annotated[bool, typer.Option("--empty", help="Until it holds no message, ready or unacknowledged.")] = False,
    below: Annotated[int | None, typer.Option("--below", min=1, metavar="N", help="Until fewer messages.")] = None,
    exists: Annotated[bool, typer.Option("--exists", help="Until there is such a queue.")] = False,
    has_consumers: Annotated[bool, typer.Option("--has-consumers", help="Until somebody consumes.")] = False,
    interval: Interval = PAUSE,
) -> Result:
    """Wait until a queue is as wanted, at most --timeout seconds [300]. Of several wishes, all have to come true.

    Message counts are fresh, consumers up to 5 seconds late. A queue that does not exist is an error unless --exists is
    among the wishes. Ends with exit code 75 when the time is up.
    """
    if not (empty or below or exists or has_consumers):
        raise UsageError("wait for what? --empty, --below N, --exists or --has-consumers")
    client, vhost = session.client, session.vhost
    what = named("queue", name, vhost)
    limit = 1 if empty else below
    drain = _Drain(limit or 1)

    def ask() -> dict[str, object] | None:
        drain.state = ""
        try:
            queue = queues.get(client, vhost, name, "name", "consumers")
        except NotFound:
            if not exists:
                raise
            drain.state = "does not exist"
            return None
        if has_consumers and not queue.get("consumers"):
            drain.state = "has no consumers"
            return None
        if limit is not None and not drain.reached(queues.messages(client, vhost, name)):
            return None
        return {"queue": name, "vhost": vhost, "result": "ok"}

    return _waited(session, ask, interval, lambda: f"{what} {drain.state}")


def wait_broker(session: Session, interval: Interval = PAUSE) -> Result:
    """Wait until the broker answers and takes the log-in, at most --timeout seconds [300].

    Ends with exit code 75 when the time is up.
    """
    client = session.client
    return _waited(
        session,
        lambda: {"node": this_node(client), "result": "ok"},
        interval,
        lambda: "the broker does not answer",
    )


def wait_node(
    session: Session,
    name: Annotated[str | None, typer.Argument(metavar="[NODE]", show_default=False)] = None,
    interval: Interval = PAUSE,
) -> Result:
    """Wait until a node of the cluster runs, at most --timeout seconds [300]; the one that answers when none is named.

    Ends with exit code 75 when the time is up.
    """
    client = session.client

    def ask() -> dict[str, object] | None:
        node = name or this_node(client)
        running = api.get(client, node, "running").get("running")
        return {"node": node, "result": "ok"} if running else None

    return _waited(session, ask, interval, lambda: f"node {name!r} does not run" if name else "no node answers")


def wait_definitions(
    session: Session,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Definitions as JSON; - is standard input.", show_default=False)
    ],
    interval: Interval = PAUSE,
) -> Result:
    """Wait until all that a file of definitions has is there as in the file, at most --timeout seconds [300].

    Ends with exit code 75 when the time is up.
    """
    client, vhost = session.client, session.settings.vhost
    document = read(session, file)
    if vhost is not None:
        document = of_vhost(document, vhost)
    lacking = f"{file}: nothing is known"

    def ask() -> dict[str, object] | None:
        nonlocal lacking
        live = definitions.beside(client, definitions.fetch(client), document)
        changes = plan(document, live if vhost is None else of_vhost(live, vhost), vhost)
        if not changes:
            return {"file": file, "result": "ok"}
        first = changes[0].key
        lacking = f"{file}: {len(changes)} lacking or different, the first {first.kind} {first.shown!r}"
        return None

    return _waited(session, ask, interval, lambda: lacking)


class _Drain:
    """Follows the messages of a queue down to fewer than `limit`."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.state = ""
        self._first: tuple[float, int] | None = None

    def reached(self, messages: int | None) -> bool:
        """Whether that is few enough; `state` says what is known otherwise. None: unknown."""
        if messages is None:
            self.state = "does not tell its messages"
            return False
        now = time.monotonic()
        self._first = self._first or (now, messages)
        since, before = self._first
        self.state = f"holds {messages} message{'s' if messages != 1 else ''}"
        if before > messages and now > since:
            seconds = (messages - self.limit + 1) * (now - since) / (before - messages)
            self.state += f", about {seconds:.0f} s to go"
        return messages < self.limit


def _waited(
    session: Session, ask: Callable[[], dict[str, object] | None], interval: float, lacking: Callable[[], str]
) -> Result:
    """Asks until there is an answer. `lacking` says what is not so yet: on a terminal meanwhile, in the error at last."""
    with session.streams.status(shown=session.shows_progress) as show:
        found = _poll(session.client, _limit(session, WAIT_SECONDS), ask, interval, lambda: show(lacking()))
    if found is None:
        raise TimedOut(f"{lacking()} after {_seconds(session, WAIT_SECONDS)} ({session.client.endpoint.url})")
    return _done(session, found)


def _poll(
    client: Client,
    seconds: float,
    ask: Callable[[], T | None],
    interval: float = PAUSE,
    say: Callable[[], None] = lambda: None,
) -> T | None:
    """The first answer that is not None, or None when the time is up. A broker that cannot be reached is no answer yet.

    `say` is called after each answer that was none. Raises TimedOut when it was no broker at last that answered: a proxy
    whose broker stays away, say.
    """
    deadline = time.monotonic() + seconds
    while True:
        stranger: RmqctlError | None = None
        # One question may not take longer than what is left.
        client.timeout = max(deadline - time.monotonic(), 0.1)
        try:
            if (answer := ask()) is not None:
                return answer
        except TlsFailed:
            raise  # waiting does not help
        except (NotTheBroker, BrokenAnswer) as error:
            stranger = error
        except (Unavailable, TimedOut):
            pass
        left = deadline - time.monotonic()
        if left <= 0 and stranger:
            raise TimedOut(f"{stranger} (waited {seconds:g} seconds)")
        if left <= 0:
            return None
        say()
        time.sleep(min(interval, left))


def _limit(session: Session, default: float) -> float:
    timeout = session.settings.timeout
    return default if timeout is None else timeout


def _seconds(session: Session, default: float) -> str:
    return f"{_limit(session, default):g} seconds"


def _done(session: Session, data: dict[str, object]) -> Result:
    """Nothing to read for people, an object for programs."""
    return Value(data) if for_programs(session) else Nothing()
