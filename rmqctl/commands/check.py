"""`check acks`: who holds messages without acknowledging them, with the exit codes of monitoring plugins."""

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Annotated, Any

import typer

from rmqctl.api import lists, nodes, queues
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.checks import acks
from rmqctl.checks.acks import Finding
from rmqctl.commands.arguments import Where
from rmqctl.errors import RmqctlError, UsageError
from rmqctl.resources import clients
from rmqctl.resources.declarations import duration
from rmqctl.result import Result, Rows, Value
from rmqctl.session import Session

COLUMNS = Finding._fields


class Status(IntEnum):
    """The exit codes of https://www.monitoring-plugins.org/doc/guidelines.html#AEN78."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


def check_acks(
    session: Session,
    seconds: Annotated[float, typer.Option("--for", min=0, metavar="SECONDS", help="Time between the samples.")] = 10,
    idle: Annotated[
        str, typer.Option("--idle", metavar="TIME", help="A consumer that has acknowledged may think for so long.")
    ] = "60s",
    warning: Annotated[
        int, typer.Option("--warning", min=1, metavar="N", help="Warn from N forgotten messages on.")
    ] = 1,
    critical: Annotated[
        int | None,
        typer.Option("--critical", min=1, metavar="N", help="Critical from N on.", show_default=False),
    ] = None,
    age_warning: Annotated[
        str | None,
        typer.Option("--age-warning", metavar="TIME", help="Warn when held idle for so long: 5m.", show_default=False),
    ] = None,
    age_critical: Annotated[
        str | None, typer.Option("--age-critical", metavar="TIME", help="Critical: 20m.", show_default=False)
    ] = None,
    match: Annotated[
        str | None, typer.Option("--match", metavar="REGEX", help="Only queues with such a name.", show_default=False)
    ] = None,
    where: Where = None,
    all_vhosts: Annotated[bool, typer.Option("--all-vhosts", help="In every virtual host.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Name consumers with automatic acks on durable queues too.")
    ] = False,
) -> Result:
    """Name the consumers that hold messages and do not acknowledge them.

    Two samples of the statistics are compared; no message is touched. Named are consumers that hold messages while their
    channel acknowledges nothing, stuck ones whose prefetch is full too, basic.get without ack, open transactions, loops of
    redelivery, unlimited prefetch with 1,000 messages and more, and queues with messages and no consumer.

    Exit codes: 0 all is well, 1 warning, 2 critical, 3 it could not be told. Formats besides the usual ones: nagios, prometheus.
    """
    limits = _Limits(
        warning, critical, _seconds("--age-warning", age_warning), _seconds("--age-critical", age_critical)
    )
    keep = _keep(match, where)
    thinks = _seconds("--idle", idle) or 0.0
    try:
        found = _found(session, None if all_vhosts else session.vhost, seconds, thinks, strict, keep)
    except UsageError:
        raise
    except RmqctlError as error:
        return _answer(session, Status.UNKNOWN, str(error), [], limits)
    status = limits.status(found)
    return _answer(session, status, _summary(found, limits, status), found, limits)


class _Limits:
    """From which counts and ages on things are bad; None: never."""

    def __init__(
        self, warning: int, critical: int | None, age_warning: float | None, age_critical: float | None
    ) -> None:
        self.count = warning, critical
        self.age = age_warning, age_critical

    def status(self, found: Sequence[Finding]) -> Status:
        number, age = acks.held(found), oldest(found)
        others = any(each.kind not in acks.HOLDING for each in found)
        if _reaches(number, self.count[1]) or _reaches(age, self.age[1]):
            return Status.CRITICAL
        return Status.WARNING if others or _reaches(number, self.count[0]) or _reaches(age, self.age[0]) else Status.OK


def _reaches(value: float, limit: float | None) -> bool:
    return limit is not None and value >= limit


def oldest(found: Sequence[Finding]) -> float:
    """Seconds for which the longest idle one has held messages."""
    return max((each.idle or 0.0 for each in found if each.kind in acks.HOLDING), default=0.0)


def _seconds(option: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return duration(text) / 1000
    except UsageError as error:
        raise UsageError(f"{option}: {error}") from None


def _keep(match: str | None, where: str | None) -> Callable[[Finding], bool]:
    from rmqctl.resources.where import parse

    try:
        pattern = re.compile(match or "")
    except re.error as error:
        raise UsageError(f"--match: bad regular expression: {error}") from None
    expression = None if where is None else parse(where, COLUMNS.__contains__)

    def keep(finding: Finding) -> bool:
        named = match is None or (finding.queue is not None and pattern.search(finding.queue) is not None)
        return named and (expression is None or expression.matches(lambda name: getattr(finding, name)))

    return keep


# What is asked of the broker


def _found(
    session: Session, vhost: str | None, seconds: float, thinks: float, strict: bool, keep: Callable[[Finding], bool]
) -> list[Finding]:
    client = session.client
    _sees_all(client)
    before = lists.of_clients(client, "channels", vhost, fields=acks.CHANNEL_FIELDS)
    session.hint(f"Looking at {client.endpoint.url} for {seconds:g} s ...")
    time.sleep(seconds)
    rows = queues.fetch(client, vhost, acks.QUEUE_FIELDS, totals=True, statistics=False).rows
    consumers = lists.of_vhost(client, "consumers", vhost, fields=acks.CONSUMER_FIELDS)
    after = lists.of_clients(client, "channels", vhost, fields=acks.CHANNEL_FIELDS)
    window = acks.Window(seconds, datetime.now(UTC), thinks)
    named = ({**row, "vhost": row.get("vhost", vhost)} for row in rows)
    found = acks.find(named, consumers, before, after, window, strict=strict)
    kept = [each for each in found if keep(each)]
    if not any(each.connection for each in kept):
        return kept
    return acks.with_connections(kept, lists.of_clients(client, "connections", vhost, fields=acks.CONNECTION_FIELDS))


def _sees_all(client: Client) -> None:
    """Raises RmqctlError when the answers would be empty whatever there is."""
    tags = (client.get(path("whoami"), what="the user") or {}).get("tags") or []
    known = tags.split(",") if isinstance(tags, str) else tags
    if not {"monitoring", "administrator"} & set(known):
        raise RmqctlError(f"user {client.user!r} sees only its own channels: the tag monitoring is needed")
    if nodes.overview(client, "disable_stats").get("disable_stats"):
        raise RmqctlError(f"{client.endpoint.url} collects no statistics")


# What is printed


def _summary(found: Sequence[Finding], limits: _Limits, status: Status) -> str:
    holding = [each for each in found if each.kind in acks.HOLDING]
    parts = []
    if holding:
        messages = _count(acks.held(found), "message", "messages")
        parts.append(f"{_count(len(holding), 'client holds', 'clients hold')} {messages} without acknowledging")
    for kind in dict.fromkeys(each.kind for each in found if each.kind not in acks.HOLDING):
        parts.append(f"{kind}: {sum(each.kind == kind for each in found)}")
    if holding and status is Status.OK:
        parts.append(f"fewer than {limits.count[0]}")
    return "; ".join(parts) or "nobody holds messages without acknowledging"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _answer(session: Session, status: Status, summary: str, found: list[Finding], limits: _Limits) -> Result:
    line = f"acks {status.name}: {summary}"
    formatter = (session.settings.output.formatter or "table").lower()
    if formatter == "nagios":
        return Value(None, _nagios(line, found, limits), exit_code=status)
    if formatter == "prometheus":
        return Value(None, _prometheus(status, found), exit_code=status)
    if formatter == "table":
        return Value(None, "\n".join([line, *map(_block, found)]), exit_code=status)
    if formatter.endswith("json") or formatter == "json_stream":
        findings = [each._asdict() for each in found]
        return Value(
            {"check": "acks", "status": status.name, "summary": summary, "findings": findings}, exit_code=status
        )
    return Rows(COLUMNS, found, messages=(line,), exit_code=status)


def _block(each: Finding) -> str:
    """A finding for people: what, who, how much, and what to do."""
    where = f"queue {each.queue!r} in virtual host {each.vhost!r}" if each.queue else f"virtual host {each.vhost!r}"
    who = []
    if each.consumer_tag is not None:
        who.append(f"consumer {each.consumer_tag!r}")
    if each.channel is not None:
        who.append(clients.in_words(each._asdict()))
    much = []
    if each.ready is not None:
        much.append(f"{each.ready} ready")
    if each.channel is not None:
        much += [f"{each.unacknowledged} unacknowledged", f"{each.acked} acknowledged meanwhile"]
    if each.prefetch is not None:
        much.append(f"prefetch {each.prefetch or 'unlimited'}")
    if each.idle is not None:
        much.append(f"idle for {_span(each.idle)}")
    if each.oldest_possible_delivery:
        much.append(f"none older than {each.oldest_possible_delivery}")
    if each.timeout_in is not None:
        much.append(f"the broker closes the channel in {_span(each.timeout_in)} at most")
    lines = [f"{each.kind}: {where}", *(f"  {', '.join(part)}" for part in (who, much) if part), f"  {each.advice}"]
    return "\n".join(lines)


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _nagios(line: str, found: list[Finding], limits: _Limits) -> str:
    """One line with performance data, then the findings."""
    clients = sum(each.kind in acks.HOLDING for each in found)
    data = (
        f"unacknowledged={acks.held(found)};{_limit(limits.count[0])};{_limit(limits.count[1])};0 clients={clients};;;0 "
        f"idle={oldest(found):.0f}s;{_limit(limits.age[0])};{_limit(limits.age[1])};0 findings={len(found)};;;0"
    )
    # What follows a bar is taken for performance data.
    details = [_block(each).replace("|", "/") for each in found]
    return "\n".join([f"{line.replace('|', '/')} | {data}", *details])


def _limit(limit: float | None) -> str:
    return "" if limit is None else f"{limit:g}"


def _prometheus(status: Status, found: list[Finding]) -> str:
    """https://prometheus.io/docs/instrumenting/exposition_formats/: for the textfile collector."""
    lines = [
        "# HELP rmqctl_check_acks_status 0 ok, 1 warning, 2 critical, 3 unknown.",
        "# TYPE rmqctl_check_acks_status gauge",
        f"rmqctl_check_acks_status {status.value}",
        "# HELP rmqctl_check_acks_unacknowledged Messages that are held without being acknowledged.",
        "# TYPE rmqctl_check_acks_unacknowledged gauge",
        f"rmqctl_check_acks_unacknowledged {acks.held(found)}",
        "# HELP rmqctl_check_acks_finding Messages concerned by each finding.",
        "# TYPE rmqctl_check_acks_finding gauge",
    ]
    for each in found:
        names = ("kind", "vhost", "queue", "consumer_tag", "channel", "client", "user")
        labels = ",".join(f"{name}={_label(getattr(each, name))}" for name in names)
        number = each.unacknowledged if each.ready is None else each.ready
        lines.append(f"rmqctl_check_acks_finding{{{labels}}} {number}")
    return "\n".join(lines)


def _label(value: Any) -> str:
    text = "" if value is None else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
