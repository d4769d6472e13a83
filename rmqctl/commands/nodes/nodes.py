"""Commands about nodes and the cluster, but for status and cluster_status, which are in `status`."""

import io
import platform
import time
from collections.abc import Mapping
from threading import Thread
from typing import Annotated, Any

import typer

from rmqctl import __version__
from rmqctl.api import answering, health, users
from rmqctl.api import nodes as api
from rmqctl.api.answering import release_of, statistics_off, too_old
from rmqctl.api.client import Client
from rmqctl.commands.kit.listing import Found, Wanted, list_command
from rmqctl.commands.nodes.status import NodeArgument, Unit
from rmqctl.errors import (
    AccessRefused,
    CheckFailed,
    DataError,
    NeedsNode,
    NotFound,
    RmqctlError,
    Unavailable,
    UsageError,
)
from rmqctl.output import TERMINAL
from rmqctl.resources import described, erlang
from rmqctl.resources import nodes as words
from rmqctl.resources.column import release
from rmqctl.result import Rows, Value
from rmqctl.session import Session
from rmqctl.settings import resolve
from rmqctl.streams import Streams
from rmqctl.terms import Keywords

_PATIENCE = 1.0
"""Seconds until `version` does without the broker."""


def _nodes(client: Client, wanted: Wanted) -> Found:
    return Found(api.nodes(client, wanted.fields))


list_nodes = list_command(
    words.NODES,
    _nodes,
    """List the members of the cluster, running or not.

    Sizes are in bytes, `uptime` is in milliseconds. Every field of GET /api/nodes is a column.
    """,
    by_vhost=False,
)


# Versions


def version(session: Session) -> Value:
    """Versions of rmqctl and Python, and of RabbitMQ and Erlang where a broker answers within a second.

    In a pipe it is the version of rmqctl alone; the formats for programs have them all. server_version asks the broker only.
    """
    own = {"version": __version__, "python": platform.python_version()}
    in_words = session.on_terminal and session.format.prose
    if not in_words and not session.format.for_programs:
        return Value({"result": "ok", "value": own}, __version__)
    answer = _versions_of_broker(session)
    versions = own | {"rabbitmq": answer.get("rabbitmq_version"), "erlang": answer.get("erlang_version")}
    names = ("rmqctl", "Python", "RabbitMQ", "Erlang")
    lines = [f"{name:8}  {number or 'unknown'}" for name, number in zip(names, versions.values(), strict=True)]
    reason = answer.get("error")
    messages = (f"RabbitMQ and Erlang are unknown: {reason}",) if in_words and reason else ()
    return Value({"result": "ok", "value": versions}, "\n".join(lines), messages)


def _versions_of_broker(session: Session) -> dict[str, str]:
    """Its answer, or its "error": whoever asks for the version of rmqctl gets that, whatever is wrong with the broker."""
    answer: dict[str, str] = {}
    asking = Thread(target=_ask_versions, args=(session, answer), daemon=True)
    asking.start()
    asking.join(_PATIENCE)
    return dict(answer) or {"error": f"no answer within {_PATIENCE:g} second"}


def _ask_versions(session: Session, answer: dict[str, str]) -> None:
    silent = session._replace(
        streams=Streams(io.StringIO(), io.StringIO(), io.StringIO())
    )  # no question for a password
    try:
        settings = resolve(session.given, session.environ, lambda: session.contexts_file)
        client = silent.client_of(settings._replace(timeout=_PATIENCE))
        answer.update(answering.overview(client, "rabbitmq_version", "erlang_version"))
    except RmqctlError as error:
        answer["error"] = str(error)


def server_version(session: Session) -> Value:
    """RabbitMQ's version on the node that answers."""
    number = str(answering.overview(session.client, "rabbitmq_version").get("rabbitmq_version", ""))
    return Value({"result": "ok", "value": number}, number)


def erlang_version(
    session: Session,
    details: Annotated[bool, typer.Option("--details", help="Emulator and build options too.")] = False,
    offline: Annotated[bool, typer.Option("--offline", hidden=True)] = False,
) -> Value:
    """Erlang's version on the node that answers."""
    if offline:
        raise NeedsNode("--offline asks for the Erlang that rabbitmqctl runs on; rmqctl runs on none")
    found = answering.overview(session.client, "erlang_version", "erlang_full_version")
    text = str(found.get("erlang_full_version")) if details else f"Erlang/OTP {found.get('erlang_version')}"
    return Value({"result": "ok", "value": text}, text)


# What is where


def memory_breakdown(session: Session, node: NodeArgument = None, unit: Unit = "gb") -> Value:
    """Memory of a node by category, the largest first, with its part of the total."""
    client = session.client
    name = node or answering.needed_node(client)
    memory = api.memory(client, name)
    if not memory:
        raise Unavailable(f"node {name!r} does not tell its memory: it is not running ({client.endpoint.url})")
    categories = Keywords(words.memory_categories(memory))
    if session.format.columnar:
        return Value(categories)
    lines = words.memory_lines(memory, unit)
    return Value(categories, "\n".join([*lines, ""]))  # rabbitmqctl ends it with an empty line


def listeners(session: Session, node: NodeArgument = None) -> Rows | Value:
    """Interfaces, ports and protocols that a node listens on."""
    name, found = listeners_of(session.client, node)
    if session.format.columnar:
        return Rows(_LISTENER, [[each[key] for key in _LISTENER] for each in found])
    data = {"node": name, "result": "ok", "listeners": found}
    return Value(data, "\n".join(map(words.listener_line, found)))


_LISTENER = ("node", "protocol", "interface", "port", "purpose")


def listeners_of(client: Client, node: str | None) -> tuple[str, list[dict[str, Any]]]:
    """The node's name and its listeners. Raises AccessRefused for a user without the tag monitoring."""
    overview = answering.overview(client, "node", "listeners")
    name = node or overview.get("node") or answering.needed_node(client)
    found = [each for each in words.listeners(overview.get("listeners") or ()) if each["node"] == name]
    if not found and node is not None:
        api.node(client, node)  # raises for one that does not exist
    return name, found


def log_location(
    session: Session,
    node: NodeArgument = None,
    every: Annotated[bool, typer.Option("--all", "-a", help="Every log file, not the main one only.")] = False,
) -> Value:
    """Where a node writes its log."""
    name = node or answering.needed_node(session.client)
    files = list(map(str, api.node(session.client, name).get("log_files") or ()))
    if not files:
        raise Unavailable(f"node {name!r} does not tell its log files ({session.client.endpoint.url})")
    paths = files if every else files[:1]
    return Value({"node_name": name, "paths": paths, "result": "ok"}, "\n".join(paths))


def environment(session: Session) -> Value:
    """Configuration in force on the node that answers, as Erlang terms (RabbitMQ 3.12).

    Keys inside maps may stand in another order than in rabbitmqctl's output.
    """
    client = session.client
    try:
        text = api.effective_configuration(client)
    except NotFound:
        raise too_old(client, "environment", "3.12") from None
    return Value(erlang.environment(text), text)


def quorum_status(
    session: Session, queue: Annotated[str, typer.Argument(metavar="QUEUE", help="Name of a quorum queue.")]
) -> Rows:
    """Raft state of a quorum queue, one row a member (RabbitMQ 4.0)."""
    client = session.client
    try:
        rows = api.quorum_status(client, session.vhost, queue)
    except DataError as error:
        if release_of(client) < (4,):
            raise too_old(client, "quorum_status", "4.0") from None
        if isinstance(error, NotFound):
            where = f"virtual host {session.vhost!r} ({client.endpoint.url})"
            raise NotFound(f"queue {queue!r} does not exist in {where}") from None
        raise
    columns = tuple(dict.fromkeys(key for row in rows for key in row))
    return Rows(columns, [[row.get(column) for column in columns] for row in rows])


# Plugins


def list_plugins(
    session: Session,
    pattern: Annotated[
        str | None, typer.Argument(metavar="[PATTERN]", help="Regular expression for names.", show_default=False)
    ] = None,
    explicit: Annotated[bool, typer.Option("-E", "--enabled", help="Only those enabled explicitly.")] = False,
    enabled: Annotated[bool, typer.Option("-e", help="The default: explicitly or not.")] = False,  # noqa: ARG001
    minimal: Annotated[bool, typer.Option("-m", "--minimal", help="Names only.")] = False,
) -> Value:  # fmt: skip
    """Plugins that run on the node that answers, as rabbitmq-plugins list -e.

    The HTTP API does not report which others are installed.
    """
    keep = _matcher(pattern)
    client = session.client
    name = session.node or answering.needed_node(client)
    node = api.node(client, name)
    chosen = set(node.get("enabled_plugins") or ())
    rows = [
        {
            "enabled": "enabled" if plugin in chosen else "implicit",
            "name": plugin,
            "running": bool(number),
            "version": number,
            "running_version": number,
        }
        for plugin, number in sorted(_plugins(client, node).items())
        if keep(plugin) and (plugin in chosen or not explicit) and (plugin in chosen or plugin.startswith("rabbitmq_"))
    ]
    return Value({"status": "running", "format": "normal", "plugins": rows}, _plugin_table(rows, name, minimal))


def _matcher(pattern: str | None) -> Any:
    import re

    try:
        return re.compile(pattern or "").search
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression: {error}") from None


def _plugins(client: Client, node: Mapping[str, Any]) -> dict[str, str]:
    running = answering.overview(client, "rabbitmq_version").get("rabbitmq_version", "")
    return words.plugins(node, release(str(running)))


def _plugin_table(rows: list[dict[str, Any]], node: str, minimal: bool) -> str:
    if minimal:
        return "\n".join(row["name"] for row in rows)
    width = max((len(row["name"]) for row in rows), default=0)
    marks = {"enabled": "E", "implicit": "e"}
    return "\n".join(
        [
            " Configured: E = explicitly enabled; e = implicitly enabled",
            f" | Status: * = running on {node}",
            " |/",
            *(
                f"[{marks[row['enabled']]}{'*' if row['running'] else ' '}] {row['name']:{width}} {row['version']}".rstrip()
                for row in rows
            ),
        ]
    )


def is_enabled(
    session: Session,
    plugins: Annotated[list[str], typer.Argument(metavar="PLUGIN...", help="Names of plugins.")],
) -> Value:
    """Check that plugins are enabled on the node that answers."""
    client = session.client
    name = session.node or answering.needed_node(client)
    active = _plugins(client, api.node(client, name))
    missing = [plugin for plugin in plugins if plugin not in active]
    if missing:
        raise CheckFailed(
            f"{_some_plugins(missing)} not enabled on node {name}. Enabled plugins and dependencies: "
            f"{', '.join(sorted(active))}"
        )
    text = f"{_some_plugins(plugins)} enabled on node {name}"
    return Value({"message": text, "result": "ok"}, text)


def _some_plugins(names: list[str]) -> str:
    return f"Plugin {names[0]} is" if len(names) == 1 else f"Plugins {', '.join(names)} are"


# Counts and rates


def overview(session: Session) -> Value:
    """Cluster at a glance: versions, counts of objects and messages, rates per second."""
    found = answering.overview(session.client)
    first = ("cluster_name", "node", "rabbitmq_version", "erlang_version", "object_totals", "queue_totals")
    order = [*(key for key in first if key in found), *(key for key in found if key not in first)]
    data = {key: found[key] for key in order if key not in _LONG}
    if session.format is not TERMINAL:
        return Value(data)
    return Value(data, described.described("Overview", data, described.OVERVIEW, time.time()), wraps=True)


_LONG = frozenset(("exchange_types", "listeners", "contexts", "sample_retention_policies"))
"""Parts of the overview that are not an overview."""


def churn(session: Session) -> Rows:
    """How many connections, channels and queues came and went, in all and per second."""
    rates = answering.overview(session.client, "churn_rates").get("churn_rates") or {}
    events = sorted(name for name in rates if not name.endswith("_details"))
    cells = [[name, rates[name], (rates.get(f"{name}_details") or {}).get("rate")] for name in events]
    off = () if cells else statistics_off(session.client, "churn")
    return Rows(("event", "count", "rate"), cells, messages=off)


def whoami(session: Session) -> Value:
    """User that the options log in, and its tags."""
    return Value(users.whoami(session.client))


# Log-ins and liveness


def ping(session: Session) -> Value:
    """Check that the broker answers and takes the log-in."""
    users.whoami(session.client)
    return Value({"message": "Ping succeeded"}, "Ping succeeded")


def authenticate_user(
    session: Session,
    username: Annotated[str, typer.Argument(metavar="USER", help="Name to log in with.")],
    password: Annotated[
        str | None,
        typer.Argument(metavar="[PASSWORD]", help="Asked for, or read from standard input, when left out.", show_default=False),
    ] = None,
) -> Value:  # fmt: skip
    """Check that a user name and a password go together.

    A right password is enough: the user may lack every tag, or be allowed to log in from the broker's host only.
    """
    secret = password if password is not None else _read_password(session, username)
    client = _client_as(session, username, secret)
    if not api.password_is_right(client):
        raise DataError(
            f"failed to authenticate user {username!r}: no such user or wrong password ({client.endpoint.url})"
        )
    return Value({"message": "Success"}, "Success")


def _read_password(session: Session, user: str) -> str:
    if ask := session.streams.prompt():
        return ask(f"Password of {user}: ")
    if not (line := session.streams.stdin.readline()):
        raise RmqctlError(f"no password for user {user!r}: give it as an argument or on standard input")
    return line.rstrip("\r\n")


def _client_as(session: Session, user: str, password: str) -> Client:
    """A client of the same endpoints for another user."""
    from rmqctl.settings import Credentials

    settings = session.settings
    endpoints = tuple(endpoint._replace(user=None, password=None) for endpoint in settings.endpoints)
    return Client(
        settings._replace(endpoints=endpoints, credentials=Credentials(user)),
        password=lambda _: password,
        warn=session.say,
        log=session.say if settings.output.verbose else None,
        transport=session._transport,
    )


def alarms(session: Session) -> Value:
    """Resource alarms in effect anywhere in the cluster."""
    client = session.client
    found = health.alarms(client)
    here = _name_or_url(client)
    if not found:
        text = f"Node {here} reported no alarms, local or clusterwide"
        return Value({"node": here, "result": "ok", "alarms": []}, text)
    lines = {
        part: [words.alarm_line(each) for each in found if (each.get("node") == here) is (part == "local")]
        for part in _PARTS
    }
    data = {**lines, "message": f"Node {here} reported alarms", "result": "ok"}
    return Value(data, "\n".join(map(words.alarm_line, found)))  # fmt: skip


_PARTS = ("global", "local")


def _name_or_url(client: Client) -> str:
    try:
        return answering.node(client) or client.endpoint.url
    except AccessRefused:
        return client.endpoint.url
