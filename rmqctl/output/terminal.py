"""What a terminal gets when no format is asked for: a lean table that fits, or an answer's text."""

from collections.abc import Iterator

from rmqctl.output import answer, grid
from rmqctl.output.escape import visible, visible_lines
from rmqctl.output.style import Style
from rmqctl.output.wrapping import wrapped
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:
    return grid.draw(result, style, grid.LEAN)


def value(result: Value, style: Style) -> Iterator[str]:
    fields = answer.fields(result)
    if fields is not None:
        yield from grid.pairs([(visible(key), visible(text)) for key, text in fields], style)
        return
    number = 0
    for text in answer.lines(result):
        for line in visible_lines(text).split("\n"):
            look = grid.look(number, line, result) if style.color else ""
            number += 1
            for part in wrapped(line, style.width) if result.wraps else [line]:
                yield grid.painted(part, look) + "\n"
