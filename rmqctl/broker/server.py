"""The broker on sockets: an asyncio protocol for each connection, the clock, the store's commits, and memory.

Everything happens on one event loop: the AMQP listener, the timers and, in the same process, the HTTP API.
"""

import asyncio
import socket
from typing import cast

from rmqctl.broker.broker import Broker
from rmqctl.broker.memory import resident_memory
from rmqctl.broker.session import Session

# Bytes that may wait in a socket before its consumers are held back.
_HIGH_WATER = 1 << 20
# How often the memory of the process is looked at, in seconds.
_MEMORY_CHECK = 1.0


class Connection(asyncio.Protocol):
    """Carries bytes between a socket and its session."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._loop = server.loop
        self._scheduled = False
        self._reading = True
        self.transport: asyncio.Transport
        self.session: Session

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._server.broker.now = self._server.broker.clock()
        peer, local = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        self.session = Session(self._server.broker, peer[:2], local[:2], self._wake)
        self._server.connections[self] = None

    def data_received(self, data: bytes) -> None:
        broker = self._server.broker
        broker.now = broker.clock()
        self.session.receive(data)
        self.read_or_wait()
        self._server.changed()

    def read_or_wait(self) -> None:
        """Stops reading from a publisher while the broker is short of memory."""
        if self.session.reads != self._reading and not self.transport.is_closing():
            self._reading = self.session.reads
            (self.transport.resume_reading if self._reading else self.transport.pause_reading)()

    def pause_writing(self) -> None:
        self.session.stop_output()

    def resume_writing(self) -> None:
        self.session.resume_output()

    def connection_lost(self, error: Exception | None) -> None:
        self._server.connections.pop(self, None)
        self.session.lost()
        self._server.changed()

    def _wake(self) -> None:
        """At the end of this turn of the loop, all that has gathered goes out at once."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        data = self.session.take()
        if data and not self.transport.is_closing():
            self.transport.write(data[0] if len(data) == 1 else b"".join(data))
        if self.session.finished and not self.session.out:
            self.transport.close()


class Server:
    """Runs a broker. `memory_limit` is in bytes: above it publishers are blocked; None for no limit."""

    def __init__(self, broker: Broker, *, memory_limit: int | None = None) -> None:
        self.broker = broker
        self.loop = asyncio.get_running_loop()
        self.connections: dict[Connection, None] = {}
        self.memory_limit = memory_limit
        self._listener: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        broker.timers.changed = self._schedule
        self._schedule()
        if memory_limit is not None:
            self._watch_memory()

    async def listen(self, listening: socket.socket) -> None:
        """Accepts connections on a socket that is bound (see `listeners.bind`)."""
        self._listener = await self.loop.create_server(lambda: Connection(self), sock=listening, backlog=1024)

    async def close(self) -> None:
        """Closes all connections with 320 and waits, not for long, until their clients have read it."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self.connections):
            connection.session.close(320, "broker forced connection closure with reason 'shutdown'")
        deadline = self.loop.time() + 2.0
        while self.connections and self.loop.time() < deadline:
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.transport.abort()
        if self._timer is not None:
            self._timer.cancel()

    def changed(self) -> None:
        """Something happened that the store has to know."""

    def _schedule(self) -> None:
        """Has the loop call when the broker's next timer is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (when := self.broker.timers.next()) is not None:
            self._timer = self.loop.call_later(max(0.0, when - self.broker.clock()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.broker.tick()
        self._schedule()
        self.changed()

    def _watch_memory(self) -> None:
        assert self.memory_limit is not None
        self.broker.set_alarm(resident_memory() > self.memory_limit)
        for connection in list(self.connections):
            connection.read_or_wait()
        self.loop.call_later(_MEMORY_CHECK, self._watch_memory)
