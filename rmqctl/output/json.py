"""rabbitmqctl's JSON: an array with one object a line."""

from collections.abc import Iterator

from rmqctl.output import objects
from rmqctl.output.style import Style
from rmqctl.output.values import compact
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:  # noqa: ARG001
    if not result.cells and not result.streamed:
        yield "[]\n"
        return
    before = "[\n"
    for chunk in objects.rabbitmqctl(result):
        yield before + "\n,".join(chunk)
        before = "\n,"
    yield "\n]\n" if result.cells else "[\n]\n"


def value(result: Value, style: Style) -> Iterator[str]:  # noqa: ARG001
    data = {"message": result.data} if isinstance(result.data, str) else result.data
    yield objects.well_formed(compact(data)) + "\n"
