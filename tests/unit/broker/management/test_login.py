"""Logging in by a form, and paths that connect as a client of the user: the answers that RabbitMQ 4.3.6 was recorded with."""

from base64 import b64encode
from typing import Any

import pytest

from .conftest import Api

FORM = {"content-type": "application/x-www-form-urlencoded"}
MESSAGE = {"routing_key": "x", "properties": {}, "payload": "", "payload_encoding": "string"}
GET = {"ackmode": "ack_requeue_true", "count": 1, "encoding": "auto"}


def test_a_form_is_answered_with_what_requests_are_to_carry(api: Api) -> None:
    response = api("POST", "login", user=None, content="username=guest&password=guest", headers=FORM)
    assert (response.status_code, response.json()) == (
        200,
        {
            "user": {"name": "guest", "tags": ["administrator"], "is_internal_user": True},
            "token": {"type": "basic", "value": b64encode(b"guest:guest").decode()},
        },
    )
    assert api("DELETE", "login", user=None).status_code == 204


@pytest.mark.parametrize("form", ["", "username=guest", "username=guest&password=wrong", "{}"])
def test_a_form_without_the_right_password_is_refused(api: Api, form: str) -> None:
    response = api("POST", "login", content=form, headers=FORM)
    assert (response.status_code, response.json()["reason"]) == (401, "Not_Authorized")


def test_a_form_by_another_name_is_none(api: Api) -> None:
    response = api("POST", "login", content="username=guest&password=guest", headers={"content-type": "text/plain"})
    assert response.status_code == 415


def test_guest_logs_in_from_this_machine_only(api: Api) -> None:
    response = api("POST", "login", content="username=guest&password=guest", headers=FORM, client="10.0.0.1")
    assert (response.status_code, response.json()["reason"]) == (401, "User can only log in via localhost")


MANAGEMENT, UNTAGGED = ("m", "secret"), ("u", "secret")


@pytest.mark.parametrize(
    ("method", "path", "user", "failed", "succeeded"),
    [
        ("GET", "whoami", MANAGEMENT, 0, 1),
        ("GET", "whoami", UNTAGGED, 1, 0),
        ("GET", "whoami", ("m", "wrong"), 1, 0),
        ("GET", "whoami", ("nobody", ""), 1, 0),
        ("GET", "whoami", None, 0, 0),
        ("GET", "users", MANAGEMENT, 1, 0),
        ("GET", "queues/%2F", MANAGEMENT, 1, 0),
        ("GET", "queues/none", MANAGEMENT, 0, 1),
        ("GET", "queues/none", ("guest", "guest"), 0, 1),
        ("PATCH", "queues", ("guest", "guest"), 0, 0),
        ("GET", "none", ("guest", "guest"), 0, 0),
    ],
)
def test_an_attempt_fails_at_whatever_the_user_may_not(
    api: Api, method: str, path: str, user: tuple[str, str] | None, failed: int, succeeded: int
) -> None:
    for (name, password), tags in ((MANAGEMENT, "management"), (UNTAGGED, "")):
        api("PUT", f"users/{name}", {"password": password, "tags": tags})
    api.broker.attempts.clear()
    api(method, path, user=user)
    rows = [row for row in api.broker.attempts.rows() if row["protocol"] == "http"]
    counts = [(row["auth_attempts_failed"], row["auth_attempts_succeeded"]) for row in rows]
    assert counts == ([(failed, succeeded)] if failed or succeeded else [])


@pytest.mark.parametrize(("password", "failed"), [("guest", 0), ("wrong", 1)])
def test_logging_in_by_a_form_is_an_attempt(api: Api, password: str, failed: int) -> None:
    api("POST", "login", content=f"username=guest&password={password}", headers=FORM, user=None)
    [row] = api.broker.attempts.rows()
    assert (row["auth_attempts"], row["auth_attempts_failed"]) == (1, failed)


@pytest.mark.parametrize("limits", ["vhost-limits/%2F", "user-limits/guest"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "aliveness-test/%2F", None),
        ("POST", "exchanges/%2F/amq.direct/publish", MESSAGE),
        ("POST", "queues/%2F/q/get", GET),
    ],
)
def test_where_no_more_clients_may_connect_the_api_may_not_either(
    api: Api, limits: str, method: str, path: str, body: Any
) -> None:
    api("PUT", "queues/%2F/q", {})
    assert api(method, path, body).status_code == 200
    assert api("PUT", f"{limits}/max-connections", {"value": 0}).status_code == 204
    response = api(method, path, body)
    assert (response.status_code, response.json()) == (
        401,
        {"error": "not_authorised", "reason": "Access refused."},
    )
