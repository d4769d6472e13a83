"""What users may do: regular expressions on names and routing keys (https://www.rabbitmq.com/docs/access-control)."""

import re
from functools import lru_cache
from typing import Any, NamedTuple

from rmqctl.broker.core.errors import invalid

# What PCRE says where Python says something else; others keep Python's words.
_PCRE = {
    "missing ), unterminated subpattern": "missing closing parenthesis",
    "nothing to repeat": "quantifier does not follow a repeatable item",
    "unterminated character set": "missing terminating ] for character class",
}


class Permission(NamedTuple):
    """Regular expressions on the names of what may be configured, written to and read from."""

    configure: str
    write: str
    read: str


class TopicPermission(NamedTuple):
    """Regular expressions on routing keys, of one exchange."""

    write: str
    read: str


@lru_cache(maxsize=4096)
def matches(pattern: str, name: str) -> bool:
    """An empty pattern matches nothing but the empty name, as in RabbitMQ."""
    try:
        return re.search(pattern or "^$", name) is not None
    except re.error:
        return False


def checked_pattern(pattern: Any) -> str:
    """Raises Refusal for what is no regular expression, in RabbitMQ's form: texts as lists of their characters' numbers."""
    try:
        re.compile(str(pattern))
    except re.error as error:
        reason, position = words_of(error)
        characters = [ord(each) for each in str(pattern)]
        raise invalid(
            f"invalid_regexp: {reason}", ["invalid_regexp", characters, [[ord(each) for each in reason], position]]
        ) from None
    return str(pattern)


def words_of(error: re.error) -> tuple[str, int]:
    """Reason and position as PCRE tells them."""
    return _PCRE.get(error.msg, error.msg), (error.pos or 0) + 1
