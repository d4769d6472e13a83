"""What the rows of definitions may hold."""

from typing import Any

import pytest

from rmqctl.errors import DataError
from rmqctl.topology.checking import check, check_declared
from rmqctl.topology.documents import IDENTITY

QUEUE = {"name": "q", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
EXCHANGE = {"name": "e", "vhost": "/", "type": "topic", "durable": True, "auto_delete": False, "internal": False}
POLICY = {"name": "p", "vhost": "/", "pattern": "^x", "apply-to": "all", "priority": 0, "definition": {"max-length": 5}}
PERMISSIONS = {"user": "u", "vhost": "/", "configure": "", "write": ".*", "read": "a|b"}
BINDING = {"vhost": "/", "source": "e", "destination": "q", "destination_type": "queue", "routing_key": "k"}


@pytest.mark.parametrize(
    ("section", "row", "said"),
    [
        ("queues", {**QUEUE, "durable": "true"}, "durable has to be true or false"),
        ("queues", {**QUEUE, "auto_delete": None}, "auto_delete has to be true or false"),
        ("queues", {**QUEUE, "arguments": None}, "arguments has to be an object"),
        ("queues", {**QUEUE, "arguments": {"x-max-length": "5"}}, 'arguments x-max-length is "5", which has to be'),
        ("queues", {**QUEUE, "arguments": {"x-message-ttl": True}}, "arguments x-message-ttl is true, which has to be"),
        ("queues", {**QUEUE, "arguments": {"x-mine": None}}, "arguments x-mine is null"),
        ("queues", {**QUEUE, "arguments": {"x-overflow": "drop"}}, 'arguments x-overflow is "drop", which has to be one of'),
        ("queues", {**QUEUE, "durable": False, "arguments": {"x-queue-type": "quorum"}}, "durable is false, which a queue"),
        ("queues", {**QUEUE, "auto_delete": True, "arguments": {"x-queue-type": "stream"}}, "auto_delete is true, which a"),
        ("queues", {**QUEUE, "arguments": {"x-queue-type": "stream", "x-max-length": 5}},
         "arguments x-max-length is not for a queue of type stream"),
        ("queues", {**QUEUE, "arguments": {"x-queue-type": "quorum", "x-max-priority": 5}}, "x-max-priority is not for a queue"),
        ("exchanges", {**EXCHANGE, "internal": "no"}, "internal has to be true or false"),
        ("exchanges", {"name": "e", "vhost": "/"}, "type is missing"),
        ("exchanges", {**EXCHANGE, "arguments": {"alternate-exchange": 5}}, "arguments alternate-exchange is 5, which"),
        ("policies", {**POLICY, "pattern": "("}, "pattern '(' is no regular expression: "),
        ("policies", {**POLICY, "pattern": None}, "pattern has to be a string"),
        ("policies", {**POLICY, "priority": "5"}, "priority has to be a number"),
        ("policies", {**POLICY, "priority": True}, "priority has to be a number"),
        ("policies", {**POLICY, "apply-to": "queue"}, "apply-to has to be one of all, queues, "),
        ("policies", {**POLICY, "definition": {}}, "definition is empty"),
        ("policies", {**POLICY, "definition": {"max-length": "5"}}, 'definition max-length is "5", which has to be a whole'),
        ("policies", {"name": "p", "vhost": "/", "pattern": "x"}, "definition is missing"),
        ("permissions", {**PERMISSIONS, "write": None}, "write has to be a string"),
        ("permissions", {**PERMISSIONS, "read": "[a"}, "read '[a' is no regular expression"),
        ("permissions", {"user": "u", "vhost": "/"}, "configure is missing"),
        ("topic_permissions", {"user": "u", "vhost": "/", "exchange": "e", "write": "*", "read": ""}, "write '*' is no regular"),
        ("users", {"name": "u", "tags": None}, "tags has to be a list of strings"),
        ("users", {"name": "u", "tags": [1]}, "tags has to be a list of strings"),
        ("users", {"name": "u", "tags": "", "password_hash": None}, "password_hash has to be a string"),
        ("users", {"name": "u", "tags": "", "password_hash": "s3cret!"}, "password_hash has to be Base64"),
        ("users", {"name": "u", "tags": "", "limits": {"max-channels": "5"}}, "limits max-channels has to be a whole number"),
        ("vhosts", {"name": "v", "metadata": None}, "metadata has to be an object"),
        ("vhosts", {"name": "v", "metadata": {"tags": 5}}, "metadata tags has to be a list of strings"),
        ("bindings", {**BINDING, "routing_key": None}, "routing_key has to be a string"),
        ("bindings", {**BINDING, "destination_type": "topic"}, "destination_type has to be one of queue, exchange"),
        ("parameters", {"vhost": "/", "component": "vhost-limits", "name": "limits", "value": {"max-queues": "5"}},
         "value: max-queues has to be a whole number"),
        ("parameters", {"vhost": "/", "component": "operator_policy", "name": "o", "value": {**POLICY, "pattern": "("}},
         "value: pattern '(' is no regular"),
        ("parameters", {"vhost": "/", "component": "operator_policy", "name": "o", "value": None}, "value: has to be an object"),
    ],
)  # fmt: skip
def test_the_row_and_the_field_are_named(section: str, row: dict[str, Any], said: str) -> None:
    good = {"users": {"name": "g", "tags": ""}, "vhosts": {"name": "g"}, "queues": QUEUE, "exchanges": EXCHANGE,
            "policies": POLICY, "permissions": PERMISSIONS, "bindings": BINDING}  # fmt: skip
    before = [good[section]] if section in good else []
    with pytest.raises(DataError) as error:
        check({section: [*before, row]}, IDENTITY, "f")
    text = str(error.value)
    assert text.startswith(f"f: number {len(before) + 1} of {section}")
    assert said in text


def test_what_brokers_take_is_taken() -> None:
    """Spellings of old releases, of Erlang's empty objects, and patterns that are not Python's."""
    document = {
        "users": [{"name": "u", "tags": "a,b", "password_hash": "", "hashing_algorithm": None}],
        "vhosts": [{"name": "v", "metadata": {"description": None, "tags": [], "default_queue_type": "undefined"}}],
        "queues": [
            {"name": "q", "vhost": "v"},
            {**QUEUE, "arguments": []},
            {**QUEUE, "arguments": {"x-mine": {"a": [1]}}},
            {**QUEUE, "arguments": {"x-queue-type": "x-of-a-plugin", "x-max-age": "1h"}},
            {**QUEUE, "durable": False, "arguments": {"x-max-age": "1h"}},
        ],
        "policies": [{**POLICY, "pattern": r"^\Qa\E(?|b)", "priority": 1.5, "definition": {"of-a-plugin": [1]}}],
        "permissions": [PERMISSIONS],
        "bindings": [BINDING],
        "global_parameters": [{"name": "g"}],
    }
    check(document, IDENTITY, "f")
    check_declared(document, "f")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"queues": [QUEUE, {**QUEUE, "name": "c\n"}]}, r"f: number 2 of queues: name 'c\n' has a line end"),
        ({"exchanges": [{**EXCHANGE, "name": "a\rb"}]}, r"f: number 1 of exchanges: name 'a\rb' has a line end"),
        (
            {"bindings": [{**BINDING, "destination": "c\n"}]},
            r"f: number 1 of bindings: destination 'c\n' has a line end",
        ),
        ({"queues": [{**QUEUE, "name": ""}]}, "f: number 1 of queues: name '' is empty"),
        ({"vhosts": [{"name": "v"}, {"name": ""}]}, "f: number 2 of vhosts: name is empty"),
    ],
)
def test_names_that_a_declaration_changes(document: dict[str, Any], said: str) -> None:
    check(document, IDENTITY, "f")
    with pytest.raises(DataError) as error:
        check_declared(document, "f")
    assert str(error.value).startswith(said)
