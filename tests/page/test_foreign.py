"""What a page of another site can do to the embedded broker in a real browser: nothing.

apt-get install chromium && python -m pytest tests/page
"""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from rmqctl.demo.embedded import EmbeddedBroker

from .chromium import Browser, browser

NAME = "foreign.example"
"""A host name that points to this machine."""
USERS = {"users": [{"name": "evil", "password": "evil", "tags": "administrator"}]}


@pytest.fixture
def broker() -> Iterator[str]:
    """Where it is: 127.0.0.1:PORT."""
    with EmbeddedBroker() as broker:
        yield f"127.0.0.1:{broker.http_port}"


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The URL of a page of another site, with nothing on it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>elsewhere</title>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{NAME}:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    with browser(tmp_path / "profile", f"--host-resolver-rules=MAP {NAME} 127.0.0.1") as page:
        yield page


def visit(page: Browser, url: str, script: str = "document.readyState === 'complete'") -> None:
    page.open(url)
    page.wait(f"location.href.startsWith({json.dumps(url)}) && {script}")


def of_broker(broker: str, path: str) -> Any:
    return httpx.get(f"http://{broker}/api/{path}", auth=("guest", "guest")).raise_for_status().json()


@pytest.mark.parametrize("path", ["definitions", "bindings/%2F/e/amq.direct/e/amq.topic"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
def test_a_form_with_a_login_in_its_url_changes_nothing(
    page: Browser, broker: str, elsewhere: str, kind: str, path: str
) -> None:
    visit(page, elsewhere)
    before, after = json.dumps({**USERS, "x": "|"}).split("|")
    page.run(
        f"""(() => {{
            const form = document.body.appendChild(document.createElement('form'));
            Object.assign(form, {{method: 'POST', enctype: '{kind}', action: 'http://guest:guest@{broker}/api/{path}'}});
            Object.assign(form.appendChild(document.createElement('input')),
                          {{name: {json.dumps(before)}, value: {json.dumps(after)}}});
            form.submit();
        }})()"""
    )
    page.wait("document.body?.innerText.includes('pages of other sites are refused')")
    assert [user["name"] for user in of_broker(broker, "users")] == ["guest"]
    assert [row for row in of_broker(broker, "bindings") if row["destination"] == "amq.topic"] == []


def test_a_script_with_a_login_changes_nothing_and_reads_nothing(page: Browser, broker: str, elsewhere: str) -> None:
    # The browser knows the log-in, and sends it along.
    page.open(f"http://guest:guest@{broker}/api/whoami")
    page.wait("document.body?.innerText.includes('administrator')")
    visit(page, elsewhere)
    send = (
        "method: 'POST', mode: 'no-cors', credentials: 'include', headers: {'Content-Type': 'text/plain'}, body: '{}'"
    )
    where = f"http://{broker}/api/bindings/%2F/e/amq.direct/e/amq.topic"
    assert page.run(f"fetch('{where}', {{{send}}}).then(answer => answer.type)") == "opaque"
    assert [row for row in of_broker(broker, "bindings") if row["destination"] == "amq.topic"] == []
    read = "credentials: 'include'"
    script = f"fetch('http://{broker}/api/users', {{{read}}}).then(answer => answer.text(), () => 'no')"
    assert page.run(script) == "no"


def test_a_foreign_name_for_this_machine_reads_nothing(page: Browser, broker: str) -> None:
    port = broker.partition(":")[2]
    visit(page, f"http://{NAME}:{port}/")
    page.wait("document.body.innerText.includes('is not a name of this broker')")
    login = "{headers: {Authorization: 'Basic ' + btoa('guest:guest')}}"
    assert page.run(f"fetch('/api/users', {login}).then(answer => answer.status)") == 403
    put = f"{{method: 'PUT', body: '{{\"tags\": \"\"}}', ...{login}}}"
    assert page.run(f"fetch('/api/users/evil', {put}).then(answer => answer.status)") == 403
    assert [user["name"] for user in of_broker(broker, "users")] == ["guest"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_broker_s_own_page_is_at_work(page: Browser, broker: str, elsewhere: str, host: str) -> None:
    visit(page, elsewhere)
    own = f"http://{host}:{broker.partition(':')[2]}/"
    # By a link of the other site, too.
    page.run(f"location.href = '{own}'")
    page.wait(f"location.href === '{own}' && document.activeElement?.id === 'password'")
    page.type("guest")
    page.press("Enter", 13, "\r")
    page.wait("!document.getElementById('app').hidden")
    assert page.errors == []
