"""Why a plan cannot succeed."""

from typing import Any

import pytest

from rmqctl.topology.obstacles import Obstacle, Surroundings, obstacles
from rmqctl.topology.plan import plan

V = {"vhost": "v"}
QUEUE = {**V, "name": "q", "durable": True, "auto_delete": False, "arguments": {}}
EXCHANGE = {**V, "name": "e", "type": "topic", "durable": True, "auto_delete": False, "arguments": {}}
BINDING = {**V, "source": "e", "destination": "q", "destination_type": "queue", "routing_key": ""}
POLICY = {**V, "name": "p", "pattern": "", "apply-to": "quorum_queues", "definition": {"max-length": 5}}


def live(*permissions: str, **more: Any) -> dict[str, Any]:
    """A broker with the virtual host v, in which user me has these permissions to configure, write and read."""
    row = {**V, "user": "me", **dict(zip(("configure", "write", "read"), permissions, strict=False))}
    return {
        "vhosts": [{"name": "v"}],
        "users": [{"name": "me", "tags": []}],
        "permissions": [row] if permissions else [],
        **more,
    }


ALL = live(".*", ".*", ".*")


@pytest.mark.parametrize(
    ("document", "broker", "why"),
    [
        ({"queues": [{**QUEUE, "vhost": "w"}]}, ALL, "virtual host 'w' does not exist"),
        ({"parameters": [{"vhost": "w", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 1}}]}, ALL,
         "virtual host 'w' does not exist"),
        ({"permissions": [{**V, "user": "you", "configure": "", "write": "", "read": ""}]}, ALL, "user 'you' does not exist"),
        ({"topic_permissions": [{**V, "user": "me", "exchange": "e", "write": "", "read": ""}]}, ALL,
         "exchange 'e' does not exist in virtual host 'v'"),
        ({"bindings": [BINDING]}, ALL, "exchange 'e' does not exist in virtual host 'v'"),
        ({"bindings": [{**BINDING, "source": "amq.topic"}]}, ALL, "queue 'q' does not exist in virtual host 'v'"),
        ({"policies": [POLICY]}, {**ALL, "rabbit_version": "3.10.8"},
         "apply-to quorum_queues needs RabbitMQ 3.12, this is 3.10.8"),
        ({"policies": [{**POLICY, "definition": {"ha-mode": "all", "max-length": 5}}]}, {**ALL, "rabbit_version": "4.3.6"},
         "ha-mode: not in RabbitMQ 4.3.6 any more; "
         "--transformations strip_cmq_keys_from_policies of export leaves mirroring out"),
        ({"policies": [{**POLICY, "definition": {"queue-master-locator": "x"}}]}, {**ALL, "rabbit_version": "4.3.6"},
         "queue-master-locator: not in RabbitMQ 4.3.6 any more"),
        ({"parameters": [{**V, "component": "shovel", "name": "s", "value": {}}]}, ALL,
         "the plugin rabbitmq_shovel is not enabled"),
        ({"exchanges": [{**EXCHANGE, "type": "x-random"}]}, ALL,
         "the broker has no exchange type 'x-random': a plugin that is not enabled?"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(document: dict[str, Any], broker: dict[str, Any], why: str) -> None:
    changes = plan(document, broker)
    found = obstacles(changes, document, Surroundings(broker, "me", ("direct", "topic"), ("rabbitmq_management",)))
    assert found == {changes[0].key: Obstacle(why)}


@pytest.mark.parametrize(
    ("document", "broker", "why"),
    [
        ({"queues": [QUEUE]}, live(), "user 'me' has no permissions in virtual host 'v'"),
        ({"queues": [QUEUE]}, live("^a", ".*", ".*"),
         "user 'me' lacks the permission to configure queue 'q' in virtual host 'v'"),
        ({"queues": [QUEUE]}, live("", ".*", ".*"),
         "user 'me' lacks the permission to configure queue 'q' in virtual host 'v'"),
        ({"exchanges": [EXCHANGE]}, live("q", ".*", ".*"),
         "user 'me' lacks the permission to configure exchange 'e' in virtual host 'v'"),
        ({"queues": [{**QUEUE, "arguments": {"x-dead-letter-exchange": "dead"}}]}, live(".*", "q", ".*"),
         "user 'me' lacks the permission to write exchange 'dead' in virtual host 'v'"),
        ({"bindings": [BINDING]}, live(".*", "x", ".*", queues=[QUEUE], exchanges=[EXCHANGE]),
         "user 'me' lacks the permission to write queue 'q' in virtual host 'v'"),
        ({"bindings": [BINDING]}, live(".*", ".*", "x", queues=[QUEUE], exchanges=[EXCHANGE]),
         "user 'me' lacks the permission to read exchange 'e' in virtual host 'v'"),
        ({"queues": [QUEUE], "permissions": live("x", "", "")["permissions"]}, ALL,
         "user 'me' lacks the permission to configure queue 'q' in virtual host 'v'"),
    ],
)  # fmt: skip
def test_who_applies_needs_permissions(document: dict[str, Any], broker: dict[str, Any], why: str) -> None:
    found = obstacles(plan(document, broker), document, Surroundings(broker, "me"))
    assert list(found.values()) == [Obstacle(why, forbidden=True)]


@pytest.mark.parametrize(
    ("document", "broker", "user"),
    [
        ({"queues": [QUEUE], "exchanges": [EXCHANGE], "bindings": [BINDING]}, ALL, "me"),
        ({"queues": [QUEUE], "vhosts": [{"name": "v"}]}, {"users": [{"name": "me"}]}, "me"),  # who makes it may do all in it
        ({"queues": [QUEUE], "permissions": ALL["permissions"]}, live(), "me"),
        ({"queues": [QUEUE]}, live(), "of another backend"),
        ({"queues": [QUEUE]}, live("(?|x)", "", ""), "me"),  # the broker's to read
        ({"policies": [POLICY]}, {**ALL, "rabbit_version": "3.12.1"}, "me"),
        ({"policies": [{**POLICY, "definition": {"ha-mode": "all"}}]}, {**ALL, "rabbit_version": "3.13.7"}, "me"),
        ({"bindings": [{**BINDING, "source": "amq.direct"}], "queues": [QUEUE]}, ALL, "me"),
        ({"topic_permissions": [{**V, "user": "me", "exchange": "e", "write": "", "read": ""}]},
         {**ALL, "rabbit_version": "3.10.8"}, "me"),
    ],
)  # fmt: skip
def test_nothing_is_in_the_way(document: dict[str, Any], broker: dict[str, Any], user: str) -> None:
    assert obstacles(plan(document, broker), document, Surroundings(broker, user)) == {}
