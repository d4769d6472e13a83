"""Erlang's own spelling of terms, read: what the broker tells as text, GET /api/config/effective, is data for programs."""

import re
from typing import Any

from rmqctl.terms import ErlangText

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<atom>'(?:[^'\\]|\\.)*'|[a-z][A-Za-z0-9_@]*)
    | (?P<number>-?\d+(?:\#[0-9A-Za-z]+|\.\d+(?:[eE][-+]?\d+)?)?)
    | (?P<opaque>\#(?:Fun|Ref|Port)<[^>]*>|<\d+\.\d+\.\d+>|fun\s[\w.:/']+)
    | (?P<sign><<|>>|\#\{|=>|[][{},:/|])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "e": "\x1b", "s": " ", "d": "\x7f"}
_ESCAPE = re.compile(r"\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))", re.DOTALL)


class _Atom(str):
    __slots__ = ()


class _Tuple(list[Any]):
    pass


def environment(text: str) -> dict[str, Any]:
    """The settings of each application, shaped as rabbitmqctl's JSON has them; the text itself where it is unreadable."""
    try:
        terms, _ = _term(text, 0)
        found = _json(terms)
    except (ValueError, RecursionError):
        found = None
    shaped = found if isinstance(found, dict) else {"environment": text}
    return ErlangText.of(shaped, text)


def _next(text: str, at: int) -> tuple[str, str, int]:
    """The kind of the word at that place, the word, and where it ends."""
    match = _TOKEN.match(text, at)
    if match is None or match.lastgroup is None:
        raise ValueError(at)
    return match.lastgroup, match[match.lastgroup], match.end()


def _term(text: str, at: int) -> tuple[Any, int]:
    kind, word, at = _next(text, at)
    if kind == "string":
        return _unescaped(word), at
    if kind == "atom":
        return _Atom(_unescaped(word) if word.startswith("'") else word), at
    if kind == "number":
        base, hash_, digits = word.partition("#")
        return int(digits, int(base)) if hash_ else float(word) if "." in word else int(word), at
    if kind == "opaque":
        return word, at
    match word:
        case "[":
            return _items(text, at, "]", [])
        case "{":
            return _items(text, at, "}", _Tuple())
        case "#{":
            return _map(text, at)
        case "<<":
            return _binary(text, at)
    raise ValueError(at)


def _items(text: str, at: int, close: str, found: list[Any]) -> tuple[Any, int]:
    while True:
        kind, word, after = _next(text, at)
        if kind == "sign" and word == close:
            return found, after
        if kind == "sign" and word == ",":
            at = after
            continue
        item, at = _term(text, at)
        found.append(item)


def _map(text: str, at: int) -> tuple[dict[str, Any], int]:
    found: dict[str, Any] = {}
    while True:
        kind, word, after = _next(text, at)
        if kind == "sign" and word == "}":
            return found, after
        if kind == "sign" and word == ",":
            at = after
            continue
        key, at = _term(text, at)
        kind, word, at = _next(text, at)
        if word != "=>":
            raise ValueError(at)
        found[str(key)], at = _term(text, at)


def _binary(text: str, at: int) -> tuple[str, int]:
    """A binary of text, or of numbers for bytes that are none."""
    found = ""
    codes = bytearray()
    while True:
        kind, word, at = _next(text, at)
        if word == ">>" and kind == "sign":
            return found + codes.decode(errors="replace"), at
        if kind == "string":
            found += _unescaped(word)
        elif kind == "number":
            codes.append(int(word))
        elif kind not in ("sign", "atom"):
            raise ValueError(at)


def _unescaped(word: str) -> str:
    return _ESCAPE.sub(_character, word[1:-1])


def _character(match: re.Match[str]) -> str:
    wide, two, octal, letter = match.groups()
    if wide or two:
        return chr(int(wide or two, 16))
    return chr(int(octal, 8)) if octal else _ESCAPES.get(letter, letter)


def _json(term: Any) -> Any:
    """As rabbitmqctl: pairs with names make an object, other tuples lists."""
    if isinstance(term, dict):
        return {key: _json(value) for key, value in term.items()}
    if isinstance(term, _Tuple):
        return list(map(_json, term))
    if isinstance(term, list):
        if term and all(isinstance(item, _Tuple) and len(item) == 2 and isinstance(item[0], _Atom) for item in term):
            return {str(key): _json(value) for key, value in term}
        return list(map(_json, term))
    if isinstance(term, _Atom):
        return {"true": True, "false": False}.get(term, str(term))
    return term
