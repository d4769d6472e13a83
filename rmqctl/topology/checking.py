"""What the rows of definitions may hold: what a broker would refuse, or take for something else, is named by its row and field.

RabbitMQ imports one section after another, and what it refuses half-way leaves the sections before it changed.
"""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rmqctl.errors import DataError
from rmqctl.naming import closest

_ABSENT = object()

Sections = Mapping[str, tuple[str, ...]]
"""The sections of definitions, each with the keys that tell its rows apart."""

_HEAD = frozenset(("description", "metadata", "limits", "tags", "explanation", "default_queue_type"))
"""What is beside the sections and is no section: facts about the export, and of a single virtual host."""


def check(document: Mapping[str, Any], sections: Sections, source: str) -> None:
    """Raises DataError for the first thing that a broker would refuse or misread."""
    for section in document:
        if section not in sections and (why := _misspelt(section, document[section], sections)):
            raise DataError(f"{source}: {section!r} is no section of definitions{why}")
    check_shape(document, sections, source)
    for section in sections:
        for number, row in enumerate(document.get(section, []), 1):
            if wrong := _content(section, row):
                raise DataError(f"{source}: number {number} of {section}: {wrong}")


def check_shape(document: Mapping[str, Any], sections: Sections, source: str) -> None:
    """Raises DataError for what is not built as definitions are, whatever it says."""
    if wrong := _fields(document, {"metadata": _facts}):
        raise DataError(f"{source}: {wrong}")
    for section, keys in sections.items():
        rows = document.get(section, [])
        if not isinstance(rows, list):
            raise DataError(f"{source}: {section} has to be a list")
        for number, row in enumerate(rows, 1):
            _check_row(section, row, keys, f"{source}: number {number} of {section}")


def _misspelt(key: str, value: Any, known: Iterable[str]) -> str:
    """What to say of a key that looks like a section and is none; nothing for other facts about the export."""
    if key in _HEAD or not isinstance(value, list | dict):
        return ""
    return did_you_mean(key, known)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = closest(name, known)
    return f"; did you mean {close!r}?" if close else f": {', '.join(known)}"


def check_declared(document: Mapping[str, Any], source: str) -> None:
    """Raises DataError for names that an import takes and a declaration does not.

    A broker takes the line ends out of the name, or makes up a name where there is none; a path has no place for none.
    """
    for number, row in enumerate(document.get("vhosts", []), 1):
        if not row["name"]:
            raise DataError(f"{source}: number {number} of vhosts: name is empty")
    for section, keys in (("queues", ("name",)), ("exchanges", ("name",)), ("bindings", ("source", "destination"))):
        for number, row in enumerate(document.get(section, []), 1):
            for key in keys:
                where = f"{source}: number {number} of {section}: {key} {row[key]!r}"
                if has_line_end(row[key]):
                    raise DataError(f"{where} has a line end, which brokers take out of names")
                if not row[key] and section == "queues":
                    raise DataError(f"{where} is empty: the broker would make up a name")


def has_line_end(name: str) -> bool:
    return "\n" in name or "\r" in name


# Rows

Test = Callable[[Any], str]
"""What is wrong with a value, "" for nothing."""


def _is_a(kind: type, called: str) -> Test:
    def test(value: Any) -> str:
        fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        return "" if fits else f"has to be {called}"

    return test


_text = _is_a(str, "a string")
_boolean = _is_a(bool, "true or false")
_whole = _is_a(int, "a whole number")


def _object(value: Any) -> str:
    # Erlang writes an empty object as an empty list.
    return "" if isinstance(value, dict) or value == [] else "has to be an object"


def _number(value: Any) -> str:
    return "" if isinstance(value, int | float) and not isinstance(value, bool) else "has to be a number"


def _or_null(test: Test) -> Test:
    return lambda value: "" if value is None else test(value)


def _tags(value: Any) -> str:
    fits = isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
    return "" if fits else "has to be a list of strings"


def _hash(value: Any) -> str:
    if wrong := _text(value):
        return wrong
    try:
        b64decode(value, validate=True)
    except ValueError:
        return "has to be Base64: rmqctl hash_password makes one"
    return ""


def one_of(*words: str) -> Test:
    return lambda value: "" if value in words else f"has to be one of {', '.join(words)}"


# What Python's regular expressions and those of brokers agree on being wrong.
_BROKEN = (
    "missing )",
    "unterminated subpattern",
    "unbalanced parenthesis",
    "unterminated character set",
    "nothing to repeat",
)


def pattern(value: Any) -> str:
    """A regular expression."""
    if wrong := _text(value):
        return wrong
    try:
        re.compile(value)
    except re.error as error:
        if error.msg.startswith(_BROKEN):
            return f"{value!r} is no regular expression: {error}"
    except (RecursionError, OverflowError):
        pass
    return ""


_SETTINGS: dict[str, Test] = {
    **dict.fromkeys(
        ("message-ttl", "expires", "max-length", "max-length-bytes", "max-priority", "delivery-limit", "max-in-memory-length",
         "max-in-memory-bytes", "stream-max-segment-size-bytes", "initial-cluster-size"), _whole,
    ),
    **dict.fromkeys(
        ("dead-letter-exchange", "dead-letter-routing-key", "queue-type", "max-age", "queue-leader-locator",
         "queue-master-locator", "alternate-exchange"), _text,
    ),
    "overflow": one_of("drop-head", "reject-publish", "reject-publish-dlx"),
    "dead-letter-strategy": one_of("at-most-once", "at-least-once"),
    "queue-mode": one_of("default", "lazy"),
    "single-active-consumer": _boolean,
}  # fmt: skip
"""Settings of queues and exchanges, as a policy has them; the arguments of a queue have x- before them."""


def _settings(table: Any, prefix: str) -> str:
    if wrong := _object(table):
        return wrong
    for key, value in dict(table).items():
        test = _SETTINGS.get(key.removeprefix(prefix)) if key.startswith(prefix) else None
        # An alternate exchange is an argument without the prefix.
        test = _text if key == "alternate-exchange" else test
        if test and (wrong := test(value)):
            return f"{key} is {json.dumps(value)}, which {wrong}"
        if value is None:
            return f"{key} is null"
    return ""


def _arguments(value: Any) -> str:
    return _settings(value, "x-")


_OF_QUORUM = frozenset(
    ("delivery-limit", "quorum-initial-group-size", "max-in-memory-length", "max-in-memory-bytes", "dead-letter-strategy")
)  # fmt: skip
_OF_STREAMS = frozenset(("max-age", "stream-max-segment-size-bytes", "initial-cluster-size"))
_OF_CLASSIC = frozenset(("max-priority", "queue-mode", "queue-version", "queue-master-locator"))
_NOT_FOR = {
    "classic": _OF_QUORUM | _OF_STREAMS,
    "quorum": _OF_CLASSIC | _OF_STREAMS,
    "stream": _OF_CLASSIC | _OF_QUORUM
    | {"message-ttl", "expires", "max-length", "dead-letter-exchange", "overflow", "single-active-consumer"},
}  # fmt: skip
"""Arguments that every release refuses for a queue of the type, without x- before them."""


def _type(queue: Mapping[str, Any]) -> str:
    """What does not go with the type of a queue that names one."""
    arguments = dict(queue.get("arguments") or {})
    kind = arguments.get("x-queue-type")
    if kind in ("quorum", "stream"):
        if queue.get("durable") is False:
            return f"durable is false, which a queue of type {kind} cannot be"
        if queue.get("auto_delete") is True:
            return f"auto_delete is true, which a queue of type {kind} cannot be"
    unfit = next((key for key in arguments if key.removeprefix("x-") in _NOT_FOR.get(str(kind), ())), None)
    return f"arguments {unfit} is not for a queue of type {kind}" if unfit else ""


def _definition(value: Any) -> str:
    return _settings(value, "") or ("" if value else "is empty: a policy sets something")


_POLICY: dict[str, Test] = {
    "pattern": pattern,
    "definition": _definition,
    "priority": _number,
    "apply-to": one_of("all", "queues", "classic_queues", "quorum_queues", "streams", "exchanges"),
}


def _operator_policy(value: Any) -> str:
    if not isinstance(value, dict):
        return "has to be an object"
    return _fields(value, _POLICY, ("pattern", "definition"))


def _limits(value: Any) -> str:
    if wrong := _object(value):
        return wrong
    return next((f"{key} {wrong}" for key, limit in dict(value).items() if (wrong := _whole(limit))), "")


_METADATA: dict[str, Test] = {
    "description": _or_null(_text),
    "tags": _or_null(_tags),
    "default_queue_type": _or_null(_text),
    "protected_from_deletion": _boolean,
    "tracing": _boolean,
}


def _metadata(value: Any) -> str:
    return _fields(value, _METADATA) if isinstance(value, dict) else "has to be an object"


_FIELDS: dict[str, dict[str, Test]] = {
    "users": {"password_hash": _hash, "password": _text, "hashing_algorithm": _or_null(_text), "tags": _tags, "limits": _limits},
    "vhosts": {**_METADATA, "metadata": _metadata, "limits": _limits},
    "permissions": dict.fromkeys(("configure", "write", "read"), pattern),
    "topic_permissions": dict.fromkeys(("write", "read"), pattern),
    "parameters": {},
    "global_parameters": {},
    "policies": _POLICY,
    "queues": {"durable": _boolean, "auto_delete": _boolean, "type": _text, "arguments": _arguments},
    "exchanges": {"type": _text, "durable": _boolean, "auto_delete": _boolean, "internal": _boolean,
                  "arguments": _arguments},
    "bindings": {"destination_type": one_of("queue", "exchange"), "arguments": _arguments},
}  # fmt: skip
_REQUIRED = {"permissions": ("configure", "write", "read"), "topic_permissions": ("write", "read"),
             "policies": ("pattern", "definition"), "exchanges": ("type",)}  # fmt: skip
_COMPONENTS: dict[str, Test] = {"operator_policy": _operator_policy, "vhost-limits": _limits}


def _check_row(section: str, row: Any, identity: Iterable[str], where: str) -> None:
    if not isinstance(row, dict):
        raise DataError(f"{where} has to be an object")
    for key in identity:
        if not isinstance(row.get(key, "" if key == "vhost" else None), str):
            raise DataError(f"{where} has no {key}" if key not in row else f"{where}: {key} has to be a string")
    shape = _SHAPE if section != "parameters" or row["component"] not in _COMPONENTS else {"value": _or_null(_object)}
    if wrong := _fields(row, shape):
        raise DataError(f"{where}: {wrong}")


def _facts(value: Any) -> str:
    """Metadata of a virtual host."""
    return _fields(value, {"tags": _or_null(_tags)}) if isinstance(value, dict) else "has to be an object"


_SHAPE: dict[str, Test] = {
    "arguments": _object,
    "definition": _object,
    "limits": _or_null(_object),
    "metadata": _or_null(_facts),
    "tags": _or_null(_tags),
}


def _content(section: str, row: Mapping[str, Any]) -> str:
    wrong = _fields(row, _FIELDS[section], _REQUIRED.get(section, ()))
    if section == "queues":
        wrong = wrong or _type(row)
    if section == "parameters" and (test := _COMPONENTS.get(row["component"])):
        wrong = (why := test(row.get("value"))) and f"value: {why}"
    return wrong


def _fields(row: Mapping[str, Any], tests: Mapping[str, Test], required: Iterable[str] = ()) -> str:
    """What is wrong with the first field that has something wrong."""
    for key in required:
        if key not in row:
            return f"{key} is missing"
    for key, test in tests.items():
        if (value := row.get(key, _ABSENT)) is not _ABSENT and (wrong := test(value)):
            return f"{key} {wrong}"
    return ""
