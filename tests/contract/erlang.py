"""Reads the Erlang terms that rabbitmqctl prints for AMQP tables, to compare two of them whatever the order of keys."""

import re
from typing import Any

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<punctuation>[\[\]{},])
      | (?P<float>-?\d+\.\d+(?:e[+-]?\d+)?)
      | (?P<integer>-?\d+)
      | (?P<binary><<"(?:[^"\\]|\\.)*">>)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<atom>[^\[\]{},"]+)
    )""",
    re.VERBOSE | re.DOTALL,
)


def parse(text: str) -> Any:
    """Lists stay lists, tuples become tuples, everything else stays text but numbers.

    A list of pairs, which is what a table prints as, becomes a dictionary: its order means nothing.
    """
    tokens = [(match.lastgroup, match.group(match.lastgroup or 0)) for match in _TOKEN.finditer(text)]
    value, rest = _value(tokens)
    if rest:
        raise ValueError(f"more after the first term of {text!r}")
    return value


def _value(tokens: list[tuple[str | None, str]]) -> tuple[Any, list[tuple[str | None, str]]]:
    (kind, text), rest = tokens[0], tokens[1:]
    if kind == "punctuation":
        items, rest = _items(rest, "]" if text == "[" else "}")
        if text == "{":
            return tuple(items), rest
        if items and all(isinstance(item, tuple) and len(item) == 2 for item in items):
            return {str(key): value for key, value in items}, rest
        return items, rest
    return float(text) if kind == "float" else int(text) if kind == "integer" else text, rest


def _items(tokens: list[tuple[str | None, str]], end: str) -> tuple[list[Any], list[tuple[str | None, str]]]:
    items = []
    while tokens[0][1] != end:
        if tokens[0] == ("punctuation", ","):
            tokens = tokens[1:]
        item, tokens = _value(tokens)
        items.append(item)
    return items, tokens[1:]
