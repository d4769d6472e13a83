"""The broker on sockets: an asyncio protocol for each connection, the clock, the store's commits, and memory.

Everything happens on one event loop: the AMQP listener, the timers and, in the same process, the HTTP API.
"""

import asyncio
import logging
import socket
import struct
import sys
from typing import cast

from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core.alarms import DISK, MEMORY
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.shield import shielded
from rmqctl.broker.memory import MemoryAlarm, free_disk, resident_memory
from rmqctl.broker.process.listeners import hung_up
from rmqctl.broker.process.turns import FIRST, Turns
from rmqctl.broker.storage.store import Store
from rmqctl.broker.storage.writer import ThreadWriter

# Bytes that may wait in a socket before its consumers are held back.
_HIGH_WATER = 1 << 20
# No more is read from a client of whom so many bytes wait to be handled.
_ENOUGH = 1 << 16
# How often memory and disk are looked at, in seconds, and who says then that they are short.
_LIMITS_CHECK = 0.2
_LIMIT = "the limit"
# How long clients may take to read that their connection is closed, in seconds.
_LAST_WORDS = 2.0
# How often sockets that are not read are looked at, in seconds.
_END_CHECK = 0.5
# Lingers for no time: closing such a socket resets the connection.
_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_UNITS = (("GB", 1000**3), ("MB", 1000**2), ("kB", 1000))

log = logging.getLogger("rmqctl.broker")


class ClientSocket(asyncio.Protocol):
    """Carries bytes between a socket and its connection."""

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._loop = server.loop
        self._scheduled = False
        self._reading = True
        self._input = b""
        """What has been read, and not been handled yet."""
        self.piece = FIRST
        self._logged = False
        self._gone = False
        """The client has hung up, and what it had sent before is still read."""
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
        self._input = self._input + data if self._input else data
        self._server.turns.take(self)
        self._pause_or_resume()

    def handle(self) -> bool:
        """See `turns.Sender`."""
        if not self.connection.reads:
            return False
        self._read_clock()
        data, self._input = self._input[: self.piece], self._input[self.piece :]
        self.connection.receive(data)
        if not self._logged and self.connection.is_open:
            self._logged = True
            log.info("connection %s: user %s, vhost %s", *_who(self.connection))
        self._server.changed()
        if not self._reading:
            self._pause_or_resume()
        return bool(self._input) and self.connection.reads

    def read_or_wait(self) -> None:
        """Stops reading from a publisher during an alarm; what has been read waits too."""
        if (self._input or self.connection.waits) and self.connection.reads:
            self._server.turns.take_later(self)
        self._pause_or_resume()

    def _pause_or_resume(self) -> None:
        """Nothing more is read while much waits to be handled."""
        reads = self._gone or (self.connection.reads and len(self._input) < _ENOUGH)
        if reads != self._reading and not self.transport.is_closing():
            self._reading = reads
            (self.transport.resume_reading if reads else self.transport.pause_reading)()

    def look_for_end(self) -> None:
        """While a socket is not read, nobody is told that its client has hung up."""
        if not self._reading and not self._gone and hung_up(self.transport.get_extra_info("socket").fileno()):
            self._gone = True
            self._pause_or_resume()

    def pause_writing(self) -> None:
        self.connection.stop_output()

    def resume_writing(self) -> None:
        self._read_clock()
        self.connection.resume_output()
        self.read_or_wait()

    def connection_lost(self, error: Exception | None) -> None:
        self._read_clock()
        self._server.connections.pop(self, None)
        self._server.turns.forget(self)
        if self._input and (self._gone or self.connection.reads):
            self.connection.receive(self._input)
        reason = self.connection.close_reason or (
            "" if self.connection.is_ending else str(error or "by the peer, unannounced")
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
            if self.connection.given_up:
                self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.transport.close()


def _who(connection: Connection) -> tuple[str, str, str]:
    return connection.name, connection.user_name, connection.vhost_name


class Server:
    """Runs a broker. Publishers are blocked as soon as it has more memory, or the disk less, than its limits allow."""

    def __init__(self, broker: Broker, *, store: Store | None = None) -> None:
        self.broker = broker
        self._store = store
        self.loop = asyncio.get_running_loop()
        self.connections: dict[ClientSocket, None] = {}
        self.turns = Turns(self.loop, self._look_at_memory)
        self._memory = MemoryAlarm()
        self._looking: asyncio.TimerHandle | None = None
        self._listeners: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        broker.node.timers.changed = self._schedule
        self._schedule()
        if store is not None:
            store.committed = broker.node.committed
            store.failing = self._disk_failing
            store.start(self.loop, ThreadWriter(store.disk, self.loop.call_soon_threadsafe))
        broker.blocked = self._blocked
        broker.limited = self._look_at_limits
        self._watch_limits()

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
        deadline = self.loop.time() + _LAST_WORDS
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

    def _watch_limits(self) -> None:
        self._look_at_limits()
        self.loop.call_later(_LIMITS_CHECK, self._watch_limits)

    def _look_at_limits(self) -> None:
        self._look_at_memory()
        if self.broker.disk_limit or DISK in self.broker.alarms.resources:
            free = free_disk(self.broker.data_folder)
            self.broker.alarms.set(DISK, free < self.broker.disk_limit, by=_LIMIT)

    def _look_at_memory(self) -> None:
        """Nothing is looked up while there is no limit."""
        self._memory.set_limit(self.broker.memory_limit)
        if self.broker.memory_limit is None and not self._memory.on:
            return
        was, resident = self._memory.on, resident_memory()
        if self._memory.look(resident, self.broker.node.held.bytes) != was:
            _log_memory(self._memory, resident)
            self.broker.alarms.set(MEMORY, self._memory.on, by=_LIMIT)

    def _disk_failing(self, reason: str | None) -> None:
        self.broker.alarms.set(DISK, reason is not None, by="the store")

    def _blocked(self) -> None:
        """Publishers are, or no longer."""
        for connection in list(self.connections):
            connection.read_or_wait()
        if self._looking is None:
            self._look_for_ends()

    def _look_for_ends(self) -> None:
        self._looking = None
        if self.broker.alarmed:
            for connection in list(self.connections):
                connection.look_for_end()
            self._looking = self.loop.call_later(_END_CHECK, self._look_for_ends)


def _log_memory(memory: MemoryAlarm, resident: int) -> None:
    if memory.on:
        limit = _size(round(memory.limit))
        log.warning("memory alarm: %s of %s in use; publishers are blocked", _size(resident), limit)
    else:
        log.info("memory alarm over: %s in use", _size(resident))


def _size(count: int) -> str:
    """Bytes in a unit that fits."""
    unit, size = next((each for each in _UNITS if count >= each[1]), ("bytes", 1))
    return f"{round(count / size, 1):g} {unit}"


def returned(broker: Broker) -> dict[int, int]:
    """How often stored messages came back to their queues, by the store's numbers; those that never did are left out."""
    return {
        entry.stored: max(entry.count, 1)
        for vhost in broker.vhosts.values()
        for queue in vhost.queues.values()
        for entry in queue.messages()
        if entry.redelivered and entry.stored
    }
