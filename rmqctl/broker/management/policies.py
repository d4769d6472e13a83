"""`/api/policies` and `/api/operator-policies`, and what is wrong with a policy."""

import re
from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core.errors import AmqpError
from rmqctl.broker.core.policies import Policy
from rmqctl.broker.management import listing
from rmqctl.broker.management.permissions import words_of
from rmqctl.broker.management.web import Call, Created, Handler, Row, bad_request, missing

_APPLY_TO = ("queues", "classic_queues", "quorum_queues", "streams", "exchanges", "all")
_COUNTS = {
    "max-length": "maximum length",
    "max-length-bytes": "maximum length in bytes",
    "max-in-memory-length": "maximum memory in bytes",
    "max-in-memory-bytes": "maximum memory in bytes",
    "message-ttl": "message TTL",
    "delivery-limit": "delivery limit",
    "consumer-timeout": "consumer timeout",
}
_TEXTS = {
    "alternate-exchange": "alternate exchange name",
    "dead-letter-exchange": "dead letter exchange name",
    "dead-letter-routing-key": "dead letter routing key",
    "max-age": "max age",
}
_WORDS = {
    "overflow": ("overflow value", ("drop-head", "reject-publish", "reject-publish-dlx")),
    "dead-letter-strategy": ("dead letter strategy", ("at-most-once", "at-least-once")),
    "queue-mode": ("queue-mode value", ("default", "lazy")),
    "queue-leader-locator": ("queue leader locator value", ("client-local", "balanced", "random", "least-leaders")),
}
_POSITIVE = {
    "expires": "queue expiry",
    "queue-version": "queue-version value",
    "stream-max-segment-size-bytes": "segment size",
    "target-group-size": "qq target count value",
}
_KEYS = frozenset((*_COUNTS, *_TEXTS, *_WORDS, *_POSITIVE))
# What operators may limit; they may not send messages elsewhere.
_OPERATOR_KEYS = frozenset((*_COUNTS, "expires", "overflow", "queue-version", "target-group-size")) - {
    "consumer-timeout"
}


def list_policies(kind: str) -> Handler:
    def handler(call: Call) -> Any:
        names = {vhost.name for vhost in call.vhosts()}
        rows = [policy.document() for policy in _kept(call, kind).values() if policy.vhost in names]
        return listing.answer(call, rows, pages=False)

    return handler


def get_policy(kind: str) -> Handler:
    def handler(call: Call) -> Any:
        found = _kept(call, kind).get((call.vhost().name, call["name"]))
        if found is None:
            raise missing()
        return listing.trimmed(call, found.document())

    return handler


def put_policy(kind: str) -> Handler:
    def handler(call: Call) -> Any:
        vhost = call.vhost().name
        document = call.json("pattern", "definition")
        operator = kind == "operator-policies"
        known = (vhost, call["name"]) in _kept(call, kind)
        policy = checked({**document, "vhost": vhost, "name": call["name"]}, operator=operator)
        call.broker.set_policy(policy, operator=operator)
        return None if known else Created()

    return handler


def delete_policy(kind: str) -> Handler:
    def handler(call: Call) -> None:
        vhost = call.vhost().name
        try:
            call.broker.clear_policy(vhost, call["name"], operator=kind == "operator-policies")
        except AmqpError:
            raise missing() from None

    return handler


def _kept(call: Call, kind: str) -> Mapping[tuple[str, str], Policy]:
    return call.broker.operator_policies if kind == "operator-policies" else call.broker.policies


def checked(document: Row, *, operator: bool = False) -> Policy:
    """A policy from a document as in definitions. Raises 400 with RabbitMQ's words."""
    if problem := _problem(document, operator):
        raise bad_request(f"Validation failed\n\n{problem}\n")
    return Policy.of(document)


def _problem(document: Row, operator: bool) -> str:
    priority = document.get("priority", 0)
    if isinstance(priority, bool) or not isinstance(priority, int | float):
        return f"priority should be a number, actually was {term(priority)}"
    pattern = document.get("pattern")
    if not isinstance(pattern, str):
        return f"pattern should be a binary but was {term(pattern)}"
    try:
        re.compile(pattern)
    except re.error as error:
        reason, position = words_of(error)
        pad = " " * 54
        return f'pattern should be regular expression but is invalid: {{"{reason}",\n{pad}{position}}}'
    if (apply_to := document.get("apply-to", "all")) not in _APPLY_TO:
        return (
            f"apply-to '{apply_to}' unrecognised; should be one of: 'queues', 'classic_queues',  'quorum_queues', "
            "'streams', 'exchanges', or 'all'"
        )
    definition = document.get("definition")
    if not isinstance(definition, dict):
        return f"definition should be a map, actually was {term(definition)}"
    return _definition_problem(definition, _OPERATOR_KEYS if operator else _KEYS)


def _definition_problem(definition: Row, keys: frozenset[str]) -> str:
    if not definition:
        return "no policy provided"
    if unknown := {name: value for name, value in definition.items() if name not in keys}:
        return f"{term(unknown)} are not recognised policy settings"
    return next((problem for name, value in definition.items() if (problem := _value_problem(name, value))), "")


def _value_problem(name: str, value: Any) -> str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if name in _COUNTS:
        return "" if whole and value >= 0 else f"{term(value)} is not a valid {_COUNTS[name]}"
    if name in _TEXTS:
        return "" if isinstance(value, str) else f"{term(value)} is not a valid {_TEXTS[name]}"
    if name in _WORDS:
        what, allowed = _WORDS[name]
        return "" if value in allowed else f"{term(value)} is not a valid {what}"
    return "" if whole and value >= 1 else f"{term(value)} is not a valid {_POSITIVE[name]}"


def term(value: Any) -> str:
    """As Erlang prints it, maps as lists of pairs."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'<<"{value}">>'
    if isinstance(value, Mapping):
        return f"[{','.join(f'{{{term(name)},{term(inner)}}}' for name, inner in sorted(value.items()))}]"
    if isinstance(value, list):
        return f"[{','.join(term(each) for each in value)}]"
    return "null" if value is None else str(value)
