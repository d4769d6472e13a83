"""Which bindings a message fits: topic patterns and arguments for headers (AMQP 0-9-1 specification, section 3.1.3).

Pure, and of neither side: the embedded broker routes by it, and so does what foretells the way of a message.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Node(Generic[T]):
    __slots__ = ("children", "repeats", "values")

    def __init__(self, repeats: bool) -> None:
        self.repeats = repeats
        """It is reached by # and stays for any number of words."""
        self.children: dict[str, _Node[T]] = {}
        self.values: dict[T, None] = {}


class Topics(Generic[T]):
    """A trie of patterns with values: words between dots, `*` for one word, `#` for any number of them.

    Each word of a key is looked at once for each place in the patterns that the words before it lead to.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node(False)

    def add(self, pattern: str, value: T) -> None:
        node = self._root
        for word in _words(pattern):
            node = node.children.setdefault(word, _Node(word == "#"))
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
        at = _with_hashes([self._root])
        for word in _words(key):
            following: list[_Node[T]] = []
            for node in at:
                if child := node.children.get(word):
                    following.append(child)
                if child := node.children.get("*"):
                    following.append(child)
                if node.repeats:
                    following.append(node)
            at = _with_hashes(following)
        found: dict[T, None] = {}
        for node in at:
            found.update(node.values)
        return found


def _with_hashes(nodes: list[_Node[T]]) -> dict[_Node[T], None]:
    """With those that follow after no word, each once."""
    found: dict[_Node[T], None] = {}
    while nodes:
        node = nodes.pop()
        if node not in found:
            found[node] = None
            if rest := node.children.get("#"):
                nodes.append(rest)
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
