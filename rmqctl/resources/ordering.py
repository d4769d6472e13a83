"""The order of `--sort COL,-COL`: a total order over the API's mixed JSON values, and a stable sort."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

Row = TypeVar("Row")

SortKey = tuple[int, bool | int | float | str]

_UNKNOWN: SortKey = (5, 0)


def json_text(value: object) -> str:
    """`value` as compact JSON, its keys sorted: what lists and objects are compared by."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True, default=str)


def sort_key(value: object) -> SortKey:
    """The place of `value`: booleans, then numbers, strings (by code point), lists, objects; unknown is last."""
    if value is None:
        return _UNKNOWN
    if isinstance(value, bool):
        return 0, value
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 2, value
    if isinstance(value, list | tuple):
        return 3, json_text(value)
    return 4, json_text(value)


def sort_rows(rows: Iterable[Row], getters: Sequence[tuple[Callable[[Row], object], bool]]) -> list[Row]:
    """`rows` ordered by the first getter, then the second ...; each comes with True when it is descending.

    Rows with equal values keep their order. A row whose value is unknown comes last, whatever the direction.
    """
    ordered = list(rows)
    for getter, descending in reversed(getters):
        ordered = _sort_by(ordered, getter, descending)
    return ordered


def _sort_by(rows: list[Row], getter: Callable[[Row], object], descending: bool) -> list[Row]:
    keys = [sort_key(getter(row)) for row in rows]
    known = [at for at, key in enumerate(keys) if key is not _UNKNOWN]
    unknown = [at for at, key in enumerate(keys) if key is _UNKNOWN]
    known.sort(key=keys.__getitem__, reverse=descending)
    return [rows[at] for at in (*known, *unknown)]
