"""Definitions that a page uploads: the answers to forms that RabbitMQ 4.3.6 gives."""

import json
from typing import Any

import httpx
import pytest

from rmqctl.broker.management.forms import NotAForm, fields

from .conftest import Api

DOCUMENT = json.dumps(
    {"queues": [{"name": "q", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}]}
).encode()
FILE = ("definitions.json", DOCUMENT, "application/json")


def upload(api: Api, path: str = "definitions", **form: Any) -> httpx.Response:
    return api("POST", path, **form)


def names(api: Api) -> list[str]:
    return [row["name"] for row in api.get("queues")]


@pytest.mark.parametrize("path", ["definitions", "definitions/%2F", "all-configuration"])
def test_a_file_of_a_form_is_imported(api: Api, path: str) -> None:
    assert upload(api, path, files={"file": FILE}).status_code == 204
    assert names(api) == ["q"]


def test_a_page_says_where_it_goes_on(api: Api) -> None:
    response = upload(api, files={"file": FILE}, data={"redirect": "../#/import-succeeded"})
    assert (response.status_code, response.headers["location"]) == (303, "../#/import-succeeded")
    assert names(api) == ["q"]


@pytest.mark.parametrize("files", [{"other": FILE}, {"file": ("x", b"abc")}, {"file": ("x", b"[1]")}])
def test_a_form_without_definitions(api: Api, files: dict[str, Any]) -> None:
    response = upload(api, files=files)
    assert (response.status_code, response.json()["reason"]) == (400, "failed_to_parse_json")


def test_an_empty_file_has_nothing(api: Api) -> None:
    assert upload(api, files={"file": ("x", b"")}).status_code == 204


@pytest.mark.parametrize("target", ["a\r\nSet-Cookie: a=b", "", "\u00e9"])
def test_a_page_cannot_write_headers(api: Api, target: str) -> None:
    assert upload(api, files={"file": FILE}, data={"redirect": target}).status_code == 400
    assert names(api) == []


@pytest.mark.parametrize("path", ["operator-policies/%2F/p", "vhost-limits/%2F/max-queues", "feature-flags/x/enable"])
def test_nothing_else_takes_a_form(api: Api, path: str) -> None:
    assert api("PUT", path, files={"file": FILE}).status_code == 415


def test_what_is_no_form(api: Api) -> None:
    for kind in ("multipart/form-data", "multipart/form-data; boundary=a"):
        response = api("POST", "definitions", content=b"{}", headers={"content-type": kind})
        assert response.status_code == 400
        assert response.json()["reason"].startswith("not a form: ")


def test_fields() -> None:
    head = b'Content-Disposition: form-data; filename="name=x"; name='
    part = b"--a b\r\n%b\r\n\r\n%b\r\n"
    body = b"".join(
        part % (head + name, value) for name, value in ((b'"f"', b"1"), (b"g", b"2\r\n--a"), (b'"f"', b"3"))
    )
    assert fields('Multipart/Form-Data; boundary="a b"', body + b"--a b--\r\n") == {b"f": b"3", b"g": b"2\r\n--a"}
    assert fields("multipart/form-data; boundary=a", b"--a--") == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--a\r\nContent-Disposition: form-data; name=f\r\n\r\n1\r\n",
        b"--a\r\nContent-Type: a/b\r\n\r\n1\r\n--a--",
        b"--a\r\nContent-Disposition: form-data; name=f\r\n--a--",
    ],
)
def test_forms_that_are_cut_short_or_have_no_names(body: bytes) -> None:
    with pytest.raises(NotAForm):
        fields("multipart/form-data; boundary=a", body)
