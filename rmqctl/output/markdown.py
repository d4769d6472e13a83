"""A Markdown table as GitHub and others understand it; it cannot do without a header."""

import re
from collections.abc import Iterable, Iterator, Sequence

from rmqctl.output import answer, chunks
from rmqctl.output.columns import is_numeric
from rmqctl.output.escape import visible
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value
from rmqctl.terms import Cell

_MARKUP = re.compile(r"[\\|`*<&]")


def rows(result: Rows, style: Style) -> Iterator[str]:
    if not style.continued:
        yield _line(map(_plain, result.columns))
        yield _line("---:" if is_numeric(kinds) else "---" for kinds in _kinds(result))
    for chunk in chunks.rows(result.cells, _column):
        yield "".join(map(_line, chunk))


def _kinds(result: Rows) -> Iterator[set[type]]:
    return (set(map(type, [row[index] for row in result.cells])) for index in range(len(result.columns)))


def _column(column: Sequence[Cell]) -> list[str]:
    return list(map(_plain, chunks.texts(column)))


def _plain(text: str) -> str:
    """The text without a meaning in Markdown."""
    return _MARKUP.sub(r"\\\g<0>", visible(text))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def value(result: Value, style: Style) -> Iterator[str]:  # noqa: ARG001
    if (fields := answer.fields(result)) is None:
        yield from (f"{_plain(line)}\n" for text in answer.lines(result) for line in text.split("\n"))
        return
    yield _line(["key", "value"])
    yield _line(["---", "---"])
    yield from (_line([_plain(key), _plain(text)]) for key, text in fields)
