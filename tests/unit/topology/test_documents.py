"""Reading, ordering and selecting definitions."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqctl.errors import DataError, UsageError
from rmqctl.topology import documents

TEXT = st.text(max_size=8)
ROWS = {
    section: st.lists(st.fixed_dictionaries(dict.fromkeys(identity, TEXT) | {"other": TEXT}), max_size=4)
    for section, identity in documents.IDENTITY.items()
}
DOCUMENTS = st.fixed_dictionaries({}, optional={**ROWS, "rabbit_version": TEXT, "unknown": st.lists(TEXT)})


@given(DOCUMENTS, st.randoms())
def test_the_order_does_not_depend_on_the_brokers(document: dict[str, Any], chance: random.Random) -> None:
    shuffled = {key: value[:] if isinstance(value, list) else value for key, value in document.items()}
    for section in shuffled.keys() & documents.IDENTITY:
        chance.shuffle(shuffled[section])
    text = documents.written(document)
    assert documents.written(shuffled) == text
    assert documents.written(json.loads(text)) == text


@given(DOCUMENTS)
def test_nothing_is_renamed_or_lost(document: dict[str, Any]) -> None:
    there = json.loads(documents.written(document))
    assert there.keys() == document.keys()
    for key, value in document.items():
        same = there[key] == value
        assert same or sorted(map(repr, map(sorted, there[key]))) == sorted(map(repr, map(sorted, value)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{,", "x: not JSON: "),
        ('{"queues": [', "x: breaks off after 12 bytes, within the JSON"),
        ('{"users": [{"name": "clé', "x: breaks off after 25 bytes, within the JSON"),
        ("", "x: not JSON: "),
        ('{"quues": []}', "x: 'quues' is no section of definitions; did you mean 'queues'?"),
        ('{"stuff": [1]}', "x: 'stuff' is no section of definitions: users, vhosts, "),
        ("[]", "x: definitions are one JSON object"),
        ('{"queues": {}}', "x: queues has to be a list"),
        ('{"queues": [1]}', "x: number 1 of queues has to be an object"),
        ('{"queues": [{"name": "a"}, {"vhost": "/"}]}', "x: number 2 of queues has no name"),
        ('{"queues": [{"name": 5}]}', "x: number 1 of queues: name has to be a string"),
        ('{"queues": [{"name": "a", "arguments": 5}]}', "x: number 1 of queues: arguments has to be an object"),
    ],
)
def test_what_is_wrong_and_where(text: str, said: str) -> None:
    with pytest.raises(DataError) as error:
        documents.parse(text, "x")
    assert str(error.value).startswith(said)


def test_what_is_beside_the_sections_is_taken() -> None:
    text = (
        '{"rabbit_version": "3", "explanation": "x", "metadata": {"tags": []}, "limits": {}, "tags": ["a"], "mine": 1}'
    )
    assert len(documents.parse(text, "x")) == 6


def test_the_order_of_tags_means_nothing() -> None:
    def document(*tags: str) -> dict[str, Any]:
        metadata = {"description": "", "tags": list(tags)}
        return {"users": [{"name": "u", "tags": list(tags)}], "vhosts": [{"name": "v", "metadata": metadata}],
                "metadata": metadata}  # fmt: skip

    assert documents.written(document("b", "a")) == documents.written(document("a", "b"))


def test_what_brokers_make_is_system() -> None:
    row = {"vhost": "/", "arguments": {}}
    purpose = {"x-internal-purpose": "federation"}
    document = {
        "exchanges": [
            *({**row, "name": name} for name in ("", "amq.topic", "mine")), {**row, "name": "up", "arguments": purpose},
        ],
        "queues": [{**row, "name": "amq.gen-1"}, {**row, "name": "link", "arguments": purpose}, {**row, "name": "up"}],
        "bindings": [
            {**row, "source": source, "destination": destination, "destination_type": kind}
            for source, kind, destination in (
                ("", "queue", "q"), ("mine", "queue", "amq.gen-1"), ("mine", "exchange", "up"), ("up", "queue", "link"),
                ("mine", "queue", "up"), ("amq.topic", "queue", "q"), ("mine", "exchange", "amq.fanout"),
            )
        ],
        "parameters": [
            {**row, "component": "imported_definition_hash_value", "name": "x"}, {**row, "component": "shovel", "name": "s"},
        ],
        "global_parameters": [{"name": "internal_cluster_id"}, {"name": "imported_definition_hash_value"}, {"name": "mine"}],
    }  # fmt: skip
    kept = documents.without_system(document)
    assert [row["name"] for row in kept["exchanges"]] == ["mine"]
    assert [row["name"] for row in kept["queues"]] == ["up"]
    assert [(row["source"], row["destination"]) for row in kept["bindings"]] == [
        ("mine", "up"), ("amq.topic", "q"), ("mine", "amq.fanout"),
    ]  # fmt: skip
    assert [row["name"] for row in kept["parameters"] + kept["global_parameters"]] == ["s", "mine"]


def test_sections() -> None:
    assert documents.sections("queues, topic-permissions", "--only") == frozenset(("queues", "topic_permissions"))
    with pytest.raises(UsageError, match="--only: 'queue' is no section of definitions; did you mean 'queues'"):
        documents.sections("queue", "--only")
    document = {"rabbit_version": "4", "queues": [1], "users": [2], "policies": [3]}
    assert documents.selected(document, {"queues", "users"}, {"users"}) == {"rabbit_version": "4", "queues": [1]}


def test_what_the_broker_makes_itself() -> None:
    binding = {"source": "amq.topic", "destination_type": "queue", "routing_key": ""}
    kept = {
        "queues": [{"name": "mine"}],
        "bindings": [{**binding, "destination": "mine"}],
        "global_parameters": [{"name": "cluster_name"}],
    }
    document = {
        "queues": [*kept["queues"], {"name": "amq.gen-x"}],
        "bindings": [*kept["bindings"], {**binding, "destination": "amq.gen-x"}],
        "global_parameters": [*kept["global_parameters"], {"name": "internal_cluster_id"}],
    }
    assert documents.without_system(document) == kept


def test_secrets() -> None:
    uri = "amqp://u:p%40ss@host/%2F"
    document = {
        "users": [{"name": "u", "password_hash": "HASH", "hashing_algorithm": "a", "tags": []}],
        "parameters": [{"name": "s", "value": {"src-uri": [uri], "password": "p", "dest-uri": "amqp://host"}}],
    }
    clean = documents.without_secrets(document)
    assert clean["users"] == [{"name": "u", "tags": []}]
    value = {"src-uri": ["amqp://u:****@host/%2F"], "password": "****", "dest-uri": "amqp://host"}
    assert clean["parameters"][0]["value"] == value
    assert documents.missing_secret(document) is None
    assert documents.missing_secret(clean) == "user 'u'"
    assert documents.missing_secret({"parameters": clean["parameters"]}) == "parameter 's'"


def test_one_virtual_host() -> None:
    document = {"queues": [{"name": "a", "vhost": "/"}, {"name": "b", "vhost": "v"}], "users": [{"name": "u"}]}
    assert documents.of_vhost(document, "v") == {"queues": [{"name": "b", "vhost": "v"}]}
    with pytest.raises(DataError, match="'/', 'v', which would all go into 'w'"):
        documents.for_vhost(document, "w", "x")
    one = documents.of_vhost(document, "v")
    assert documents.for_vhost(one, "w", "x") == {"queues": [{"name": "b"}]}
    assert not documents.is_of_one_vhost(document)
    assert documents.is_of_one_vhost({"queues": [{"name": "b"}]})
