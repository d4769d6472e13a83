"""TLS certificates that expire."""

from collections.abc import Iterator
from datetime import datetime

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Figure, Finding, Report, report, span
from rmqctl.checks.snapshot import Row, Snapshot, moment
from rmqctl.errors import Unavailable

_SUFFIX = "_expires_on"
_NO_FILE = "undefined"


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that no TLS certificate of the listeners of the node that answers expires soon, that of the CA included."""
    rows = [row for row in snapshot.rows("certificates") if limits.concerns(str(row.get("protocol")))]
    dated = [(row, file, day) for row in rows for file, day in _dates(row)]
    found = [each for dates in dated if (each := _finding(*dates, snapshot.now, limits)) and limits.keep(each)]
    left = [(day - snapshot.now).total_seconds() for _, _, day in dated]
    figures = (
        [Figure("left", min(left), "Until the first one expires.", limits.pair(), "s", falling=True)] if left else []
    )
    within = f"none expires within {span(limits['warning'] or limits['critical'] or 0)}"
    return report(found, f"{within}; the first in {span(min(left))}" if left else "no certificates", figures)


def _dates(row: Row) -> Iterator[tuple[str, datetime]]:
    """The days stand under keys by the setting that names the file."""
    for key, value in row.items():
        if key.endswith(_SUFFIX):
            file = key.removesuffix(_SUFFIX)
            days = value if isinstance(value, list) else [value]
            for text in days:
                if text in (None, "", _NO_FILE):
                    continue
                if (day := moment(text)) is None:
                    raise Unavailable(
                        f"the broker says that {row.get(file, file)} expires at {text!r}: that is no date"
                    )
                yield str(row.get(file, file)), day


def _finding(row: Row, file: str, day: datetime, now: datetime, limits: Limits) -> Finding | None:
    left = (day - now).total_seconds()
    status = limits.level_below(left)
    if not status:
        return None
    where = f"{row.get('protocol')} on port {row.get('port')} of {row.get('node')}"
    text = (
        f"{file} {'expired' if left < 0 else f'expires in {span(left)}'}, {day.isoformat(sep=' ', timespec='minutes')}"
    )
    return Finding("expires" if left >= 0 else "expired", status.name, "listener", where, None, left, text, "renew it")
