"""A cluster that is smaller than it should be, split, or half-way through an upgrade."""

from collections.abc import Iterator, Sequence
from typing import Any

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report
from rmqctl.checks.snapshot import Row, Snapshot
from rmqctl.errors import AccessRefused


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that all nodes of the cluster run, see each other and have the same versions, and that feature flags are enabled.

    Feature flags that an upgrade left behind stand in the way of the next one. RabbitMQ 3 shows them to administrators only.
    """
    rows = [row for row in snapshot.rows("nodes") if limits.concerns(row.get("name"))]
    running = [row for row in rows if row.get("running")]
    flags = _flags(snapshot)
    found = [*_size(rows, running, limits), *_split(running), *_versions(running)]
    found += [
        _disabled(flag)
        for flag in flags or ()
        if _lacks(flag, bool(limits["strict"])) and limits.concerns(flag.get("name"))
    ]
    kept = [each for each in found if limits.keep(each)]
    figures = [Figure("nodes", len(running), "Nodes that run.", (limits["nodes"], None), falling=True)]
    versions = ", ".join(sorted({_version(row) or "?" for row in running}))
    told = "" if flags is not None else "; feature flags are for administrators to see"
    return report(kept, f"{counted(len(running), 'node runs', 'nodes run')} RabbitMQ {versions}{told}", figures)


def _size(rows: Sequence[Row], running: Sequence[Row], limits: Limits) -> Iterator[Finding]:
    wanted = limits["nodes"]
    if wanted is not None and len(running) < wanted:
        yield Finding(
            "size", Status.CRITICAL.name, "cluster", None, None, len(running), f"{len(running)} of {wanted} nodes run"
        )
    for row in rows:
        if not row.get("running"):
            yield Finding("not running", Status.WARNING.name, "node", row.get("name"))


def _split(running: Sequence[Row]) -> Iterator[Finding]:
    for row in running:
        if row.get("partitions"):
            others = ", ".join(map(str, row["partitions"]))
            yield Finding("partition", Status.CRITICAL.name, "node", row.get("name"), text=f"it does not see {others}")


def _versions(running: Sequence[Row]) -> Iterator[Finding]:
    for product, version in (("RabbitMQ", _version), ("Erlang", lambda row: row.get("erlang_version"))):
        found: dict[Any, list[str]] = {}
        for row in running:
            if version(row) is not None:
                found.setdefault(version(row), []).append(str(row.get("name")))
        if len(found) > 1:
            text = "; ".join(f"{product} {each} on {', '.join(names)}" for each, names in sorted(found.items()))
            yield Finding("versions", Status.WARNING.name, "cluster", None, text=text, advice="finish the upgrade")


def _version(row: Row) -> str | None:
    """RabbitMQ 3 tells it among the applications."""
    applications = row.get("applications") or ()
    named = (
        str(each.get("version")) for each in applications if isinstance(each, dict) and each.get("name") == "rabbit"
    )
    return row.get("rabbitmq_version") or next(named, None)


def _flags(snapshot: Snapshot) -> Sequence[Row] | None:
    try:
        found: Sequence[Row] = snapshot.rows("feature_flags")
    except AccessRefused:
        return None
    return found


def _lacks(flag: Row, strict: bool) -> bool:
    return flag.get("state") == "disabled" and (strict or flag.get("stability") != "experimental")


def _disabled(flag: Row) -> Finding:
    advice = "enable_feature_flag all, once every node is upgraded"
    return Finding("not enabled", Status.WARNING.name, "feature flag", flag.get("name"), advice=advice)
