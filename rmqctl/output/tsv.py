"""Tab-separated for programs: always a header, and no cell can break its row."""

from collections.abc import Iterator, Sequence

from rmqctl.output import answer, chunks
from rmqctl.output.escape import escape
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value
from rmqctl.terms import Cell


def rows(result: Rows, style: Style) -> Iterator[str]:
    if style.heading:
        yield "\t".join(map(escape, result.columns)) + "\n"
    for chunk in chunks.rows(result.cells, _escaped):
        yield "\n".join(map("\t".join, chunk)) + "\n"


def _escaped(column: Sequence[Cell]) -> list[str]:
    return list(map(escape, chunks.texts(column)))


def value(result: Value, style: Style) -> Iterator[str]:  # noqa: ARG001
    if (fields := answer.fields(result)) is not None:
        yield from (f"{escape(key)}\t{escape(text)}\n" for key, text in fields)
    else:
        yield from (f"{escape(line)}\n" for text in answer.lines(result) for line in text.split("\n"))
