"""What a person does with the page: find a queue among many, look into it, publish, get, declare, delete, trace.

apt-get install chromium && python -m pytest tests/page
"""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from rmqctl.demo.embedded import EmbeddedBroker

from .chromium import Browser, browser

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def api() -> Iterator[httpx.Client]:
    """A client of a new broker's HTTP API."""
    with (
        EmbeddedBroker() as broker,
        httpx.Client(base_url=f"http://127.0.0.1:{broker.http_port}", auth=("guest", "guest")) as client,
    ):
        yield client


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path / "profile") as page:
        page.size(1280, 900)
        yield page


def at_work(page: Browser, api: httpx.Client) -> None:
    page.open(str(api.base_url))
    page.wait("location.href !== 'about:blank' && document.activeElement?.id === 'password'")
    page.type("guest")
    page.press("Enter", 13, "\r")
    page.wait("!document.getElementById('app').hidden")


def declare(api: httpx.Client, *names: str) -> None:
    objects = [{"name": name, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}} for name in names]
    api.post("/api/definitions", json={"queues": objects}).raise_for_status()


def ready(api: httpx.Client, name: str) -> int:
    found: int = api.get(f"/api/queues/%2F/{name}").raise_for_status().json()["messages_ready"]
    return found


def open_queue(page: Browser, name: str) -> None:
    page.wait(f"[...document.querySelectorAll('.name')].find(each => each.textContent === {json.dumps(name)})?.click(),"
              f" document.getElementById('details-title').textContent === {json.dumps('queue ' + name)}")  # fmt: skip


def fill(page: Browser, form: str, **values: str) -> None:
    for name, value in values.items():
        page.run(f"document.querySelector('#{form} [name={name}]').value = {json.dumps(value)}")
    page.run(f"document.getElementById('{form}').requestSubmit()")


def says(page: Browser, where: str, part: str) -> None:
    page.wait(f"document.getElementById('{where}').textContent.includes({json.dumps(part)})")


def test_an_empty_broker_says_what_to_do(page: Browser, api: httpx.Client) -> None:
    at_work(page, api)
    assert page.wait("!document.getElementById('empty').hidden")
    command = page.run("document.getElementById('command').textContent")
    assert command == f"rmqctl --url {str(api.base_url).rstrip('/')} declare queue hello"
    fill(page, "declare-queue", name="hello")
    page.wait("document.getElementById('empty').hidden")


def test_a_message_is_published_read_and_purged(page: Browser, api: httpx.Client) -> None:
    declare(api, "hello")
    at_work(page, api)
    open_queue(page, "hello")
    fill(page, "publish", payload="Grüße <b>")
    says(page, "done", "Published.")
    page.run("document.getElementById('get').click()")
    says(page, "message", "Grüße <b>")
    assert ready(api, "hello") == 1, "get lost the message"
    page.run("document.getElementById('purge').click()")
    page.wait("document.getElementById('question').open")
    page.press("Escape", 27)
    page.wait("!document.getElementById('question').open")
    assert ready(api, "hello") == 1
    page.run("document.getElementById('purge').click(); document.getElementById('sure').click()")
    says(page, "done", "purged")
    assert ready(api, "hello") == 0
    assert page.wait("document.querySelector('#depth polyline').getAttribute('points').split(' ').length > 1")
    assert "ready" in page.run("document.getElementById('depth').getAttribute('aria-label')")
    says(page, "details-text", '"auto_delete"')
    assert page.errors == []


def test_a_queue_is_deleted_after_a_question(page: Browser, api: httpx.Client) -> None:
    declare(api, "old")
    at_work(page, api)
    open_queue(page, "old")
    page.run("document.getElementById('delete').click()")
    says(page, "question-text", "Delete queue old")
    assert page.run("document.activeElement.textContent") == "Cancel"
    page.press("Tab", 9)
    page.press("Enter", 13, "\r")
    page.wait("document.getElementById('details').hidden")
    assert api.get("/api/queues").json() == []


def test_what_is_declared_is_traced(page: Browser, api: httpx.Client) -> None:
    at_work(page, api)
    fill(page, "declare-exchange", name="logs", type="topic")
    says(page, "declared", "Exchange logs is declared")
    for name in ("errors", "all"):
        fill(page, "declare-queue", name=name)
        says(page, "declared", f"Queue {name} is declared")
    for name, key in (("errors", "*.error"), ("all", "#")):
        fill(page, "declare-binding", source="logs", destination=name, key=key)
        says(page, "declared", f"{name} is bound")
    page.wait("[...document.getElementById('trace-exchange').options].some(each => each.text === 'logs')")
    page.run("document.getElementById('trace-exchange').value = JSON.stringify(['exchange', '/', 'logs'])")
    page.run(
        "document.getElementById('trace-key').value = 'disk.info'; document.getElementById('trace').requestSubmit()"
    )
    says(page, "trace-result", "Reaches 1 queue: all.")
    page.wait(
        "document.querySelectorAll('.node.lit').length === 2 && document.querySelectorAll('.edge.lit').length === 1"
    )
    page.run(
        "document.getElementById('trace-key').value = 'disk.error'; document.getElementById('trace').requestSubmit()"
    )
    says(page, "trace-result", "Reaches 2 queues")
    page.wait("document.querySelectorAll('.edge.lit').length === 2")
    page.run("document.getElementById('untrace').click()")
    page.wait("document.querySelectorAll('.lit').length === 0")


def test_a_refusal_is_a_sentence(page: Browser, api: httpx.Client) -> None:
    at_work(page, api)
    fill(page, "declare-exchange", name="amq.mine")
    says(page, "declared", "Could not declare exchange amq.mine: Access refused.")
    assert not page.run("document.getElementById('app').hidden")


def test_five_thousand_queues(page: Browser, api: httpx.Client) -> None:
    declare(api, *(f"queue {number:04}" for number in range(5000)))
    at_work(page, api)
    says(page, "where", "1 to 100 of 5000")
    assert page.run("document.querySelectorAll('#table tr').length") == 100
    assert page.run("document.querySelectorAll('.node.queue').length") == 60
    says(page, "cut", "The picture shows 60 of 5000 queues.")
    page.run("document.getElementById('after').click()")
    says(page, "where", "101 to 200 of 5000")
    page.run("document.getElementById('filter').focus()")
    page.type("4321")
    says(page, "where", "1 to 1 of 1")
    page.wait("document.querySelectorAll('.node.queue').length === 1")
    open_queue(page, "queue 4321")


def test_connections_users_and_policies_are_read(page: Browser, api: httpx.Client) -> None:
    policy = {"pattern": "^a", "definition": {"max-length": 5}, "apply-to": "queues"}
    api.put("/api/policies/%2F/short", json=policy).raise_for_status()
    at_work(page, api)
    for name in ("connections", "users", "policies"):
        page.run(f"document.querySelector('[data-list={name}]').open = true")
    page.wait("document.querySelector('[data-list=users] table').textContent.includes('administrator')")
    page.wait("document.querySelector('[data-list=policies] table').textContent.includes('max-length')")
    page.wait("document.querySelector('[data-list=connections] p').textContent === 'There are no connections.'")


def test_hostile_names_are_text_everywhere(page: Browser, api: httpx.Client) -> None:
    declare(api, EVIL)
    at_work(page, api)
    open_queue(page, EVIL)
    fill(page, "publish", payload=EVIL)
    says(page, "done", "Published.")
    page.run("document.getElementById('get').click()")
    says(page, "message", EVIL)
    page.run("document.getElementById('purge').click()")
    says(page, "question-text", EVIL)
    assert page.run("document.querySelectorAll('img').length") == 0
    assert page.errors == []


def test_a_phone_shows_everything_without_scrolling_sideways(page: Browser, api: httpx.Client) -> None:
    declare(api, "hello", "x" * 200)
    page.size(375, 700, dark=True)
    at_work(page, api)
    assert page.wait("document.documentElement.scrollWidth <= 375")
    open_queue(page, "x" * 200)
    assert page.run("document.documentElement.scrollWidth <= 375")
    assert page.run("document.getElementById('details').scrollWidth <= 375")
