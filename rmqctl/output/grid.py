"""Tables for people, drawn fast: the same characters as rich's Table at a hundredth of its cost a row.

Two passes over the rows, in pieces: one to measure the columns, one to draw them.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rmqctl.output import chunks
from rmqctl.output.columns import Column, can_fit, can_go, cut_widest, fit_by_need, headings, needed, visible_texts
from rmqctl.output.escape import visible
from rmqctl.output.marks import MARKED, Marked
from rmqctl.output.style import Style
from rmqctl.output.wrapping import beside, wide
from rmqctl.result import Rows, Value
from rmqctl.terms import Cell

ALARMING = "1;33"
"""Bold yellow."""


class Frame(NamedTuple):
    """The lines of a table. `before` and `after` pad a cell, though not on the outside if there is no `edge`.

    `top`, `rule` and `bottom` are the left end, the crossings and the right end of a line, or empty for no line.
    """

    before: str
    after: str
    divider: str
    edge: str
    top: str
    rule: str
    bottom: str


LEAN = Frame(before="", after=" ", divider=" ", edge="", top="", rule="───", bottom="")
BOXED = Frame(before=" ", after=" ", divider="│", edge="│", top="┌┬┐", rule="├┼┤", bottom="└┴┘")
FRAMES = {"lean": LEAN, "boxed": BOXED}


def draw(result: Rows, style: Style, frame: Frame) -> Iterator[str]:
    """The rows as a table, shortened to the style's width if it has one."""
    if not result.columns:
        return
    columns = _measured(result, style.heading)
    padding = _padding(frame, len(columns))
    if style.width is not None:
        room = style.width - _line_width(frame, len(columns))
        free = room - sum(padding)
        if not frame.edge and (not can_fit(columns, free) or (result.sentences and needed(columns) > free)):
            yield from _stacked(result, style)
            return
        (cut_widest if frame.edge else fit_by_need)(columns, padding, room)
    spans = [column.width + pad for column, pad in zip(columns, padding, strict=True)]
    yield _rule(frame, frame.top, spans)
    if style.heading:
        yield _header(columns, frame, style.color)
        yield _rule(frame, frame.rule, spans)
    alarming = result.alarming if style.color else frozenset()
    for chunk in chunks.pieces(result.cells):
        drawn = [_draw(column, cells, column.name in alarming) for column, cells in zip(columns, chunk, strict=True)]
        yield _lines(zip(*drawn, strict=True), frame)
    yield _rule(frame, frame.bottom, spans)


def pairs(fields: Sequence[tuple[str, str]], style: Style, room: int = 0) -> Iterator[str]:
    """Keys, in at least so much room, and texts; a text that is too long goes on below its beginning."""
    room = max([room, *(wide(key) for key, _ in fields)])
    for key, text in fields:
        first, *others = beside(key, room, text, style.width)
        label = len(key) + room - wide(key)
        yield f"{bold(first[:label], style.color)}{first[label:]}\n"
        yield from (f"{other}\n" for other in others)


def bold(text: str, color: bool) -> str:
    return painted(text, "1") if color else text


def look(number: int, line: str, result: Value) -> str:
    """The look of a line of the answer's text."""
    return ALARMING if number in result.alarming else str(result.colors.get(line[:1], ""))


def colored(result: Value, texts: Iterable[str]) -> Iterator[str]:
    """The lines of an answer, each in its look."""
    lines = (line for text in texts for line in text.split("\n"))
    return (f"{painted(line, look(number, line, result))}\n" for number, line in enumerate(lines))


def painted(text: str, look: str) -> str:
    """The text in a look: numbers of ANSI's SGR."""
    return f"\x1b[{look}m{text}\x1b[0m" if text and look else text


def _measured(result: Rows, header: bool) -> list[Column]:
    columns = [Column(visible(name)) for name in result.columns]
    for chunk in chunks.pieces(result.cells):
        for column, cells in zip(columns, chunk, strict=True):
            column.measure(cells)
    for column in columns:
        column.settle(header)
    return columns


def _padding(frame: Frame, count: int) -> list[int]:
    """The number of padding characters of each column."""
    before, after = len(frame.before), len(frame.after)
    padding = [before + after] * count
    if not frame.edge:
        padding[0] -= before
        padding[-1] -= after
    return padding


def _line_width(frame: Frame, count: int) -> int:
    return len(frame.divider) * (count - 1) + 2 * len(frame.edge)


def _stacked(result: Rows, style: Style) -> Iterator[str]:
    """A block for each row, a line for each cell: where a table cannot be read, or has to be cut and must not."""
    names = [visible(name) for name in result.columns]
    room = max(map(wide, names))
    between = "\n" if style.continued else ""
    for chunk in chunks.pieces(result.cells):
        texts = [visible_texts(cells) for cells in chunk]
        for row in zip(*texts, strict=True):
            yield between
            yield from pairs([(name, text) for name, text in zip(names, row, strict=True) if text], style, room)
            between = "\n"


def without_empty(result: Rows, width: int) -> tuple[Rows, list[str]]:
    """The rows without columns that have nothing in any row, if they are too wide for that width; the columns' names."""
    columns = _measured(result, result.header)
    room = width - _line_width(LEAN, len(columns)) - sum(_padding(LEAN, len(columns))) if columns else width
    dropped = [column.name for column in columns if can_go(column)]
    if needed(columns) <= room or not 0 < len(dropped) < len(columns):
        return result, []
    return result.only([place for place, column in enumerate(columns) if not can_go(column)]), dropped


def _header(columns: Sequence[Column], frame: Frame, color: bool) -> str:
    names = [bold(heading, color) for heading in headings(columns)]
    return _lines([names], frame._replace(before=bold(frame.before, color), after=bold(frame.after, color)))


def _draw(column: Column, cells: Sequence[Cell], alarming: bool) -> list[str]:
    drawn = column.draw(visible_texts(cells))
    if not column.kinds.isdisjoint(MARKED):
        return [
            _marked(text, cell.look) if isinstance(cell, Marked) else text
            for text, cell in zip(drawn, cells, strict=True)
        ]
    if not alarming:
        return drawn
    return [
        painted(text, ALARMING) if isinstance(cell, int | float) and cell else text
        for cell, text in zip(cells, drawn, strict=True)
    ]


def _marked(text: str, look: str) -> str:
    """The look is the text's, not that of the blanks around it."""
    core = text.strip()
    return text.replace(core, painted(core, look), 1) if core else text


def _lines(rows: Iterable[Iterable[str]], frame: Frame) -> str:
    between = frame.after + frame.divider + frame.before
    left, right = (frame.edge + frame.before, frame.after + frame.edge) if frame.edge else ("", "")
    return left + f"{right}\n{left}".join(map(between.join, rows)) + f"{right}\n"


def _rule(frame: Frame, ends: str, spans: Iterable[int]) -> str:
    if not ends:
        return ""
    line = ends[1].join(["─" * span for span in spans])
    return f"{ends[0]}{line}{ends[2]}\n" if frame.edge else f"{line}\n"
