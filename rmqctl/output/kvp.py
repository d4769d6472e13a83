"""`key: value` lines, an empty line between objects, control characters escaped."""

from collections.abc import Iterable, Iterator, Sequence

from rmqctl.output import answer, chunks
from rmqctl.output.escape import escape
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value
from rmqctl.terms import Cell


def rows(result: Rows, style: Style) -> Iterator[str]:
    before = "\n" if style.continued else ""
    for chunk in chunks.rows(result.cells, _escaped):
        yield before + "\n".join([_block(zip(result.columns, row, strict=True)) for row in chunk])
        before = "\n"


def _escaped(column: Sequence[Cell]) -> list[str]:
    return list(map(escape, chunks.texts(column)))


def _block(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join([f"{key}: {text}\n" for key, text in pairs])


def value(result: Value, style: Style) -> Iterator[str]:
    if style.continued:
        yield "\n"
    if (fields := answer.fields(result)) is not None:
        yield _block((escape(key), escape(text)) for key, text in fields)
    else:
        yield from (f"{escape(line)}\n" for text in answer.lines(result) for line in text.split("\n"))
