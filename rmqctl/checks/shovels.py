"""Shovels that do not run."""

from collections.abc import Callable, Iterable

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, counted, report
from rmqctl.checks.snapshot import Row, Snapshot
from rmqctl.output.escape import visible


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that all shovels run (with the plugin rabbitmq_shovel_management)."""
    rows = [row for row in snapshot.rows("shovels") if limits.concerns(row.get("name"))]
    return of_links(
        "shovel", rows, lambda row: row.get("state"), lambda row: (row.get("name"), row.get("reason")), limits
    )


def of_links(
    noun: str,
    rows: Iterable[Row],
    state: Callable[[Row], object],
    name_and_reason: Callable[[Row], tuple[str | None, object]],
    limits: Limits,
) -> Report:
    """What shovels and federation links have in common: so many of them run, and the others are named."""
    links = list(rows)
    down = [row for row in links if state(row) != "running"]
    status = limits.level(len(down))
    found = [_finding(noun, status.name, row, state(row), *name_and_reason(row)) for row in down if status]
    kept = [each for each in found if limits.keep(each)]
    figures = [
        Figure(f"{noun.replace(' ', '_')}s", len(links), "All."),
        Figure("down", len(down), "Those that do not run.", limits.pair()),
    ]
    running = len(links) - len(down)
    return report(kept, f"{running} of {counted(len(links), noun)} {'runs' if running == 1 else 'run'}", figures)


def _finding(noun: str, status: str, row: Row, state: object, name: str | None, reason: object) -> Finding:
    text = visible(f"{state}{f', {reason}' if reason else ''}")
    return Finding("down", status, noun, name, row.get("vhost"), None, text, f"restart_{noun.replace(' ', '_')}")
