"""The HTTP API of a broker in this process: called without a socket, or with a real one beside an AMQP listener."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from time import time
from typing import Any, NamedTuple

import httpx
import pytest

from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.node import Node
from rmqctl.broker.management.app import create_app
from rmqctl.broker.process.http_server import HttpServer
from rmqctl.broker.process.server import Server

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


class Live(NamedTuple):
    amqp_port: int
    url: str
    http: httpx.Client


@pytest.fixture
def live() -> Iterator[Live]:
    """A broker with both listeners, on a loop of its own in another thread."""
    started = threading.Event()
    ports: list[int] = []
    stop: list[Callable[[], None]] = []

    async def serve() -> None:
        broker = Broker(Node(time, Seeded()), consumer_timeout=None)
        broker.seed()
        server = Server(broker)
        amqp, http = _socket(), _socket()
        await server.listen(amqp)
        ports.extend(each.getsockname()[1] for each in (amqp, http))
        api = HttpServer(server, ports[0], [http], "127.0.0.1")
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        stop.append(lambda: loop.call_soon_threadsafe(ended.set))
        await api.start()
        started.set()
        await ended.wait()
        await server.close()
        await api.stop()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert started.wait(10)
    url = f"http://guest:guest@127.0.0.1:{ports[1]}"
    with httpx.Client(base_url=f"http://127.0.0.1:{ports[1]}", auth=GUEST) as http:
        yield Live(ports[0], url, http)
    stop[0]()
    thread.join(10)


def _socket() -> socket.socket:
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.setblocking(False)
    return listening
