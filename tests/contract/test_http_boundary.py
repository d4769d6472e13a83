"""What RabbitMQ 4.3 takes for JSON, by which content types, and what an import keeps that ends in a refusal.

Where a value of the wrong type makes RabbitMQ stumble (500), the embedded broker refuses the request with a reason.
"""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from .conftest import Place

VHOST = "http boundary"
SECONDS = 10
JSON = "application/json"
LOGIN = ("guest", "guest")


class World:
    def __init__(self, place: Place) -> None:
        self.embedded = place.node is None
        url = urlsplit(place.http)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{url.port}/api", auth=LOGIN, trust_env=False, timeout=30)

    def ask(self, method: str, *path: str, content: bytes | None = None, kind: str | None = JSON) -> httpx.Response:
        where = "/".join(quote(each, safe="") for each in path)
        headers = {} if kind is None else {"content-type": kind}
        return self.client.request(method, f"/{where}", content=content, headers=headers)

    def names(self, kind: str, of: str = "name") -> set[str]:
        return {row[of] for row in self.client.get(f"/{kind}/{quote(VHOST, safe='')}").raise_for_status().json()}

    def load(self, document: Any) -> httpx.Response:
        return self.client.post("/definitions", json=document)


@pytest.fixture
def world(place: Place) -> Iterator[World]:
    if place.node is not None and not place.node.modern:
        pytest.skip("RabbitMQ 3.10 reads JSON by another library")
    world = World(place)
    world.ask("DELETE", "vhosts", VHOST)
    assert world.ask("PUT", "vhosts", VHOST, content=b"{}").status_code == 201
    yield world
    world.ask("DELETE", "vhosts", VHOST)
    world.client.close()


TAKEN = (
    *(b"", b"null", b"undefined", b"{}", b'{"arguments":{"a":"\\ud83d\\ude00"}}', b'{"arguments":{"a":"\\u0000"}}'),
    *(b'{"durable":"true"}', b'{"arguments":[]}', b'{"arguments":{"a":-0}}', b'{"arguments":{"a":1E2}}', b' {"x":1}\n'),
)
NOT_JSON = (
    *(b" ", b"[]", b"5", b"true", b"{", b"{} x", b'{"a":1,}', b"{'a':1}", b'{"a":01}', b'{"a":1.}', b'{"a":"\x01"}'),
    *(b'{"arguments":{"a":NaN}}', b'{"arguments":{"a":Infinity}}', b'{"arguments":{"a":1e400}}', b"\xef\xbb\xbf{}"),
    *(b'{"arguments":{"a":"\\ud800"}}', b'{"arguments":{"a":"\xff"}}', b'{"arguments":{"a":"\xed\xa0\x80"}}'),
    *("{}".encode("utf-16"), b'{"arguments":{"\\udfff":1}}'),
)
REFUSED = (
    *(b'{"durable":null}', b'{"durable":5}', b'{"auto_delete":"yes"}', b'{"auto_delete":[]}', b'{"arguments":5}'),
    *(b'{"arguments":[1]}', b'{"arguments":null}', b'{"arguments":{"a":null}}', b'{"arguments":{"a":[null]}}'),
    *(b'{"node":5}', b'{"node":null}', b'{"node":"nope"}', b'"x"'),
)


@pytest.mark.parametrize("body", TAKEN)
def test_bodies_that_are_taken(world: World, body: bytes) -> None:
    assert world.ask("PUT", "queues", VHOST, "q", content=body).status_code == 201


@pytest.mark.parametrize("body", NOT_JSON)
def test_bodies_that_are_no_json(world: World, body: bytes) -> None:
    response = world.ask("PUT", "queues", VHOST, "q", content=body)
    assert (response.status_code, response.json()) == (400, {"error": "bad_request", "reason": "not_json"})


@pytest.mark.parametrize("body", REFUSED)
def test_fields_of_the_wrong_type(world: World, body: bytes) -> None:
    response = world.ask("PUT", "queues", VHOST, "q", content=body)
    assert response.status_code == 400 or (response.status_code == 500 and not world.embedded)
    assert world.ask("GET", "queues", VHOST, "q").status_code == 404


def test_the_first_of_two_members_with_one_name_counts(world: World) -> None:
    body = b'{"durable":true,"durable":false,"arguments":{"a":1,"a":2}}'
    assert world.ask("PUT", "queues", VHOST, "q", content=body).status_code == 201
    queue = world.ask("GET", "queues", VHOST, "q").json()
    assert (queue["durable"], queue["arguments"]["a"]) == (True, 1)


@pytest.mark.parametrize(
    ("kind", "anywhere", "strict"),
    [
        (None, 201, 415),
        (JSON, 201, 204),
        ("application/json; charset=utf-8", 201, 204),
        ("application/JSON", 201, 204),
        ("text/plain", 201, 415),
        ("application/x-www-form-urlencoded", 201, 415),
        ("application/octet-stream", 201, 415),
        ("", 415, 415),
        ("x", 415, 415),
        ("text/plain; x", 415, 415),
    ],
)
def test_content_types(world: World, kind: str | None, anywhere: int, strict: int) -> None:
    assert world.ask("PUT", "queues", VHOST, "q", content=b"{}", kind=kind).status_code == anywhere
    limit = world.ask("PUT", "vhost-limits", VHOST, "max-queues", content=b'{"value":50}', kind=kind)
    assert limit.status_code == strict
    assert world.ask("POST", "definitions", content=b"{}", kind=kind).status_code == strict


def test_percents_that_encode_nothing(world: World) -> None:
    assert [world.client.get(path).status_code for path in ("/queues/%zz", "/queues?a=%zz", "/queues/%2")] == [400] * 3


def test_an_import_keeps_what_came_before_and_what_is_sound_of_the_kind(world: World) -> None:
    queue = {"vhost": VHOST, "durable": True, "auto_delete": False, "arguments": {}}
    bad = {**queue, "name": "q2", "arguments": {"x-message-ttl": "soon"}}
    binding = {"vhost": VHOST, "source": "x", "destination": "q1", "destination_type": "queue", "routing_key": "k"}
    document = {
        "bindings": [binding],
        "queues": [{**queue, "name": "q1"}, bad, {**queue, "name": "q3"}],
        "exchanges": [{"vhost": VHOST, "name": "x", "type": "direct", "arguments": {}}],
    }
    response = world.load(document)
    assert (response.status_code, response.json()["reason"]) == (
        400,
        f"precondition_failed: invalid arg 'x-message-ttl' for queue 'q2' in vhost '{VHOST}': "
        '"expected integer, got longstr"',
    )
    # RabbitMQ goes on with the others of the kind after its answer.
    deadline = time.monotonic() + SECONDS
    while world.names("queues") != {"q1", "q3"} and time.monotonic() < deadline:
        time.sleep(0.1)
    assert world.names("queues") == {"q1", "q3"}
    assert "x" in world.names("exchanges")
    assert "x" not in world.names("bindings", "source")


def test_policies_are_imported_in_order(world: World) -> None:
    policy = {"vhost": VHOST, "pattern": "z", "definition": {"max-length": 5}, "priority": 0}
    policies = [{**policy, "name": "p1"}, {**policy, "name": "p2", "definition": {"no": 1}}, {**policy, "name": "p3"}]
    response = world.load({"policies": policies})
    assert (response.status_code, response.json()["reason"]) == (
        400,
        f'Validation failed\n\n[{{<<"no">>,1}}] are not recognised policy settings\n (vhost: "{VHOST}" key: "p2")',
    )
    assert world.names("policies") == {"p1"}


def test_who_imports_a_vhost_gets_all_permissions_in_it(world: World) -> None:
    world.ask("DELETE", "vhosts", VHOST)
    metadata = {"description": "d", "tags": ["t"], "default_queue_type": "quorum"}
    queue = {"vhost": VHOST, "name": "q", "durable": True, "auto_delete": False, "arguments": {}, "type": "classic"}
    assert world.load({"vhosts": [{"name": VHOST, "metadata": metadata}], "queues": [queue]}).status_code == 204
    permission = world.ask("GET", "permissions", VHOST, "guest").json()
    assert permission == {"user": "guest", "vhost": VHOST, "configure": ".*", "write": ".*", "read": ".*"}
    assert world.ask("GET", "queues", VHOST, "q").json()["arguments"] == {"x-queue-type": "quorum"}


def test_an_import_beyond_the_limit_of_queues_is_aborted(world: World) -> None:
    world.ask("PUT", "vhost-limits", VHOST, "max-queues", content=b'{"value":1}')
    queue = {"vhost": VHOST, "durable": True, "auto_delete": False, "arguments": {}}
    response = world.load({"queues": [{**queue, "name": "a"}, {**queue, "name": "b"}]})
    assert (response.status_code, response.json()["reason"]) == (
        400,
        f'Adding 2 queue(s) to virtual host "{VHOST}" would exceed the limit of 1 queue(s).\n\n'
        "This virtual host currently has 0 queue(s) defined.\n\nImport aborted!",
    )
    assert world.names("queues") == set()
