"""The optional arguments of queues and exchanges: which values they take, and whether two declarations mean the same."""

from collections.abc import Callable, Container, Mapping
from typing import Any

from rmqctl.broker.core.errors import Reason, Refusal, precondition

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


def whole(name: str, value: Any, arguments: Arguments) -> str | None:
    """What is wrong with a value that has to be a whole number."""
    if isinstance(value, bool) or not isinstance(value, int):
        return f'"expected integer, got {arguments.type_of(name)}"'
    return None


def _not_negative(name: str, value: Any, arguments: Arguments) -> str | None:
    return whole(name, value, arguments) or (f"{{value_negative,{value}}}" if value < 0 else None)


def _positive(name: str, value: Any, arguments: Arguments) -> str | None:
    return _not_negative(name, value, arguments) or ("{value_zero,0}" if value == 0 else None)


def _duration(name: str, value: Any, arguments: Arguments) -> str | None:
    """Milliseconds."""
    problem = _not_negative(name, value, arguments)
    return problem or (f"{{value_too_large,{value}}}" if value > LONGEST else None)


def _positive_duration(name: str, value: Any, arguments: Arguments) -> str | None:
    return _positive(name, value, arguments) or _duration(name, value, arguments)


# Ten years, in milliseconds: the longest time that RabbitMQ's timers take.
LONGEST = 10 * 365 * 86_400_000


def _priorities(name: str, value: Any, arguments: Arguments) -> str | None:
    problem = _not_negative(name, value, arguments)
    return problem or (f"{{max_value_exceeded,{value}}}" if value > 255 else None)


def _text(name: str, value: Any, arguments: Arguments) -> str | None:
    return None if isinstance(value, str) else f"{{unacceptable_type,{arguments.type_of(name)}}}"


def _flag(name: str, value: Any, arguments: Arguments) -> str | None:
    return None if isinstance(value, bool) else f"{{unacceptable_type,{arguments.type_of(name)}}}"


def _one_of(problem: str, *values: str) -> Check:
    def check(name: str, value: Any, arguments: Arguments) -> str | None:
        return _text(name, value, arguments) or (None if value in values else problem)

    return check


def _version(name: str, value: Any, arguments: Arguments) -> str | None:
    problem = _not_negative(name, value, arguments)
    return problem or (None if value == 2 else f"\"unsupported queue version '{value}'\"")


def _anything(name: str, value: Any, arguments: Arguments) -> str | None:
    return None


def _dead_letter_key(name: str, value: Any, arguments: Arguments) -> str | None:
    problem = _text(name, value, arguments)
    return problem or (None if "x-dead-letter-exchange" in arguments else "routing_key_but_no_dlx_defined")


_QUEUE: dict[str, Check] = {
    "x-expires": _positive_duration,
    "x-message-ttl": _duration,
    "x-dead-letter-exchange": _anything,  # see check_queue
    "x-dead-letter-strategy": _one_of("invalid_dlx_strategy", "at-most-once", "at-least-once"),
    "x-dead-letter-routing-key": _dead_letter_key,
    "x-max-length": _not_negative,
    "x-max-length-bytes": _not_negative,
    "x-max-in-memory-length": _not_negative,
    "x-max-in-memory-bytes": _not_negative,
    "x-max-priority": _priorities,
    "x-overflow": _one_of("invalid_overflow", "drop-head", "reject-publish", "reject-publish-dlx"),
    "x-queue-mode": _anything,
    "x-queue-version": _version,
    "x-single-active-consumer": _flag,
    "x-queue-type": _text,
    "x-quorum-initial-group-size": _positive,
    "x-quorum-target-group-size": _anything,
    "x-max-age": _anything,
    "x-stream-max-segment-size-bytes": _anything,
    "x-stream-filter-size-bytes": _anything,
    "x-initial-cluster-size": _anything,
    "x-queue-leader-locator": _one_of(
        "invalid_queue_locator_arg", "client-local", "balanced", "random", "least-leaders"
    ),
    "x-delivery-limit": _anything,
    "x-consumer-timeout": _not_negative,
    "x-consumer-disconnected-timeout": _not_negative,
}
# A redeclaration has to agree on these; others may differ.
COMPARED = (
    "x-queue-type",
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-max-length",
    "x-max-length-bytes",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-max-priority",
    "x-overflow",
    "x-queue-mode",
    "x-queue-version",
    "x-single-active-consumer",
    "x-quorum-initial-group-size",
    "x-queue-leader-locator",
    "x-delivery-limit",
    "x-consumer-timeout",
    "x-consumer-disconnected-timeout",
    "x-delayed-retry-type",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
    "x-queue-master-locator",
)


def check_queue(what: str, kind: str, foreign: Container[str], arguments: Arguments) -> None:
    """Raises Refusal for the first argument that is foreign to queues of this kind, or with a value it cannot have.

    `what`: queue 'name' in vhost 'vhost'.
    """
    for argument in arguments:
        if argument in foreign:
            raise precondition(f"invalid arg '{argument}' for {what} of queue type rabbit_{kind}_queue")
    if "x-queue-master-locator" in arguments:
        raise Refusal(Reason.INTERNAL_ERROR, "Feature `queue_master_locator` is deprecated.")
    for argument, check in _QUEUE.items():
        if argument in arguments and (problem := check(argument, arguments[argument], arguments)):
            raise precondition(f"invalid arg '{argument}' for {what}: {problem}")


_CONSUMER: dict[str, Check] = {"x-priority": whole, "x-consumer-timeout": _not_negative}


def check_consumer(what: str, kind: str, foreign: Container[str], arguments: Arguments) -> None:
    """The same for a consumer of such a queue."""
    for argument in arguments:
        if argument in foreign:
            raise precondition(f"invalid arg '{argument}' for {what} of queue type rabbit_{kind}_queue")
    for argument, check in _CONSUMER.items():
        if argument in arguments and (problem := check(argument, arguments[argument], arguments)):
            raise precondition(f"invalid arg '{argument}' for {what}: {problem}")


def check_exchange_name(argument: str, what: str, arguments: Arguments) -> None:
    """Raises Refusal when an argument that names an exchange is no text. `what`: queue 'name' in vhost 'vhost'."""
    if argument in arguments and not isinstance(arguments[argument], str):
        raise precondition(f"invalid type '{arguments.type_of(argument)}' for arg '{argument}' in {what}")


def check_equal(
    what: str, vhost: str, current: Mapping[str, Any], wanted: Arguments, compared: tuple[str, ...]
) -> None:
    """Raises Refusal for the first argument on which two declarations differ. `what`: queue 'name'."""
    stored = current if isinstance(current, Arguments) else Arguments(current)
    for argument in compared:
        received, there = wanted.get(argument), stored.get(argument)
        if argument == "x-queue-type":
            received, there = received or "classic", there or "classic"
        elif (argument in wanted) is not (argument in stored):
            raise inequivalent(argument, what, vhost, _shown(argument, wanted), _shown(argument, stored))
        if not _same(received, there):
            raise inequivalent(argument, what, vhost, _quoted(received), _quoted(there))


def _same(one: Any, other: Any) -> bool:
    """Whether two values are one for AMQP: numbers of whole and of floating types are never, and nor is a boolean."""
    return _class(one) is _class(other) and _text_of(one) == _text_of(other)


def _class(value: Any) -> type:
    return str if isinstance(value, bytes | bytearray) else type(value)


def _text_of(value: Any) -> Any:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes | bytearray) else value


def _quoted(value: Any) -> str:
    return "none" if value is None else f"'{_lower(_text_of(value))}'"


def inequivalent(argument: str, what: str, vhost: str, received: str, current: str) -> Refusal:
    return precondition(
        f"inequivalent arg '{argument}' for {what} in vhost '{vhost}': received {received} but current is {current}"
    )


def _shown(argument: str, arguments: Arguments) -> str:
    if argument not in arguments:
        return "none"
    return f"the value '{_lower(arguments[argument])}' of type '{arguments.type_of(argument)}'"


def _lower(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
