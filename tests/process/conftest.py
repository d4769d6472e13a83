"""Whole programs, terminals and sockets. What plays a broker, and runs rmqctl in this process, is as in the unit tests."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from time import time
from typing import NamedTuple

import httpx
import pytest

from rmqctl.broker.core.broker import Broker as EmbeddedBroker
from rmqctl.broker.core.node import Node
from rmqctl.broker.process.http_server import HttpServer
from rmqctl.broker.process.server import Server

from ..unit.broker.chance import Seeded
from ..unit.broker.management.conftest import GUEST
from ..unit.conftest import Broker, Ran, Terminal, _nothing_of_the_user, broker, recorded, run, run_with

__all__ = ["Broker", "Live", "Ran", "Terminal", "_nothing_of_the_user", "broker", "live", "recorded", "run", "run_with"]


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
        broker = EmbeddedBroker(Node(time, Seeded()), consumer_timeout=None)
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
