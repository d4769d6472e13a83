"""What is different between two lists: which row is which, what came, what went, and by how much a number moved."""

from collections.abc import Sequence
from typing import NamedTuple

from rmqctl.output.values import text
from rmqctl.terms import Cell

IDENTIFYING = frozenset(
    (
        "arguments", "channel", "channel_details.name", "channel_pid", "component", "connection", "connection_details.name",
        "connection_pid", "consumer_tag", "destination", "destination_kind", "destination_name", "destination_type", "event",
        "exchange", "interface", "key", "kind", "name", "Node Name", "number", "peer_host", "peer_port", "pid", "port",
        "properties_key", "protocol", "publisher_id", "queue", "queue.name", "queue_name", "reference", "routing_key",
        "source", "source_kind", "source_name", "stream", "subscription_id", "user", "username", "vhost",
    )
)  # fmt: skip
"""Columns that tell rows apart, in whatever list they stand: they stay as they are while the row is there."""

NEW = "new"
GONE = "gone"

Row = Sequence[Cell]


class Compared(NamedTuple):
    """A row, and the same row a round before (None: it cannot be told). `mark`: NEW, GONE or "" for one that was there."""

    cells: Row
    before: Row | None = None
    mark: str = ""


def compare(columns: Sequence[str], old: Sequence[Row], new: Sequence[Row]) -> list[Compared]:
    """The new rows in their order, those that are gone where they were.

    Rows are told apart by their identifying columns. Rows that are alike in these, or all rows of a list without any, are
    taken in their order as long as their number stays the same; when it does not, nobody can tell which is which.
    """
    places = [index for index, name in enumerate(columns) if name in IDENTIFYING]
    before, now = _grouped(old, places), _grouped(new, places)
    gone = _gone(old, places, now)
    found = [Compared(row, mark=GONE) for row in gone.pop(None, ())]
    seen: dict[str, int] = {}
    for row in new:
        key = _key(row, places)
        twins = before.get(key)
        nth = seen.get(key, 0)
        seen[key] = nth + 1
        if twins is None:
            found.append(Compared(row, mark=NEW))
        else:
            found.append(Compared(row, twins[nth] if len(twins) == len(now[key]) else None))
        found += [Compared(row, mark=GONE) for row in gone.pop(key, ())]
    return found


def _key(row: Row, places: Sequence[int]) -> str:
    return "\0".join([text(row[place]) for place in places])


def _grouped(rows: Sequence[Row], places: Sequence[int]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(_key(row, places), []).append(row)
    return groups


def _gone(old: Sequence[Row], places: Sequence[int], now: dict[str, list[Row]]) -> dict[str | None, list[Row]]:
    """The rows that are gone by the key of the last row before them that is still there, None for the top."""
    gone: dict[str | None, list[Row]] = {}
    anchor = None
    for row in old:
        key = _key(row, places)
        if key in now:
            anchor = key
        else:
            gone.setdefault(anchor, []).append(row)
    return gone


def difference(before: Cell, now: Cell) -> str:
    """By how much a number moved (`+12`), `*` for anything else that changed, "" for what did not."""
    if type(before) is type(now) and before == now:
        return ""
    if type(now) is int and type(before) is int:
        return f"{now - before:+d}"
    if type(now) in (int, float) and type(before) in (int, float):
        return f"{now - before:+.6g}" if now != before else ""  # type: ignore[operator]
    return "*"
