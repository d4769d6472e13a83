"""Compares what two programs list, cell by cell and whatever the order of the rows.

rabbitmqctl is right by definition. A cell may differ only where its `Listing` says so and why; three general
differences are known and handled here:

* an AMQP table that a client wrote loses the order of its keys and its types over HTTP: it is compared by value;
* a tab or line feed in a name breaks the rows of the table in both programs: the names are masked in both outputs;
* rabbitmqctl 3.10 reverses the digits of a JSON escape (U+0001 as \\u1000): its output is corrected first.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from . import erlang
from .listings import Listing

Row = dict[str, Any]
NO_ROW = "(no such row)"
RAGGED = "(a row with another number of cells)"
# What AMQP clients name and declare in the topology; the server makes up the second kind of names.
AMQP_CLIENT = ("amqp.", "amq.gen-")


@dataclass(frozen=True)
class Cell:
    """One cell that is not what rabbitmqctl prints."""

    where: str
    row: tuple[str, ...]
    column: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        return f"{self.where} {self.row} {self.column}:\n    expected {self.expected!r}\n    got      {self.got!r}"


@dataclass
class Score:
    equal: int = 0
    by_value: int = 0
    unequal: list[Cell] = field(default_factory=list)

    @property
    def served(self) -> int:
        return self.equal + self.by_value + len(self.unequal)

    @property
    def share(self) -> float:
        return 1.0 if not self.served else 1 - len(self.unequal) / self.served

    def __iadd__(self, other: "Score") -> "Score":
        self.equal += other.equal
        self.by_value += other.by_value
        self.unequal += other.unequal
        return self


# ------------------------------------------------------------------------------------------------- reading an output


def read_table(text: str, columns: tuple[str, ...], breaking: tuple[str, ...], header: bool = True) -> list[Row]:
    """The rows of tab-separated output; a first line that is not the header is an error."""
    for number, name in enumerate(sorted(breaking, key=len, reverse=True)):
        text = text.replace(name, f"«{number}»")
    if not text.strip("\n"):
        return []
    assert text.endswith("\n"), f"no line feed at the end: {text[-80:]!r}"
    lines = text[:-1].split("\n")
    if header:
        assert lines[0] == "\t".join(columns), f"unexpected header: {lines[0]!r}"
        lines = lines[1:]
    return [_row(line, columns) for line in lines]


def _row(line: str, columns: tuple[str, ...]) -> Row:
    cells = line.split("\t")
    return dict(zip(columns, cells, strict=True)) if len(cells) == len(columns) else {RAGGED: line}


def read_json(text: str, reversed_escapes: bool = False) -> list[Row]:
    if reversed_escapes:
        text = re.sub(r"(?<!\\)((?:\\\\)*)\\u([0-9A-Fa-f]{4})", lambda m: f"{m[1]}\\u{m[2][::-1]}", text)
    rows = json.loads(text)
    assert isinstance(rows, list), f"not a list of rows: {text[:80]!r}"
    # Duplicate rows apart, a row is its cells in no order; numbers keep the text that they were written with.
    return rows


# ----------------------------------------------------------------------------------------------------- comparing


def compare(expected: list[Row], got: list[Row], listing: Listing, columns: tuple[str, ...], where: str) -> Score:
    score = Score()
    left, right = _by_key(expected, listing), _by_key(got, listing)
    for key in sorted({*left, *right}):
        for theirs, ours in _pair(left.get(key, []), right.get(key, [])):
            _compare_rows(score, theirs, ours, listing, columns, (where, key))
    return score


def _by_key(rows: list[Row], listing: Listing) -> dict[tuple[str, ...], list[Row]]:
    grouped: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        key = (RAGGED, row[RAGGED]) if RAGGED in row else tuple(str(row.get(column, "")) for column in listing.key)
        grouped[key].append(row)
    return grouped


def _pair(left: list[Row], right: list[Row]) -> list[tuple[Row | None, Row | None]]:
    """Rows of the same key, each with the one of the other program that it has most cells in common with."""
    pairs: list[tuple[Row | None, Row | None]] = []
    right = list(right)
    for row in left:
        best = max(right, key=lambda other: sum(other.get(c) == value for c, value in row.items()), default=None)
        if best is not None:
            right.remove(best)
        pairs.append((row, best))
    return pairs + [(None, row) for row in right]


def _compare_rows(
    score: Score,
    expected: Row | None,
    got: Row | None,
    listing: Listing,
    columns: tuple[str, ...],
    place: tuple[str, tuple[str, ...]],
) -> None:
    where, key = place
    for column in (RAGGED,) if key[0] == RAGGED else columns:
        theirs = NO_ROW if expected is None else expected.get(column, "(no such cell)")
        ours = NO_ROW if got is None else got.get(column, "(no such cell)")
        if same(theirs, ours):
            score.equal += 1
        elif NO_ROW not in (theirs, ours) and _table_lost(listing, column, key) and same_value(theirs, ours):
            score.by_value += 1
        else:
            score.unequal.append(Cell(where, key, column, theirs, ours))


def _table_lost(listing: Listing, column: str, key: tuple[str, ...]) -> bool:
    return column in listing.tables and (listing.tables[column] or any(part.startswith(AMQP_CLIENT) for part in key))


def same(left: Any, right: Any) -> bool:
    """Equality that tells true from 1 and 1 from 1.0, as the output does."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)


def same_value(left: Any, right: Any) -> bool:
    """Whether two AMQP tables hold the same, apart from the order of keys and the names of types."""
    if isinstance(left, str) and isinstance(right, str):
        return bool(erlang.parse(left) == erlang.parse(right))
    return same(_without_types(left), _without_types(right))


def _without_types(table: Any) -> Any:
    """Triples of key, type and value as a dictionary; of an array rabbitmqctl prints one element of each type."""
    if isinstance(table, list):
        return {key: _untyped(kind, value) for key, kind, value in table}
    return table


def _untyped(kind: str, value: Any) -> Any:
    if kind == "table":
        return _without_types(value)
    if kind == "array" and isinstance(value, dict):
        return sorted(json.dumps(_untyped(inner, item)) for inner, item in value.items())
    return value
