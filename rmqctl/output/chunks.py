"""A list in pieces: enough rows at once to be fast, few enough to keep memory flat."""

from collections.abc import Callable, Iterator, Sequence

from rmqctl.output.values import text
from rmqctl.result import CellsOf
from rmqctl.terms import Cell

SIZE = 1000

Encode = Callable[[Sequence[Cell]], Sequence[str]]
"""Turns one column's cells into their texts."""


def texts(column: Sequence[Cell]) -> Sequence[str]:
    """rabbitmqctl's text of each cell. Most columns hold one type only, which is worth a look."""
    kinds = set(map(type, column))
    if kinds == {str}:
        return column  # type: ignore[return-value]
    return list(map(str if kinds == {int} else text, column))


def pieces(cells: Sequence[Sequence[Cell]]) -> Iterator[Sequence[Sequence[Cell]]]:
    """The list's columns, SIZE rows at a time."""
    for start in range(0, len(cells), SIZE):
        piece = cells[start : start + SIZE]
        yield piece.columns() if isinstance(piece, CellsOf) else list(zip(*piece, strict=True))


def columns(cells: Sequence[Sequence[Cell]], encode: Encode = texts) -> Iterator[list[Sequence[str]]]:
    """The list's columns as texts, SIZE rows at a time."""
    for piece in pieces(cells):
        yield [encode(column) for column in piece]


def rows(cells: Sequence[Sequence[Cell]], encode: Encode = texts) -> Iterator[Iterator[tuple[str, ...]]]:
    """The list's rows as texts, SIZE at a time."""
    for chunk in columns(cells, encode):
        yield zip(*chunk, strict=True)
