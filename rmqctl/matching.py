"""Which bindings a message fits: topic patterns and arguments for headers (AMQP 0-9-1 specification, section 3.1.3).

Pure, and of neither side: the embedded broker routes by it, and so does what foretells the way of a message.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Node(Generic[T]):
    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.values: dict[T, None] = {}


class Topics(Generic[T]):
    """A trie of patterns with values: words between dots, `*` for one word, `#` for any number of them.

    Matching costs what the key and the wildcards on its way cost, not all patterns.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, pattern: str, value: T) -> None:
        node = self._root
        for word in _words(pattern):
            node = node.children.setdefault(word, _Node())
        node.values[value] = None

    def remove(self, pattern: str, value: T) -> None:
        path, node = [], self._root
        for word in _words(pattern):
            path.append((node, word))
            node = node.children[word]
        del node.values[value]
        for parent, word in reversed(path):
            child = parent.children[word]
            if child.values or child.children:
                break
            del parent.children[word]

    def match(self, key: str) -> dict[T, None]:
        """The values of all patterns that match, each once."""
        words = _words(key)
        found: dict[T, None] = {}
        seen: set[tuple[int, int]] = set()
        todo = [(self._root, 0)]
        while todo:
            node, place = todo.pop()
            if (id(node), place) in seen:
                continue
            seen.add((id(node), place))
            if place == len(words):
                found.update(node.values)
            if rest := node.children.get("#"):
                todo.extend((rest, after) for after in range(place, len(words) + 1))
            if place < len(words):
                for word in {words[place], "*"}:
                    if child := node.children.get(word):
                        todo.append((child, place + 1))
        return found


def _words(text: str) -> list[str]:
    """The empty key has no words."""
    return text.split(".") if text else []


def headers_match(wanted: Mapping[str, Any], headers: Mapping[str, Any]) -> bool:
    """x-match: all (the default), any, all-with-x, any-with-x; without -with-x, arguments that start with x- do not count.

    A binding argument without a value (void) asks only for the header to be there.
    """
    mode = wanted.get("x-match", "all")
    asked = {name: value for name, value in wanted.items() if name != "x-match"}
    if not str(mode).endswith("-with-x"):
        asked = {name: value for name, value in asked.items() if not name.startswith("x-")}
    matches = (name in headers and (value is None or _same(value, headers[name])) for name, value in asked.items())
    return any(matches) if str(mode).startswith("any") else all(matches)


def _same(asked: Any, there: Any) -> bool:
    """As RabbitMQ compares: a time is a number, of seconds in a binding and of milliseconds in a message."""
    asked, there = _comparable(asked, 1), _comparable(there, 1000)
    return asked == there and type(asked) is type(there)


def _comparable(value: Any, ticks: int) -> Any:
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "surrogateescape")
    return int(value.timestamp()) * ticks if isinstance(value, datetime) else value
