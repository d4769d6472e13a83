"""Policies that contradict each other, or that are about nothing."""

from collections.abc import Iterator, Sequence

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, Status, counted, report
from rmqctl.checks.snapshot import Row, Snapshot
from rmqctl.resources.effective import ranked

_KINDS = {"policies": "policy", "operator_policies": "operator policy"}
_ADVICE = "give them different priorities: which one is in effect is left to chance"


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that no two policies of the same priority match the same queue or exchange, and that each matches something."""
    objects = [*_objects(snapshot, "queues"), *_objects(snapshot, "exchanges")]
    found: list[Finding] = []
    number = 0
    for noun, kind in _KINDS.items():
        rows = [row for row in snapshot.rows(noun) if limits.concerns(row.get("name"))]
        number += len(rows)
        found += _of_kind(kind, rows, objects)
    kept = [each for each in found if limits.keep(each)]
    figures = [
        Figure("policies", number, "Policies."),
        Figure("findings", len(kept), "Those that conflict or match nothing."),
    ]
    return report(kept, f"{counted(number, 'policy', 'policies')}, all well", figures)


def _objects(snapshot: Snapshot, noun: str) -> Iterator[tuple[str, str, str]]:
    """Virtual host, name, and what policies say that they apply to."""
    for row in snapshot.rows(noun):
        target = "exchange" if noun == "exchanges" else str(row.get("type"))
        yield str(row.get("vhost")), str(row.get("name")), target


def _of_kind(kind: str, rows: Sequence[Row], objects: Sequence[tuple[str, str, str]]) -> Iterator[Finding]:
    of_vhost: dict[str, list[Row]] = {}
    for row in rows:
        of_vhost.setdefault(str(row.get("vhost")), []).append(row)
    used: set[tuple[str, str]] = set()
    conflicts: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for vhost, name, target in objects:
        matching = ranked(of_vhost.get(vhost, ()), target, name)
        used.update((vhost, str(row["name"])) for row in matching)
        first = tuple(sorted(str(row["name"]) for row in matching if row["priority"] == matching[0]["priority"]))
        if len(first) > 1:
            conflicts.setdefault((vhost, first), []).append(name)
    for (vhost, names), concerned in conflicts.items():
        others = ", ".join(map(repr, names[1:]))
        text = f"same priority as {others} for {counted(len(concerned), 'object')}, such as {concerned[0]!r}"
        yield Finding("conflict", Status.WARNING.name, kind, names[0], vhost, len(concerned), text, _ADVICE)
    for vhost, policies in of_vhost.items():
        for row in policies:
            if (vhost, str(row["name"])) not in used:
                text = f"nothing is called like {row.get('pattern')!r} among what it applies to ({row.get('apply-to')})"
                yield Finding(
                    "matches nothing", Status.WARNING.name, kind, row["name"], vhost, None, text, "clear or correct it"
                )
