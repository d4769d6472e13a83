"""The optional arguments of queues and exchanges: which values they take, and whether two declarations mean the same."""

from collections.abc import Callable, Mapping
from typing import Any

from rmqctl.broker.errors import AmqpError, precondition

# Type letters of field tables (section 4.2.5.5), as RabbitMQ calls them in its errors.
_TYPES = {
    "S": "longstr",
    "I": "signedint",
    "i": "unsignedint",
    "l": "long",
    "L": "long",
    "b": "byte",
    "B": "unsignedbyte",
    "s": "short",
    "u": "unsignedshort",
    "t": "bool",
    "f": "float",
    "d": "double",
    "D": "decimal",
    "T": "timestamp",
    "F": "table",
    "A": "array",
    "V": "void",
    "x": "binary",
}


class Arguments(dict[str, Any]):
    """Decoded arguments; `types` has the type letter that each came with."""

    def __init__(self, values: Mapping[str, Any], types: Mapping[str, str] | None = None) -> None:
        super().__init__(values)
        self.types = types or {}

    def type_of(self, name: str) -> str:
        """RabbitMQ's name of a value's type; from the HTTP API, the type that RabbitMQ would give it."""
        return _TYPES.get(self.types.get(name) or _letter(self[name]), "longstr")


def _letter(value: Any) -> str:
    if isinstance(value, bool):
        return "t"
    if isinstance(value, int):
        return "l"
    if isinstance(value, float):
        return "d"
    if value is None:
        return "V"
    if isinstance(value, dict):
        return "F"
    return "A" if isinstance(value, list) else "S"


Check = Callable[[str, Any, Arguments], str | None]


def _whole(name: str, value: Any, arguments: Arguments) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"{{unacceptable_type,{arguments.type_of(name)}}}"
    return None


def _not_negative(name: str, value: Any, arguments: Arguments) -> str | None:
    return _whole(name, value, arguments) or (f"{{value_negative,{value}}}" if value < 0 else None)


def _positive(name: str, value: Any, arguments: Arguments) -> str | None:
    return _not_negative(name, value, arguments) or ("{value_zero,0}" if value == 0 else None)


def _duration(name: str, value: Any, arguments: Arguments) -> str | None:
    """Milliseconds that a timer takes: up to 2**32 - 1."""
    problem = _not_negative(name, value, arguments)
    return problem or (f"{{value_too_large,{value}}}" if value > _LONGEST else None)


def _positive_duration(name: str, value: Any, arguments: Arguments) -> str | None:
    return _positive(name, value, arguments) or _duration(name, value, arguments)


_LONGEST = 0xFFFFFFFF


def _priorities(name: str, value: Any, arguments: Arguments) -> str | None:
    problem = _not_negative(name, value, arguments)
    return problem or (f"{{max_value_exceeded,{value}}}" if value > 255 else None)


def _text(name: str, value: Any, arguments: Arguments) -> str | None:
    return None if isinstance(value, str) else f"{{unacceptable_type,{arguments.type_of(name)}}}"


def _flag(name: str, value: Any, arguments: Arguments) -> str | None:
    return None if isinstance(value, bool) else f"{{unacceptable_type,{arguments.type_of(name)}}}"


def _one_of(*values: str) -> Check:
    def check(name: str, value: Any, arguments: Arguments) -> str | None:
        return _text(name, value, arguments) or (None if value in values else f"invalid_{name[2:].replace('-', '_')}")

    return check


def _dead_letter_key(name: str, value: Any, arguments: Arguments) -> str | None:
    problem = _text(name, value, arguments)
    return problem or (None if "x-dead-letter-exchange" in arguments else "routing_key_but_no_dlx_defined")


_QUEUE: dict[str, Check] = {
    "x-expires": _positive_duration,
    "x-message-ttl": _duration,
    "x-dead-letter-exchange": _text,
    "x-dead-letter-routing-key": _dead_letter_key,
    "x-max-length": _not_negative,
    "x-max-length-bytes": _not_negative,
    "x-max-priority": _priorities,
    "x-overflow": _one_of("drop-head", "reject-publish", "reject-publish-dlx"),
    "x-queue-mode": _one_of("default", "lazy"),
    "x-single-active-consumer": _flag,
    "x-delivery-limit": _whole,
    "x-queue-type": _text,
}
# A redeclaration has to agree on these; others may differ.
_COMPARED = tuple(_QUEUE)


def check_queue(name: str, vhost: str, arguments: Arguments) -> None:
    """Raises AmqpError 406 for the first argument with a value that it cannot have."""
    for argument, check in _QUEUE.items():
        if argument in arguments and (problem := check(argument, arguments[argument], arguments)):
            raise precondition(f"invalid arg '{argument}' for queue '{name}' in vhost '{vhost}': {problem}")


def check_equal(
    what: str, vhost: str, current: Mapping[str, Any], wanted: Arguments, compared: tuple[str, ...] = _COMPARED
) -> None:
    """Raises AmqpError 406 for the first argument on which two declarations differ. `what`: queue 'name'."""
    stored = current if isinstance(current, Arguments) else Arguments(current)
    for argument in compared:
        if wanted.get(argument) != stored.get(argument):
            raise inequivalent(argument, what, vhost, _shown(argument, wanted), _shown(argument, stored))


def inequivalent(argument: str, what: str, vhost: str, received: str, current: str) -> AmqpError:
    return precondition(
        f"inequivalent arg '{argument}' for {what} in vhost '{vhost}': received {received} but current is {current}"
    )


def _shown(argument: str, arguments: Arguments) -> str:
    if argument not in arguments:
        return "none"
    value = arguments[argument]
    text = str(value).lower() if isinstance(value, bool) else value
    return f"the value '{text}' of type '{arguments.type_of(argument)}'"
