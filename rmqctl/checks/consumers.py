"""Consumers that get nothing, and queues whose consumers are too slow for them."""

from collections.abc import Iterable, Iterator
from typing import Any

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report
from rmqctl.checks.snapshot import Row, Snapshot, number

_AT_WORK = frozenset(("up", "single_active", "waiting", "blocked"))
"""What `activity_status` says of consumers as they should be: waiting ones stand by for a single active one, blocked ones have
their prefetch full, which is how a busy one looks."""


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that consumers get messages, and that queues can deliver.

    It reports consumers that the broker suspects to be down, and queues with a backlog whose consumers can rarely be
    given a message because their prefetch is full.
    """
    consumers = [row for row in snapshot.rows("consumers") if limits.concerns((row.get("queue") or {}).get("name"))]
    queues = [row for row in snapshot.rows("queues") if limits.concerns(row.get("name"))]
    found = [each for each in (*_inactive(consumers), *_slow(queues, limits)) if limits.keep(each)]
    figures = [
        Figure("consumers", len(consumers), "Consumers."),
        Figure("inactive", sum(each.kind == "inactive" for each in found), "Those that get nothing."),
    ]
    return report(found, f"{counted(len(consumers), 'consumer')} at work", figures)


def _inactive(consumers: Iterable[Row]) -> Iterator[Finding]:
    for row in consumers:
        status = row.get("activity_status")
        if status is not None and status not in _AT_WORK:
            at: dict[str, Any] = row.get("queue") or {}
            channel = (row.get("channel_details") or {}).get("name")
            text = f"{status}: consumer {row.get('consumer_tag')!r} of channel {channel!r}"
            yield Finding(
                "inactive",
                Status.WARNING.name,
                "queue",
                at.get("name"),
                at.get("vhost"),
                None,
                text,
                "close its connection",
            )


def _slow(queues: Iterable[Row], limits: Limits) -> Iterator[Finding]:
    for row in queues:
        ready = number(row, "messages_ready")
        if ready is None or ready < limits["backlog"] or not number(row, "consumers"):
            continue
        capacity = number(row, "consumer_capacity")
        share = number(row, "consumer_utilisation") if capacity is None else capacity
        percent = None if share is None else round(share * 100, 1)
        if status := limits.level_below(percent, "utilisation"):
            text = (
                f"could deliver {percent:g} % of the time, {row['messages_ready']} ready, {row['consumers']} consumers"
            )
            yield Finding(
                "utilisation", status.name, "queue", row.get("name"), row.get("vhost"), percent, text,
                "more consumers, a larger prefetch, or quicker ones",
            )  # fmt: skip
