"""Too many connections, too many new ones, and those that the broker holds back."""

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report
from rmqctl.checks.snapshot import Row, Snapshot

_ADVICE = {
    "blocked": "an alarm keeps it from publishing: check alarms",
    "blocking": "an alarm will keep it from publishing: check alarms",
    "flow": "it publishes faster than the broker takes it: that is flow control",
}
"""States of a connection that are worth a word."""


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that connections are not too many, not opened all the time, and not held back.

    It reports connections that an alarm blocks or will block, and those in flow control. The rate is that of the
    whole cluster; a client that opens a connection for each message shows there.
    """
    rows = [row for row in snapshot.rows("connections") if limits.concerns(row.get("name"))]
    found = [_held_back(row) for row in rows if row.get("state") in _ADVICE]
    rate = churn(snapshot, "connection_created", limits)
    found += [*too_many("connections", len(rows), limits), *too_fast("connections", rate, limits)]
    kept = [each for each in found if limits.keep(each)]
    figures = [
        Figure("connections", len(rows), "Connections.", limits.pair()),
        Figure("opened", rate, "Opened a second, in the cluster.", limits.pair("churn")),
    ]
    return report(kept, counted(len(rows), "connection"), figures)


def _held_back(row: Row) -> Finding:
    state = str(row["state"])
    client = row.get("user_provided_name")
    text = f"user {row.get('user')!r}" + (f", which calls itself {client!r}" if client else "")
    return Finding(
        state, Status.WARNING.name, "connection", row.get("name"), row.get("vhost"), None, text, _ADVICE[state]
    )


def too_many(noun: str, count: int, limits: Limits) -> list[Finding]:
    status = limits.level(count)
    return [Finding("too many", status.name, noun, None, None, count, str(count))] if status else []


def too_fast(noun: str, rate: float | None, limits: Limits) -> list[Finding]:
    status = limits.level(rate, "churn")
    text = f"{rate:g} a second are opened" if rate is not None else ""
    advice = f"keep {noun} open, one for many messages"
    return [Finding("churn", status.name, noun, None, None, rate, text, advice)] if status else []


def churn(snapshot: Snapshot, counter: str, limits: Limits) -> float | None:
    """How many are opened a second in the cluster; None when the broker does not tell, or nobody asks."""
    if limits.pair("churn") == (None, None):
        return None
    rates = snapshot.rows("overview").get("churn_rates") or {}
    rate = (rates.get(f"{counter}_details") or {}).get("rate")
    return rate if isinstance(rate, int | float) else None
