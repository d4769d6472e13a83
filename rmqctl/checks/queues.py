"""Queues that are long, grow, idle, or that nobody consumes."""

from collections.abc import Iterator
from typing import Any

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report, span
from rmqctl.checks.snapshot import Row, Snapshot, moment, number
from rmqctl.errors import RmqctlError

_COUNTS = {"messages": "", "messages_ready": "ready", "messages_unacknowledged": "unacknowledged"}
"""The fields of a queue that have limits, and how those are called."""

_ADVICE = {
    "": "consume faster, or limit it with max-length or message-ttl",
    "ready": "add consumers, or look at why they are slow",
    "unacknowledged": "check acks tells who holds them",
}


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that no queue is too long, grows, or has messages and no consumer.

    The limits are those of one queue. Streams, which keep what was consumed, are measured by --warning and --growth-warning
    alone. With a limit for growth two samples are taken, --for apart.
    """
    rows = [row for row in snapshot.rows("queues") if limits.concerns(row.get("name"))]
    found = [finding for row in rows for finding in _of_queue(row, limits, snapshot)]
    found += _grown(rows, snapshot, limits)
    consumed = _consumed(snapshot)
    if consumed is not None:
        found += [_unconsumed(row) for row in rows if _is_unconsumed(row, consumed, bool(limits["strict"]))]
    kept = [each for each in found if limits.keep(each)]
    total = sum(number(row, "messages") or 0 for row in rows)
    figures = [
        Figure("queues", len(rows), "Queues that were looked at."),
        Figure("messages", total, "Messages in them."),
        Figure(
            "longest",
            max((number(row, "messages") or 0 for row in rows), default=0),
            "Messages in the longest.",
            limits.pair(),
        ),
    ]
    told = "" if consumed is not None else "; whether anybody consumes them is unknown"
    return report(kept, f"{counted(len(rows), 'queue')}, {counted(int(total), 'message')}{told}", figures)


def _of_queue(row: Row, limits: Limits, snapshot: Snapshot) -> Iterator[Finding]:
    for field, name in _COUNTS.items():
        if name and row.get("type") == "stream":
            continue
        status = limits.level(number(row, field), name)
        if status:
            yield _finding(field.removeprefix("messages_"), status, row, row[field], _messages(row), _ADVICE[name])
    since = moment(row.get("idle_since"))
    idle = None if since is None else (snapshot.now - since).total_seconds()
    if status := limits.level(idle, "idle"):
        yield _finding(
            "idle", status, row, idle, f"idle for {span(idle or 0)}, {_messages(row)}", "delete it when nobody needs it"
        )


def _messages(row: Row) -> str:
    words = {"messages_ready": "ready", "messages_unacknowledged": "unacknowledged"}
    parts = [f"{row[field]} {word}" for field, word in words.items() if row.get(field) is not None]
    return (
        ", ".join([counted(row["messages"], "message"), *parts])
        if row.get("messages") is not None
        else "messages unknown"
    )


def _grown(rows: list[Row], snapshot: Snapshot, limits: Limits) -> list[Finding]:
    return [
        _finding("growing", status, row, by, f"{by} messages more in {snapshot.seconds:g} s", _ADVICE[""])
        for row, by in growth(rows, snapshot, limits)
        if (status := limits.level(by, "growth"))
    ]


def growth(rows: list[Row], snapshot: Snapshot, limits: Limits) -> Iterator[tuple[Row, float]]:
    """Queues with the number of messages that came between the samples; none when there is no limit for that."""
    if limits.pair("growth") == (None, None):
        return
    before = {(row.get("vhost"), row.get("name")): number(row, "messages") for row in snapshot.before("queues")}
    for row in rows:
        then, now = before.get((row.get("vhost"), row.get("name"))), number(row, "messages")
        if then is not None and now is not None:
            yield row, now - then


def _consumed(snapshot: Snapshot) -> set[tuple[Any, Any]] | None:
    """The queues that somebody consumes, None when the broker does not tell."""
    try:
        rows = snapshot.rows("consumers")
    except RmqctlError:
        return None
    return {(at.get("vhost"), at.get("name")) for row in rows if isinstance(at := row.get("queue"), dict)}


def _is_unconsumed(row: Row, consumed: set[tuple[Any, Any]], strict: bool) -> bool:
    wanted = strict or bool(row.get("messages_ready"))
    return wanted and row.get("type") != "stream" and (row.get("vhost"), row.get("name")) not in consumed


def _unconsumed(row: Row) -> Finding:
    return _finding(
        "no consumer",
        Status.WARNING,
        row,
        row.get("messages_ready"),
        _messages(row),
        "start a consumer, or purge or delete it",
    )


def _finding(kind: str, status: Status, row: Row, value: float | None, text: str, advice: str) -> Finding:
    return Finding(kind, status.name, "queue", row.get("name"), row.get("vhost"), value, text, advice)
