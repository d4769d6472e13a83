"""Comparing definitions, and what has to be done."""

from typing import Any

import pytest

from rmqctl.topology.documents import of_vhost
from rmqctl.topology.plan import differences, plan, stages
from rmqctl.topology.releases import lacking

HASH = {"password_hash": "H", "hashing_algorithm": "sha"}
OLD: dict[str, Any] = {
    "vhosts": [{"name": "/"}],
    "queues": [{"vhost": "/", "name": "q", "durable": True, "auto_delete": False, "arguments": {}}],
    "users": [{"name": "u", **HASH, "tags": "a,b"}],
    "parameters": [{"vhost": "/", "component": "vhost-limits", "name": "limits", "value": {"max-queues": 5}}],
}
NEW: dict[str, Any] = {
    "vhosts": [{"name": "/", "limits": {"max-queues": 5}, "metadata": {"description": "", "tags": [],
                "default_queue_type": "classic"}}],
    "queues": [{"vhost": "/", "name": "q", "durable": True, "auto_delete": False, "type": "classic",
                "arguments": {"x-queue-type": "classic"}}],
    "users": [{"name": "u", **HASH, "tags": ["b", "a"], "limits": {}}],
    "parameters": [],
    "exchanges": [{"vhost": "/", "name": "amq.rabbitmq.log", "type": "topic"}],
}  # fmt: skip


def steps(document: dict[str, Any], live: dict[str, Any], **how: Any) -> list[tuple[str, str, str]]:
    return [(each.action, each.key.kind, each.key.shown) for each in plan(document, live, **how)]


def test_releases_that_spell_it_otherwise_are_equal() -> None:
    assert differences(OLD, NEW, "/") == []
    assert plan(OLD, NEW) == plan(NEW, OLD) == []


def test_everything_comes_after_what_it_needs_and_goes_before() -> None:
    """Shovels are last: a broker starts one at once, and it declares the queue that it does not find."""
    rows = {"vhost": "v", "name": "x", "component": "shovel", "value": 1, "user": "u", "exchange": "e", "source": "e",
            "destination": "q", "destination_type": "queue", "routing_key": "k", "definition": {}}  # fmt: skip
    sections = ("bindings", "queues", "exchanges", "policies", "global_parameters", "parameters", "topic_permissions",
                "permissions")  # fmt: skip
    document = {section: [rows] for section in sections} | {"users": [{"name": "u"}], "vhosts": [{"name": "v"}]}
    order = ["vhost", "user", "permissions", "global_parameter", "policy", "exchange", "queue", "binding",
             "topic_permissions", "parameter"]  # fmt: skip
    changes = plan(document, {})
    assert [change.key.kind for change in changes] == order
    assert [[change.key.kind for change in stage] for stage in stages(changes)] == [[kind] for kind in order]
    empty = {section: [] for section in document if section != "vhosts"}
    gone = plan(empty, document, "v", prune=True)
    assert [change.key.kind for change in gone] == [kind for kind in reversed(order) if kind != "vhost"]


def test_what_cannot_be_changed_has_to_be_recreated() -> None:
    wanted = {"queues": [{**OLD["queues"][0], "arguments": {"x-max-length": 5, "x-queue-type": "quorum"}}]}
    (change,) = plan(wanted, OLD, prune=True)
    assert change.action == "needs recreation"
    assert change.details == "type: classic -> quorum; arguments.x-max-length: nothing -> 5"


def test_a_queue_without_a_type_has_that_of_its_virtual_host() -> None:
    live = {"vhosts": [{"name": "/", "default_queue_type": "quorum"}],
            "queues": [{**OLD["queues"][0], "arguments": {"x-queue-type": "quorum"}}]}  # fmt: skip
    assert plan({"queues": OLD["queues"]}, live) == []


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({}, "quorum"),
        ({"durable": False}, "classic"),
        ({"auto_delete": True}, "classic"),
        ({"type": "stream"}, "quorum"),  # brokers do not look at it
        ({"durable": False, "arguments": {"x-queue-type": "classic"}}, "classic"),
        ({"arguments": {"x-queue-type": "stream"}}, "stream"),
    ],
)
def test_the_type_of_a_queue_that_is_declared_is_the_brokers_choice(row: dict[str, Any], kind: str) -> None:
    queue = {**OLD["queues"][0], **row}
    vhosts = {"vhosts": [{"name": "/", "metadata": {"default_queue_type": "quorum"}}]}
    live = {**vhosts, "queues": [{**queue, "arguments": {"x-queue-type": kind}, "type": kind}]}
    assert plan({"queues": [queue]}, live) == []
    assert plan({**vhosts, "queues": [queue]}, live) == []
    assert plan(of_vhost({"queues": [queue]}, "/"), of_vhost(live, "/"), "/") == []
    elsewhere = {
        "original_vhost_name": "/",
        **vhosts["vhosts"][0],
        "queues": [queue],
    }  # its default counts there, not here
    assert plan(of_vhost(elsewhere, "/"), of_vhost(live, "/"), "/") == []
    assert differences({**vhosts, "queues": [queue]}, live, "/", live=(False, True)) == []
    assert differences(live, {**vhosts, "queues": [queue]}, "/", live=(True, False)) == []


def test_of_two_rows_about_a_queue_a_broker_takes_the_first() -> None:
    rows = [OLD["queues"][0], {**OLD["queues"][0], "durable": False}]
    assert plan({"queues": rows}, {"queues": rows[:1]}) == []


def test_a_queue_is_declared_as_it_is_written() -> None:
    (change,) = plan({"queues": OLD["queues"]}, {"vhosts": [{"name": "/"}]})
    assert change.wanted["arguments"] == {}


def test_what_a_release_has_not_is_passed_over() -> None:
    vhost = {
        "name": "/",
        "metadata": {"description": "d", "default_queue_type": "quorum", "protected_from_deletion": True},
    }
    document = {"vhosts": [vhost], "queues": OLD["queues"]}
    live: dict[str, Any] = {"rabbit_version": "3.10.8", "vhosts": [{"name": "/", "metadata": {"description": "d"}}],
                            "queues": OLD["queues"]}  # fmt: skip
    assert plan(document, live) == []
    assert differences(document, live, "/", live=(False, True)) == []
    assert lacking(document, (3, 10, 8)) == [("/", "default_queue_type"), ("/", "protected_from_deletion")]
    assert lacking(document, (4, 3)) == lacking(document, ()) == []
    assert steps(document, {**live, "rabbit_version": "4.3.6"}) == [
        ("change", "vhost", "/"), ("needs recreation", "queue", "q"),
    ]  # fmt: skip


def test_limits_that_are_there_are_raised_before_what_they_hold_back() -> None:
    def limited(number: int) -> dict[str, Any]:
        return {
            "parameters": [
                {"vhost": "/", "component": "vhost-limits", "name": "limits", "value": {"max-queues": number}}
            ]
        }

    document = {**limited(5), "queues": OLD["queues"]}
    assert [kind for _, kind, _ in steps(document, limited(1))] == ["vhost_limits", "queue"]
    assert [kind for _, kind, _ in steps(document, {})] == ["queue", "vhost_limits"]


def test_what_brokers_make_is_neither_created_nor_deleted() -> None:
    binding = {"vhost": "/", "source": "", "destination": "q", "destination_type": "queue", "routing_key": "q"}
    system = {"bindings": [binding], "exchanges": [{"vhost": "/", "name": "", "type": "direct"}]}
    assert plan(system, {}) == []
    assert plan({"bindings": [], "exchanges": []}, system, "/", prune=True) == []


def test_an_empty_object_may_be_an_empty_list() -> None:
    def document(value: Any) -> dict[str, Any]:
        return {"parameters": [{"vhost": "/", "component": "c", "name": "p", "value": {"args": value}}]}

    assert plan(document({}), document([])) == []
    assert plan(document({}), document(None)) != []


def test_what_is_not_mentioned_stays() -> None:
    live = {**OLD, "users": [*OLD["users"], {"name": "me", "tags": []}]}
    assert steps({"queues": []}, live) == []
    assert steps({"queues": []}, live, prune=True) == []  # no virtual host is named
    assert steps({"queues": []}, live, prune=True, vhost="/") == [("delete", "queue", "q")]
    assert steps({"users": []}, live, prune=True, keep="me") == [("delete", "user", "u")]
    assert steps({"vhosts": [{"name": "new"}], "queues": []}, live, prune=True) == [
        ("create", "vhost", "new"),
        ("delete", "vhost", "/"),
    ]


@pytest.mark.parametrize("prune", [False, True])
def test_the_system_is_never_deleted(prune: bool) -> None:
    live = {"global_parameters": [{"name": "internal_cluster_id", "value": "x"}], "exchanges": NEW["exchanges"]}
    assert plan({"global_parameters": [], "exchanges": []}, live, "/", prune=prune) == []


def test_a_difference_shows_no_secret() -> None:
    def document(secret: str) -> dict[str, Any]:
        uri = f"amqp://u:{secret}@h"
        row = {"vhost": "/", "component": "shovel", "name": "s", "value": {"src-uri": uri, "a": 1}}
        return {"users": [{"name": "u", "tags": [], "password_hash": secret}], "parameters": [row]}

    found = differences(document("one"), document("two"), "/")
    assert [[field.path for field in each.fields] for each in found] == [["password_hash"], ["value.src-uri"]]
    assert "one" not in repr([each.fields for each in found]).replace("another one", "")
    assert "two" not in repr([each.fields for each in found])
    assert differences(document("one"), document("****"), "/")[1:] == []


def test_only_sections_of_both_are_compared() -> None:
    assert differences({"queues": OLD["queues"]}, {"users": OLD["users"]}, "/") == []
    (only,) = differences({"queues": OLD["queues"]}, {"queues": []}, "/")
    assert (only.key.shown, only.b) == ("q", None)
