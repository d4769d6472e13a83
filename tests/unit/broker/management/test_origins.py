"""Pages of other sites get nothing, by whatever name they call the broker; programs and its own page are not in the way."""

from typing import Any

import pytest

from rmqctl.broker.management.origins import foreign_host, foreign_page, is_visit

from .conftest import Api

HOST = {"host": "127.0.0.1:15672"}
FORM = {"origin": "http://evil.example", "content-type": "text/plain"}
FETCH = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
LINK = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FRAME = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"}


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"sec-fetch-site": "none", **LINK}, False),
        ({"sec-fetch-site": "same-origin", **FETCH}, False),
        ({"origin": "http://127.0.0.1:15672"}, False),
        # Behind a proxy that speaks TLS and has a name of its own.
        ({"origin": "https://rabbit.example", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "http://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"origin": "http://[", "sec-fetch-site": "x"}, True),
        ({"origin": "http://127.0.0.1:8000"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:15672"}, True),
    ],
)
def test_pages_of_other_sites(headers: dict[str, str], foreign: bool) -> None:
    assert bool(foreign_page({**HOST, **headers})) == foreign


def test_a_link_is_no_frame() -> None:
    assert is_visit(LINK)
    assert not is_visit(FRAME)
    assert not is_visit({})


@pytest.mark.parametrize(
    ("host", "address", "name", "foreign"),
    [
        *((host, "127.0.0.1", "127.0.0.1", False) for host in ("localhost", "LOCALHOST:1", "127.9.9.9:5", "[::1]:15672")),
        *((host, "127.0.0.1", "localhost", True) for host in ("evil.example", "localhost.evil.example", "10.0.0.1", "box")),
        *((host, "127.0.0.1", "localhost", True) for host in ("", "[", "@", "x@localhost.example", "127.0.0.1.nip.io")),
        ("rabbit.lan:15672", "10.0.0.1", "rabbit.lan", False),
        ("10.0.0.1:15672", "10.0.0.1", "rabbit.lan", False),
        ("10.0.0.2:15672", "10.0.0.1", "rabbit.lan", True),
        ("other.lan", "10.0.0.1", "rabbit.lan", True),
        # All interfaces: a port that a container publishes, a service of a compose file, another machine.
        *((host, "0.0.0.0", "0.0.0.0", False) for host in ("10.0.0.1:15672", "rabbitmq:15672", "localhost", "[fe80::1]")),
        *((host, "::", "::", True) for host in ("evil.example", "rabbit.lan")),
    ],
)  # fmt: skip
def test_names_of_the_broker(host: str, address: str, name: str, foreign: bool) -> None:
    assert bool(foreign_host({"host": host}, address, name)) == foreign


def test_programs_that_name_no_host_are_served() -> None:
    assert foreign_host({}, "127.0.0.1", "localhost") == ""


@pytest.mark.parametrize("headers", [FORM, {"sec-fetch-site": "cross-site"}, {"host": "evil.example:15672"}])
@pytest.mark.parametrize(("method", "path"), [("PUT", "users/evil"), ("GET", "users"), ("OPTIONS", "users")])
def test_they_are_refused_and_nothing_happens(api: Api, method: str, path: str, headers: Any) -> None:
    body = {"password": "x", "tags": "administrator"} if method == "PUT" else None
    response = api(method, path, body, headers=headers)
    assert response.status_code == 403
    assert response.json()["error"] == "forbidden"
    assert "access-control-allow-origin" not in response.headers
    assert [user["name"] for user in api.get("users")] == ["guest"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec-fetch-site": "cross-site", **LINK}, 200),
        ({"sec-fetch-site": "none", **LINK}, 200),
        ({"sec-fetch-site": "cross-site", **FRAME}, 403),
        ({"sec-fetch-site": "cross-site", **FETCH}, 403),
        ({"host": "evil.example", "sec-fetch-site": "none", **LINK}, 403),
    ],
)
def test_other_sites_may_link_to_the_page(api: Api, headers: dict[str, str], status: int) -> None:
    assert api("GET", "../", headers=headers).status_code == status
