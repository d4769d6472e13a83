"""Erlang terms: a list of key-value lists, one row a line."""

from collections.abc import Iterator

from rmqctl.output import chunks, values
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:  # noqa: ARG001
    keys = list(map(values.atom, result.columns))
    before = "["
    for chunk in chunks.rows(result.cells, lambda column: list(map(values.erlang, column))):
        yield before + ",\n ".join([_row(keys, row) for row in chunk])
        before = ",\n "
    yield "]\n" if result.cells else "[]\n"


def _row(keys: list[str], terms: tuple[str, ...]) -> str:
    return "[" + ",".join([f"{{{key},{term}}}" for key, term in zip(keys, terms, strict=True)]) + "]"


def value(result: Value, style: Style) -> Iterator[str]:  # noqa: ARG001
    yield values.erlang(result.data) + "\n"
