"""The API's own values, one JSON object a line."""

from collections.abc import Iterator

from rmqctl.output import objects
from rmqctl.output.style import Style
from rmqctl.output.values import compact
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:  # noqa: ARG001
    for chunk in objects.native(result):
        yield "\n".join(chunk) + "\n"


def value(result: Value, style: Style) -> Iterator[str]:  # noqa: ARG001
    members = result.data if isinstance(result.data, list) else [result.data]
    yield from (objects.well_formed(compact(member)) + "\n" for member in members)
