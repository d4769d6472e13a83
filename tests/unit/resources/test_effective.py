"""Which settings of a queue or exchange are in effect, by RabbitMQ's rules."""

from typing import Any

import pytest

from rmqctl.resources.effective import Policies, effects, ranked, winner


def policy(
    name: str, priority: int = 0, pattern: str = "^q", apply_to: str = "all", **definition: Any
) -> dict[str, Any]:
    keys = {key.replace("_", "-"): value for key, value in definition.items()}
    return {"name": name, "pattern": pattern, "apply-to": apply_to, "priority": priority, "definition": keys}


def explained(
    target: str, arguments: dict[str, Any], *policies: dict[str, Any], operators: tuple[dict[str, Any], ...] = ()
) -> dict[str, tuple[Any, str, list[tuple[Any, str, str]]]]:
    """By key: the value in effect, who says so, and who lost with which value and why."""
    both = [ranked(each, target, "q") for each in (policies, operators)]
    users, others = (
        Policies(noun, found, winner(found, target))
        for noun, found in zip(("policy", "operator policy"), both, strict=True)
    )
    return {
        each.key: (
            each.holds.value if each.holds else None,
            each.holds.source if each.holds else "",
            [(loser.setting.value, loser.setting.source, loser.why) for loser in each.losers],
        )
        for each in effects(target, arguments, users, others)
    }


def test_of_policies_the_highest_counts_alone() -> None:
    low = policy("low", 1, max_length=5, message_ttl=100)
    assert explained("classic", {}, low, policy("high", 3, max_length=7)) == {
        "max-length": (7, "policy 'high'", [(5, "policy 'low'", "its priority 1 is below 3 of policy 'high'")]),
        "message-ttl": (None, "", [(100, "policy 'low'", "its priority 1 is below 3 of policy 'high'")]),
    }


def test_of_two_with_the_same_priority_the_broker_chooses() -> None:
    both = [policy("a", 2, max_length=1), policy("b", 2, max_length=2)]
    (effect,) = effects("classic", {}, Policies("policy", both, "b"), Policies("operator policy", (), None))
    assert effect.holds is not None
    assert effect.holds.value == 2
    assert [loser.why for loser in effect.losers] == ["policy 'b' has the same priority 2, and the broker chose it"]


@pytest.mark.parametrize(
    ("argument", "of_policy", "of_operator", "holds", "source"),
    [
        (9, 7, 6, 6, "operator policy 'o'"),
        (9, 5, 6, 5, "policy 'p'"),
        (4, 5, 6, 4, "argument"),
        (5, 5, 6, 5, "argument"),
        (-1, 5, 6, 5, "policy 'p'"),
    ],
)
def test_of_limits_the_smallest_counts(
    argument: int, of_policy: int, of_operator: int, holds: int, source: str
) -> None:
    found = explained(
        "quorum",
        {"delivery-limit": argument},
        policy("p", delivery_limit=of_policy),
        operators=(policy("o", delivery_limit=of_operator),),
    )
    value, who, losers = found["delivery-limit"]
    assert (value, who) == (holds, source)
    assert len(losers) == 2
    assert {why for _, _, why in losers} <= {"the smaller one counts", "the same value"}


def test_an_argument_goes_above_a_policy() -> None:
    found = explained("classic", {"overflow": "drop-head"}, policy("p", overflow="reject-publish"))
    assert found["overflow"] == (
        "drop-head", "argument", [("reject-publish", "policy 'p'", "the argument goes above policies")],
    )  # fmt: skip


@pytest.mark.parametrize(("target", "key"), [("quorum", "overflow"), ("stream", "max-length-bytes")])
def test_where_a_policy_goes_above_the_argument(target: str, key: str) -> None:
    value, who, losers = explained(target, {key: 1}, policy("p", **{key: 2}))[key]
    assert (value, who) == (2, "policy 'p'")
    assert losers == [(1, "argument", f"a {target} queue's policy goes above its argument")]


def test_an_operator_policy_goes_above_a_policy() -> None:
    found = explained(
        "classic", {}, policy("p", overflow="drop-head"), operators=(policy("o", overflow="reject-publish"),)
    )
    assert found["overflow"] == (
        "reject-publish", "operator policy 'o'", [("drop-head", "policy 'p'", "an operator policy goes above a policy")],
    )  # fmt: skip


def test_a_policy_with_a_key_of_another_type_is_passed_over_as_a_whole() -> None:
    found = explained("classic", {}, policy("s", 30, max_age="7D", max_length=1), policy("p", 1, max_length=2))
    why = "passed over: it has keys that are not for a classic queue"
    assert found == {
        "max-age": (None, "", [("7D", "policy 's'", why)]),
        "max-length": (2, "policy 'p'", [(1, "policy 's'", why)]),
    }


def test_keys_that_mean_nothing_to_the_object() -> None:
    found = explained("exchange", {}, policy("p", alternate_exchange="x", max_length=2))
    assert found["max-length"] == (None, "", [(2, "policy 'p'", "means nothing to an exchange")])
    assert found["alternate-exchange"] == ("x", "policy 'p'", [])
    assert explained("classic", {}, policy("p", alternate_exchange="x"))["alternate-exchange"][0] is None


def test_what_does_not_match_is_not_told() -> None:
    others = [
        policy("a", pattern="^x", max_length=1),
        policy("b", apply_to="exchanges", max_length=2),
        policy("c", apply_to="quorum_queues", max_length=3),
    ]
    assert explained("classic", {"max-priority": 5}, *others) == {"max-priority": (5, "argument", [])}


def test_a_queue_of_a_plugins_type_is_a_queue() -> None:
    mine = [policy("a", apply_to="queues", max_length=1), policy("b", apply_to="classic_queues", max_length=2)]
    assert explained("rabbit_mqtt_qos0_queue", {}, *mine) == {"max-length": (1, "policy 'a'", [])}
