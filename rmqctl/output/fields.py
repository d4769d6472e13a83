"""What --json and --jq make of an answer: some of its fields, or what an expression finds in its JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rmqctl.errors import Unavailable, UsageError
from rmqctl.naming import closest
from rmqctl.output.values import compact
from rmqctl.result import Result, Rows, Value

Filter = Callable[[str], Iterator[str]]


def names_of(text: str) -> list[str]:
    """The fields of `a,b`. Raises UsageError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("--json: name the fields, with commas between them: --json name,messages")
    return list(dict.fromkeys(names))


def picked(result: Result, names: Sequence[str]) -> Result:
    """The result with these fields alone, in this order. Raises UsageError."""
    if isinstance(result, Rows):
        return _columns(result, names)
    if isinstance(result, Value):
        if isinstance(result.data, list):
            return result._replace(data=[_fields(member, names) for member in result.data], text=None)
        return result._replace(data=_fields(result.data, names), text=None)
    return result


def _columns(result: Rows, names: Sequence[str]) -> Rows:
    for name in names:
        if name not in result.columns:
            raise _unknown(name, result.columns)
    return result.only([result.columns.index(name) for name in names])


def _fields(data: object, names: Sequence[str]) -> dict[str, object]:
    if not isinstance(data, Mapping):
        raise UsageError("--json: this answer has no fields to choose from; use -f json")
    return {name: _field(data, name) for name in names}


def _field(data: Mapping[str, Any], name: str) -> object:
    """The field of that name, or behind a dotted path."""
    if name in data:
        return data[name]
    head, dot, tail = name.partition(".")
    inside = data.get(head)
    if dot and isinstance(inside, Mapping):
        return _field(inside, tail)
    raise _unknown(name, data)


def _unknown(name: str, known: Mapping[str, Any] | Sequence[str]) -> UsageError:
    close = closest(name, known)
    hint = f"did you mean {close!r}?" if close else f"known are {', '.join(known)}"
    return UsageError(f"--json: there is no field {name!r}; {hint}")


def jq(expression: str) -> Filter:
    """What turns the text of a JSON format into the lines that the expression makes of it.

    A text that it finds is written as it is, as gh does. Raises UsageError, and Unavailable without the package jq.
    """
    from importlib import import_module

    try:
        compile_: Callable[[str], Any] = import_module("jq").compile
    except ModuleNotFoundError:
        raise Unavailable("--jq needs the package jq: pip install jq") from None
    program = _translated(lambda: compile_(expression))

    def lines(text: str) -> Iterator[str]:
        for found in _translated(program.input_text(text).all):
            yield (found if isinstance(found, str) else compact(found)) + "\n"

    return lines


def _translated(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except ValueError as error:
        reason = str(error).splitlines()[0].removeprefix("jq: error: ")
        raise UsageError(f"--jq: {reason}") from None
