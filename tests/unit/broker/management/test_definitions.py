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
        ({"queues": [{"name": "x"}]}, "Virtual host does not exist and is not specified in definitions file."),
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
def test_what_is_refused_is_told(api: Api, document: Any, reason: str) -> None:
    response = api("POST", "definitions", document)
    assert response.status_code == 400
    assert reason in response.json()["reason"]


QUEUE: dict[str, Any] = {"vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
EXCHANGE: dict[str, Any] = {"vhost": "/", "type": "direct"}
POLICY: dict[str, Any] = {"vhost": "/", "pattern": "^z", "definition": {"max-length": 5}}


def test_what_came_before_a_refusal_is_kept_and_what_is_sound_of_its_kind(api: Api) -> None:
    """Recorded on RabbitMQ 4.3.6, which imports users, vhosts, permissions, exchanges ... in this order."""
    document = {
        "bindings": [
            {"vhost": "/", "source": "x1", "destination_type": "queue", "destination": "q1", "routing_key": ""}
        ],
        "queues": [{**QUEUE, "name": "q1"}, {**QUEUE, "name": "q2", "durable": 5}, {**QUEUE, "name": "q3"}],
        "exchanges": [{**EXCHANGE, "name": "x1"}],
        "users": [{"name": "u", "tags": ""}],
    }
    assert api("POST", "definitions", document).status_code == 400
    assert {row["name"] for row in api.get("queues")} == {"q1", "q3"}
    assert {row["name"] for row in api.get("users")} == {"guest", "u"}
    assert api("GET", "exchanges/%2F/x1").status_code == 200
    assert api.get("exchanges/%2F/x1/bindings/source") == []


def test_policies_and_parameters_are_imported_in_order_until_one_is_refused(api: Api) -> None:
    good, bad = {**POLICY, "name": "p1"}, {**POLICY, "name": "p2", "definition": {"nope": 1}}
    response = api("POST", "definitions", {"policies": [good, bad, {**POLICY, "name": "p3"}], "queues": [QUEUE]})
    assert response.json()["reason"] == (
        'Validation failed\n\n[{<<"nope">>,1}] are not recognised policy settings\n (vhost: "/" key: "p2")'
    )
    assert [row["name"] for row in api.get("policies")] == ["p1"]
    assert api.get("queues") == []


def test_who_imports_a_vhost_may_do_everything_in_it(api: Api) -> None:
    api("PUT", "users/a", {"password": "a", "tags": "administrator"})
    document = {"vhosts": [{"name": "new"}, {"name": "/"}], "queues": [{**QUEUE, "vhost": "new", "name": "q"}]}
    assert api("POST", "definitions", document, user=("a", "a")).status_code == 204
    assert api.get("users/a/permissions") == [
        {"user": "a", "vhost": "new", "configure": ".*", "write": ".*", "read": ".*"}
    ]
    assert api("DELETE", "queues/new/q", user=("a", "a")).status_code == 204


def test_queues_beyond_a_limit_abort_the_import(api: Api) -> None:
    api("PUT", "vhost-limits/%2F/max-queues", {"value": 2})
    api("PUT", "queues/%2F/there", {})
    queues = [{**QUEUE, "name": name} for name in ("there", "a", "b")]
    response = api("POST", "definitions", {"queues": queues, "exchanges": [{**EXCHANGE, "name": "x"}]})
    assert response.json()["reason"] == (
        'Adding 2 queue(s) to virtual host "/" would exceed the limit of 2 queue(s).\n\n'
        "This virtual host currently has 1 queue(s) defined.\n\nImport aborted!"
    )
    assert api("GET", "exchanges/%2F/x").status_code == 404
    assert api("POST", "definitions", {"queues": queues[:2]}).status_code == 204


def test_what_is_predeclared_is_left_out(api: Api) -> None:
    document = {
        "queues": [{**QUEUE, "name": "amq.gen-x"}],
        "exchanges": [{**EXCHANGE, "name": "amq.mine"}, {**EXCHANGE, "name": ""}],
        "bindings": [],
    }
    assert api("POST", "definitions", document).status_code == 204
    assert api.get("queues") == []
    assert "amq.mine" not in {row["name"] for row in api.get("exchanges")}


FIELDS: dict[str, dict[str, Any]] = {
    "users": {"name": "u", "tags": ""},
    "vhosts": {"name": "v"},
    "permissions": {"user": "guest", "vhost": "/", "configure": "", "write": "", "read": ""},
    "topic_permissions": {"user": "guest", "vhost": "/", "exchange": "amq.topic", "write": "", "read": ""},
    "global_parameters": {"name": "g"},
    "parameters": {"vhost": "/", "component": "vhost-limits", "name": "limits", "value": {}},
    "policies": {**POLICY, "name": "p", "priority": 0, "apply-to": "all"},
    "exchanges": {**EXCHANGE, "name": "x", "durable": True, "auto_delete": False, "internal": False, "arguments": {}},
    "queues": {**QUEUE, "name": "q"},
    "bindings": {"vhost": "/", "source": "amq.topic", "destination": "amq.fanout", "destination_type": "exchange"}
    | {"routing_key": "k", "arguments": {}},
}


@pytest.mark.parametrize("wrong", [5, [[1]], None])
@pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind, row in FIELDS.items() for field in row])
def test_a_field_of_the_wrong_type_is_refused(api: Api, kind: str, field: str, wrong: Any) -> None:
    if (field, wrong) == ("priority", 5):
        return
    assert api("POST", "definitions", {kind: [FIELDS[kind]]}).status_code == 204
    assert (
        api("POST", "definitions", {kind: [{**FIELDS[kind], field: wrong, **renamed(kind, field)}]}).status_code == 400
    )
    for path in ("overview", "definitions", "queues", "exchanges", "users", "vhosts", "permissions", "policies"):
        api.get(path)


def renamed(kind: str, field: str) -> dict[str, str]:
    """Queues and exchanges that exist are left alone: another one is declared then."""
    return {"name": "other"} if kind in ("queues", "exchanges") and field != "name" else {}


@pytest.mark.parametrize("body", [b"null", b"[]", b" ", b'{"a":NaN}', b"undefined", b'{"a":"\\ud800"}'])
def test_what_is_no_document_is_not_imported(api: Api, body: bytes) -> None:
    response = api("POST", "definitions", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["reason"]) == (400, "failed_to_parse_json")


@pytest.mark.parametrize("body", [b"", b"{}", b"\xef\xbb\xbf{}"])
def test_an_empty_document_is_imported(api: Api, body: bytes) -> None:
    assert api("POST", "definitions", content=body, headers={"content-type": "application/json"}).status_code == 204


@pytest.mark.parametrize(("name", "status"), [("x.json", 200), ("%FF", 400), ("a%22b", 400), ("", 400)])
def test_an_export_is_a_file_of_that_name(api: Api, name: str, status: int) -> None:
    response = api("GET", f"definitions?download={name}")
    assert response.status_code == status
    if status == 200:
        assert response.headers["content-disposition"] == "attachment; filename=x.json"


def test_a_new_user_may_come_with_permissions(api: Api) -> None:
    permission = {"configure": "a", "write": "b", "read": "c"}
    assert api("PUT", "users/u", {"administrator": True, "permissions": {"/": permission}}).status_code == 201
    assert api.get("users/u")["tags"] == ["administrator"]
    assert api.get("users/u/permissions") == [{"user": "u", "vhost": "/", **permission}]
    response = api("PUT", "users/v", {"tags": "", "permissions": {"nope": permission}})
    assert (response.status_code, response.json()["reason"]) == (400, ["no_such_vhost", "nope"])


def test_a_global_parameter_may_be_null(api: Api) -> None:
    assert api("PUT", "global-parameters/nothing", {"value": None}).status_code == 201
    assert api("GET", "global-parameters/nothing").json() == {"name": "nothing", "value": None}
    assert api("DELETE", "global-parameters/nothing").status_code == 204
    assert api("GET", "global-parameters/nothing").status_code == 404


def test_a_virtual_host_by_a_number_is_not_the_one_of_that_name(api: Api) -> None:
    """Not when it is looked up for its limits either."""
    api("PUT", "vhosts/5")
    api("PUT", "vhost-limits/5/max-queues", {"value": 10})
    queue = {"name": "q", "vhost": 5, "durable": True, "auto_delete": False, "arguments": {}}
    response = api("POST", "definitions", {"queues": [queue]})
    assert response.status_code == 400
    assert api.get("queues") == []
