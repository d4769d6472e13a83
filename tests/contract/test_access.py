"""Users, permissions, virtual hosts and limits: the same effect on every broker, rabbitmqctl's exit codes where there is one."""

import json
from base64 import b64decode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import httpx
import pytest

from .brokers import Ran, rmqctl
from .conftest import Place

USER = "access u/1 c%2F é"
VHOST = "access v/1 c%2F é"
U, V = (
    name.replace("%", "%25").replace(" ", "%20").replace("/", "%2F").replace("é", "%C3%A9") for name in (USER, VHOST)
)


@pytest.fixture(autouse=True)
def api(place: Place) -> Iterator[httpx.Client]:
    """Neither the user nor the virtual host is there, before and after."""
    with httpx.Client(base_url=f"{place.http}/api/", timeout=30, trust_env=False) as api:

        def clear() -> None:
            api.delete(f"users/{U}")
            api.delete(f"vhosts/{V}/deletion/protection")
            api.delete(f"vhosts/{V}")

        clear()
        yield api
        clear()


def did(place: Place, *words: str) -> None:
    ran = rmqctl(*words, url=place.http)
    assert (ran.exit, ran.stdout, ran.stderr) == (0, b"", b""), str(ran)


def refused(place: Place, *words: str, code: int) -> Ran:
    ran = rmqctl(*words, url=place.http)
    assert (ran.exit, ran.stdout) == (code, b""), str(ran)
    assert ran.errors.startswith("rmqctl: ")
    assert ran.errors.count("\n") == 1
    return ran


def listed(place: Place, *words: str) -> list[Any]:
    """As rabbitmqctl lists it where there is a node, else as rmqctl does."""
    argv = ("-q", *words, "--formatter", "json")
    ran = place.node.ctl(*argv) if place.node else rmqctl(*argv, url=place.http)
    assert ran.exit == 0, str(ran)
    rows: list[Any] = json.loads(ran.stdout)
    return rows


def opens(place: Place, password: str) -> bool:
    ran = rmqctl("authenticate_user", USER, password, url=place.http)
    assert ran.exit in (0, 65), str(ran)
    return ran.exit == 0


def users(place: Place) -> dict[str, Any]:
    return {row["user"]: row["tags"] for row in listed(place, "list_users")}


def test_a_user_and_the_password(place: Place) -> None:
    did(place, "-q", "add_user", USER, "one é")
    assert (users(place)[USER], opens(place, "one é"), opens(place, "other")) == ([], True, False)
    refused(place, "-q", "add_user", USER, "x", code=70)
    did(place, "set_user_tags", USER, "monitoring", "policymaker")
    assert opens(place, "one é")
    did(place, "-q", "change_password", USER, "two")
    assert (users(place)[USER], opens(place, "two"), opens(place, "one é")) == (
        ["monitoring", "policymaker"], True, False,
    )  # fmt: skip
    did(place, "set_user_tags", USER)
    assert (users(place)[USER], opens(place, "two")) == ([], True)
    for _ in range(2):
        did(place, "clear_password", USER)
        assert (USER in users(place), opens(place, "two"), opens(place, "")) == (True, False, False)
    did(place, "delete_user", USER)
    assert USER not in users(place)
    ends_as_rabbitmqctl(place, "delete_user", USER)


def test_a_password_that_was_hashed_here(place: Place) -> None:
    hashed = rmqctl("-q", "hash_password", "of the hash ü").text.strip()
    did(place, "add_user", USER, hashed, "--pre-hashed-password")
    assert opens(place, "of the hash ü")
    if place.node:
        assert place.node.ctl("authenticate_user", USER, "of the hash ü").exit == 0
    did(place, "delete_user", USER)
    refused(place, "add_user", USER, "not base64!", "--pre-hashed-password", code=65)
    assert USER not in users(place)


def test_users_that_are_not_there(place: Place) -> None:
    refused(place, "-q", "change_password", USER, "x", code=67)
    refused(place, "clear_password", USER, code=69)
    refused(place, "set_user_tags", USER, "x", code=67)
    refused(place, "set_permissions", USER, "", "", "", code=67)
    refused(place, "set_permissions_globally", USER, "", "", "", code=67)
    refused(place, "set_topic_permissions", USER, "amq.topic", "", "", code=67)
    refused(place, "set_user_limits", USER, "{}", code=69)
    refused(place, "clear_user_limits", USER, "all", code=69)
    ends_as_rabbitmqctl(place, "clear_permissions", USER)
    ends_as_rabbitmqctl(place, "clear_topic_permissions", USER)


def ends_as_rabbitmqctl(place: Place, *words: str) -> None:
    """With its exit code, which is not that of all releases; the embedded broker is one of 4.3."""
    code = place.node.ctl("-q", *words).exit if place.node else 0
    ran = rmqctl(*words, url=place.http)
    assert ran.exit == code, str(ran)


def test_an_empty_password_leaves_what_rabbitmqctl_leaves(place: Place) -> None:
    did(place, "-q", "add_user", USER, "")
    assert not opens(place, "")
    with httpx.Client(base_url=f"{place.http}/api/", timeout=30, trust_env=False) as api:
        stored = b64decode(api.get(f"users/{U}").json()["password_hash"])
    assert stored[4:] == sha256(stored[:4]).digest()
    did(place, "delete_user", USER)


def test_permissions(place: Place) -> None:
    did(place, "add_vhost", VHOST)
    assert listed(place, "list_permissions", "-p", VHOST) == []
    did(place, "-q", "add_user", USER, "x")
    for _ in range(2):
        did(place, "set_permissions", "-p", VHOST, USER, "^é", "", ".*")
        assert listed(place, "list_permissions", "-p", VHOST) == [
            {"user": USER, "configure": "^é", "write": "", "read": ".*"}
        ]
    assert "not a regular expression" in refused(place, "set_permissions", USER, "(", "", "", code=69).errors
    refused(place, "set_permissions", "-p", "nope", USER, "", "", "", code=69)
    did(place, "set_permissions_globally", USER, "a", "b", "c")
    found = {row["vhost"]: row["write"] for row in listed(place, "list_user_permissions", USER)}
    assert (found["/"], found[VHOST]) == ("b", "b")
    for _ in range(2):
        did(place, "clear_permissions", "-p", VHOST, USER)
        assert listed(place, "list_permissions", "-p", VHOST) == []
    ends_as_rabbitmqctl(place, "clear_permissions", "-p", "nope", USER)


def test_topic_permissions(place: Place) -> None:
    did(place, "add_vhost", VHOST)
    did(place, "-q", "add_user", USER, "x")
    for exchange in ("amq.topic", "amq.direct"):
        did(place, "set_topic_permissions", "-p", VHOST, USER, exchange, "^a", "^é")
    rows = listed(place, "list_topic_permissions", "-p", VHOST)
    assert sorted((row["exchange"], row["write"], row["read"]) for row in rows) == [
        ("amq.direct", "^a", "^é"), ("amq.topic", "^a", "^é"),
    ]  # fmt: skip
    refused(place, "set_topic_permissions", USER, "amq.topic", "(", "", code=69)
    refused(place, "set_topic_permissions", "-p", "nope", USER, "amq.topic", "", "", code=69)
    did(place, "clear_topic_permissions", "-p", VHOST, USER, "amq.direct")
    assert [row["exchange"] for row in listed(place, "list_topic_permissions", "-p", VHOST)] == ["amq.topic"]
    for _ in range(2):
        did(place, "clear_topic_permissions", "-p", VHOST, USER)
        assert listed(place, "list_topic_permissions", "-p", VHOST) == []
    ends_as_rabbitmqctl(place, "clear_topic_permissions", "-p", "nope", USER)
    ends_as_rabbitmqctl(place, "clear_topic_permissions", "-p", "nope", "nobody", "amq.topic")


def vhost(place: Place, *columns: str) -> tuple[Any, ...]:
    (row,) = (row for row in listed(place, "list_vhosts", "name", *columns) if row["name"] == VHOST)
    return tuple(row[column] for column in columns)


def test_a_virtual_host(place: Place) -> None:
    did(place, "add_vhost", VHOST, "--description", "d é", "--tags", "a,b")
    assert vhost(place, "description", "tags", "tracing") == ("d é", ["a", "b"], False)
    did(place, "add_vhost", VHOST, "--description", "other")
    did(place, "set_vhost_tags", VHOST, "x", "y")
    assert vhost(place, "description", "tags") == ("d é", ["x", "y"])
    did(place, "trace_on", "-p", VHOST)
    assert vhost(place, "description", "tags", "tracing") == ("d é", ["x", "y"], True)
    did(place, "update_vhost_metadata", VHOST, "--description", "new", "--tags", "")
    assert vhost(place, "description", "tags", "tracing") == ("new", [], True)
    for _ in range(2):
        did(place, "trace_off", "-p", VHOST)
        assert vhost(place, "tracing") == (False,)
    did(place, "restart_vhost", "-p", VHOST)
    did(place, "delete_vhost", VHOST)
    for words in (
        ("delete_vhost", VHOST),
        ("set_vhost_tags", VHOST, "x"),
        ("update_vhost_metadata", VHOST, "--tags", "x"),
        ("trace_on", "-p", VHOST),
    ):
        assert "does not exist" in refused(place, *words, code=65).errors
    refused(place, "restart_vhost", "-p", VHOST, code=70)


def test_default_queue_types(place: Place) -> None:
    refused(place, "add_vhost", VHOST, "--default-queue-type", "nope", code=65)
    if place.node and place.node.key == "310":
        words = refused(place, "add_vhost", VHOST, "--default-queue-type", "quorum", code=69).errors
        assert "needs RabbitMQ 3.11 or later" in words
        return
    did(place, "add_vhost", VHOST, "--default-queue-type", "quorum")
    did(place, "set_vhost_tags", VHOST, "x")
    assert vhost(place, "default_queue_type") == ("quorum",)
    did(place, "update_vhost_metadata", VHOST, "--default-queue-type", "classic")
    assert vhost(place, "default_queue_type", "tags") == ("classic", ["x"])


def test_protection_from_deletion(place: Place) -> None:
    did(place, "add_vhost", VHOST)
    if place.node and place.node.key == "310":
        refused(place, "enable_vhost_deletion_protection", VHOST, code=69)
        return
    for words in (
        ("enable_vhost_deletion_protection", VHOST),
        ("enable_vhost_deletion_protection", VHOST),
        ("update_vhost_metadata", VHOST, "--protected-from-deletion", "true"),
    ):
        did(place, *words)
        assert "protected from deletion" in refused(place, "delete_vhost", VHOST, code=65).errors
    for _ in range(2):
        did(place, "disable_vhost_deletion_protection", VHOST)
    did(place, "delete_vhost", VHOST)
    refused(place, "enable_vhost_deletion_protection", VHOST, code=65)
    refused(place, "disable_vhost_deletion_protection", VHOST, code=65)


def limits(place: Place, *words: str) -> Any:
    ran = place.node.ctl("-q", *words) if place.node else rmqctl("-q", *words, url=place.http)
    assert ran.exit == 0, str(ran)
    return json.loads(ran.stdout.strip() or b"{}")


def test_limits_of_a_virtual_host(place: Place) -> None:
    refused(place, "set_vhost_limits", "-p", VHOST, "{}", code=65)
    did(place, "add_vhost", VHOST)
    refused(place, "clear_vhost_limits", "-p", VHOST, code=69)
    did(place, "set_vhost_limits", "-p", VHOST, '{"max-connections": 3, "max-queues": 4}')
    did(place, "set_vhost_limits", "-p", VHOST, '{"max-connections": -1}')
    assert limits(place, "list_vhost_limits", "-p", VHOST) == {"max-connections": -1}
    for bad in ("x", "[]", '{"max-queues": "x"}', '{"max-connections": 9, "unknown": 1}'):
        refused(place, "set_vhost_limits", "-p", VHOST, bad, code=69)
    assert limits(place, "list_vhost_limits", "-p", VHOST) == {"max-connections": -1}
    did(place, "clear_vhost_limits", "-p", VHOST)
    refused(place, "clear_vhost_limits", "-p", VHOST, code=69)
    assert limits(place, "list_vhost_limits", "-p", VHOST) == {}
    assert listed(place, "list_parameters", "-p", VHOST) == []
    did(place, "declare", "vhost_limit", "max-queues", "--value", "5", "-p", VHOST)
    assert rmqctl("delete", "vhost_limit", "max-queues", "-p", VHOST, url=place.http).exit == 0
    assert listed(place, "list_parameters", "-p", VHOST) == []


def test_limits_of_a_user(place: Place) -> None:
    did(place, "-q", "add_user", USER, "x")
    did(place, "set_user_limits", USER, '{"max-connections": 3}')
    did(place, "set_user_limits", USER, '{"max-channels": 4}')
    assert limits(place, "list_user_limits", "--user", USER) == {"max-connections": 3, "max-channels": 4}
    refused(place, "set_user_limits", USER, '{"max-channels": 9, "unknown": 1}', code=69)
    did(place, "clear_user_limits", USER, "max-connections")
    assert limits(place, "list_user_limits", "--user", USER) == {"max-channels": 4}
    for _ in range(2):
        did(place, "clear_user_limits", USER, "all")
        assert limits(place, "list_user_limits", "--user", USER) == {}


def test_who_is_no_administrator_is_refused(place: Place) -> None:
    did(place, "-q", "add_user", USER, "pw")
    did(place, "set_user_tags", USER, "management")
    url = place.http.replace("guest:guest@", "")
    for words in (
        ("add_user", "other", "x", "-q"),
        ("set_permissions", "guest", "", "", ""),
        ("add_vhost", VHOST),
        ("delete_user", "guest"),
        ("delete_vhost", "/"),
    ):
        ran = rmqctl("--user", USER, "--password", "pw", *words, url=url)
        assert (ran.exit, "needs the tag" in ran.errors) == (77, True), str(ran)
