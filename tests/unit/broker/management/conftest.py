"""The HTTP API of a broker in this process: called without a socket, or with a real one beside an AMQP listener."""

import asyncio
from typing import Any

import httpx
import pytest

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.management.app import create_app

from ..chance import Seeded

GUEST = ("guest", "guest")


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Api:
    """Calls the application itself. `changes` counts what the server was told."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.broker = Broker(Node(self.clock, Seeded()))
        self.broker.seed()
        self.changes = 0
        self._app = create_app(self.broker, amqp_port=5672, http_port=15672, changed=self._changed)

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        user: tuple[str, str] | None = GUEST,
        client: str = "127.0.0.1",
        **more: Any,
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._app, client=(client, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as each:
                given = {"json": body} if body is not None else {}
                return await each.request(method, f"/api/{path}", auth=user, **given, **more)

        return asyncio.run(ask())

    def get(self, path: str, **more: Any) -> Any:
        response = self("GET", path, **more)
        assert response.status_code == 200, response.text
        return response.json()

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.broker.node.tick()

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
def api() -> Api:
    return Api()
