"""rabbitmqadmin's transformations."""

from typing import Any

import pytest

from rmqctl.errors import UsageError
from rmqctl.topology.transformations import transform

DOCUMENT: dict[str, Any] = {
    "users": [{"name": "z", "password_hash": "H", "tags": []}, {"name": "a", "password_hash": "I", "tags": []}],
    "permissions": [{"vhost": "/", "user": "z"}, {"vhost": "/", "user": "elsewhere"}],
    "topic_permissions": [{"vhost": "/", "user": "a", "exchange": "e"}],
    "parameters": [{"vhost": "/", "component": "shovel", "name": "s", "value": {}}],
    "policies": [
        {"vhost": "/", "name": "ha", "pattern": "^m", "apply-to": "all", "definition": {"ha-mode": "all"}},
        {"vhost": "/", "name": "mixed", "pattern": "x", "definition": {"queue-mode": "lazy", "max-length": 5,
                                                                       "overflow": "reject-publish-dlx"}},
    ],
    "queues": [
        {"vhost": "/", "name": "m1", "durable": True, "auto_delete": False,
         "arguments": {"x-max-priority": 5, "x-message-ttl": 9, "x-overflow": "reject-publish-dlx"}},
        {"vhost": "/", "name": "m2", "durable": False, "auto_delete": False, "arguments": {}},
        {"vhost": "other", "name": "m3", "durable": True, "auto_delete": False, "arguments": {}},
    ],
    "kept": {"as": "it is"},
}  # fmt: skip


def changed(names: str) -> dict[str, Any]:
    """The sections that are not as before."""
    after = transform(DOCUMENT, names)
    assert after.keys() == DOCUMENT.keys()
    return {key: value for key, value in after.items() if value != DOCUMENT[key]}


def test_mirroring_is_stripped() -> None:
    policies = changed("strip_cmq_keys_from_policies")["policies"]
    assert [row["definition"] for row in policies] == [{}, DOCUMENT["policies"][1]["definition"]]
    both = changed("strip_cmq_keys_from_policies,drop_empty_policies")
    assert both == {"policies": DOCUMENT["policies"][1:]}


def test_mirrored_queues_become_quorum_queues() -> None:
    after = changed("prepare_for_quorum_queue_migration")
    assert after.keys() == {"policies", "queues"}
    definitions = [row["definition"] for row in after["policies"]]
    assert definitions == [{}, {"max-length": 5, "overflow": "reject-publish"}]
    arguments = {"x-message-ttl": 9, "x-overflow": "reject-publish", "x-queue-type": "quorum"}
    assert after["queues"][0]["arguments"] == arguments
    assert after["queues"][1:] == DOCUMENT["queues"][1:]


def test_users_get_numbers() -> None:
    after = changed("obfuscate_usernames")
    assert {(row["name"], row["password_hash"]) for row in after["users"]} == {
        ("obfuscated-user-1", ""), ("obfuscated-user-2", ""),
    }  # fmt: skip
    assert [row["user"] for row in after["permissions"]] == ["obfuscated-user-2", "elsewhere"]
    assert after["topic_permissions"][0]["user"] == "obfuscated-user-1"


@pytest.mark.parametrize(
    ("name", "emptied"),
    [
        ("exclude_users", {"users": []}),
        ("exclude_permissions", {"permissions": [], "topic_permissions": []}),
        ("exclude_runtime_parameters", {"parameters": []}),
        ("exclude_policies", {"policies": []}),
        ("no_op", {}),
        ("", {}),
    ],
)
def test_exclusions(name: str, emptied: dict[str, Any]) -> None:
    assert changed(name) == emptied


def test_an_unknown_name() -> None:
    with pytest.raises(UsageError, match="'exclude_user' is no transformation; did you mean 'exclude_users'"):
        transform(DOCUMENT, "no_op,exclude_user")
