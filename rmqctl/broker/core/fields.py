"""Fields of documents from outside: each has the type that it should have, or is refused in RabbitMQ's words."""

import re
from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.errors import Refusal, invalid

Document = Mapping[str, Any]
_WHOLE = re.compile("[+-]?[0-9]{1,1000}")


def boolean(document: Document, name: str, default: bool = False) -> bool:
    """A flag, or one of the words true and false."""
    value = document.get(name, default)
    return bool(value == "true") if value in ("true", "false") else flag(document, name, default)


def flag(document: Document, name: str, default: bool = False) -> bool:
    value = document.get(name, default)
    if not isinstance(value, bool):
        raise _wrong("not_boolean", value)
    return value


def text(document: Document, name: str, default: str | None = None) -> str:
    value = document.get(name, default)
    if not isinstance(value, str):
        raise _wrong("not_string", name)
    return value


def is_whole(text: str) -> bool:
    """Whether a text is a whole number, and no endless one."""
    return _WHOLE.fullmatch(text) is not None


def whole(document: Document, name: str, default: int = 0) -> int:
    """A whole number, as a number or as a text of digits; of another number the whole part."""
    value = document.get(name, default)
    if isinstance(value, str) and is_whole(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong("not_integer", value)
    return int(value)


def table(document: Document, name: str) -> dict[str, Any]:
    """An object; `[]` is an empty one, as PHP writes it."""
    value = document.get(name, {})
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise _wrong("not_object", name)
    return value


def texts(document: Document, name: str) -> list[str]:
    value = document.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong("not_list_of_strings", name)
    return value


def arguments(document: Document) -> Arguments:
    """The optional arguments of a queue, an exchange or a binding."""
    given = table(document, "arguments")
    check_no_null(given)
    return Arguments(given)


def check_no_null(value: Any) -> None:
    """Field tables from JSON have no void."""
    if value is None:
        raise invalid("null_not_allowed")
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            check_no_null(each)


def _wrong(problem: str, value: Any) -> Refusal:
    return invalid(f"{problem}: {value}", [problem, value])
