"""What a terminal gets when no format is asked for: a lean table that fits, or an answer's text."""

from collections.abc import Iterator, Sequence

from rmqctl.output import answer, grid
from rmqctl.output.columns import Column
from rmqctl.output.escape import visible, visible_lines
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:
    return grid.draw(result, style, grid.LEAN)


def value(result: Value, style: Style) -> Iterator[str]:
    fields = answer.fields(result)
    if fields is None:
        for text in answer.lines(result):
            shown = visible_lines(text)
            yield (_colored(shown, result) if style.color else shown) + "\n"
    elif fields:
        keys = _aligned([visible(key) for key, _ in fields])
        yield from (
            f"{grid.bold(key, style.color)}  {visible(text)}\n" for key, (_, text) in zip(keys, fields, strict=True)
        )


def _colored(text: str, result: Value) -> str:
    if not result.colors and not result.alarming:
        return text
    lines = enumerate(text.split("\n"))
    return "\n".join(grid.painted(line, _color(number, line, result)) for number, line in lines)


def _color(number: int, line: str, result: Value) -> str:
    if number in result.alarming:
        return grid.ALARMING
    return str(result.colors.get(line[:1], ""))


def _aligned(keys: Sequence[str]) -> list[str]:
    column = Column("")
    column.measure(keys)
    return column.draw(keys)
