"""The HTTP API and the page on a listening socket, on the broker's own loop."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from socket import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from rmqctl.broker.management.app import create_app
from rmqctl.broker.process.server import Server

HEAD_SECONDS = 5.0
"""How long a connection may take until its next request is there, but for the body (RabbitMQ's request_timeout)."""
_LINGER_SECONDS = 60.0
# Bytes of the head of a request.
_LONGEST_HEAD = 65_536


class HttpServer:
    """Listens on sockets that are bound to one address; `name` is what the broker was told to listen on."""

    def __init__(self, server: Server, amqp_port: int, sockets: Sequence[socket], name: str) -> None:
        self._sockets = sockets
        host, http_port = sockets[0].getsockname()[:2]
        app = create_app(
            server.broker, amqp_port=amqp_port, http_port=http_port, host=host, name=name, changed=server.changed
        )
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=HttpConnection,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                log_level="error",
                timeout_graceful_shutdown=1,
                h11_max_incomplete_event_size=_LONGEST_HEAD,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve(list(self._sockets)))
        while not self._server.started:
            if self._task.done():
                self._task.result()
            await asyncio.sleep(0.002)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task


class HttpConnection(H11Protocol):
    """Is closed when the head of its next request takes too long, or never comes."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_longer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_longer()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._wait_no_longer()
        self._patience = self.loop.call_later(HEAD_SECONDS, self._end)

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _end(self) -> None:
        """What was answered may still go out, for a while."""
        self.transport.close()
        self._patience = self.loop.call_later(_LINGER_SECONDS, self.transport.abort)


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The signals are the broker's."""
        yield
