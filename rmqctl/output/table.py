"""rabbitmqctl's table: tab-separated, nothing escaped, and no header without rows."""

from collections.abc import Iterator, Sequence

from rmqctl.output import answer, chunks
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:
    if not result.cells:
        if not result.streamed:  # a list collected first ends in an empty line
            yield "\n"
        return
    if style.heading and result.header:
        yield "\t".join(result.columns) + "\n"
    for columns in chunks.columns(result.cells):
        if style.pad_to_header:
            columns = [_padded(column, len(name)) for name, column in zip(result.columns, columns, strict=True)]
        yield "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"


def _padded(column: Sequence[str], width: int) -> list[str]:
    return [cell.ljust(width) for cell in column]


def value(result: Value, style: Style) -> Iterator[str]:  # noqa: ARG001
    if (fields := answer.fields(result)) is not None:
        yield from (f"{key}\t{text}\n" for key, text in fields)
    else:
        yield from (f"{line}\n" for line in answer.lines(result))
