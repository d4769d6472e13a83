"""Which of the settings of a queue or exchange are in effect: its own arguments, its policy, its operator policy.

RabbitMQ's rules: of the policies that match, the one of highest priority counts, alone. The operator policy is laid over
it: the smaller of two limits, its value of anything else. A queue's own argument stands above both, but for limits, of
which the smallest counts, for the overflow behaviour of quorum queues, and for streams.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rmqctl.errors import BrokenAnswer, Unavailable
from rmqctl.resources.column import Object
from rmqctl.resources.policies import covers


class Setting(NamedTuple):
    """A value, and who says so: "argument", "policy 'a'"."""

    value: Any
    source: str


class Loser(NamedTuple):
    """A value that is not in effect, and why."""

    setting: Setting
    why: str


class Effect(NamedTuple):
    """What became of one key. `holds` None: none of those who name it counts."""

    key: str
    holds: Setting | None
    losers: tuple[Loser, ...]


LIMITS = frozenset(
    (
        "message-ttl", "expires", "max-length", "max-length-bytes", "max-in-memory-length", "max-in-memory-bytes",
        "delivery-limit",
    )
)  # fmt: skip
"""Of two of these the smaller one counts."""

_EXCHANGE_KEYS = frozenset(("alternate-exchange",))
_BOTH_KEYS = frozenset(("federation-upstream", "federation-upstream-set"))

_OF_STREAMS = frozenset(("max-age", "stream-max-segment-size-bytes", "initial-cluster-size"))
_OF_QUORUM = frozenset(("delivery-limit", "dead-letter-strategy", "max-in-memory-length", "max-in-memory-bytes"))
_OF_CLASSIC = frozenset(("queue-mode", "queue-master-locator", "ha-mode", "ha-params", "ha-sync-mode", "max-priority"))
_NOT_FOR = {
    "classic": _OF_STREAMS | _OF_QUORUM | {"queue-leader-locator", "target-group-size"},
    "quorum": _OF_STREAMS | _OF_CLASSIC,
    "stream": _OF_QUORUM
    | _OF_CLASSIC
    | {"expires", "message-ttl", "dead-letter-exchange", "dead-letter-routing-key", "max-length", "overflow"},
}
"""Keys that keep a whole policy from queues of a type."""


def ranked(policies: Iterable[Object], target: str, name: str) -> list[Object]:
    """Those that are about that target (a type of queue, or "exchange") and match the name, the highest first."""
    fitting = [each for each in map(_whole, policies) if covers(each["apply-to"], target) and _fits(each, name)]
    return sorted(fitting, key=lambda policy: -policy["priority"])


def _whole(policy: Object) -> Object:
    """Raises BrokenAnswer for a policy of which the broker does not say what it is about: it could be about anything."""
    if any(policy.get(field) is None for field in ("pattern", "apply-to", "priority", "definition")):
        raise BrokenAnswer(
            f"policy {policy.get('name')!r}: the broker does not say what it applies to, or its settings"
        )
    return policy


def _fits(policy: Object, name: str) -> bool:
    """Raises Unavailable for a pattern that the broker's library of regular expressions knows and Python's does not."""
    try:
        return re.search(policy["pattern"], name) is not None
    except (re.error, OverflowError, RecursionError) as error:
        raise Unavailable(f"policy {policy['name']!r}: its pattern {policy['pattern']!r} is unclear: {error}") from None


def winner(matching: Sequence[Object], target: str) -> str | None:
    """The name of the policy that counts: the first whose keys all suit the target."""
    suiting = (policy for policy in matching if not _NOT_FOR.get(target, frozenset()) & set(policy["definition"]))
    return next((str(policy["name"]) for policy in suiting), None)


class Policies(NamedTuple):
    """The policies of one kind ("policy", "operator policy") that match, the highest first, and the one that counts."""

    noun: str
    matching: Sequence[Object]
    chosen: str | None

    def setting(self, policy: Object, key: str) -> Setting:
        return Setting(policy["definition"][key], f"{self.noun} {policy['name']!r}")

    def best(self, key: str) -> Setting | None:
        found = (each for each in self.matching if each["name"] == self.chosen and key in each["definition"])
        return next((self.setting(policy, key) for policy in found), None)

    def passed_over(self, key: str, target: str) -> list[Loser]:
        others = [each for each in self.matching if each["name"] != self.chosen and key in each["definition"]]
        return [Loser(self.setting(policy, key), self._why(policy, target)) for policy in others]

    def _why(self, policy: Object, target: str) -> str:
        above = next((each["priority"] for each in self.matching if each["name"] == self.chosen), None)
        if above is None or policy["priority"] > above:
            return f"passed over: it has keys that are not for a {target} queue"
        if policy["priority"] == above:
            return f"{self.noun} {self.chosen!r} has the same priority {above}, and the broker chose it"
        return f"its priority {policy['priority']} is below {above} of {self.noun} {self.chosen!r}"


def effects(target: str, arguments: Mapping[str, Any], policies: Policies, operators: Policies) -> list[Effect]:
    """One for each key that anybody names, in alphabetical order."""
    keys = {key for each in (*policies.matching, *operators.matching) for key in each["definition"]} | set(arguments)
    return [_effect(target, key, arguments, policies, operators) for key in sorted(keys)]


def _effect(target: str, key: str, arguments: Mapping[str, Any], policies: Policies, operators: Policies) -> Effect:
    losers: list[Loser] = []
    holds = _merged(key, policies.best(key), operators.best(key), losers)
    if key in arguments:
        holds = _with_argument(target, key, Setting(arguments[key], "argument"), holds, losers)
    elif holds is not None and _means_nothing(target, key):
        losers.insert(0, Loser(holds, f"means nothing to {'an exchange' if target == 'exchange' else 'a queue'}"))
        holds = None
    losers += [*policies.passed_over(key, target), *operators.passed_over(key, target)]
    return Effect(key, holds, tuple(losers))


def _merged(key: str, policy: Setting | None, operator: Setting | None, losers: list[Loser]) -> Setting | None:
    if policy is None or operator is None:
        return policy or operator
    if key in LIMITS:
        return _smaller(policy, operator, losers)
    losers.append(Loser(policy, "an operator policy goes above a policy"))
    return operator


def _with_argument(target: str, key: str, argument: Setting, other: Setting | None, losers: list[Loser]) -> Setting:
    if other is None:
        return argument
    if target == "stream" or (target == "quorum" and key == "overflow"):
        losers.append(Loser(argument, f"a {target} queue's policy goes above its argument"))
        return other
    if key in LIMITS:
        return _smaller(argument, other, losers)
    losers.append(Loser(other, "the argument goes above policies"))
    return argument


def _smaller(first: Setting, second: Setting, losers: list[Loser]) -> Setting:
    """The one that counts; a negative limit is none at all."""

    def size(setting: Setting) -> float:
        known = isinstance(setting.value, int | float)
        return setting.value if known and setting.value >= 0 else float("inf")

    holds, loses = (first, second) if size(first) <= size(second) else (second, first)
    losers.append(Loser(loses, "the same value" if holds.value == loses.value else "the smaller one counts"))
    return holds


def _means_nothing(target: str, key: str) -> bool:
    if key in _BOTH_KEYS:
        return False
    known = LIMITS | _OF_STREAMS | _OF_QUORUM | _OF_CLASSIC | {"overflow", "dead-letter-exchange"}
    return key in (known | {"dead-letter-routing-key"} if target == "exchange" else _EXCHANGE_KEYS)
