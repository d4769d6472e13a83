"""Definitions go out and in again, or not in at all."""

from typing import Any

import pytest

from .conftest import Api


@pytest.fixture
def full(api: Api) -> Api:
    for path, body in (
        ("vhosts/v ü", {"description": "d", "tags": "a,b", "default_queue_type": "quorum"}),
        ("users/u", {"password": "p", "tags": "management"}),
        ("permissions/v%20%C3%BC/u", {"configure": "^a", "write": "", "read": ".*"}),
        ("topic-permissions/%2F/guest", {"exchange": "amq.topic", "write": "a", "read": "b"}),
        ("queues/%2F/q", {"durable": True, "arguments": {"x-max-length": 5}}),
        ("queues/v%20%C3%BC/q", {"durable": True}),
        ("exchanges/%2F/x", {"type": "topic", "durable": True}),
        ("policies/%2F/p", {"pattern": "^q", "definition": {"max-length": 5}, "apply-to": "queues", "priority": 3}),
        ("operator-policies/%2F/o", {"pattern": "^q", "definition": {"expires": 5000}}),
        ("vhost-limits/%2F/max-queues", {"value": 7}),
        ("user-limits/u/max-channels", {"value": 7}),
        ("global-parameters/g", {"value": {"a": 1}}),
    ):
        assert api("PUT", path, body).status_code in (201, 204), path
    assert api("POST", "bindings/%2F/e/x/q/q", {"routing_key": "a.#"}).status_code == 201
    return api


def test_an_export_imports_into_an_empty_broker(full: Api) -> None:
    document = full.get("definitions")
    other = Api()
    assert other("POST", "definitions", document).status_code == 204
    assert other.get("definitions") == document
    assert other("POST", "definitions", document).status_code == 204


def test_one_vhost_moves_to_another(full: Api) -> None:
    document = full.get("definitions/%2F")
    assert "vhost" not in document["queues"][0]
    full("PUT", "vhosts/copy")
    assert full("POST", "definitions/copy", document).status_code == 204
    copied = full.get("definitions/copy")
    for kind in ("queues", "exchanges", "bindings", "policies", "parameters"):
        assert copied[kind] == document[kind], kind


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (
            {"queues": [{"name": "x", "vhost": "nope"}]},
            'Please create virtual host "nope" prior to importing definitions.',
        ),
        ({"users": [{"name": "z"}]}, "tags_not_present"),
        ({"permissions": [{"user": "z", "vhost": "/", "configure": "", "write": "", "read": ""}]}, "no_such_user"),
        ({"exchanges": [{"name": "x", "vhost": "/", "type": "nope"}]}, "unknown exchange type 'nope'"),
        ({"policies": [{"vhost": "/", "name": "p", "pattern": "(", "definition": {"max-length": 1}}]}, "parenthesis"),
        ({"queues": [{"name": "x"}]}, "vhost"),
        ({"queues": 5}, "queues should be a list of objects"),
        ({"users": [5]}, "users should be a list of objects"),
        ({"users": [{"name": "z", "tags": "", "password_hash": "!"}]}, '{not_base64,<<"!">>}'),
        (
            {"bindings": [{"vhost": "/", "source": "x", "destination": "q", "destination_type": "queue"}]},
            '{resources_missing,[{not_found,{resource,<<"/">>,exchange,<<"x">>}},'
            '{not_found,{resource,<<"/">>,queue,<<"q">>}}]}',
        ),
    ],
)
def test_nothing_of_an_invalid_document_is_taken(api: Api, document: Any, reason: str) -> None:
    before = api.get("definitions")
    good = {"vhosts": [{"name": "new"}], "global_parameters": [{"name": "g", "value": 1}]}
    response = api("POST", "definitions", {**good, **document})
    assert response.status_code == 400
    assert reason in response.json()["reason"]
    assert api.get("definitions") == before


def test_a_global_parameter_may_be_null(api: Api) -> None:
    assert api("PUT", "global-parameters/nothing", {"value": None}).status_code == 201
    assert api("GET", "global-parameters/nothing").json() == {"name": "nothing", "value": None}
    assert api("DELETE", "global-parameters/nothing").status_code == 204
    assert api("GET", "global-parameters/nothing").status_code == 404
