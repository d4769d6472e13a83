"""Features in use that a coming release takes away."""

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, report
from rmqctl.checks.snapshot import Snapshot


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that no deprecated feature is in use (RabbitMQ 3.13 and later)."""
    found = [
        Finding(
            "in use", Status.WARNING.name, "deprecated feature", row.get("name"),
            text=str(row.get("deprecation_phase") or ""), advice=str(row.get("doc_url") or ""),
        )
        for row in snapshot.rows("deprecated_features")
        if limits.concerns(row.get("name"))
    ]  # fmt: skip
    kept = [each for each in found if limits.keep(each)]
    return report(
        kept, "no deprecated feature is in use", [Figure("features", len(kept), "Deprecated features in use.")]
    )
