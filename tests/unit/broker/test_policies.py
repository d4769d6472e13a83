"""Which policy counts for a queue of the embedded broker, and what it comes to."""

from typing import Any

import pytest

from rmqctl.broker.core.declarations import BUILT_IN
from rmqctl.broker.core.policies import EXCHANGES, Policy, best, effective

KINDS = {kind.kind: (kind.policies, kind.foreign_policy_keys) for kind in BUILT_IN} | {
    "exchange": (EXCHANGES, frozenset())
}
BEFORE_ARGUMENTS = {kind.kind: kind.policy_before_arguments for kind in BUILT_IN}


def policy(name: str, priority: int, **definition: Any) -> Policy:
    keys = {key.replace("_", "-"): value for key, value in definition.items()}
    return Policy("/", name, "^q", "all", keys, priority)


@pytest.mark.parametrize(
    ("key", "kind", "chosen"),
    [
        ("max_age", "classic", "low"),
        ("delivery_limit", "classic", "low"),
        ("delivery_limit", "quorum", "high"),
        ("queue_mode", "quorum", "low"),
        ("queue_mode", "classic", "high"),
        ("max_age", "exchange", "high"),
    ],
)
def test_a_policy_with_a_key_of_another_type_is_passed_over(key: str, kind: str, chosen: str) -> None:
    found = best([policy("high", 9, **{key: 1}), policy("low", 1, max_length=1)], "q", *KINDS[kind])
    assert found is not None
    assert found.name == chosen


@pytest.mark.parametrize(("kind", "overflow"), [("classic", "drop-head"), ("quorum", "reject-publish")])
def test_the_overflow_behaviour_of_a_quorum_queue_is_its_policys(kind: str, overflow: str) -> None:
    arguments = {"x-overflow": "drop-head", "x-max-length": 3}
    found = effective(arguments, policy("p", 0, overflow="reject-publish", max_length=5), None, BEFORE_ARGUMENTS[kind])
    assert found == {"overflow": overflow, "max-length": 3}
