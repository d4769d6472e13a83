"""A connection without a socket: bytes go in by `receive`, frames to send gather in `out` (specification, section 1.4).

The handshake, heartbeats and the closing of channels and connections are here; what happens on an open channel is in
`channel`, `topology` and `methods`.
"""

import logging
import platform
import struct
from collections import deque
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from pamqp import base, commands, decode

from rmqctl.broker.amqp import methods
from rmqctl.broker.amqp.channel import Channel
from rmqctl.broker.core import wire
from rmqctl.broker.core.broker import DEFAULT_USER, RABBITMQ_VERSION, Broker
from rmqctl.broker.core.errors import AmqpError, HangUp
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.timers import Timer
from rmqctl.broker.core.users import User
from rmqctl.broker.core.vhost import VHost

CHANNEL_MAX = 2047
FRAME_MAX = 131072
HEARTBEAT = 60
# Frames before tuning may not be larger (RabbitMQ's initial_frame_max).
_FRAME_MIN = 8192
# How much output may wait in a connection before its consumers have to.
_FULL = 1 << 20
_HANDSHAKE = 10.0
_LOG = logging.getLogger("rmqctl.broker")
_CLOSING = 10.0
_LINGER = 2.0
_MECHANISMS = "ANONYMOUS AMQPLAIN PLAIN"
CAPABILITIES = {
    "publisher_confirms": True,
    "exchange_exchange_bindings": True,
    "basic.nack": True,
    "consumer_cancel_notify": True,
    "connection.blocked": True,
    "consumer_priorities": True,
    "authentication_failure_close": True,
    "per_consumer_qos": True,
    "direct_reply_to": True,
}
# The method that the handshake goes on with, by state.
_EXPECTED: dict[str, type[base.Frame]] = {
    "start": commands.Connection.StartOk,
    "tune": commands.Connection.TuneOk,
    "opening": commands.Connection.Open,
}
# States in which RabbitMQ hangs up on whatever it did not expect.
_UNTUNED = ("start", "tune")
# Methods of which the queue's name, their first argument but a ticket, is looked at before anything else.
_NAMED = frozenset(struct.pack(">HH", *index) for index in ((50, 20), (50, 30), (50, 40), (50, 50), (60, 20), (60, 70)))
_KINDS = (wire.METHOD, wire.HEADER, wire.BODY, wire.HEARTBEAT)
_HEADER_0_9 = b"AMQP\x01\x01\x00\x09"
_HEADERS_1_0 = (b"\x00\x01\x00\x00", b"\x03\x01\x00\x00")
_numbers = count(1)


class Connection:
    """`peer` and `local` are host and port. `wake` is called when `out` has something again; see `take`."""

    def __init__(self, broker: Broker, peer: tuple[str, int], local: tuple[str, int], wake: Callable[[], None]) -> None:
        self.broker = broker
        self.peer = peer
        self.local = local
        self.number = next(_numbers)
        self.name = f"{peer[0]}:{peer[1]} -> {local[0]}:{local[1]}"
        self.connected_at = broker.now
        self.user: User = _NOBODY
        self.vhost: VHost = _NOWHERE
        self.state = "header"
        """header, start, tune, opening, running, closing or closed."""
        self.client_properties: dict[str, Any] = {}
        self.mechanism = "PLAIN"
        self.frame_max = FRAME_MAX
        self.channel_max = CHANNEL_MAX
        self.heartbeat = 0
        self.channels: dict[int, Channel] = {}
        self.exclusive_queues: dict[Queue, None] = {}
        self.confirming: dict[Channel, None] = {}
        self.credited: dict[Channel, None] = {}
        """Channels whose consumers may be able to take messages again."""
        self.out: list[bytes] = []
        self.paused = False
        """Takes no deliveries: too much waits to be sent."""
        self.publishes = False
        self.close_reason = ""
        self.received_bytes = 0
        self.sent_bytes = 0
        self.received_frames = 0
        self.sent_frames = 0
        self._wake = wake
        self._pending = 0
        self._stopped = False
        self._buffer = b""
        self._need = 8
        self._parts: list[bytes] = []
        self._have = 0
        self._frame_limit = _FRAME_MIN
        self._blocked_said = False
        self._safe: deque[tuple[int, bytes]] = deque()
        self._timer: Timer | None = broker.timers.at(broker.now + _HANDSHAKE, self._too_late)
        self._heard = self._spoke = False
        self._silent = 0
        broker.connections[self] = None

    @property
    def is_open(self) -> bool:
        return self.state == "running"

    @property
    def finished(self) -> bool:
        """The socket is to be closed as soon as `out` has been sent."""
        return self.state == "closed"

    @property
    def reads(self) -> bool:
        """False while publishers are blocked and this is one: its socket is not to be read."""
        return not (self.broker.alarmed and self.publishes and self.is_open)

    # ----------------------------------------------------------------------------------------------------------- bytes

    def receive(self, data: bytes) -> None:
        """Takes bytes as they come, in whatever pieces."""
        if self.state == "closed":
            return
        self.received_bytes += len(data)
        self._heard = True
        # A large frame that comes in many pieces is put together once, when it is whole.
        if self._have + len(data) < self._need:
            self._parts.append(data)
            self._have += len(data)
            return
        if self._parts:
            self._parts.append(data)
            data = b"".join(self._parts)
            self._parts.clear()
        try:
            rest = self._frames(data)
        except AmqpError as error:
            # Where the next frame begins is not known any more: the rest of what came is lost.
            if self.state == "closing":
                self._finish()
            else:
                self._fail(error, 0, b"")
            rest = b""
        except HangUp:
            self.close_reason = "cannot make sense of the client"
            self._finish()
            rest = b""
        if rest and self.state != "closed":
            self._parts.append(rest)
        self._have = len(rest)
        if self.credited:
            credited, self.credited = self.credited, {}
            for channel in credited:
                channel.resume()
        if self.confirming:
            confirming, self.confirming = self.confirming, {}
            for channel in confirming:
                channel.flush_confirms()

    def _frames(self, data: bytes) -> bytes:
        """Handles all whole frames. Returns what is left over."""
        position, end = 0, len(data)
        if self.state == "header":
            if end < 8:
                self._need = 8
                return data
            self._protocol_header(data[:8])
            position = 8
        while True:
            if self.state == "closed":
                return b""
            if end - position < 8:
                self._need = 8
                return data[position:]
            kind, number, size = wire.FRAME.unpack_from(data, position)
            if size > self._frame_limit:
                self._need = 8
                if self.state in _UNTUNED:
                    raise HangUp
                raise wire.bad_frame(501, kind, b"", f"{{frame_too_large,{size},{self._frame_limit - 8}}}")
            stop = position + 7 + size
            if stop >= end:
                self._need = 8 + size
                return data[position:]
            if data[stop] != 0xCE:
                self._need = 8
                problem = f"{{invalid_frame_end_marker,{data[stop]}}}"
                raise wire.bad_frame(501, kind, data[position + 7 : stop], problem)
            payload = data[position + 7 : stop]
            position = stop + 1
            self.received_frames += 1
            try:
                if kind == wire.METHOD and payload[:4] == wire.PUBLISH and (channel := self._idle_channel(number)):
                    whole = wire.whole_content(data, position, number, self._frame_limit)
                    if whole is not None:
                        position = whole[2]
                        self.received_frames += 2 if whole[1] else 1
                        channel.publish_whole(payload, whole[0], whole[1])
                        continue
                self._frame(kind, number, payload)
            except AmqpError as error:
                self._fail(error, number, payload if kind == wire.METHOD else b"")
            except HangUp:
                raise
            except Exception:
                _LOG.exception("connection %s: cannot handle a frame of type %d on channel %d", self.name, kind, number)
                self._fail(AmqpError(541, "", blame=wire.NOTHING), 0, b"")

    def send(self, frames: bytes) -> None:
        if not self.out:
            self._wake()
        self.out.append(frames)
        self._pending += len(frames)
        self.sent_frames += 1
        if self._pending > _FULL:
            self.paused = True

    def take(self) -> list[bytes]:
        """What is to be sent now. Consumers that had to wait for room go on."""
        data, self.out = self.out, []
        self.sent_bytes += self._pending
        self._spoke = self._spoke or bool(data)
        self._pending = 0
        if self.paused and not self._stopped:
            self._go_on()
        return data

    def stop_output(self) -> None:
        """The socket takes nothing more for now."""
        self._stopped = self.paused = True

    def resume_output(self) -> None:
        self._stopped = False
        if self._pending <= _FULL:
            self._go_on()

    def _go_on(self) -> None:
        self.paused = False
        for channel in list(self.channels.values()):
            channel.resume()

    def lost(self) -> None:
        """The socket is closed."""
        self._finish()
        # Whoever is woken holds the connection: without this circle all that belonged to it is freed at once.
        self._wake = _nobody

    # ---------------------------------------------------------------------------------------------------------- frames

    def _frame(self, kind: int, number: int, payload: bytes) -> None:
        if self.state == "closing":
            if kind == wire.METHOD and number == 0:
                self._while_closing(payload)
            return
        if kind not in _KINDS or (kind == wire.METHOD and len(payload) < 4) or (kind == wire.HEARTBEAT and payload):
            raise wire.bad_frame(501, kind, payload, "unknown_frame")
        if number == 0:
            if kind == wire.METHOD:
                self._connection_method(payload)
            elif kind != wire.HEARTBEAT:
                if self.state in _UNTUNED:
                    raise HangUp
                raise wire.bad_frame(505, kind, payload)
            return
        if self.state in _UNTUNED:
            raise HangUp
        if self.state != "running" or kind == wire.HEARTBEAT:
            raise wire.bad_frame(505, kind, payload)
        channel = self.channels.get(number)
        if channel is None:
            self._open_channel(kind, number, payload)
        elif channel.closing:
            if kind == wire.METHOD:
                self._while_channel_closing(channel, payload)
        elif kind == wire.METHOD:
            channel.last_used = self.broker.now
            if channel.expects_content:
                raise channel.other_than_content()
            self._method(channel, payload)
        elif kind == wire.HEADER:
            channel.content_header(payload)
        else:
            channel.content_body(payload)

    def _idle_channel(self, number: int) -> Channel | None:
        """The channel, when a message published on it may be taken whole."""
        channel = self.channels.get(number)
        if channel is None or channel.closing or channel.expects_content or self.state != "running":
            return None
        if self.broker.alarmed and not self._blocked_said:
            return None
        self.publishes = True
        channel.last_used = self.broker.now
        return channel

    def _method(self, channel: Channel, payload: bytes) -> None:
        index = payload[:4]
        if index == wire.PUBLISH:
            self.publishes = True
            channel.begin_publish(payload)
            if self.broker.alarmed:
                self.alarm_changed()
        elif index == wire.ACK:
            tag, multiple = wire.acknowledgement(payload)
            channel.ack(tag, multiple)
        elif index[:2] == b"\x00\x14" and index[2:] != b"\x00\x14":
            self._channel_method(channel, payload)
        else:
            methods.handle(channel, payload)

    def _channel_method(self, channel: Channel, payload: bytes) -> None:
        method = wire.decode_method(payload)
        if isinstance(method, commands.Channel.Close):
            self._drop_channel(channel)
            self.send(wire.method(channel.number, 20, 41))
        elif isinstance(method, commands.Channel.Open):
            raise AmqpError(504, "second 'channel.open' seen")
        else:
            raise AmqpError(503, "unimplemented method")

    def _while_channel_closing(self, channel: Channel, payload: bytes) -> None:
        index = payload[:4]
        if index == b"\x00\x14\x00\x29":
            del self.channels[channel.number]
        elif index == b"\x00\x14\x00\x28":
            self.send(wire.method(channel.number, 20, 41))
        elif index == b"\x00\x14\x00\x0a":
            raise AmqpError(504, "second 'channel.open' seen", hard=True)

    def _open_channel(self, kind: int, number: int, payload: bytes) -> None:
        if kind != wire.METHOD or payload[:4] != b"\x00\x14\x00\x0a":
            if kind == wire.METHOD and payload[:4] in _NAMED and payload[6:7] == b"\x00":
                # As RabbitMQ: the name is looked for before the channel's state, and the error is the channel's.
                self.channels[number] = Channel(self, number)
                raise AmqpError(404, "no previously declared queue")
            raise AmqpError(504, "expected 'channel.open'")
        if len(self.channels) >= self.channel_max:
            problem = f"number of channels opened ({len(self.channels)}) has reached the negotiated channel_max"
            raise AmqpError(530, f"{problem} ({self.channel_max})", blame=wire.NOTHING)
        limit = self.user.limits.get("max-channels", -1)
        if limit >= 0 and sum(len(each.channels) for each in self.broker.connections_of(user=self.user)) >= limit:
            raise AmqpError(
                530,
                f"number of channels opened for user '{self.user.name}' has reached the maximum allowed user limit of "
                f"{limit}",
                blame=wire.NOTHING,
            )
        self.channels[number] = Channel(self, number)
        self.broker.churn["channel_created"] += 1
        self.send(wire.method(number, 20, 11, wire.long(0)))

    def _drop_channel(self, channel: Channel) -> None:
        del self.channels[channel.number]
        channel.release()

    # ------------------------------------------------------------------------------------------------------- connection

    def _protocol_header(self, header: bytes) -> None:
        if header not in (wire.PROTOCOL_HEADER, _HEADER_0_9):
            # To what is AMQP 1.0 or looks like 0-9-1, RabbitMQ offers 0-9-1; to anything else the SASL layer of 1.0.
            near = header[:4] == b"AMQP" and (header[4:7] == b"\x00\x00\x09" or header[4:] in _HEADERS_1_0)
            self.send(wire.PROTOCOL_HEADER if near else b"AMQP\x03\x01\x00\x00")
            self._finish()
            return
        self.state = "start"
        properties = {
            "capabilities": CAPABILITIES,
            "cluster_name": self.broker.cluster_name,
            "copyright": "rmqctl's embedded broker, not RabbitMQ itself",
            "information": "Licensed under the Apache License 2.0",
            "platform": f"Python {platform.python_version()}",
            "product": "RabbitMQ",
            "version": RABBITMQ_VERSION,
        }
        start = (b"\x00\x09", wire.table(properties), wire.long_string(_MECHANISMS), wire.long_string("en_US"))
        self.send(wire.method(0, 10, 10, *start))

    def _connection_method(self, payload: bytes) -> None:
        method = wire.decode_method(payload)
        if isinstance(method, commands.Connection.Close) and self.state not in _UNTUNED:
            self._release_channels()
            self.send(wire.method(0, 10, 51))
            # The client hangs up; one that does not is given some time.
            self.state = "closing"
            self._expect_end(_LINGER)
            return
        expected = _EXPECTED.get(self.state)
        if self.state == "running" and isinstance(method, commands.Connection.UpdateSecret):
            # Users of the broker's own have no secret that could expire: what comes is taken, unread, as RabbitMQ does.
            self.send(wire.method(0, 10, 71))
        elif expected is None or not isinstance(method, expected):
            if self.state in _UNTUNED:
                raise HangUp
            raise AmqpError(504, f"unexpected method in connection state {self.state}")
        elif isinstance(method, commands.Connection.StartOk):
            self._start_ok(method)
        elif isinstance(method, commands.Connection.TuneOk):
            self._tune_ok(method)
        elif isinstance(method, commands.Connection.Open):
            self._open(method.virtual_host)

    def _start_ok(self, method: commands.Connection.StartOk) -> None:
        self.client_properties = method.client_properties or {}
        if method.mechanism not in _MECHANISMS.split():
            raise HangUp
        self.mechanism = method.mechanism
        self.user = self._log_in(method.mechanism, _octets(method.response or ""))
        self.state = "tune"
        self.send(wire.method(0, 10, 30, wire.short(CHANNEL_MAX), wire.long(FRAME_MAX), wire.short(HEARTBEAT)))

    def _log_in(self, mechanism: str, response: bytes) -> User:
        name, password = (DEFAULT_USER, "") if mechanism == "ANONYMOUS" else _credentials(mechanism, response)
        user = self.broker.users.get(name) if mechanism == "ANONYMOUS" else self.broker.authenticate(name, password)
        refused = user is None or (name == DEFAULT_USER and not _is_loopback(self.peer[0]))
        self.broker.attempts.count("amqp091", not refused)
        if user is None or refused:
            raise AmqpError(
                403,
                f"Login was refused using authentication mechanism {mechanism}. For details see the broker logfile.",
                hard=True,
                blame=wire.NOTHING,
            )
        return user

    def _tune_ok(self, method: commands.Connection.TuneOk) -> None:
        channels, size = method.channel_max or 0, method.frame_max or 0
        if not 0 < channels <= CHANNEL_MAX or not _FRAME_MIN <= size <= FRAME_MAX:
            raise HangUp
        self.channel_max = channels
        self.frame_max = self._frame_limit = size
        self.heartbeat = method.heartbeat
        self.state = "opening"

    def _open(self, name: str) -> None:
        vhost = self.broker.vhosts.get(name)
        if vhost is None:
            raise AmqpError(530, f"vhost {name} not found")
        self.user.check_vhost(name)
        limit = vhost.limits.get("max-connections", -1)
        if 0 <= limit <= len(self.broker.connections_of(vhost=vhost)):
            raise AmqpError(
                530,
                f"access to vhost '{name}' refused for user '{self.user.name}': connection limit ({limit}) is reached",
            )
        limit = self.user.limits.get("max-connections", -1)
        if 0 <= limit <= len(self.broker.connections_of(user=self.user)):
            raise AmqpError(
                530, f"connection refused for user '{self.user.name}': user connection limit ({limit}) is reached"
            )
        self.vhost = vhost
        self.broker.churn["connection_created"] += 1
        self.state = "running"
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self.heartbeat:
            self._beat()
        self.send(wire.method(0, 10, 41, b"\x00"))

    def capable(self, name: str) -> bool:
        """Whether the client said that it understands an extension."""
        capabilities = self.client_properties.get("capabilities")
        return isinstance(capabilities, Mapping) and capabilities.get(name) is True

    # ----------------------------------------------------------------------------------------------------------- errors

    def _fail(self, error: AmqpError, number: int, payload: bytes) -> None:
        """Closes the channel or the connection, as the error wants it. `payload` is the method that was to blame."""
        index = error.blame or (payload[:4] if len(payload) >= 4 else wire.NOTHING)
        channel = self.channels.get(number)
        if error.hard or channel is None:
            self._close(error, index)
            return
        channel.closing = True
        channel.release()
        self.send(wire.method(number, 20, 40, wire.short(error.code), wire.short_string(error.reply), index))

    def _close(self, error: AmqpError, index: bytes) -> None:
        self.close_reason = error.reply
        before_open = self.state in ("header", "start")
        self._release_channels()
        if before_open and error.code == 403 and not self.capable("authentication_failure_close"):
            self._finish()
            return
        self.send(wire.method(0, 10, 50, wire.short(error.code), wire.short_string(error.reply), index))
        self.state = "closing"
        self._expect_end(_CLOSING)

    def _expect_end(self, seconds: float) -> None:
        """The client is to end the connection; when it does not in this time, it ends all the same."""
        if self._timer:
            self._timer.cancel()
        self._timer = self.broker.timers.at(self.broker.now + seconds, self._finish)

    def close(self, code: int, text: str) -> None:
        """The broker closes the connection, for a reason of its own."""
        if self.state in ("closing", "closed"):
            return
        if self.state == "header":
            self._finish()
        else:
            self._close(AmqpError(code, text), b"\x00\x00\x00\x00")

    def close_late_channels(self, before: float) -> None:
        """Closes the channels on which a delivery was not acknowledged since `before` (Unix seconds)."""
        for channel in list(self.channels.values()):
            first = next(iter(channel.unacked.values()), None)
            if first is not None and first.since < before and not channel.closing:
                timeout = round((self.broker.consumer_timeout or 0) * 1000)
                error = AmqpError(
                    406,
                    f"delivery acknowledgement on channel {channel.number} timed out. Timeout value used: {timeout} ms. "
                    "This timeout value can be configured, see consumers doc guide to learn more",
                )
                self._fail(error, channel.number, b"")

    def _while_closing(self, payload: bytes) -> None:
        if payload[:4] == b"\x00\x0a\x00\x33":
            self._finish()
        elif payload[:4] == b"\x00\x0a\x00\x32":
            self.send(wire.method(0, 10, 51))
            self._finish()

    def _release_channels(self) -> None:
        channels, self.channels = self.channels, {}
        for channel in channels.values():
            if not channel.closing:
                channel.release()
        for queue in list(self.exclusive_queues):
            self.vhost.remove_queue(queue)

    def _finish(self) -> None:
        if self.state == "closed":
            return
        self._release_channels()
        self.state = "closed"
        if self.vhost is not _NOWHERE:
            self.broker.churn["connection_closed"] += 1
            self.vhost.received_bytes += self.received_bytes
            self.vhost.sent_bytes += self.sent_bytes
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self.broker.connections.pop(self, None)
        self.broker.awaiting.pop(self, None)
        self._wake()

    # ------------------------------------------------------------------------------------------- time, alarms, the store

    def _too_late(self) -> None:
        self.close_reason = "handshake_timeout"
        self._finish()

    def _beat(self) -> None:
        """Every half heartbeat: says something when nothing was said, and gives up a peer that was silent for two."""
        if self.state == "closed":
            return
        self._silent = 0 if self._heard else self._silent + 1
        if self._silent >= 4 and self.reads:
            self.close_reason = f"missed heartbeats from client, timeout: {self.heartbeat}s"
            self._finish()
            return
        if not self._spoke:
            self.send(wire.HEARTBEAT_FRAME)
        self._heard = self._spoke = False
        self._timer = self.broker.timers.at(self.broker.now + self.heartbeat / 2, self._beat)

    def alarm_changed(self) -> None:
        """Tells a publisher that it is blocked, or no longer."""
        if not self.is_open or not self.capable("connection.blocked"):
            return
        if self.broker.alarmed and self.publishes and not self._blocked_said:
            self._blocked_said = True
            self.send(wire.method(0, 10, 60, wire.short_string("low on memory")))
        elif not self.broker.alarmed and self._blocked_said:
            self._blocked_said = False
            self.send(wire.method(0, 10, 61))

    def when_safe(self, frames: bytes) -> None:
        """Sends frames once the store has everything that it was told until now."""
        if not self.broker.journal.durable:
            self.send(frames)
            return
        self._safe.append((self.broker.journal.batch, frames))
        self.broker.awaiting[self] = None

    def committed(self, batch: int) -> None:
        while self._safe and self._safe[0][0] <= batch:
            self.send(self._safe.popleft()[1])
        if not self._safe:
            self.broker.awaiting.pop(self, None)


def _credentials(mechanism: str, response: bytes) -> tuple[str, str]:
    """User and password: PLAIN (RFC 4616), or AMQPLAIN, a table without its length. Raises HangUp."""
    try:
        if mechanism == "PLAIN":
            nobody, name, password = response.split(b"\0")
            if nobody:
                raise HangUp
            return name.decode(), password.decode()
        fields = decode.field_table(wire.long(len(response)) + response)[1]
        return str(fields["LOGIN"]), str(fields["PASSWORD"])
    except (ValueError, KeyError, IndexError, struct.error):
        raise HangUp from None


def _nobody() -> None:
    """Is woken when there is no socket any more."""


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _is_loopback(host: str) -> bool:
    return host.startswith("127.") or host in ("::1", "::ffff:127.0.0.1", "localhost")


_NOBODY = User("none", "", [])
_NOWHERE = VHost(Broker(lambda: 0.0), "none")
