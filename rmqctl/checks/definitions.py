"""A broker whose definitions are not those of a file."""

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, report
from rmqctl.checks.snapshot import Snapshot
from rmqctl.topology.plan import Difference, differences, shown


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that a broker has the definitions of a file: what is missing, what is there besides, what differs.

    Compared are the sections that the file has, as `definitions diff` does; secrets are compared and not shown. With -p
    those of one virtual host.
    """
    found = [
        _finding(each)
        for each in differences(
            snapshot.rows("wanted_definitions"), snapshot.rows("definitions"), "/", live=(False, True)
        )
        if limits.concerns(each.key.shown)
    ]
    kept = [each for each in found if limits.keep(each)]
    return report(kept, "the broker is as the file says", [Figure("differences", len(kept), "Items that differ.")])


def _finding(each: Difference) -> Finding:
    kind = "differs" if each.fields else "missing" if each.b is None else "not in the file"
    text = "; ".join(f"{field.path}: {shown(field.a)} -> {shown(field.b)}" for field in each.fields)
    return Finding(kind, Status.WARNING.name, each.key.kind, each.key.shown, each.key.vhost or None, None, text)
