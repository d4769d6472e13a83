"""What a terminal gets when no format is asked for: a lean table that fits, or an answer's text."""

from collections.abc import Iterator, Mapping, Sequence

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
        colors = result.colors if style.color else {}
        for text in answer.lines(result):
            yield _colored(visible_lines(text), colors) + "\n"
    elif fields:
        keys = _aligned([visible(key) for key, _ in fields])
        yield from (
            f"{grid.bold(key, style.color)}  {visible(text)}\n" for key, (_, text) in zip(keys, fields, strict=True)
        )


def _colored(text: str, colors: Mapping[str, int]) -> str:
    if not colors:
        return text
    return "\n".join(grid.colored(line, colors[line[0]]) if line[:1] in colors else line for line in text.split("\n"))


def _aligned(keys: Sequence[str]) -> list[str]:
    column = Column("")
    column.measure(keys)
    return column.draw(keys)
