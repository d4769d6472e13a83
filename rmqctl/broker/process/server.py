"""The broker on sockets: an asyncio protocol for each connection, the clock, the store's commits, and memory.

Everything happens on one event loop: the AMQP listener, the timers and, in the same process, the HTTP API.
"""

import asyncio
import logging
import socket
from typing import cast

from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.shield import shielded
from rmqctl.broker.memory import MemoryAlarm, resident_memory
from rmqctl.broker.storage.store import Store
from rmqctl.broker.storage.writer import ThreadWriter

# Bytes that may wait in a socket before its consumers are held back.
_HIGH_WATER = 1 << 20
# How often the memory of the process is looked at, in seconds.
_MEMORY_CHECK = 0.2
# What a message takes beside its body, in bytes.
_ENTRY = 700
_UNITS = (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000))

log = logging.getLogger("rmqctl.broker")


class ClientSocket(asyncio.Protocol):
    """Carries bytes between a socket and its connection."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._loop = server.loop
        self._scheduled = False
        self._reading = True
        self._logged = False
        self.transport: asyncio.Transport
        self.connection: Connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._read_clock()
        # None of a client that is gone again.
        peer, local = (transport.get_extra_info(name) or ("unknown", 0) for name in ("peername", "sockname"))
        self.connection = Connection(self._server.broker, peer[:2], local[:2], self._wake)
        self._server.connections[self] = None

    def data_received(self, data: bytes) -> None:
        self._read_clock()
        self.connection.receive(data)
        if not self._logged and self.connection.is_open:
            self._logged = True
            log.info("connection %s: user %s, vhost %s", *_who(self.connection))
        self.read_or_wait()
        self._server.changed()

    def read_or_wait(self) -> None:
        """Stops reading from a publisher while the broker is short of memory."""
        if self.connection.reads != self._reading and not self.transport.is_closing():
            self._reading = self.connection.reads
            (self.transport.resume_reading if self._reading else self.transport.pause_reading)()

    def pause_writing(self) -> None:
        self.connection.stop_output()

    def resume_writing(self) -> None:
        self._read_clock()
        self.connection.resume_output()

    def connection_lost(self, error: Exception | None) -> None:
        self._read_clock()
        self._server.connections.pop(self, None)
        reason = self.connection.close_reason or (
            "" if self.connection.finished else str(error or "by the peer, unannounced")
        )
        with shielded(f"let go of all that {self.connection.name} had"):
            self.connection.lost()
        if self._logged or reason:
            log.log(
                logging.WARNING if reason else logging.INFO,
                "closed %s: %s",
                self.connection.name,
                reason or "by client",
            )
        self._server.changed()

    def _read_clock(self) -> None:
        """Whatever comes next happens now."""
        node = self._server.broker.node
        node.now = node.clock()

    def _wake(self) -> None:
        """At the end of this turn of the loop, all that has gathered goes out at once."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        data = self.connection.take()
        if data and not self.transport.is_closing():
            self.transport.write(data[0] if len(data) == 1 else b"".join(data))
        if self.connection.finished and not self.connection.out:
            self.transport.close()


def _who(connection: Connection) -> tuple[str, str, str]:
    return connection.name, connection.user_name, connection.vhost_name


class Server:
    """Runs a broker. `memory_limit` is in bytes: above it publishers are blocked; None for no limit."""

    def __init__(self, broker: Broker, *, store: Store | None = None, memory_limit: int | None = None) -> None:
        self.broker = broker
        self._store = store
        self.loop = asyncio.get_running_loop()
        self.connections: dict[ClientSocket, None] = {}
        self._memory = None if memory_limit is None else MemoryAlarm(memory_limit)
        self._disk_fails = False
        self._listeners: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        broker.node.timers.changed = self._schedule
        self._schedule()
        if store is not None:
            store.committed = broker.node.committed
            store.failing = self._disk_failing
            store.start(self.loop, ThreadWriter(store.disk, self.loop.call_soon_threadsafe))
        self._watch_memory()

    async def listen(self, listening: socket.socket) -> None:
        """Accepts connections on a socket that is bound (see `listeners.bind`)."""
        accepting = await self.loop.create_server(lambda: ClientSocket(self), sock=listening, backlog=1024)
        self._listeners.append(accepting)

    async def close(self) -> None:
        """Closes all connections with 320 and waits, not for long, until their clients have read it."""
        for listener in self._listeners:
            listener.close()
        for connection in list(self.connections):
            with shielded(f"close {connection.connection.name}"):
                connection.connection.close("broker forced connection closure with reason 'shutdown'")
        deadline = self.loop.time() + 2.0
        while self.connections and self.loop.time() < deadline:
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            with shielded(f"hang up {connection.connection.name}"):
                connection.transport.abort()
        if self._timer is not None:
            self._timer.cancel()
        if self._store is not None:
            marks: dict[int, int] = {}
            with shielded("count how often messages came back"):
                marks = returned(self.broker)
            self._store.close(marks)

    def changed(self) -> None:
        """Something may have happened that the store has to write."""
        if self._store is not None:
            self._store.changed(awaited=bool(self.broker.node.awaiting))

    def _schedule(self) -> None:
        """Has the loop call when the broker's next timer is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if (when := self.broker.node.timers.next()) is not None:
            self._timer = self.loop.call_later(max(0.0, when - self.broker.node.clock()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        try:
            self.broker.node.tick()
        finally:
            self._schedule()
        self.changed()

    def _watch_memory(self) -> None:
        if self._memory is None:
            return
        was, resident = self._memory.on, resident_memory()
        # What the messages come to is asked for only when it decides something.
        held = _held(self.broker) if was or resident > self._memory.limit else 0
        if self._memory.look(resident, held) != was:
            _log_memory(self._memory, resident)
            self._set_alarm()
        self.loop.call_later(_MEMORY_CHECK, self._watch_memory)

    def _disk_failing(self, reason: str | None) -> None:
        self._disk_fails = reason is not None
        self._set_alarm()

    def _set_alarm(self) -> None:
        self.broker.set_alarm(self._disk_fails or (self._memory is not None and self._memory.on))
        for connection in list(self.connections):
            connection.read_or_wait()


def _log_memory(memory: MemoryAlarm, resident: int) -> None:
    if memory.on:
        log.warning("memory alarm: %s of %s in use; publishers are blocked", _size(resident), _size(memory.limit))
    else:
        log.info("memory alarm over: %s in use", _size(resident))


def _size(count: int) -> str:
    """Bytes in a unit that fits."""
    unit, size = next((each for each in _UNITS if count >= each[1]), ("bytes", 1))
    return f"{round(count / size, 1):g} {unit}"


def _held(broker: Broker) -> int:
    """Bytes that messages in queues take, about."""
    queues = [queue for vhost in broker.vhosts.values() for queue in vhost.queues.values()]
    return sum(
        queue.ready.bytes + queue.unacked_bytes + _ENTRY * (queue.ready.count + queue.unacked) for queue in queues
    )


def returned(broker: Broker) -> dict[int, int]:
    """How often stored messages came back to their queues, by the store's numbers; those that never did are left out."""
    return {
        entry.stored: max(entry.count, 1)
        for vhost in broker.vhosts.values()
        for queue in vhost.queues.values()
        for entry in queue.messages()
        if entry.redelivered and entry.stored
    }
