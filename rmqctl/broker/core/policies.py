"""Policies: settings by the names of queues and exchanges (https://www.rabbitmq.com/docs/policies)."""

import re
from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

from rmqctl.broker.core.errors import invalid
from rmqctl.broker.core.patterns import BadPattern, compiled, found
from rmqctl.broker.core.terms import term


class Policy(NamedTuple):
    vhost: str
    name: str
    pattern: str
    apply_to: str
    definition: Mapping[str, Any]
    priority: int

    def document(self) -> dict[str, Any]:
        """As in definitions."""
        return {
            "vhost": self.vhost,
            "name": self.name,
            "pattern": self.pattern,
            "apply-to": self.apply_to,
            "definition": dict(sorted(self.definition.items())),
            "priority": self.priority,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Policy":
        return cls(
            document["vhost"],
            document["name"],
            document["pattern"],
            document.get("apply-to") or "all",
            document["definition"],
            int(document.get("priority") or 0),
        )


_APPLY_TO = ("queues", "classic_queues", "quorum_queues", "streams", "exchanges", "all")
_COUNTS = {
    "max-length": "maximum length",
    "max-length-bytes": "maximum length in bytes",
    "max-in-memory-length": "maximum memory in bytes",
    "max-in-memory-bytes": "maximum memory in bytes",
    "message-ttl": "message TTL",
    "consumer-timeout": "consumer timeout",
    "consumer-disconnected-timeout": "consumer disconnected timeout",
}
_TEXTS = {
    "alternate-exchange": "alternate exchange name",
    "dead-letter-exchange": "dead letter exchange name",
    "dead-letter-routing-key": "dead letter routing key",
}
_WORDS = {
    "overflow": ("overflow value", ("drop-head", "reject-publish", "reject-publish-dlx")),
    "dead-letter-strategy": ("dead letter strategy", ("at-most-once", "at-least-once")),
    "queue-mode": ("queue-mode value", ("default", "lazy")),
    "queue-leader-locator": ("queue leader locator value", ("client-local", "balanced", "random", "least-leaders")),
}
_POSITIVE = {
    "expires": "queue expiry",
    "stream-max-segment-size-bytes": "segment size",
    "target-group-size": "qq target count value",
}
_INFINITE = float("inf")
# What a floating-point number holds exactly.
_LARGEST = 1 << 53
_DELAYS = {"delayed-retry-min": "minimum", "delayed-retry-max": "maximum"}
_RETRIES = ("all", "failed", "returned", "disabled")
_MAX_AGE = re.compile(r"[0-9]+[YMDhms]")
_FILTER_SIZES = range(16, 256)
_OTHERS = ("delivery-limit", "queue-version", "max-age", "delayed-retry-type", "stream-filter-size-bytes")
_KEYS = frozenset((*_COUNTS, *_TEXTS, *_WORDS, *_POSITIVE, *_DELAYS, *_OTHERS))
# What operators may limit; they may not send messages elsewhere.
_OPERATOR_KEYS = frozenset((*_COUNTS, *_DELAYS, *_OTHERS, "expires", "overflow", "target-group-size")) - {
    "consumer-timeout",
    "consumer-disconnected-timeout",
    "max-age",
    "stream-filter-size-bytes",
}
EXCHANGES = frozenset(("all", "exchanges"))
"""The values of apply-to that mean exchanges."""
# Limits of which the smaller one holds when there are several.
_SMALLER = frozenset(
    (
        "message-ttl",
        "expires",
        "max-length",
        "max-length-bytes",
        "delivery-limit",
        "consumer-timeout",
        "delayed-retry-min",
        "delayed-retry-max",
    )
)
# Between a policy and an operator's one, it is the larger one of these that holds.
_LARGER = "delayed-retry-min"
# What an argument of a queue is called as a key of a policy, where it can be both.
QUEUE_KEYS = (*sorted(_SMALLER), "overflow", "dead-letter-exchange", "dead-letter-routing-key", "delayed-retry-type")


def best(policies: Iterable[Policy], name: str, applies: Container[str], foreign: frozenset[str]) -> Policy | None:
    """The one of highest priority that matches a name and is for this kind of thing, by its `apply-to`.

    A key that is foreign to the kind keeps the whole policy from it.
    """
    fitting = [
        each
        for each in policies
        if each.apply_to in applies and foreign.isdisjoint(each.definition) and found(each.pattern, name)
    ]
    return max(fitting, key=lambda each: each.priority, default=None)


def effective(
    arguments: Mapping[str, Any],
    policy: Policy | None,
    operator_policy: Policy | None,
    before_arguments: Container[str] = (),
) -> dict[str, Any]:
    """What holds for a queue, by the names of policy keys: arguments before policy, and the smaller of two limits.

    Of the keys `before_arguments` it is the policy's value that holds.
    """
    merged = dict(policy.definition) if policy else {}
    for key, value in (operator_policy.definition if operator_policy else {}).items():
        if key in merged and key == _LARGER:
            merged[key] = max(merged[key], value)
        else:
            merged[key] = _smaller(merged[key], value) if key in merged and key in _SMALLER else value
    for key in QUEUE_KEYS:
        if key in merged and key in before_arguments:
            continue
        if (value := arguments.get(f"x-{key}")) is not None:
            merged[key] = _smaller(merged[key], value) if key in merged and key in _SMALLER else value
    return merged


def _smaller(one: Any, other: Any) -> Any:
    """As Erlang has it: x-delivery-limit may be anything, and numbers come before everything else."""
    numbers = [each for each in (one, other) if isinstance(each, int | float) and not isinstance(each, bool)]
    return min(numbers, default=one)


def bounded(settings: Mapping[str, Any]) -> dict[str, Any]:
    """With whole numbers that times and sizes can be counted in: a client may set any."""
    return {key: min(value, _LARGEST) if isinstance(value, int) else value for key, value in settings.items()}


def policy_kind(operator: bool) -> str:
    """What the journal calls it."""
    return "operator_policy" if operator else "policy"


def checked(document: Mapping[str, Any], *, operator: bool = False) -> Policy:
    """A policy from a document as in definitions. Raises Refusal with RabbitMQ's words."""
    if problem := _problem(document, operator):
        raise invalid(f"Validation failed\n\n{problem}\n")
    return Policy.of(document)


def _problem(document: Mapping[str, Any], operator: bool) -> str:
    priority = document.get("priority", 0)
    if isinstance(priority, bool) or not isinstance(priority, int | float) or not abs(priority) < _INFINITE:
        return f"priority should be a number, actually was {term(priority)}"
    pattern = document.get("pattern")
    if not isinstance(pattern, str):
        return f"pattern should be a binary but was {term(pattern)}"
    try:
        compiled(pattern)
    except BadPattern as error:
        pad = " " * 54
        return f'pattern should be regular expression but is invalid: {{"{error}",\n{pad}{error.position}}}'
    if (apply_to := document.get("apply-to", "all")) not in _APPLY_TO:
        return (
            f"apply-to '{apply_to}' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', "
            "'streams', 'exchanges', or 'all'"
        )
    definition = document.get("definition")
    if not isinstance(definition, Mapping):
        return f"definition should be a map, actually was {term(definition)}"
    return _definition_problem(definition, _OPERATOR_KEYS if operator else _KEYS)


def _definition_problem(definition: Mapping[str, Any], keys: frozenset[str]) -> str:
    if not definition:
        return "no policy provided"
    if unknown := {name: value for name, value in definition.items() if name not in keys}:
        return f"{term(sorted(unknown.items()))} are not recognised policy settings"
    if problem := next((text for name, value in definition.items() if (text := _value_problem(name, value))), ""):
        return problem
    retry = definition.get("delayed-retry-type", "disabled")
    if retry != "disabled" and "delayed-retry-min" not in definition:
        return f"delayed-retry-min is required when delayed-retry-type is {retry}"
    least, most = definition.get("delayed-retry-min"), definition.get("delayed-retry-max")
    if least is not None and most is not None and most < least:
        return f"delayed-retry-max ({most}) must not be smaller than delayed-retry-min ({least})"
    return ""


def _value_problem(name: str, value: Any) -> str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if name == "delivery-limit":
        return "" if whole else f"{term(value)} is not a valid delivery limit"
    if name == "queue-version":
        return "" if whole and value in (1, 2) else f"{term(value)} is not a valid queue-version value"
    if name == "max-age":
        return "" if isinstance(value, str) and _MAX_AGE.fullmatch(value) else f"{term(value)} is not a valid max age"
    if name == "delayed-retry-type":
        problem = f"{term(value)} is not a valid delayed retry type. Must be one of: {', '.join(_RETRIES)}"
        return "" if value in _RETRIES else problem
    if name == "stream-filter-size-bytes":
        return (
            ""
            if whole and value in _FILTER_SIZES
            else f"{term(value)} is not a valid filter size. Valid range is 16-255"
        )
    if name in _DELAYS:
        problem = f"{term(value)} is not a valid delayed retry {_DELAYS[name]} delay. Must be a positive integer"
        return "" if whole and value >= 1 else problem
    if name in _COUNTS:
        return "" if whole and value >= 0 else f"{term(value)} is not a valid {_COUNTS[name]}"
    if name in _TEXTS:
        return "" if isinstance(value, str) else f"{term(value)} is not a valid {_TEXTS[name]}"
    if name in _WORDS:
        what, allowed = _WORDS[name]
        return "" if value in allowed else f"{term(value)} is not a valid {what}"
    return "" if whole and value >= 1 else f"{term(value)} is not a valid {_POSITIVE[name]}"
