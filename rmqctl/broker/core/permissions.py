"""What users may do: regular expressions on names and routing keys (https://www.rabbitmq.com/docs/access-control)."""

from functools import lru_cache
from typing import Any, NamedTuple

from rmqctl.broker.core.errors import invalid
from rmqctl.broker.core.patterns import BadPattern, compiled, found


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
    return found(pattern or "^$", name)


def checked_pattern(pattern: Any) -> str:
    """Raises Refusal for what is no regular expression, in RabbitMQ's form: texts as lists of their characters' numbers."""
    try:
        compiled(str(pattern))
    except BadPattern as error:
        characters, reason = ([ord(each) for each in text] for text in (str(pattern), error.reason))
        raise invalid(f"invalid_regexp: {error}", ["invalid_regexp", characters, [reason, error.position]]) from None
    return str(pattern)
