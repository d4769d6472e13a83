"""Resource alarms: no connection that publishes gets anything through while one is in effect."""

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, report
from rmqctl.checks.snapshot import Snapshot

_ADVICE = {
    "memory": "publishers are blocked everywhere: check nodes, memory_breakdown and check queues tell where it went",
    "disk": "publishers are blocked everywhere: free disk space on that node",
}


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that no node of the cluster has a memory or disk alarm."""
    found = [
        Finding(
            "alarm", Status.CRITICAL.name, "node", row.get("node"), None, None, str(what), _ADVICE.get(str(what), "")
        )
        for row in snapshot.rows("alarms")
        if limits.concerns(row.get("node"))
        for what in [row.get("resource")]
    ]
    kept = [each for each in found if limits.keep(each)]
    return report(kept, "no alarm is in effect", [Figure("alarms", len(kept), "Alarms in effect.")])
