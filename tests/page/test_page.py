"""The page in a real browser, on made-up answers of the HTTP API and on the demo's broker.

apt-get install chromium && python -m pytest tests/page
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest

from rmqctl.broker.management.page import PAGE, policy
from rmqctl.demo.embedded import EmbeddedBroker
from rmqctl.demo.play import living_world

from .chromium import Browser, browser

EVIL = "<img src=x onerror=alert(1)>"
LOGIN = "Basic " + b64encode(b"guest:gu\xc3\xa9st").decode()
CHANNELS = {"diligent": 7, "forgetful": 0}


def queue(name: str, ready: int = 0, unacked: int = 0, **fields: Any) -> dict[str, Any]:
    stats = {"publish_details": {"rate": 2.0}, "deliver_get_details": {"rate": 0.0}}
    counts = {"messages_ready": ready, "messages_unacknowledged": unacked, "consumers": 0}
    return {"name": name, "vhost": "/", "message_stats": stats, **counts, **fields}


def binding(source: str, destination: str, key: str) -> dict[str, Any]:
    ends = {"source": source, "destination": destination, "destination_type": "queue", "vhost": "/"}
    return {**ends, "routing_key": key, "arguments": {}}


def consumer(name: str, on: str) -> dict[str, Any]:
    details = {"name": f"{name} (1)", "user": EVIL}
    flags = {"ack_required": True, "prefetch_count": 1}
    return {"consumer_tag": name, "queue": {"name": on, "vhost": "/"}, "channel_details": details, **flags}


def answers(round_: int) -> dict[str, Any]:
    """What the API says the nth time: the diligent consumer acknowledges, the other one does not."""
    names = [EVIL, "task_queue", *(f"queue {number:02}" for number in range(48))]
    # The page reads the time from the Date of another answer, which knows whole seconds: not at the edge of 60.
    idle = (datetime.now(UTC) - timedelta(seconds=65)).strftime("%Y-%m-%dT%H:%M:%S.000+00:00")
    stats = {"publish_in_details": {"rate": 5.0}, "publish_out_details": {"rate": 5.0}}
    channels = [
        {"name": f"{name} (1)", "vhost": "/", "messages_unacknowledged": 3, "message_stats": {"ack": acked * round_}}
        for name, acked in CHANNELS.items()
    ]
    return {
        "whoami": {"name": "guest"},
        "overview": {"cluster_name": EVIL},
        "vhosts": [{"name": "/"}, {"name": EVIL}],
        "exchanges": [
            {"name": name, "vhost": "/", "type": "fanout", "message_stats": stats} for name in ("", "logs", EVIL)
        ],
        "queues": [queue(name, ready=round_, unacked=6 if name == "task_queue" else 0) for name in names],
        "bindings": [binding("logs", name, "") for name in names] + [binding(EVIL, EVIL, EVIL)],
        "consumers": [consumer(name, "task_queue") for name in CHANNELS],
        "channels": [channels[0], channels[1] | {"idle_since": idle}],
    }


@pytest.fixture
def made_up() -> Iterator[str]:
    """The URL of a server of made-up answers."""
    rounds = {"queues": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                html = PAGE.read_text(encoding="utf-8")
                self.reply(200, html, {"Content-Type": "text/html", "Content-Security-Policy": policy(html)})
            elif self.headers["Authorization"] != LOGIN:
                self.reply(
                    401, '{"reason": "Not_Authorized"}', {"WWW-Authenticate": 'Basic realm="RabbitMQ Management"'}
                )
            else:
                kind = urlsplit(self.path).path.split("/")[2]
                rounds["queues"] += kind == "queues"
                self.reply(200, json.dumps(answers(rounds["queues"])[kind]), {"Content-Type": "application/json"})

        def reply(self, status: int, text: str, headers: dict[str, str]) -> None:
            body = text.encode()
            self.send_response_only(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.send_header("Date", format_datetime(datetime.now(UTC), usegmt=True))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path / "profile") as page:
        page.size(1280, 900)
        yield page


def log_in(page: Browser, url: str, password: str) -> None:
    """As a person does, with the keyboard alone."""
    page.open(url)
    page.wait("location.href !== 'about:blank' && document.activeElement?.id === 'password'")
    page.type(password)
    page.press("Enter", 13, "\r")


def at_work(page: Browser, url: str) -> None:
    log_in(page, url, "guést")
    page.wait("!document.getElementById('app').hidden")


def test_a_wrong_password_is_told_and_can_be_corrected(page: Browser, made_up: str) -> None:
    log_in(page, made_up, "wrong")
    page.wait("document.getElementById('refused').textContent === 'Not_Authorized'")
    assert page.run("document.getElementById('app').hidden")
    assert [error for error in page.errors if "401" not in error] == []
    page.type("guést")
    page.press("Enter", 13, "\r")
    page.wait("!document.getElementById('app').hidden")
    assert page.run("document.getElementById('login').hidden")


def test_a_name_is_text_whatever_it_looks_like(page: Browser, made_up: str) -> None:
    at_work(page, made_up)
    assert page.run("document.images.length + document.querySelectorAll('img').length") == 0
    assert page.wait("document.getElementById('title').textContent") == EVIL
    assert EVIL in page.run("[...document.querySelectorAll('#table td:first-child')].map(cell => cell.textContent)")
    labels = page.run("[...document.querySelectorAll('.node')].map(node => node.getAttribute('aria-label'))")
    assert f"queue {EVIL}: 1 ready, 0 unacknowledged" in [label.replace(": 2", ": 1") for label in labels]
    assert page.errors == []


def test_the_forgetful_consumer_alone_is_red(page: Browser, made_up: str) -> None:
    at_work(page, made_up)
    page.wait("!document.getElementById('alert').hidden")
    names = (
        "[...document.querySelectorAll('.node.forgotten')].map(node => node.getAttribute('aria-label').split(':')[0])"
    )
    assert sorted(page.run(names)) == ["consumer forgetful", "queue task_queue"]
    assert f"forgetful on queue task_queue: 3 unacked for 60 s (forgetful (1), user {EVIL})" in page.run(
        "document.getElementById('alert').textContent.replace(/6\\d s/, '60 s')"
    )
    page.run("document.getElementById('seconds').value = 3600; beat()")
    page.wait("document.getElementById('alert').hidden")


def test_it_follows_the_broker_every_second_without_lag(page: Browser, made_up: str) -> None:
    at_work(page, made_up)
    page.wait("Number(document.querySelector('#table td:nth-child(2)').textContent) >= 3")
    assert page.run("document.querySelectorAll('.queue').length") == 50
    assert page.run("document.querySelectorAll('.edge.moving').length") == 51
    took = page.run("(() => { const from = performance.now(); for (let n = 0; n < 10; n++) draw(latest);"
                    " return (performance.now() - from) / 10; })()")  # fmt: skip
    assert took < 100, f"{took} ms to draw"


def test_the_keyboard_reaches_everything(page: Browser, made_up: str) -> None:
    at_work(page, made_up)
    page.run("document.querySelector('#trace button').focus()")
    page.press("Tab", 9)
    first = page.run("document.activeElement.getAttribute('aria-label')")
    assert first.startswith("exchange ")
    page.press("Enter", 13, "\r")
    assert page.run("document.activeElement.id") == "details-title"
    assert first.split(":")[0] == page.run("document.getElementById('details-title').textContent")
    page.press("Escape", 27)
    assert page.run("document.getElementById('details').hidden")
    page.wait("Number(document.querySelector('#table td:nth-child(2)').textContent) >= 3")
    assert page.run("document.activeElement.getAttribute('aria-label')") == first, "a new picture took the focus away"


def test_it_is_dark_and_narrow_where_that_is_asked_for(page: Browser, made_up: str) -> None:
    at_work(page, made_up)
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.run(background)
    page.size(400, 800, dark=True)
    assert page.run(background) != light
    assert page.wait("document.documentElement.scrollWidth <= innerWidth")


def test_log_out_forgets_the_login(page: Browser, made_up: str) -> None:
    at_work(page, made_up)
    page.run("document.getElementById('leave').click()")
    assert page.run("sessionStorage.length") == 0
    assert page.run("document.getElementById('app').hidden")


def test_the_world_of_the_demo(page: Browser) -> None:
    with EmbeddedBroker() as broker, living_world(broker.amqp_url, calm=0):
        log_in(page, broker.page, "guest")
        page.wait("!document.getElementById('app').hidden")
        page.run("document.getElementById('seconds').value = 2; beat()")
        text = page.wait("document.getElementById('alert').textContent")
        assert "forgetful worker on queue task_queue: 1 unacked for" in text
        assert page.run("document.querySelectorAll('#table tr').length") == 10
        page.wait("document.querySelectorAll('.edge.moving').length > 3")
        page.run("document.getElementById('seconds').value = 10; beat()")
        page.wait("document.querySelectorAll('.consumer.forgotten').length === 1")
    assert page.errors == []
