"""The API's own values as one compact JSON text."""

from collections.abc import Iterator

from rmqctl.output import objects
from rmqctl.output.style import Style
from rmqctl.output.values import compact
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:  # noqa: ARG001
    before = "["
    for chunk in objects.native(result):
        yield before + ",".join(chunk)
        before = ","
    yield "]\n" if result.cells else "[]\n"


def value(result: Value, style: Style) -> Iterator[str]:  # noqa: ARG001
    yield objects.well_formed(compact(result.data)) + "\n"
