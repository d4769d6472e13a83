"""Bodies: nobody's is kept who is not let in, all of them together are no more than so much, and they come in time."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.management import bodies
from rmqctl.broker.management.app import create_app

from ..client import new_broker

LOGIN = (b"authorization", b"Basic " + b64encode(b"guest:guest"))
WRONG = (b"authorization", b"Basic " + b64encode(b"guest:wrong"))
PART = b"x" * 1_000_000


class Upload:
    """A request whose body comes in parts; None: the client is gone, or with `slow` nothing comes any more."""

    def __init__(self, *parts: bytes | None, headers: Any = (LOGIN,), slow: bool = False) -> None:
        self._parts = list(parts)
        self._slow = slow
        self._headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), *headers]
        self.read = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        part = self._parts.pop(0) if self._parts else None
        if part is None:
            if self._slow:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        self.read += len(part)
        return {"type": "http.request", "body": part, "more_body": bool(self._parts) or self._slow}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def to(self, app: Any) -> int | None:
        """The status of the answer."""
        scope = {"type": "http", "method": "POST", "path": "/api/definitions", "raw_path": b"/api/definitions"}
        scope |= {"query_string": b"", "headers": self._headers, "client": ("127.0.0.1", 5)}
        await app(scope, self.receive, self.send)
        return self.sent[0]["status"] if self.sent else None

    @property
    def closes(self) -> bool:
        return (b"connection", b"close") in self.sent[0]["headers"]


def app(broker: Broker | None = None) -> Any:
    return create_app(broker or new_broker(), amqp_port=5672)


@pytest.mark.parametrize("headers", [(), (WRONG,)])
def test_who_is_not_let_in_is_told_so_whatever_he_sends(headers: Any) -> None:
    upload = Upload(*[PART] * 100, headers=headers)
    assert asyncio.run(upload.to(app())) == 401
    assert upload.read <= bodies.LARGEST + len(PART)
    assert upload.closes


def test_who_is_not_let_in_may_go_on_after_a_short_body() -> None:
    upload = Upload(PART, b"", headers=())
    assert asyncio.run(upload.to(app())) == 401
    assert not upload.closes


def test_who_waits_to_be_asked_for_his_body_is_not() -> None:
    refused = Upload(PART, headers=((b"expect", b"100-continue"), WRONG))
    assert asyncio.run(refused.to(app())) == 401
    assert (refused.read, refused.closes) == (0, True)


def test_a_body_that_is_too_large_is_refused_once_it_is_there() -> None:
    upload = Upload(*[PART] * 30)
    assert asyncio.run(upload.to(app())) == 400
    assert b"Exceeded HTTP request body size limit" in upload.sent[1]["body"]


def test_a_body_without_end_is_not_read_for_ever() -> None:
    upload = Upload(*[PART] * 1000)
    assert asyncio.run(upload.to(app())) == 413
    assert upload.read <= 2 * bodies.LARGEST + len(PART)
    assert upload.closes


def test_all_bodies_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_HELD", 10_000_000)
    monkeypatch.setattr(bodies, "SECONDS", 0.3)

    async def many() -> list[int | None]:
        """All wait with most of a body that never ends."""
        to = app()
        uploads = [Upload(*[PART] * 3, slow=True) for _ in range(10)]
        return await asyncio.gather(*(upload.to(to) for upload in uploads), Upload(b"{}").to(to))

    *found, last = asyncio.run(many())
    assert sorted(set(found)) == [408, 503]  # type: ignore[type-var]
    assert found.count(503) >= 6
    assert last == 204

    async def afterwards() -> int | None:
        to = app()
        for _ in range(20):
            assert await Upload(b"{" + b" " * 1_000_000 + b"}").to(to) == 204
        return await Upload(b"{}").to(to)

    assert asyncio.run(afterwards()) == 204


@pytest.mark.parametrize("headers", [(LOGIN,), (WRONG,)])
def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, headers: Any) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.05)
    upload = Upload(b"{", headers=headers, slow=True)
    assert asyncio.run(upload.to(app())) == (408 if headers == (LOGIN,) else 401)
    assert upload.closes


@pytest.mark.parametrize("headers", [(LOGIN,), (WRONG,), ()])
def test_a_client_that_is_gone_within_its_body_is_no_error(headers: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert asyncio.run(Upload(b"{", None, headers=headers).to(app())) is None
    assert caplog.records == []


def test_who_is_deleted_while_his_body_comes_is_not_let_in() -> None:
    broker = new_broker()

    class Deleted(Upload):
        async def receive(self) -> dict[str, Any]:
            if "guest" in broker.users:
                broker.delete_user("guest")
            return await super().receive()

    assert asyncio.run(Deleted(b"{}").to(app(broker))) == 401
