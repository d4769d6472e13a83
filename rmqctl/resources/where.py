"""The filter language of `--where 'messages_unacknowledged > 0 and name ~ "^orders"'`.

    any         all { ("or" | "||") all }
    all         negation { ("and" | "&&") negation }
    negation    { "not" | "!" } condition
    condition   "(" any ")" | operand [ comparison operand ]
    comparison  "=" "==" "!=" "<" "<=" ">" ">=" "~" "!~"
    operand     column, number, quoted string, true, false, null

- A word on the left is a column. A word on the right is a column when there is one of that name, else a string:
  `state = running`. The right side of `~` is always a regular expression, with or without quotes.
- In quotes `\\"`, `\\'`, `\\\\`, `\\n`, `\\r` and `\\t` are escapes; any other backslash stays: `"^a\\.b"` will do.
- A column alone (`durable`) means `durable = true`.
- A value that the broker left out is unknown, never 0. A comparison with it is unknown, so is its negation, and `and`
  and `or` follow SQL; a row matches when the whole is true. `= null` and `!= null` ask whether a value is unknown.
- Values of different types are not equal, and `<` between them is unknown. `=` and `~` see a list or an object as its
  compact JSON text.

An expression is compiled to closures once, then called for each row.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from rmqctl.errors import UsageError
from rmqctl.resources.ordering import json_text
from rmqctl.resources.patterns import of_glob

Get = Callable[[str], object]
"""The value of a column in the row at hand, None when unknown."""

Test = Callable[[Get], bool | None]
"""True, False, or None for unknown."""

MAX_DEPTH = 100
"""Parentheses within parentheses, well below Python's recursion limit."""

_TOKEN = re.compile(
    r"""(?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
      | (?P<number> -?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.-]) )
      | (?P<word>   [\w.-]+ )
      | (?P<symbol> == | != | !~ | <= | >= | && | \|\| | [=<>~!()] )
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(r"""\\([\\"'nrt])""")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_KEYWORDS = {"and": "and", "&&": "and", "or": "or", "||": "or", "not": "not", "!": "not"}
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_LONGEST_NUMBER = 400

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_EQUALITIES = {"=": True, "==": True, "!=": False}
_MATCHES = {"~": True, "!~": False}
_PLAIN = frozenset((bool, int, float, str))
_COMPARISONS = {*_ORDERINGS, *_EQUALITIES, *_MATCHES}


@dataclass(frozen=True, slots=True)
class Where:
    """A compiled expression. `names` are the columns it mentions, in order, each once."""

    names: tuple[str, ...]
    test: Test

    def matches(self, get: Get) -> bool:
        """Whether the expression is true for the row that `get` reads from; unknown is not true."""
        return self.test(get) is True


def parse(
    text: str, is_column: Callable[[str], bool], closest: Callable[[str], str | None] = lambda _name: None
) -> Where:
    """Compile `text`, or raise a UsageError that points at the spot.

    `is_column` says which words are columns; `closest` may name the column that an unknown one was meant to be.
    """
    parser = _Parser(text, is_column, closest)
    test = parser.whole()
    return Where(tuple(parser.names), test)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # string, number, word, symbol, end; and, or, not for both spellings
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Operand:
    """A column when `name` is not None, else the constant `value`."""

    at: int
    name: str | None = None
    value: object = None

    @property
    def is_null(self) -> bool:
        return self.name is None and self.value is None

    def reader(self) -> Callable[[Get], object]:
        name, value = self.name, self.value
        if name is None:
            return lambda _get: value
        return lambda get: get(name)


class _Parser:
    """Recursive descent; only parentheses recurse."""

    def __init__(self, text: str, is_column: Callable[[str], bool], closest: Callable[[str], str | None]) -> None:
        self.text = text
        self.is_column = is_column
        self.closest = closest
        self.names: dict[str, None] = {}
        self.depth = 0
        self.position = 0
        self.previous = _Token("start", "", 0)
        self.token = self._read()

    # tokens

    def _read(self) -> _Token:
        space = _SPACE.match(self.text, self.position)
        at = space.end() if space else self.position
        if at == len(self.text):
            return _Token("end", "", at)
        found = _TOKEN.match(self.text, at)
        if found is None or found.lastgroup is None:
            self._unreadable(at)
        self.position = found.end()
        word = found.group()
        return _Token(_KEYWORDS.get(word.lower(), found.lastgroup), word, at)

    def _unreadable(self, at: int) -> NoReturn:
        if self.text[at] in "\"'":
            self._fail("this quote is never closed", at)
        self._fail(f"unexpected {_quoted(self.text[at])} (a string with such characters needs quotes)", at)

    def _next(self) -> _Token:
        self.previous, self.token = self.token, self._read()
        return self.previous

    def _fail(self, message: str, at: int) -> NoReturn:
        raise UsageError(f"--where: {message}\n{_printable(self.text)}\n{' ' * _width(self.text[:at])}^")

    def _expected(self, what: str) -> NoReturn:
        after = f" after {_quoted(self.previous.text)}" if self.previous.text else ""
        self._fail(f"expected {what}{after}", self.token.at)

    # grammar

    def whole(self) -> Test:
        test = self._any()
        if self.token.text == ")":
            self._fail("')' without '('", self.token.at)
        if self.token.kind != "end":
            self._expected("'and' or 'or'")
        return test

    def _any(self) -> Test:
        tests = [self._all()]
        while self.token.kind == "or":
            self._next()
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else _any_of(tests)

    def _all(self) -> Test:
        tests = [self._negation()]
        while self.token.kind == "and":
            self._next()
            tests.append(self._negation())
        return tests[0] if len(tests) == 1 else _all_of(tests)

    def _negation(self) -> Test:
        negative = False
        while self.token.kind == "not":
            self._next()
            negative = not negative
        test = self._condition()
        return _negated(test) if negative else test

    def _condition(self) -> Test:
        if self.token.text == "(":
            return self._parentheses()
        left = self._operand("a condition", left=True)
        if self.token.text not in _COMPARISONS or self.token.kind != "symbol":
            return self._alone(left)
        sign = self._next()
        if sign.text in _MATCHES:
            return _matches(left.reader(), self._pattern(), _MATCHES[sign.text])
        right = self._operand("a value", left=False)
        return self._comparison(left, sign, right)

    def _parentheses(self) -> Test:
        opening = self._next()
        if self.depth == MAX_DEPTH:
            self._fail(f"more than {MAX_DEPTH} parentheses within each other", opening.at)
        self.depth += 1
        test = self._any()
        self.depth -= 1
        if self.token.kind == "end":
            self._fail("this '(' is never closed", opening.at)
        if self.token.text != ")":
            self._expected("'and', 'or' or ')'")
        self._next()
        return test

    def _alone(self, operand: _Operand) -> Test:
        if operand.name is None and not isinstance(operand.value, bool):
            self._expected("a comparison")
        return _equals(operand.reader(), lambda _get: True, True)

    def _comparison(self, left: _Operand, sign: _Token, right: _Operand) -> Test:
        if sign.text in _EQUALITIES:
            wanted = _EQUALITIES[sign.text]
            if right.is_null:
                return _is_unknown(left.reader(), wanted)
            if left.is_null:
                return _is_unknown(right.reader(), wanted)
            return _equals(left.reader(), right.reader(), wanted)
        if left.is_null or right.is_null:
            self._fail("null can be compared with = and != only", sign.at)
        return _ordered(left.reader(), right.reader(), _ORDERINGS[sign.text])

    def _operand(self, what: str, *, left: bool) -> _Operand:
        kind, word, at = self.token.kind, self.token.text, self.token.at
        if kind == "number":
            self._next()
            return _Operand(at, value=self._number(word, at))
        if kind == "string":
            self._next()
            return _Operand(at, value=_unquoted(word))
        if kind != "word":
            self._expected(what)
        self._next()
        if word.lower() in _CONSTANTS:
            return _Operand(at, value=_CONSTANTS[word.lower()])
        if self.is_column(word):
            self.names[word] = None
            return _Operand(at, name=word)
        if left:
            self._unknown_column(word, at)
        return _Operand(at, value=word)

    def _unknown_column(self, word: str, at: int) -> NoReturn:
        closest = self.closest(word)
        hint = f", did you mean {_quoted(closest)}?" if closest else ""
        self._fail(f"there is no column {_quoted(word)}{hint}", at)

    def _number(self, word: str, at: int) -> int | float:
        if len(word) > _LONGEST_NUMBER:
            self._fail("this number is too long", at)
        return int(word) if word.lstrip("-").isdigit() else float(word)

    def _pattern(self) -> re.Pattern[str]:
        token = self.token
        if token.kind not in ("string", "word", "number") or token.text.lower() == "null":
            self._expected("a regular expression")
        pattern = _unquoted(token.text) if token.kind == "string" else token.text
        try:
            compiled = _compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            meant = of_glob(pattern)
            hint = f"; as a shell's pattern it is {meant!r}" if meant else ""
            self._fail(f"bad regular expression: {_reason(error)}{hint}", _spot(token, pattern, error))
        self._next()
        return compiled


# tests, each a closure over what it compares


def _all_of(tests: list[Test]) -> Test:
    def test(get: Get) -> bool | None:
        result: bool | None = True
        for each in tests:
            answer = each(get)
            if answer is False:
                return False
            if answer is None:
                result = None
        return result

    return test


def _any_of(tests: list[Test]) -> Test:
    def test(get: Get) -> bool | None:
        result: bool | None = False
        for each in tests:
            answer = each(get)
            if answer:
                return True
            if answer is None:
                result = None
        return result

    return test


def _negated(inner: Test) -> Test:
    def test(get: Get) -> bool | None:
        answer = inner(get)
        return None if answer is None else not answer

    return test


def _is_unknown(read: Callable[[Get], object], wanted: bool) -> Test:
    return lambda get: (read(get) is None) is wanted


def _equals(left: Callable[[Get], object], right: Callable[[Get], object], wanted: bool) -> Test:
    def test(get: Get) -> bool | None:
        a, b = left(get), right(get)
        if a is None or b is None:
            return None
        if a.__class__ is b.__class__:
            return (a == b) is wanted
        return _equal(a, b) is wanted

    return test


def _ordered(left: Callable[[Get], object], right: Callable[[Get], object], holds: Callable[[Any, Any], bool]) -> Test:
    def test(get: Get) -> bool | None:
        a, b = left(get), right(get)
        if a is None or b is None:
            return None
        if a.__class__ is b.__class__ and a.__class__ in _PLAIN:  # nearly always, and several times faster
            return holds(a, b)
        kind = _kind(a)
        return holds(a, b) if kind is _kind(b) and kind is not list else None

    return test


def _matches(read: Callable[[Get], object], pattern: re.Pattern[str], wanted: bool) -> Test:
    search = pattern.search

    def test(get: Get) -> bool | None:
        value = read(get)
        if value is None:
            return None
        text = value if isinstance(value, str) else json_text(value)
        return (search(text) is not None) is wanted

    return test


def _kind(value: object) -> type:
    """What a value can be compared with: numbers with numbers, strings with strings; list is for all structures."""
    if isinstance(value, str):
        return str
    if isinstance(value, bool):
        return bool
    if isinstance(value, int | float):
        return float
    return list


def _equal(a: object, b: object) -> bool:
    kind_a, kind_b = _kind(a), _kind(b)
    if kind_a is kind_b:
        return a == b
    if kind_a is list and kind_b is str:
        return json_text(a) == b
    if kind_b is list and kind_a is str:
        return a == json_text(b)
    return False


# texts


def _unquoted(literal: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), literal[1:-1])


def _compile(pattern: str) -> re.Pattern[str]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `[[a]`: "possible nested set", of no concern to who typed it
        return re.compile(pattern)


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, re.error) else "too large or too deeply nested"


def _spot(token: _Token, pattern: str, error: Exception) -> int:
    """Where in the expression a regular expression went wrong: exact as long as no escape was replaced in it."""
    if not isinstance(error, re.error) or error.pos is None:
        return token.at
    if token.kind != "string":
        return token.at + error.pos
    return token.at + 1 + error.pos if pattern == token.text[1:-1] else token.at


def _printable(text: str) -> str:
    """`text` on one line, safe for a terminal, each character in its place."""
    return "".join(char if char.isprintable() else " " for char in text)


def _quoted(text: str) -> str:
    return f"'{_printable(text)}'"


def _width(text: str) -> int:
    """The columns that `text` takes on a terminal."""
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
