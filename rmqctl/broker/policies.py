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
            "definition": dict(self.definition),
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
# What an argument of a queue is called as a key of a policy, where it can be both.
QUEUE_KEYS = (*sorted(_SMALLER), "overflow", "dead-letter-exchange", "dead-letter-routing-key")


def best(policies: Iterable[Policy], name: str, kind: str) -> Policy | None:
    """The one of highest priority that matches a name; `kind`: exchange, or the type of a queue."""
    fitting = [each for each in policies if each.apply_to in _APPLIES[kind] and re.search(each.pattern, name)]
    return max(fitting, key=lambda each: each.priority, default=None)


def effective(arguments: Mapping[str, Any], policy: Policy | None, operator_policy: Policy | None) -> dict[str, Any]:
    """What holds for a queue, by the names of policy keys: arguments before policy, and the smaller of two limits."""
    merged = dict(policy.definition) if policy else {}
    for key, value in (operator_policy.definition if operator_policy else {}).items():
        merged[key] = min(merged[key], value) if key in merged and key in _SMALLER else value
    for key in QUEUE_KEYS:
        if (value := arguments.get(f"x-{key}")) is not None:
            merged[key] = min(merged[key], value) if key in merged and key in _SMALLER else value
    return merged
