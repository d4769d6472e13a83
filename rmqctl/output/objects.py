"""Rows as JSON objects: what the JSON formats have in common."""

import re
from collections.abc import Callable, Iterator, Sequence
from json.encoder import encode_basestring as quoted

from rmqctl.output import chunks
from rmqctl.output.values import compact, float_text, json_value
from rmqctl.result import Rows
from rmqctl.terms import Cell

_SURROGATES = re.compile("[\ud800-\udfff]")


def well_formed(json: str) -> str:
    """The JSON text with lone surrogates escaped: they are no characters and cannot be written as UTF-8."""
    return json if json.isascii() else _SURROGATES.sub(lambda match: f"\\u{ord(match[0]):04x}", json)


def rabbitmqctl(result: Rows) -> Iterator[list[str]]:
    """One object a row with rabbitmqctl's values, some rows at a time."""
    return _objects(result, _cell)


def native(result: Rows) -> Iterator[list[str]]:
    """One object a row with the API's own values, some rows at a time."""
    return _objects(result, compact)


def _objects(result: Rows, encode: Callable[[Cell], str]) -> Iterator[list[str]]:
    template = "{" + ",".join([f"{quoted(name).replace('%', '%%')}:%s" for name in result.columns]) + "}"
    for chunk in chunks.rows(result.cells, lambda column: _column(column, encode)):
        yield [well_formed(template % row) for row in chunk]


def _column(column: Sequence[Cell], encode: Callable[[Cell], str]) -> list[str]:
    kinds = set(map(type, column))
    if kinds == {str}:
        return list(map(quoted, column))  # type: ignore[arg-type]
    return list(map(str if kinds == {int} else encode, column))


def _cell(cell: Cell) -> str:
    return float_text(cell) if type(cell) is float else compact(json_value(cell))
