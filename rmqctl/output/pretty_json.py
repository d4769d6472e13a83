"""The API's own values as indented JSON."""

import json
from collections.abc import Iterator

from rmqctl.output import chunks
from rmqctl.output.objects import well_formed
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:  # noqa: ARG001
    before = "[\n"
    for start in range(0, len(result.cells), chunks.SIZE):
        objects = [dict(zip(result.columns, row, strict=True)) for row in result.cells[start : start + chunks.SIZE]]
        yield before + _pretty(objects).removeprefix("[\n").removesuffix("\n]")
        before = ",\n"
    yield "\n]\n" if result.cells else "[]\n"


def _pretty(data: object) -> str:
    return well_formed(json.dumps(data, ensure_ascii=False, indent=2))


def value(result: Value, style: Style) -> Iterator[str]:  # noqa: ARG001
    yield _pretty(result.data) + "\n"
