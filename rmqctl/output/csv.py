"""rabbitmqctl's comma-separated format: every field in double quotes, lines end in LF.

Releases since 4.0 cannot write lists this way; this is what 3.10 did. There is no switch to leave out the header.
"""

from collections.abc import Iterable, Iterator, Sequence

from rmqctl.output import answer, chunks
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value
from rmqctl.terms import Cell


def rows(result: Rows, style: Style) -> Iterator[str]:
    if not result.cells:
        if not result.streamed:  # a list collected first is written as three empty lines
            yield "\n\n\n"
        return
    if not style.continued:
        yield _line(result.columns)
    for chunk in chunks.rows(result.cells, _doubled):
        yield '"' + '"\n"'.join(map('","'.join, chunk)) + '"\n'


def _doubled(column: Sequence[Cell]) -> list[str]:
    return [text.replace('"', '""') for text in chunks.texts(column)]


def _line(fields: Iterable[str]) -> str:
    return '"' + '","'.join(_doubled(list(fields))) + '"\n'


def value(result: Value, style: Style) -> Iterator[str]:
    if (fields := answer.fields(result)) is not None:
        if not style.continued:
            yield _line(key for key, _ in fields)
        yield _line(text for _, text in fields)
    else:
        yield from (_line([line]) for line in answer.lines(result))
