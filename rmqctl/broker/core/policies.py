"""Policies: settings by the names of queues and exchanges (https://www.rabbitmq.com/docs/policies)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


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


_APPLIES = {
    "exchange": ("all", "exchanges"),
    "classic": ("all", "queues", "classic_queues"),
    "quorum": ("all", "queues", "quorum_queues"),
}
# Limits of which the smaller one holds when there are several.
_SMALLER = frozenset(("message-ttl", "expires", "max-length", "max-length-bytes", "delivery-limit"))
# Keys that keep a whole policy from queues of a type.
_OF_STREAMS = frozenset(("max-age", "stream-max-segment-size-bytes", "initial-cluster-size"))
_OF_QUORUM = ("delivery-limit", "dead-letter-strategy", "max-in-memory-length", "max-in-memory-bytes")
_NOT_FOR = {
    "exchange": frozenset[str](),
    "classic": _OF_STREAMS | {*_OF_QUORUM, "queue-leader-locator", "target-group-size"},
    "quorum": _OF_STREAMS | {"queue-mode"},
}
# What an argument of a queue is called as a key of a policy, where it can be both.
QUEUE_KEYS = (*sorted(_SMALLER), "overflow", "dead-letter-exchange", "dead-letter-routing-key")


def best(policies: Iterable[Policy], name: str, kind: str) -> Policy | None:
    """The one of highest priority that matches a name; `kind`: exchange, or the type of a queue."""
    fitting = [
        each
        for each in policies
        if each.apply_to in _APPLIES[kind]
        and _NOT_FOR[kind].isdisjoint(each.definition)
        and re.search(each.pattern, name)
    ]
    return max(fitting, key=lambda each: each.priority, default=None)


def effective(
    arguments: Mapping[str, Any], policy: Policy | None, operator_policy: Policy | None, kind: str = "classic"
) -> dict[str, Any]:
    """What holds for a queue, by the names of policy keys: arguments before policy, and the smaller of two limits.

    A quorum queue's overflow behaviour is the policy's, if that names one.
    """
    merged = dict(policy.definition) if policy else {}
    for key, value in (operator_policy.definition if operator_policy else {}).items():
        merged[key] = min(merged[key], value) if key in merged and key in _SMALLER else value
    for key in QUEUE_KEYS:
        if kind == "quorum" and key == "overflow" and key in merged:
            continue
        if (value := arguments.get(f"x-{key}")) is not None:
            merged[key] = min(merged[key], value) if key in merged and key in _SMALLER else value
    return merged
