"""A table in box drawing characters, on a terminal and in a pipe alike."""

from collections.abc import Iterator

from rmqctl.output import answer, grid
from rmqctl.output.escape import visible_lines
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:
    """Nothing for an empty list that rabbitmqctl streams."""
    if result.streamed and not result.cells:
        return iter(())
    return grid.draw(result, style, grid.BOXED)


def value(result: Value, style: Style) -> Iterator[str]:
    if (fields := answer.fields(result)) is None:
        yield from (f"{visible_lines(line)}\n" for line in answer.lines(result))
    else:
        yield from grid.draw(Rows(("key", "value"), fields), style, grid.BOXED)
