"""Who is let in, how lists are cut, and what refusals look like: the answers that RabbitMQ 4.3.6 was recorded with."""

from base64 import b64encode
from typing import Any

import pytest

from rmqctl.broker.core.permissions import Permission

from .conftest import Api

MISSING = {"error": "Object Not Found", "reason": "Not Found"}


def refusal(reason: Any, error: str = "bad_request") -> dict[str, Any]:
    return {"error": error, "reason": reason}


def add_user(api: Api, name: str, *tags: str, vhosts: tuple[str, ...] = ()) -> tuple[str, str]:
    made = api.broker.put_user(name, api.broker.hash_password(name), tags)
    for vhost in vhosts:
        made.permit(vhost, Permission("^mine", "^mine", ".*"))
    return name, name


# ------------------------------------------------------------------------------------------------------------ logging in


def test_without_credentials_they_are_asked_for(api: Api) -> None:
    response = api("GET", "overview", user=None)
    assert (response.status_code, response.text) == (401, "")
    assert response.headers["www-authenticate"] == 'Basic realm="RabbitMQ Management"'


@pytest.mark.parametrize("given", ["Basic !!", "Basic Z3Vlc3Q=", "Basic", "nonsense"])
def test_credentials_that_cannot_be_read(api: Api, given: str) -> None:
    response = api("GET", "overview", user=None, headers={"authorization": given})
    assert (response.status_code, response.text) == (400, "")


@pytest.mark.parametrize(
    ("accept", "status"),
    [("text/html", 406), ("text/html, */*;q=0.1", 200), ("application/json", 200), ("", 406), (",", 406)],
)
def test_answers_are_json_or_none(api: Api, accept: str, status: int) -> None:
    assert api("GET", "whoami", headers={"accept": accept}).status_code == status


@pytest.mark.parametrize("user", [("guest", "wrong"), ("nobody", "x"), ("guest", "")])
def test_wrong_credentials_are_refused(api: Api, user: tuple[str, str]) -> None:
    response = api("GET", "overview", user=user)
    assert (response.status_code, response.json()) == (401, refusal("Not_Authorized", "not_authorized"))


def test_guest_comes_from_this_machine_only(api: Api) -> None:
    assert api("GET", "whoami", client="10.0.0.1").status_code == 401
    assert api("GET", "whoami", client="::1").status_code == 200


@pytest.mark.parametrize(
    ("tags", "path", "reason"),
    [
        ((), "whoami", "Not management user"),
        (("impersonator",), "whoami", "Not management user"),
        (("management",), "nodes", "Not monitor user"),
        (("management",), "users", "Not administrator user"),
        (("monitoring",), "definitions", "Not administrator user"),
        (("monitoring",), "parameters", "User not authorised to access object"),
    ],
)
def test_each_tag_opens_what_it_opens(api: Api, tags: tuple[str, ...], path: str, reason: str) -> None:
    response = api("GET", path, user=add_user(api, "u", *tags))
    assert (response.status_code, response.json()) == (401, refusal(reason, "not_authorised"))


def test_vhosts_without_permissions_are_not_there(api: Api) -> None:
    api.broker.add_vhost("other")
    user = add_user(api, "u", "management", vhosts=("/",))
    assert {row["vhost"] for row in api.get("exchanges", user=user)} == {"/"}
    response = api("GET", "queues/other", user=user)
    assert (response.status_code, response.json()) == (404, refusal("Not Found", "not_found"))
    assert [row["name"] for row in api.get("vhosts", user=user)] == ["/"]
    assert len(api.get("vhosts", user=add_user(api, "m", "monitoring"))) == 2


def test_permissions_on_objects_hold(api: Api) -> None:
    user = add_user(api, "u", "management", vhosts=("/",))
    assert api("PUT", "queues/%2F/mine", {}, user=user).status_code == 201
    response = api("PUT", "queues/%2F/yours", {}, user=user)
    assert (response.status_code, response.json()) == (401, refusal("Access refused.", "not_authorised"))


# ----------------------------------------------------------------------------------------------------------------- paths


@pytest.mark.parametrize("name", ["a%20b%2F%C3%BC", "%252F", "n" * 255, "%2F", "%F0%9F%90%87", "a+b"])
def test_any_name_is_found_again(api: Api, name: str) -> None:
    assert api("PUT", f"queues/%2F/{name}", {}).status_code == 201
    assert api.get(f"queues/%2F/{name}")["name"] == api.get("queues")[0]["name"]
    assert api("DELETE", f"queues/%2F/{name}").status_code == 204


def test_a_name_that_is_not_utf8_shows_as_such(api: Api) -> None:
    assert api("PUT", "queues/%2F/bad%FF", {}).status_code == 201
    assert api.get("queues")[0]["name"] == "bad\ufffd"
    assert api("DELETE", "queues/%2F/bad%FF").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "overview", "HEAD, GET, OPTIONS"),
        ("DELETE", "queues", "HEAD, GET, OPTIONS"),
        ("GET", "exchanges/%2F/amq.direct/publish", "POST, OPTIONS"),
        ("PATCH", "queues/%2F/q", "HEAD, GET, PUT, DELETE, OPTIONS"),
        ("GET", "reset", "DELETE, OPTIONS"),
        ("PUT", "queues/%2F/", "HEAD, GET, OPTIONS"),
    ],
)
def test_a_method_that_a_path_does_not_have(api: Api, method: str, path: str, allow: str) -> None:
    response = api(method, path)
    assert (response.status_code, response.text, response.headers["allow"]) == (405, "", allow)


@pytest.mark.parametrize(
    "path", ["nope", "federation-links", "shovels", "queues/nope", "queues/%2F/nope", "nodes/nope"]
)
def test_what_is_not_there(api: Api, path: str) -> None:
    response = api("GET", path)
    assert (response.status_code, response.json()) == (404, MISSING)


def test_only_requests_that_change_something_are_told(api: Api) -> None:
    api.get("queues")
    assert api.changes == 0
    api("PUT", "queues/%2F/q", {})
    assert api.changes == 1


# ----------------------------------------------------------------------------------------------------------------- lists


@pytest.fixture
def five(api: Api) -> Api:
    for name in ("b", "A", "a1", "c", "a2"):
        api("PUT", f"queues/%2F/{name}", {"durable": True})
    return api


def names(found: Any) -> str:
    return " ".join(row["name"] for row in (found["items"] if isinstance(found, dict) else found))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "A a1 a2 b c"),
        ("sort=name&sort_reverse=true", "c b a2 a1 A"),
        ("sort=nope", "A a1 a2 b c"),
        ("name=a", "A a1 a2 b c"),
        ("page=1&name=a", "A a1 a2"),
        ("page=1&name=%5Ea%5Cd&use_regex=true", "a1 a2"),
        ("page=1&name=%5B&use_regex=true", ""),
        ("page=2&page_size=2", "a2 b"),
        ("page_size=2", "A a1 a2 b c"),
    ],
)
def test_lists_are_sorted_filtered_and_paged(five: Api, query: str, expected: str) -> None:
    assert names(five.get(f"queues?{query}")) == expected


def test_a_page_tells_how_many_there_are(five: Api) -> None:
    page = five.get("queues?page=1&page_size=2&name=a&columns=name")
    assert page == {
        "filtered_count": 3,
        "item_count": 2,
        "items": [{"name": "A"}, {"name": "a1"}],
        "page": 1,
        "page_count": 2,
        "page_size": 2,
        "total_count": 5,
    }


@pytest.mark.parametrize(
    ("query", "error", "reason"),
    [
        (
            "page=0",
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 0, page size undefined",
        ),
        (
            "page=1&page_size=501",
            "invalid_pagination_parameters",
            "Invalid pagination parameters: page number 1, page size 501",
        ),
        ("page=abc", "bad_request", "Pagination parameters are invalid"),
        ("page=99&page_size=10", "page_out_of_range", "Page out of range, page: 99 page size: 10, len: 5"),
    ],
)
def test_pages_that_cannot_be(five: Api, query: str, error: str, reason: str) -> None:
    response = five("GET", f"queues?{query}")
    assert (response.status_code, response.json()) == (400, refusal(reason, error))


def test_columns(five: Api) -> None:
    assert five.get("queues?columns=arguments.x-queue-type,name")[0] == {
        "arguments": {"x-queue-type": "classic"},
        "name": "A",
    }
    assert five.get("queues?columns=nope") == [[]] * 5
    assert five.get("queues?columns=") == [[]] * 5
    assert five.get("queues/%2F/b?columns=name,messages") == {"messages": 0, "name": "b"}


# -------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        (
            "queues/%2F/q",
            {"durable": False},
            400,
            "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'",
        ),
        (
            "queues/%2F/x",
            {"arguments": {"x-message-ttl": "soon"}},
            400,
            "invalid arg 'x-message-ttl' for queue 'x' in vhost '/': \"expected integer, got longstr\"",
        ),
        ("queues/%2F/x", {"durable": "yes please"}, 400, ["not_boolean", "yes please"]),
        ("queues/%2F/" + "n" * 256, {}, 400, "queue should be less than 255 bytes, actually was 256\n"),
        ("exchanges/%2F/x", {"type": "nope"}, 400, "unknown exchange type 'nope'"),
        ("vhosts/v", {"default_queue_type": "nope"}, 400, "nope is not a valid queue type"),
        ("users/u", {"password": "x"}, 400, "tags_not_present"),
        ("users/u", {"password_hash": "!!!", "tags": ""}, 400, ["not_base64", "!!!"]),
        (
            "users/u",
            {"password": "x", "password_hash": "aaaa", "tags": ""},
            400,
            "both_password_and_password_hash_are_provided",
        ),
        ("users/u", {"password": 5, "tags": ""}, 400, ["not_string", "password"]),
        ("permissions/%2F/guest", {"configure": None, "write": "", "read": ""}, 400, ["not_string", "configure"]),
        ("permissions/%2F/nope", {"configure": "", "write": "", "read": ""}, 400, "vhost_or_user_not_found"),
        ("permissions/%2F/guest", {"configure": ""}, 400, "[{key_missing,write},{key_missing,read}]"),
        ("policies/%2F/p", {"pattern": ".*", "definition": {}}, 400, "Validation failed\n\nno policy provided\n"),
        (
            "policies/%2F/p",
            {"pattern": ".*", "definition": {"nope": 1}},
            400,
            'Validation failed\n\n[{<<"nope">>,1}] are not recognised policy settings\n',
        ),
        (
            "vhost-limits/%2F/max-queues",
            {"value": "x"},
            400,
            'Validation failed\n\nmax-queues should be a number, actually was <<"x">>\n',
        ),
        ("user-limits/nope/max-channels", {"value": 5}, 400, ["no_such_user", "nope"]),
        ("parameters/nope/%2F/x", {"value": 1}, 400, "Validation failed\n\ncomponent nope not found\n"),
        ("queues/nope/q", {}, 404, "vhost_not_found"),
    ],
)
def test_refusals_are_in_the_words_of_rabbitmq(api: Api, path: str, body: Any, status: int, reason: Any) -> None:
    api("PUT", "queues/%2F/q", {"durable": True})
    response = api("PUT", path, body)
    assert (response.status_code, response.json()["reason"]) == (status, reason)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"durable": tru', "not_json"),
        (b"[1]", "not_json"),
        (b"\xff", "not_json"),
        (b'"x"', "invalid payload: the request body JSON-decoded to a string. Is the input doubly-JSON-encoded?"),
    ],
)
def test_bodies_that_are_no_objects(api: Api, content: bytes, reason: str) -> None:
    response = api("PUT", "queues/%2F/q", content=content)
    assert (response.status_code, response.json()) == (400, refusal(reason))


def test_no_body_and_null_are_an_empty_object(api: Api) -> None:
    assert [
        api("PUT", f"queues/%2F/{name}", content=body).status_code for name, body in (("a", b""), ("b", b"null"))
    ] == [
        201,
        201,
    ]


def test_bindings_are_addressed_by_their_properties_key(api: Api) -> None:
    api("PUT", "queues/%2F/q", {})
    response = api("POST", "bindings/%2F/e/amq.direct/q/q", {"routing_key": "new key"})
    assert (response.status_code, response.headers["location"]) == (201, "q/new%2Bkey")
    assert api("POST", "bindings/%2F/e/amq.direct/q/q", {}).headers["location"] == "q/~"
    assert api.get("bindings/%2F/e/amq.direct/q/q/new%2Bkey")["routing_key"] == "new key"
    for key in ("~", "new%2Bkey"):
        assert api("DELETE", f"bindings/%2F/e/amq.direct/q/q/{key}").status_code == 204
        assert api("DELETE", f"bindings/%2F/e/amq.direct/q/q/{key}").status_code == 404


# -------------------------------------------------------------------------------------------------------------- messages


def publish(api: Api, **more: Any) -> Any:
    message = {"routing_key": "q", "properties": {}, "payload": "héllo", "payload_encoding": "string", **more}
    return api("POST", "exchanges/%2F/amq.default/publish", message)


def get(api: Api, mode: str, **more: Any) -> Any:
    return api("POST", "queues/%2F/q/get", {"count": 5, "ackmode": mode, "encoding": "auto", **more}).json()


def test_a_message_comes_back_with_its_properties(api: Api) -> None:
    api("PUT", "queues/%2F/q", {"durable": True})
    properties = {"delivery_mode": 2, "headers": {"n": 5, "l": [1, "x"]}, "timestamp": 1700000000, "message_id": "m"}
    assert publish(api, properties=properties).json() == {"routed": True}
    [message] = get(api, "ack_requeue_true")
    assert message["properties"] == properties
    assert (message["payload"], message["payload_bytes"], message["redelivered"]) == ("héllo", 6, False)
    [message] = get(api, "reject_requeue_true", truncate=2, encoding="base64")
    assert (message["payload"], message["redelivered"]) == (b64encode(b"h\xc3").decode(), True)
    assert api.get("queues/%2F/q")["messages_persistent"] == 1
    assert len(get(api, "ack_requeue_false")) == 1
    assert get(api, "reject_requeue_false") == []


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"payload": "!!!", "payload_encoding": "base64"}, ["not_base64", "!!!"]),
        ({"payload_encoding": "rot13"}, ["unsupported_encoding", "rot13"]),
        ({"payload": 5}, "payload_not_string"),
        ({"properties": {"delivery_mode": "two"}}, ["not_int", "delivery_mode"]),
        (
            {"properties": {"expiration": "soon"}},
            "406 PRECONDITION_FAILED - invalid expiration 'soon': no_integer",
        ),
        (
            {"properties": {"user_id": "mon"}},
            "406 PRECONDITION_FAILED - user_id property set to 'mon' but authenticated user was 'guest'",
        ),
    ],
)
def test_messages_that_cannot_be_published(api: Api, more: Any, reason: Any) -> None:
    response = publish(api, **more)
    assert (response.status_code, response.json()) == (400, refusal(reason))


def test_nobody_gets_it(api: Api) -> None:
    assert publish(api, routing_key="nowhere").json() == {"routed": False}


def test_rates_are_the_growth_between_two_looks(api: Api) -> None:
    api("PUT", "queues/%2F/q", {})
    api.pass_time(2)
    for _ in range(10):
        publish(api)
    api.pass_time(2)
    stats = api.get("queues/%2F/q")["message_stats"]
    assert (stats["publish"], stats["publish_details"]["rate"]) == (10, 5.0)
    assert api.get("overview")["message_stats"]["publish_details"]["rate"] == 5.0
    api.pass_time(2)
    assert api.get("queues/%2F/q")["message_stats"]["publish_details"]["rate"] == 0.0
