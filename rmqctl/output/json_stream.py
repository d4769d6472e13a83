"""rabbitmqctl's stream of JSON objects, an empty line after each."""

from collections.abc import Iterator

from rmqctl.output import json, objects
from rmqctl.output.style import Style
from rmqctl.result import Rows, Value


def rows(result: Rows, style: Style) -> Iterator[str]:  # noqa: ARG001
    for chunk in objects.rabbitmqctl(result):
        yield "\n\n".join(chunk) + "\n\n"


def value(result: Value, style: Style) -> Iterator[str]:
    yield from json.value(result, style)
    yield "\n"
