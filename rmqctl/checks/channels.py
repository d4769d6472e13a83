"""Too many channels, in all and of one connection, too many new ones, and those in flow control."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rmqctl.checks.connections import churn, too_fast, too_many
from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report
from rmqctl.checks.snapshot import Row, Snapshot


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that channels are not too many, not opened all the time, and that no connection leaks them.

    A connection that has many channels opens them and does not close them. Channels in flow control are named too.
    """
    rows = [row for row in snapshot.rows("channels") if limits.concerns(row.get("name"))]
    of_connection: Counter[tuple[Any, Any]] = Counter(_connection(row) for row in rows)
    rate = churn(snapshot, "channel_created", limits)
    found = [_in_flow(row) for row in rows if row.get("state") == "flow"]
    found += [
        *_leaks(of_connection, limits),
        *too_many("channels", len(rows), limits),
        *too_fast("channels", rate, limits),
    ]
    kept = [each for each in found if limits.keep(each)]
    figures = [
        Figure("channels", len(rows), "Channels.", limits.pair()),
        Figure("opened", rate, "Opened a second, in the cluster.", limits.pair("churn")),
        Figure(
            "most", max(of_connection.values(), default=0), "Channels of one connection.", limits.pair("per-connection")
        ),
    ]
    return report(kept, f"{counted(len(rows), 'channel')} of {counted(len(of_connection), 'connection')}", figures)


def _connection(row: Row) -> tuple[Any, Any]:
    return row.get("vhost"), (row.get("connection_details") or {}).get("name")


def _in_flow(row: Row) -> Finding:
    text = f"user {row.get('user')!r}"
    advice = "it publishes faster than the broker takes it: that is flow control"
    return Finding("flow", Status.WARNING.name, "channel", row.get("name"), row.get("vhost"), None, text, advice)


def _leaks(of_connection: Counter[tuple[Any, Any]], limits: Limits) -> Iterator[Finding]:
    for (vhost, name), count in of_connection.items():
        if name is not None and (status := limits.level(count, "per-connection")):
            advice = "close channels that are done with, or use one for all"
            yield Finding("leak", status.name, "connection", name, vhost, count, f"{count} channels", advice)
