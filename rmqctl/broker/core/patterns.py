"""Regular expressions that users give: in permissions, policies and filters of lists."""

import logging
import re
from collections.abc import Callable
from functools import lru_cache, partial

_LOG = logging.getLogger("rmqctl.broker")
# How often something is repeated in a pattern that cannot take long.
_HARMLESS = 2
# Seconds of computing that one search may take, and how many searches may take as long.
_LONGEST_SEARCH = 0.03
_PATIENCE = 3

# What PCRE says where Python says something else; others keep Python's words.
_PCRE = {
    "missing ), unterminated subpattern": "missing closing parenthesis",
    "nothing to repeat": "quantifier does not follow a repeatable item",
    "unterminated character set": "missing terminating ] for character class",
}
_LONGEST = 65_535


class BadPattern(ValueError):
    """`reason` and `position` as PCRE tells them."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


class Pattern:
    """A regular expression whose searches take no longer than they may, whatever it is."""

    def __init__(self, pattern: str, ignore_case: bool) -> None:
        """Raises BadPattern."""
        self._text = pattern
        self._spent = 0
        try:
            simple = re.compile(pattern, re.IGNORECASE if ignore_case else 0)
        except re.error as error:
            raise BadPattern(_PCRE.get(error.msg, error.msg), (error.pos or 0) + 1) from None
        except (RecursionError, OverflowError):
            raise BadPattern("regular expression is too large", 1) from None
        self._search = simple.search if _is_harmless(pattern) else _limited(pattern, ignore_case)

    def found(self, text: str) -> bool:
        """Whether it is somewhere in the text. One that takes too long is nowhere, as in RabbitMQ, which has a limit too."""
        if self._spent == _PATIENCE:
            return False
        try:
            return self._search(text) is not None
        except TimeoutError:
            self._spent += 1
            if self._spent == _PATIENCE:
                _LOG.warning("the regular expression %r takes too long: it matches nothing any more", self._text)
            return False


@lru_cache(maxsize=1024)
def compiled(pattern: str, *, ignore_case: bool = False) -> Pattern:
    """Raises BadPattern."""
    if len(pattern) > _LONGEST:
        raise BadPattern("regular expression is too large", _LONGEST)
    return Pattern(pattern, ignore_case)


def found(pattern: str, text: str) -> bool:
    """Whether the pattern is somewhere in the text; one that is no regular expression is nowhere."""
    try:
        return compiled(pattern).found(text)
    except BadPattern:
        return False


def _is_harmless(pattern: str) -> bool:
    """Whether a search takes at most the square of a name's length: without groups, what is repeated repeats nothing."""
    repeats = sum(map(pattern.count, "*+?{"))
    return not repeats or ("(" not in pattern and repeats <= _HARMLESS)


def _limited(pattern: str, ignore_case: bool) -> Callable[[str], object | None]:
    """Its search, which raises TimeoutError."""
    # Few brokers ever see such a pattern.
    try:
        import regex
    except ImportError:  # rmqctl.pyz on another Python or system than it was built on
        raise BadPattern("this pattern needs the Python package regex, which is not installed", 1) from None

    try:
        search = regex.compile(pattern, regex.IGNORECASE if ignore_case else 0).search
    except regex.error as error:
        raise BadPattern(str(error), (getattr(error, "pos", None) or 0) + 1) from None
    return partial(search, timeout=_LONGEST_SEARCH)
