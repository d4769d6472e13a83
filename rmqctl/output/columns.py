"""A column of a table for people: measured cell by cell, then drawn at one width.

rich is imported only for text that is not ASCII, to learn how wide it is.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rmqctl.output import chunks
from rmqctl.output.escape import visible
from rmqctl.output.marks import MarkedNumber
from rmqctl.terms import Cell

_MISSING = type(None)
_NUMBERS = {int, float, MarkedNumber}
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

    @property
    def numeric(self) -> bool:
        return is_numeric(self.kinds)

    def measure(self, cells: Sequence[Cell]) -> None:
        """Look at some of the cells."""
        self.kinds.update(map(type, cells))
        self._make_room(visible_texts(cells))

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
