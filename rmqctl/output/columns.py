"""A column of a table for people: measured cell by cell, then drawn at one width.

rich is imported only for text that is not ASCII, to learn how wide it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rmqctl.output import chunks
from rmqctl.output.escape import visible
from rmqctl.output.marks import MarkedNumber
from rmqctl.terms import AmqpTable, Cell, ClientTable, ErlangMap, JsonText, Keywords, PolicyDefinition

_MISSING = type(None)
_NUMBERS = {int, float, MarkedNumber}
_NOTHING = frozenset(("", "[]", "#{}"))
"""Texts of missing values, of lists and of tables without anything in them."""
_TABLES = {AmqpTable, ClientTable, ErlangMap, JsonText, Keywords, PolicyDefinition, dict}
_SMALLEST = 4
"""A text column is not cut below this width: one letter and an ellipsis tell nobody anything."""


@dataclass(slots=True)
class Column:
    """`width` is what the widest cell needs, until the table has to fit; `least` is what it may be cut down to."""

    name: str
    width: int = 1
    least: int = 1
    ascii: bool = True
    kinds: set[type] = field(default_factory=set)
    empty: bool = True

    @property
    def numeric(self) -> bool:
        return is_numeric(self.kinds)

    def measure(self, cells: Sequence[Cell]) -> None:
        """Look at some of the cells."""
        self.kinds.update(map(type, cells))
        texts = visible_texts(cells)
        self.empty = self.empty and _NOTHING.issuperset(texts)
        self._make_room(texts)

    def settle(self, header: bool) -> None:
        """All cells have been seen: numbers are never cut, but their heading may be."""
        least = max(_SMALLEST, self.width if self.numeric else 0)
        if header:
            self._make_room([self.name])
        self.least = min(self.width, least)

    def _make_room(self, texts: Sequence[str]) -> None:
        if "".join(texts).isascii():
            self.width = max(self.width, max(map(len, texts)))
        else:
            self.ascii = False
            self.width = max(self.width, _widest(texts))

    def draw(self, texts: Sequence[str]) -> list[str]:
        """The texts at exactly the column's width: cut with an ellipsis, numbers to the right."""
        width = self.width
        if not self.ascii:
            return [fit(text, width, right=self.numeric) for text in texts]
        if max(map(len, texts)) > width:
            texts = [text if len(text) <= width else text[: width - 1] + "…" for text in texts]
        return [text.rjust(width) for text in texts] if self.numeric else [text.ljust(width) for text in texts]


_READABLE = (12, 12, 24)
"""Arguments, other columns and names are first cut down to this, and further only when that is not enough."""


def _rank(column: Column) -> int:
    """Which columns lose their room first: those of arguments, then all but names."""
    if not column.kinds.isdisjoint(_TABLES):
        return 0
    return 2 if column.name == "name" or column.name.endswith("_name") else 1


def can_go(column: Column) -> bool:
    """Whether a table can do without the column: it says nothing, and is no name, where that means the default exchange."""
    return column.empty and _rank(column) < 2


def needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns)


def can_fit(columns: Sequence[Column], room: int) -> bool:
    return sum(column.least for column in columns) <= room


def cut_widest(columns: Sequence[Column], padding: Sequence[int], room: int) -> None:
    """Cut the widest columns until all fit, each with its padding."""
    _cut(columns, padding, [column.least for column in columns], room)


def fit_by_need(columns: Sequence[Column], padding: Sequence[int], room: int) -> None:
    """Cut columns until all fit: those of arguments first, names last."""
    if len(set(map(_rank, columns))) == 1:
        cut_widest(columns, padding, room)
        return
    for readable in (_READABLE, (0, 0, 0)):
        for rank, smallest in enumerate(readable):
            places = [place for place, column in enumerate(columns) if _rank(column) == rank]
            shrinking, pads = [columns[place] for place in places], [padding[place] for place in places]
            others = needed(columns) + sum(padding) - needed(shrinking) - sum(pads)
            least = [max(column.least, min(column.width, smallest)) for column in shrinking]
            _cut(shrinking, pads, least, room - others)


def _cut(columns: Sequence[Column], padding: Sequence[int], least: Sequence[int], room: int) -> None:
    widths = [column.width + pad for column, pad in zip(columns, padding, strict=True)]
    smallest = [low + pad for low, pad in zip(least, padding, strict=True)]
    for column, width, pad in zip(columns, shrink(widths, smallest, room), padding, strict=True):
        column.width = width - pad


def headings(columns: Sequence[Column]) -> list[str]:
    """The names at the columns' widths. Those that would be cut to the same text lose their middle instead of their end."""
    drawn = [column.draw([column.name])[0] for column in columns]
    same = {text for text in drawn if text.endswith("…") and drawn.count(text) > 1}
    return [
        column.draw([f"{column.name[0]}…{column.name[2 - column.width :]}"])[0] if text in same else text
        for column, text in zip(columns, drawn, strict=True)
    ]


def is_numeric(kinds: set[type]) -> bool:
    """Whether cells of these types make a column of numbers, missing ones aside."""
    return not kinds.isdisjoint(_NUMBERS) and kinds <= {*_NUMBERS, _MISSING}


def visible_texts(cells: Sequence[Cell]) -> Sequence[str]:
    """The cells' texts, safe for a terminal."""
    texts = chunks.texts(cells)
    return texts if "".join(texts).isprintable() else list(map(visible, texts))


def _widest(texts: Iterable[str]) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, texts))


def fit(text: str, width: int, *, right: bool = False) -> str:
    """The text at exactly this width."""
    from rich.cells import cell_len, set_cell_size

    size = cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - size)
    return padding + text if right else text + padding


def shrink(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Cut the widest columns down to the next widest, again and again, until all fit or none may be cut further.

    The order of steps, and which of equal columns loses one more, is rich's.
    """
    widths = [max(low, min(width, room)) for width, low in zip(widths, least, strict=True)]
    while (excess := sum(widths) - room) > 0:
        wide = [index for index, width in enumerate(widths) if width > least[index]]
        if not wide:
            break
        widest = max(widths[index] for index in wide)
        ties = [index for index in wide if widths[index] == widest]
        stop = max([widths[index] for index in wide if widths[index] < widest] + [least[index] for index in ties])
        for left, index in zip(range(len(ties), 0, -1), ties, strict=True):
            cut = min(widest - stop, round(excess / left))
            widths[index] -= cut
            excess -= cut
    return widths
