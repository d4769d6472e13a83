"""How much of what a node has is used up, and nodes that do not run."""

from collections.abc import Iterator

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report
from rmqctl.checks.snapshot import Row, Snapshot, number
from rmqctl.errors import Unavailable

_SHARES = {
    "memory": ("mem_used", "mem_limit", "at 100 % publishers are blocked: memory_breakdown tells where it went"),
    "files": ("fd_used", "fd_total", "raise the limit of open files, or close connections"),
    "sockets": ("sockets_used", "sockets_total", "raise the limit of open files, or close connections"),
    "processes": ("proc_used", "proc_total", "fewer connections, channels and queues, or raise the limit (+P)"),
}
"""What can be used up: the fields with what is used and what there is, and what to do."""


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that all nodes run, and have memory, disk space, file descriptors, sockets and processes left.

    Memory is held against the limit of the memory alarm, disk space against that of the disk alarm.
    """
    rows = [row for row in snapshot.rows("nodes") if limits.concerns(row.get("name"))]
    found = [finding for row in rows for finding in _of_node(row, limits) if limits.keep(finding)]
    running = [row for row in rows if row.get("running")]
    if running and not found and all(number(row, "mem_used") is None for row in running):
        raise Unavailable(
            f"{counted(len(running), 'node runs', 'nodes run')}; the rest is not told: statistics are off"
        )
    shares = [
        Figure(name, max(known), f"Most that a node has used of its {name}.", limits.pair(name), "%")
        for name in _SHARES
        if (known := [share for row in running if (share := _share(row, name)) is not None])
    ]
    left = [free for row in running if (free := _disk(row)) is not None]
    disk = (
        Figure("disk", min(left), "Least disk space above its limit.", limits.pair("disk"), "B", falling=True)
        if left
        else None
    )
    figures = [Figure("nodes", len(running), "Nodes that run."), *shares, *([disk] if disk else [])]
    used = ", ".join(f"{figure.name} {figure.value:g} %" for figure in shares)
    return report(
        found, f"{counted(len(running), 'node runs', 'nodes run')}{f'; used at most: {used}' if used else ''}", figures
    )


def _of_node(row: Row, limits: Limits) -> Iterator[Finding]:
    def finding(kind: str, status: Status, value: float | None, text: str, advice: str) -> Finding:
        return Finding(kind, status.name, "node", row.get("name"), None, value, text, advice)

    if not row.get("running"):
        yield finding("not running", Status.CRITICAL, None, "", "start it, or forget_cluster_node")
        return
    if row.get("partitions"):
        others = ", ".join(map(str, row["partitions"]))
        yield finding("partition", Status.CRITICAL, None, f"it does not see {others}", "restart the smaller side")
    for name, field in (("memory", "mem_alarm"), ("disk", "disk_free_alarm")):
        if row.get(field):
            yield finding("alarm", Status.CRITICAL, None, name, "publishers are blocked in the whole cluster")
    if row.get("being_drained"):
        yield finding(
            "maintenance", Status.WARNING, None, "it takes no clients", "rabbitmq-upgrade revive on the node ends that"
        )
    for name, (_, _, advice) in _SHARES.items():
        share = _share(row, name)
        if status := limits.level(share, name):
            yield finding(name, status, share, f"{share:g} % used", advice)
    left = _disk(row)
    if (status := limits.level_below(left, "disk")) and not row.get("disk_free_alarm"):
        yield finding(
            "disk", status, left, f"{(left or 0) / 1e6:.0f} MB above the limit of the alarm", "free disk space"
        )


def _share(row: Row, name: str) -> float | None:
    """In percent; None when either number is unknown, or there is no limit (4.x tells 0 sockets)."""
    used, total = (number(row, field) for field in _SHARES[name][:2])
    return round(used / total * 100, 1) if used is not None and total else None


def _disk(row: Row) -> float | None:
    free, limit = number(row, "disk_free"), number(row, "disk_free_limit")
    return None if free is None or limit is None else free - limit
