"""Which values arguments, policies and settings take: answers of RabbitMQ 4.3.6."""

from typing import Any

import pytest

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.declarations import checked_metadata
from rmqctl.broker.core.errors import Reason, Refusal
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.policies import checked
from rmqctl.broker.core.vhost import VHost

from .chance import Seeded

HUGE = 10**400


@pytest.fixture
def vhost() -> VHost:
    return VHost(Node(lambda: 0.0, Seeded()), "v")


@pytest.mark.parametrize(
    ("kind", "argument", "value", "problem"),
    [
        ("classic", "x-queue-version", -1, "{value_negative,-1}"),
        ("classic", "x-queue-version", 3, "\"unsupported queue version '3'\""),
        ("quorum", "x-quorum-initial-group-size", -1, "{value_negative,-1}"),
        ("quorum", "x-quorum-initial-group-size", 0, "{value_zero,0}"),
        ("quorum", "x-quorum-initial-group-size", "abc", '"expected integer, got longstr"'),
        ("quorum", "x-quorum-initial-group-size", {}, '"expected integer, got table"'),
        ("quorum", "x-consumer-timeout", -1, "{value_negative,-1}"),
        ("quorum", "x-consumer-timeout", True, '"expected integer, got bool"'),
        ("quorum", "x-expires", HUGE, f"{{value_too_large,{HUGE}}}"),
        ("quorum", "x-message-ttl", 10**12, "{value_too_large,1000000000000}"),
    ],
)
def test_a_value_that_a_queue_cannot_have(vhost: VHost, kind: str, argument: str, value: Any, problem: str) -> None:
    with pytest.raises(Refusal) as refused:
        vhost.declare_queue(None, "q", durable=True, arguments=Arguments({"x-queue-type": kind, argument: value}))
    assert refused.value.text == f"invalid arg '{argument}' for queue 'q' in vhost 'v': {problem}"
    assert refused.value.reason is Reason.PRECONDITION_FAILED
    assert not vhost.queues


@pytest.mark.parametrize(
    "argument", ["x-consumer-timeout", "x-delayed-retry-type", "x-delayed-retry-min", "x-delayed-retry-max"]
)
def test_arguments_of_quorum_queues_alone(vhost: VHost, argument: str) -> None:
    with pytest.raises(Refusal, match=f"invalid arg '{argument}' .* of queue type rabbit_classic_queue"):
        vhost.declare_queue(None, "q", durable=True, arguments=Arguments({argument: 5}))
    vhost.declare_queue(None, "q", durable=True, arguments=Arguments({"x-queue-type": "quorum", argument: 5}))


@pytest.mark.parametrize("value", [-1, 1.5, "abc", True, [], {}, HUGE])
def test_a_delivery_limit_may_be_anything(vhost: VHost, value: Any) -> None:
    vhost.set_policy(checked({"vhost": "v", "name": "p", "pattern": "", "definition": {"delivery-limit": 5}}))
    arguments = Arguments({"x-queue-type": "quorum", "x-delivery-limit": value})
    queue = vhost.declare_queue(None, "q", durable=True, arguments=arguments)
    # The smaller one holds, and to Erlang a number is smaller than everything else.
    assert queue.delivery_limit == (None if value in (-1, 1.5) else 5)


@pytest.mark.parametrize("operator", [False, True])
@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ({"queue-version": 5}, "5 is not a valid queue-version value"),
        ({"queue-version": HUGE}, f"{HUGE} is not a valid queue-version value"),
        ({"delivery-limit": "abc"}, '<<"abc">> is not a valid delivery limit'),
        ({"max-length": {}}, "#{} is not a valid maximum length"),
        ({"max-length": {"a": 1}}, '#{<<"a">> => 1} is not a valid maximum length'),
        ({"x": {"a": [1]}}, '[{<<"x">>,#{<<"a">> => [1]}}] are not recognised policy settings'),
        ({"delayed-retry-type": "all"}, "delayed-retry-min is required when delayed-retry-type is all"),
        (
            {"delayed-retry-type": 5},
            "5 is not a valid delayed retry type. Must be one of: all, failed, returned, disabled",
        ),
        ({"delayed-retry-min": 0}, "0 is not a valid delayed retry minimum delay. Must be a positive integer"),
        ({"delayed-retry-max": "a"}, '<<"a">> is not a valid delayed retry maximum delay. Must be a positive integer'),
        (
            {"delayed-retry-min": 10, "delayed-retry-max": 5},
            "delayed-retry-max (5) must not be smaller than delayed-retry-min (10)",
        ),
    ],
)
def test_a_definition_that_a_policy_cannot_have(definition: dict[str, Any], problem: str, operator: bool) -> None:
    with pytest.raises(Refusal) as refused:
        checked({"vhost": "v", "name": "p", "pattern": "", "definition": definition}, operator=operator)
    assert refused.value.text == f"Validation failed\n\n{problem}\n"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("consumer-timeout", -1, "-1 is not a valid consumer timeout"),
        ("consumer-disconnected-timeout", -1, "-1 is not a valid consumer disconnected timeout"),
        ("stream-filter-size-bytes", 15, "15 is not a valid filter size. Valid range is 16-255"),
        ("stream-filter-size-bytes", "16", '<<"16">> is not a valid filter size. Valid range is 16-255'),
    ],
)
def test_keys_that_operators_do_not_have(key: str, value: Any, problem: str) -> None:
    document = {"vhost": "v", "name": "p", "pattern": "", "definition": {key: value}}
    with pytest.raises(Refusal, match=problem):
        checked(document)
    with pytest.raises(Refusal, match="are not recognised policy settings"):
        checked({**document, "definition": {key: 100}}, operator=True)
    assert checked({**document, "definition": {key: 100}}).definition == {key: 100}


@pytest.mark.parametrize("value", ["abc", "1x", "h", 5, None])
def test_an_age_has_a_unit(value: Any) -> None:
    document = {"vhost": "v", "name": "p", "pattern": "", "definition": {"max-age": value}}
    with pytest.raises(Refusal, match="is not a valid max age"):
        checked(document)
    checked({**document, "definition": {"max-age": "1h"}})


@pytest.mark.parametrize(
    "definition",
    [
        {"delivery-limit": -1},
        {"message-ttl": HUGE},
        {"queue-version": 1},
        {"delayed-retry-type": "failed", "delayed-retry-min": HUGE},
    ],
)
def test_a_definition_that_a_policy_can_have(definition: dict[str, Any]) -> None:
    for operator in (False, True):
        document = {"vhost": "v", "name": "p", "pattern": "", "definition": definition}
        assert checked(document, operator=operator).definition == definition


@pytest.mark.parametrize("priority", [float("inf"), float("-inf"), float("nan"), "5", True])
def test_a_priority_is_a_number(priority: Any) -> None:
    with pytest.raises(Refusal, match="priority should be a number"):
        checked({"vhost": "v", "name": "p", "pattern": "", "definition": {"max-length": 1}, "priority": priority})


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"tags": 5}, "tags should be a list of texts"),
        ({"tags": {}}, "tags should be a list of texts"),
        ({"tags": [[1]]}, "tags should be a list of texts"),
        ({"default_queue_type": 5}, "5 is not a valid default_queue_type value"),
        ({"default_queue_type": []}, "[] is not a valid default_queue_type value"),
        ({"default_queue_type": "zzz"}, "zzz is not a valid queue type"),
        ({"default_queue_type": "stream"}, "queues of type stream are not implemented by this broker"),
    ],
)
def test_what_a_vhost_cannot_be(metadata: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refusal) as refused:
        checked_metadata(metadata)
    assert refused.value.text == problem
