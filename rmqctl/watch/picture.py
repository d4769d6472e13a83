"""A round's result with what changed since the round before marked, drawn to fit whatever size the window has.

Changes are told without colours too: numbers have their difference behind them, other cells an asterisk, rows a word.
"""

from collections.abc import Iterable, Sequence

from rmqctl.output import answer, grid, values
from rmqctl.output.columns import is_numeric
from rmqctl.output.escape import visible
from rmqctl.output.marks import Marked, MarkedNumber
from rmqctl.output.style import Style
from rmqctl.result import Answer, Rows, Value
from rmqctl.terms import Cell
from rmqctl.watch.changes import GONE, NEW, Compared, Row, compare, difference

CHANGED = "7"
"""Reverse video."""

KEY = "1"
"""Bold."""

_OF_ROW = {NEW: "32", GONE: "2", "": ""}
"""Green and faint."""


class Table:
    """A list, or the fields of one object. `before` is the table of the round before."""

    def __init__(self, result: Rows, before: "Table | None", frame: grid.Frame, *, fields: bool = False) -> None:
        self.cells: list[Row] = [tuple(row) for row in result.cells]
        self._columns: tuple[str, ...] = result.columns
        same = before if before is not None and before._columns == result.columns else None
        self._fields = fields
        self._alarming = result.alarming
        self._frame = frame
        self._rows = compare(result.columns, same.cells, self.cells) if same else [Compared(row) for row in self.cells]
        # Room for differences stays once it was needed: numbers that jump to and fro cannot be read.
        self._room: list[int] = [
            max([old, *(len(_difference(row, at)) for row in self._rows)])
            for at, old in enumerate(same._room if same else [0] * len(result.columns))
        ]

    def draw(self, style: Style, height: int) -> list[str]:
        """As many of the rows as there are lines for."""
        style = style._replace(header=style.header and not self._fields)
        lines = self._draw(style, self._rows[:height])
        around = len(lines) - len(self._rows[:height])
        if len(self._rows) + around <= height:
            return lines
        shown = max(height - around - 1, 0)
        return [*self._draw(style, self._rows[:shown]), _rest(self._rows[shown:])][:height]

    def _draw(self, style: Style, rows: Sequence[Compared]) -> list[str]:
        numeric = [is_numeric({type(row.cells[at]) for row in rows}) for at in range(len(self._columns))]
        cells = [[self._marked(row, at, numeric[at], style.color) for at in range(len(self._columns))] for row in rows]
        columns = self._columns
        if any(row.mark for row in rows):
            columns = (*columns, "")
            for row, marked in zip(rows, cells, strict=True):
                marked.append(Marked.of(row.mark, _OF_ROW[row.mark] if style.color else ""))
        return _lines(grid.draw(Rows(columns, cells), style, self._frame))

    def _marked(self, row: Compared, at: int, numeric: bool, color: bool) -> Marked:
        cell = row.cells[at]
        moved = _difference(row, at)
        look = ";".join(filter(None, self._looks(row, at, moved))) if color else ""
        if numeric:
            room = self._room[at]
            return MarkedNumber.of(values.text(cell) + (f" {moved:{room}}" if room else ""), look)
        return Marked.of(f"{values.text(cell)} {moved}" if moved else values.text(cell), look)

    def _looks(self, row: Compared, at: int, moved: str) -> Iterable[str]:
        yield _OF_ROW[row.mark]
        if self._fields and at == 0:
            yield KEY
        if not row.mark and row.cells[at] and self._columns[at] in self._alarming:
            yield grid.ALARMING
        if moved:
            yield CHANGED


def _rest(rows: Sequence[Compared]) -> str:
    """The line for the rows that there is no room for."""
    changed = sum(bool(row.mark) or any(_difference(row, at) for at in range(len(row.cells))) for row in rows)
    return f"... {len(rows)} more" + (f", {changed} of them changed" if changed else "")


def _difference(row: Compared, at: int) -> str:
    return difference(row.before[at], row.cells[at]) if row.before else ""


class Text:
    """An answer in words: lines that were not there a round before are marked."""

    def __init__(self, text: str, before: "Text | None", alarming: frozenset[int] = frozenset()) -> None:
        self.lines = [visible(line) for line in text.split("\n")]
        self._alarming = alarming
        self._changed = _new_lines(before.lines, self.lines) if before is not None else set()

    def draw(self, style: Style, height: int) -> list[str]:
        """As many of the lines as there is room for; those that are too long go on in the next one."""
        found: list[str] = []
        for number, line in enumerate(self.lines):
            changed = number in self._changed
            look = ";".join([grid.ALARMING] * (number in self._alarming) + [CHANGED] * changed) if style.color else ""
            found += [grid.painted(piece, look) for piece in wrapped(f"{line} *" if changed else line, style.width)]
        return found if len(found) <= height else [*found[: height - 1], f"... {len(found) - height + 1} more lines"]


def _new_lines(before: Sequence[str], now: Sequence[str]) -> set[int]:
    from difflib import SequenceMatcher

    changes = SequenceMatcher(None, before, now, autojunk=False).get_opcodes()
    return {number for kind, _, _, start, end in changes if kind != "equal" for number in range(start, end)}


Picture = Table | Text


def picture(result: Answer, before: Picture | None, frame: grid.Frame) -> Picture:
    """The picture of a result. `before` is that of the round before."""
    table = before if isinstance(before, Table) else None
    if isinstance(result, Rows):
        return Table(result, table, frame)
    if isinstance(result, Value) and result.text is None and isinstance(result.data, dict):
        fields = [(key, _readable(value)) for key, value in answer.pairs(result.data)]
        return Table(Rows(("key", "value"), fields), table, frame, fields=True)
    text, alarming = (
        ("\n".join(answer.lines(result)), result.alarming) if isinstance(result, Value) else ("", frozenset())
    )
    return Text(text, before if isinstance(before, Text) else None, alarming)


def _readable(value: object) -> Cell:
    """A number as it is, so that its difference can be told; anything else as its text."""
    return value if type(value) in (int, float) else answer.plain(value)


def wrapped(line: str, width: int | None) -> list[str]:
    """The line in pieces of at most that width."""
    if width is None or (line.isascii() and len(line) <= width):
        return [line]
    if line.isascii():
        from textwrap import wrap

        return wrap(line, width) or [""]
    from rich.cells import chop_cells

    return chop_cells(line, max(width, 2)) or [""]


def _lines(pieces: Iterable[str]) -> list[str]:
    return "".join(pieces).split("\n")[:-1]
