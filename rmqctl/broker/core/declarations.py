"""Which declarations can be, and whether two of them mean the same. All of it raises Refusal with RabbitMQ's words."""

from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core.arguments import COMPARED, Arguments, check_equal, inequivalent
from rmqctl.broker.core.classic import ClassicQueue
from rmqctl.broker.core.errors import Reason, Refusal, invalid, precondition
from rmqctl.broker.core.exchange import NO_TYPES, TYPES, Exchange
from rmqctl.broker.core.queue import KINDS, Queue
from rmqctl.broker.core.quorum import QuorumQueue

# The kinds of queues that every broker has are known once they are imported.
BUILT_IN = (ClassicQueue, QuorumQueue)
_STREAM = "stream"


def check_type(kind: str) -> None:
    """Of an exchange."""
    if kind not in TYPES:
        raise precondition(f"{'invalid' if kind in NO_TYPES else 'unknown'} exchange type '{kind}'")


def check_same_exchange(
    found: Exchange, vhost: str, kind: str, durable: bool, auto_delete: bool, internal: bool, arguments: Arguments
) -> None:
    what = f"exchange '{found.name}'"
    for argument, current, wanted in (
        ("type", found.kind, kind),
        ("durable", found.durable, durable),
        ("auto_delete", found.auto_delete, auto_delete),
        ("internal", found.internal, internal),
    ):
        _check_same(argument, what, vhost, current, wanted)
    check_equal(what, vhost, found.arguments, arguments, ("alternate-exchange",))


def check_same_queue(found: Queue, durable: bool, exclusive: bool, auto_delete: bool, arguments: Arguments) -> None:
    vhost, what = found.home.name, f"queue '{found.name}'"
    if found.exclusive != exclusive:
        raise locked(found.name, vhost)
    check_equal(what, vhost, found.arguments, arguments, ("x-queue-type",))
    if not exclusive:
        _check_same("durable", what, vhost, found.durable, durable)
    _check_same("auto_delete", what, vhost, found.auto_delete, auto_delete)
    # What queues of its kind cannot have is not looked at.
    compared = tuple(each for each in COMPARED if each not in found.foreign_arguments)
    check_equal(what, vhost, found.arguments, arguments, compared)


def check_server_named(arguments: Arguments) -> None:
    """Whether the broker may give a queue its name."""
    kind = arguments.get("x-queue-type")
    if isinstance(kind, str) and kind in KINDS and not KINDS[kind].server_named:
        raise precondition(f"Cannot declare a server-named queue for type rabbit_{kind}_queue")


def kind_of(arguments: Arguments, what: str) -> type[Queue]:
    """The class of a queue. `what`: queue 'name' in vhost 'vhost'."""
    name = arguments.get("x-queue-type") or ClassicQueue.kind
    if name == _STREAM:
        raise _no_streams()
    if not isinstance(name, str):
        problem = f"{{unacceptable_type,{arguments.type_of('x-queue-type')}}}"
    elif name not in KINDS:
        problem = f"\"unsupported queue type '{name}'\""
    else:
        return KINDS[name]
    raise precondition(f"invalid arg 'x-queue-type' for {what}: {problem}")


def _no_streams() -> Refusal:
    return Refusal(Reason.NOT_IMPLEMENTED, "queues of type stream are not implemented by this broker")


def locked(name: str, vhost: str) -> Refusal:
    return Refusal(
        Reason.RESOURCE_LOCKED,
        f"cannot obtain exclusive access to locked queue '{name}' in vhost '{vhost}'. It could be originally declared on "
        "another connection or the exclusive property value does not match that of the original declaration.",
    )


def check_x_match(arguments: Mapping[str, Any]) -> None:
    """Of a binding to an exchange of type headers."""
    mode = arguments.get("x-match", "all")
    if not isinstance(mode, str):
        kind = Arguments(arguments, getattr(arguments, "types", {})).type_of("x-match")
        raise precondition(f"Invalid x-match field type {kind} (value {mode}); expected longstr")
    if mode not in ("all", "any", "all-with-x", "any-with-x"):
        raise precondition(f'Invalid x-match field value <<"{mode}">>; expected all, any, all-with-x, or any-with-x')


def checked_metadata(document: Mapping[str, Any]) -> dict[str, Any]:
    """Description, tags and default queue type, as a virtual host keeps them. Raises Refusal."""
    tags = [] if (given := document.get("tags")) is None else given
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",") if tag.strip()]
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise invalid("tags should be a list of texts")
    kind = document.get("default_queue_type", document.get("defaultqueuetype"))
    if kind in (None, "", "undefined"):
        kind = ClassicQueue.kind
    if kind == _STREAM:
        raise _no_streams()
    if kind not in tuple(KINDS):
        raise invalid(f"{kind} is not a valid {'queue type' if isinstance(kind, str) else 'default_queue_type value'}")
    return {"description": document.get("description") or "", "tags": list(tags), "default_queue_type": kind}


def _check_same(argument: str, what: str, vhost: str, current: Any, wanted: Any) -> None:
    if current != wanted:
        raise inequivalent(argument, what, vhost, f"'{_lower(wanted)}'", f"'{_lower(current)}'")


def _lower(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
