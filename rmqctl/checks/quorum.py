"""Replicated queues: without a leader, without a majority, or about to lose it."""

from collections.abc import Iterator

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report
from rmqctl.checks.snapshot import Row, Snapshot, number
from rmqctl.errors import AccessRefused

_REPLICATED = frozenset(("quorum", "stream"))


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that quorum queues and streams have a leader and more than a bare majority of members online.

    A queue is critical when it would lose its majority with one more node. With a limit for it, members that are behind in
    the log are named. Mirrors of classic queues (RabbitMQ 3) that are
    not synchronised are named too.
    """
    rows = [row for row in snapshot.rows("queues") if limits.concerns(row.get("name"))]
    alone = _is_alone(snapshot)
    replicated = [row for row in rows if row.get("type") in _REPLICATED]
    found = [finding for row in replicated for finding in _of_queue(row, alone)]
    found += [_unsynchronised(row) for row in rows if _behind(row)]
    if limits.pair("lag") != (None, None):
        found += [each for row in snapshot.rows("quorum_status") for each in _lagging(row, limits)]
    kept = [each for each in found if limits.keep(each)]
    figures = [
        Figure("queues", len(replicated), "Quorum queues and streams."),
        Figure("findings", len(kept), "Those with less than they should have."),
    ]
    silent = sum(not isinstance(row.get("members"), list) for row in replicated)
    told = f"; of {silent} the members are not told" if silent else ", all well"
    return report(kept, counted(len(replicated), "quorum queue or stream", "quorum queues and streams") + told, figures)


def _is_alone(snapshot: Snapshot) -> bool:
    """Whether there is one node only, or it is not told: a single member is all that a queue can have then."""
    try:
        return len(snapshot.rows("nodes")) <= 1
    except AccessRefused:
        return True


def _of_queue(row: Row, alone: bool) -> Iterator[Finding]:
    def finding(kind: str, status: Status, value: float | None, text: str, advice: str = "") -> Finding:
        return Finding(
            kind,
            status.name,
            f"{row.get('type')} queue".replace("stream queue", "stream"),
            row.get("name"),
            row.get("vhost"),
            value,
            text,
            advice,
        )

    members, online = row.get("members"), row.get("online")
    if not isinstance(members, list) or not isinstance(online, list):
        return
    missing = sorted({*map(str, members)} - {*map(str, online)})
    majority = len(members) // 2 + 1
    share = f"{len(online)} of {counted(len(members), 'member')} online"
    offline = f"{share}, not {', '.join(missing)}" if missing else share
    advice = f"start {', '.join(missing)}, or delete_member and add_member elsewhere" if missing else ""
    if len(online) < majority:
        yield finding("no quorum", Status.CRITICAL, len(online), offline, advice)
    elif "leader" in row and row["leader"] not in online:  # RabbitMQ 3 does not tell those of streams
        yield finding("no leader", Status.CRITICAL, None, f"{offline}; leader {row.get('leader') or 'unknown'}", advice)
    elif len(online) == majority and not alone:
        nodes = ", ".join(sorted(map(str, online)))
        yield finding(
            "critical",
            Status.WARNING,
            len(online),
            f"{offline}: it stops with any of {nodes}",
            advice or "add members on other nodes",
        )
    elif missing:
        yield finding("member offline", Status.WARNING, len(online), offline, advice)


def _lagging(row: Row, limits: Limits) -> Iterator[Finding]:
    """`row` has `vhost`, `name` and `members`, each with its place in the log under rabbitmq-queues's words."""
    last = {str(each.get("Node Name")): number(each, "Last Written") for each in row["members"]}
    most = max((index for index in last.values() if index is not None), default=0)
    for node, index in last.items():
        lag = None if index is None else most - index
        if limits.concerns(row["name"]) and (status := limits.level(lag, "lag")):
            text = f"the member on {node} is {lag} entries behind"
            yield Finding("out of sync", status.name, "quorum queue", row["name"], row["vhost"], lag, text)


def _behind(row: Row) -> list[str]:
    """Mirrors that would lose messages if they had to take over."""
    mirrors, synchronised = row.get("slave_nodes"), row.get("synchronised_slave_nodes")
    if not isinstance(mirrors, list) or not isinstance(synchronised, list):
        return []
    return sorted({*map(str, mirrors)} - {*map(str, synchronised)})


def _unsynchronised(row: Row) -> Finding:
    text = f"mirrors on {', '.join(_behind(row))} are not synchronised"
    return Finding(
        "not synchronised", Status.WARNING.name, "queue", row.get("name"), row.get("vhost"), None, text, "sync_queue"
    )
