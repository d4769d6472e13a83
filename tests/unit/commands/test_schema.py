"""`schema`: what it prints is a schema, and recorded brokers' lists fit it."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rmqctl.help.columns import listed
from rmqctl.help.schemas import names, schema_of
from rmqctl.resources.meanings import described

from ..conftest import RecordedBroker, run_with

LISTS = {
    name: resource
    for name, resource in listed().items()
    if name in ("list_nodes", "list_users", "list_policies", "list_parameters", "list_feature_flags", "list_vhosts")
    or name in ("list_queues", "list_exchanges", "list_bindings", "list_consumers", "list_connections", "list_channels")
}


@pytest.mark.parametrize("name", names())
def test_every_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(schema_of(name))


@pytest.mark.parametrize("version", ["3.10.8", "4.3.6"])
@pytest.mark.parametrize(("name", "resource"), LISTS.items(), ids=LISTS)
def test_the_lists_of_recorded_brokers_fit(name: str, resource: Any, version: str) -> None:
    known = schema_of(name)["$defs"]
    columns = [
        column for column in described(resource) if not any(c.name == column and c.refused for c in resource.columns)
    ]
    for form in ("json", "jsonl"):
        ran = run_with(name, *columns, "-f", form, broker=RecordedBroker(version))
        assert ran.exit == 0, ran.err
        texts = [ran.out] if form == "json" else ran.out.splitlines()
        assert texts
        for text in texts:
            Draft202012Validator(known[form]).validate(json.loads(text))


def test_the_schema_says_what_a_column_means() -> None:
    known = json.loads(run_with("schema", "list_queues").out)
    assert known["$defs"]["jsonl"]["properties"]["messages_ready"] == {
        "type": ["integer", "null"],
        "description": "Messages ready for delivery.",
    }
    assert known["$defs"]["json"]["items"]["properties"]["messages_ready"]["anyOf"] == [
        {"type": "integer"},
        {"const": ""},
    ]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("list_queue",), "did you mean 'list_queues'?"),
        (("check", "queue"), "did you mean 'check queues'?"),
        (("publish",), "the lists, show, check and who have one"),
    ],
)
def test_a_command_without_a_schema_is_an_error(words: tuple[str, ...], hint: str) -> None:
    ran = run_with("schema", *words)
    assert ran.exit == 64
    assert hint in ran.err
