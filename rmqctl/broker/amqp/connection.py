"""A connection without a socket: bytes go in by `receive`, frames to send gather in `out` (specification, section 1.4).

`input` makes frames of the bytes and says whose they are; this is the life of the connection: the handshake, which channels
it has, why it or one of them ends, and what is due when. `wake` tells whoever owns the socket that `out` has something
again; it fetches that with `take`. While the socket takes nothing, or too much waits in `out`, the connection is `paused`, and
its consumers take nothing from their queues.

An error closes the channel or the connection (`_fail`). From then on nothing counts but the peer's answer, and the
connection is given some time for it. `_finish` is the end in every case, and lets go of all that the connection had.
"""

import struct
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from pamqp import base, commands

from rmqctl.broker.amqp import frames, handshake
from rmqctl.broker.amqp.channel import Channel, release
from rmqctl.broker.amqp.errors import NO_METHOD, AmqpError, HangUp
from rmqctl.broker.amqp.heartbeats import Beat
from rmqctl.broker.amqp.input import Input
from rmqctl.broker.amqp.states import (
    CONNECTION,
    EVENTS,
    ChannelState,
    ConnectionEvent,
    ConnectionState,
)
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.content import short_string
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.timers import Timer
from rmqctl.broker.core.users import User
from rmqctl.broker.core.vhost import VHost

# How long a client may take for the handshake, and at most to end a connection that one side has closed, in seconds.
_HANDSHAKE = 10.0
_CLOSING = 30.0
# How long a client that was refused and cannot be told so hears nothing, and one that sends no frames is not hung up on.
_SILENCE = 3.0
# Methods of which the queue's name, their first argument but a ticket, is looked at before anything else.
_NAMED = frozenset(struct.pack(">HH", *index) for index in ((50, 20), (50, 30), (50, 40), (50, 50), (60, 20), (60, 70)))
_OPEN_CHANNEL, _CLOSE_CHANNEL, _CLOSE_CHANNEL_OK = b"\x00\x14\x00\x0a", b"\x00\x14\x00\x28", b"\x00\x14\x00\x29"
_RUNNING, _CLOSING_STATE, _CLOSED = ConnectionState.RUNNING, ConnectionState.CLOSING, ConnectionState.CLOSED
_OPEN = ChannelState.OPEN
_numbers = count(1)


class Connection(Input):
    """`peer` and `local` are host and port. `wake` is called when `out` has something again; see `take`."""

    def __init__(self, broker: Broker, peer: tuple[str, int], local: tuple[str, int], wake: Callable[[], None]) -> None:
        super().__init__(broker, wake)
        self.peer = peer
        self.local = local
        self.number = next(_numbers)
        self.name = f"{peer[0]}:{peer[1]} -> {local[0]}:{local[1]}"
        self.connected_at = self.node.now
        self.client_properties: dict[str, Any] = {}
        self.mechanism = "PLAIN"
        self.frame_max = handshake.FRAME_MAX
        self.channel_max = handshake.CHANNEL_MAX
        self.given_up = False
        """The client has been waited for long enough: its connection is reset, as by RabbitMQ."""
        self.close_reason = ""
        self._user: User | None = None
        self._vhost: VHost | None = None
        self._deadline: Timer | None = self.node.timers.at(self.node.now + _HANDSHAKE, self._too_late)
        self._next_beat: Timer | None = None
        broker.connections[self] = None

    @property
    def user(self) -> User:
        """Of one that is or was open."""
        assert self._user is not None
        return self._user

    @property
    def vhost(self) -> VHost:
        """Of one that is or was open."""
        assert self._vhost is not None
        return self._vhost

    @property
    def user_name(self) -> str:
        return self._user.name if self._user else ""

    @property
    def vhost_name(self) -> str:
        return self._vhost.name if self._vhost else ""

    @property
    def is_open(self) -> bool:
        return self.state is _RUNNING

    @property
    def is_ending(self) -> bool:
        """One side has said so."""
        return self.state in (_CLOSING_STATE, _CLOSED)

    @property
    def finished(self) -> bool:
        """The socket is to be closed as soon as `out` has been sent."""
        return self.state is _CLOSED

    @property
    def reads(self) -> bool:
        """False while publishers are blocked and this is one, or the client is choked: its socket is not to be read."""
        return not (self.choked or (self.blocked and self.is_open))

    # ------------------------------------------------------------------------------------------------------ the socket

    def _go_on(self) -> None:
        self.paused = False
        for channel in list(self.channels.values()):
            channel.resume()

    def take(self) -> list[bytes]:
        # A heartbeat is no reason to leave out the next one.
        self.heartbeats.spoke = self.heartbeats.spoke or self.out not in ([], [frames.HEARTBEAT_FRAME])
        return super().take()

    def lost(self) -> None:
        """The socket is closed."""
        self._finish()
        self.forget_socket()

    # -------------------------------------------------------------------------------------------------------- channels

    def _channel_method(self, channel: Channel, payload: bytes) -> None:
        method = frames.decode_method(payload)
        if isinstance(method, commands.Channel.Close):
            del self.channels[channel.number]
            channel.release()
            self.send(frames.method(channel.number, 20, 41))
            self._just_closed.add(channel.number)
        elif isinstance(method, commands.Channel.Open):
            raise AmqpError(504, "second 'channel.open' seen")
        else:
            raise AmqpError(503, "unimplemented method")

    def _while_channel_closing(self, channel: Channel, payload: bytes) -> None:
        index = payload[:4]
        if index == _CLOSE_CHANNEL_OK:
            del self.channels[channel.number]
        elif index == _CLOSE_CHANNEL:
            self.send(frames.method(channel.number, 20, 41))
        elif index == _OPEN_CHANNEL:
            raise AmqpError(504, "second 'channel.open' seen", hard=True)

    def _open_channel(self, kind: int, number: int, payload: bytes) -> None:
        if kind != frames.METHOD or payload[:4] != _OPEN_CHANNEL:
            if number in self._just_closed:
                if kind == frames.METHOD and payload[:4] == _CLOSE_CHANNEL:
                    self.send(frames.method(number, 20, 41))
                return
            if kind == frames.METHOD and payload[:4] in _NAMED and payload[6:7] == b"\x00":
                # As RabbitMQ: the name is looked for before the channel's state, and the error is the channel's.
                self.channels[number] = Channel(self, number)
                raise AmqpError(404, "no previously declared queue")
            raise AmqpError(504, "expected 'channel.open'")
        frames.decode_method(payload)
        if len(self.channels) >= self.channel_max:
            problem = f"number of channels opened ({len(self.channels)}) has reached the negotiated channel_max"
            raise AmqpError(530, f"{problem} ({self.channel_max})", blame=NO_METHOD)
        try:
            self.broker.admit_channel(self.user)
        except Refusal as refusal:
            raise AmqpError(530, refusal.text, blame=NO_METHOD) from None
        self.channels[number] = Channel(self, number)
        self.node.churn["channel_created"] += 1
        self.send(frames.method(number, 20, 11, frames.long(0)))

    # ------------------------------------------------------------------------------------------------------- connection

    def _moved(self, event: ConnectionEvent) -> bool:
        """Whether the event is allowed now; then the connection is in the state that it leads to."""
        state = CONNECTION[self.state].get(event)
        if state is not None:
            self.state = state
        return state is not None

    def _protocol_header(self, header: bytes) -> None:
        offer = handshake.other_protocol(header)
        if offer is not None:
            self.send(offer)
            self._finish()
            return
        self._moved(ConnectionEvent.PROTOCOL_HEADER)
        self.send(handshake.start(self.broker))

    def _connection_method(self, payload: bytes) -> None:
        method = self._decoded(payload)
        event = EVENTS.get(type(method))
        if event is None or event not in CONNECTION[self.state]:
            self._hang_up_before_tuning()
            raise AmqpError(504, f"unexpected method in connection state {self.state.value}")
        self._HANDLERS[event](self, method)

    def _decoded(self, payload: bytes) -> base.Frame:
        """A method of channel 0. RabbitMQ's own process ends when it is cut short or too long: that is nobody's error."""
        try:
            return frames.decode_method(payload)
        except AmqpError as error:
            self._hang_up_before_tuning()
            if error.blame is not None:
                error.blame = payload[:4]
                raise
            if self.state is not _RUNNING:
                raise HangUp from None
            raise AmqpError(541, "", blame=NO_METHOD) from None

    def _while_closing(self, index: bytes) -> None:
        """Two may close at once: then both sides answer."""
        if index == b"\x00\x0a\x00\x32":
            self.send(frames.method(0, 10, 51))
            self._finish()
        elif index == b"\x00\x0a\x00\x33":
            self._finish()

    def _start_ok(self, method: commands.Connection.StartOk) -> None:
        self.client_properties = method.client_properties or {}
        self._user = handshake.log_in(self.broker, method, self.peer[0])
        self.mechanism = method.mechanism
        self._moved(ConnectionEvent.START_OK)
        self.send(handshake.tune())

    def _tune_ok(self, method: commands.Connection.TuneOk) -> None:
        channels, size = method.channel_max or 0, method.frame_max or 0
        if not 0 < channels <= handshake.CHANNEL_MAX or not handshake.FRAME_MIN <= size <= handshake.FRAME_MAX:
            raise HangUp
        self.channel_max = channels
        self.frame_max = self._frame_limit = size
        self.heartbeats.interval = method.heartbeat
        self._moved(ConnectionEvent.TUNE_OK)

    def _open(self, method: commands.Connection.Open) -> None:
        self._vhost = self.broker.admit(self.user, method.virtual_host)
        self.node.churn["connection_created"] += 1
        self._moved(ConnectionEvent.OPEN)
        self._stop_timers()
        if self.heartbeats.interval:
            self._beat_later()
        self.send(frames.method(0, 10, 41, b"\x00"))

    def _update_secret(self, method: commands.Connection.UpdateSecret) -> None:
        """Users of the broker's own have no secret that could expire: what comes is taken, unread, as RabbitMQ does."""
        self.send(frames.method(0, 10, 71))

    def _closed_by_client(self, method: commands.Connection.Close) -> None:
        """The client hangs up; one that does not is given some time."""
        self._release_channels()
        self.send(frames.method(0, 10, 51))
        self._moved(ConnectionEvent.CLOSE)
        self._expect_end()

    _HANDLERS: Mapping[ConnectionEvent, Callable[["Connection", Any], None]] = {
        ConnectionEvent.START_OK: _start_ok,
        ConnectionEvent.TUNE_OK: _tune_ok,
        ConnectionEvent.OPEN: _open,
        ConnectionEvent.UPDATE_SECRET: _update_secret,
        ConnectionEvent.CLOSE: _closed_by_client,
    }

    def capable(self, name: str) -> bool:
        """Whether the client said that it understands an extension."""
        capabilities = self.client_properties.get("capabilities")
        return isinstance(capabilities, Mapping) and capabilities.get(name) is True

    # ----------------------------------------------------------------------------------------------------------- errors

    def _fail(self, error: AmqpError, number: int, payload: bytes) -> None:
        """Closes the channel or the connection, as the error wants it. `payload` is the method that was to blame."""
        index = error.blame or (payload[:4] if len(payload) >= 4 else NO_METHOD)
        channel = self.channels.get(number)
        if error.hard or channel is None:
            self._close(error, index)
            return
        channel.state = ChannelState.CLOSING
        channel.release()
        self.send(frames.method(number, 20, 40, *_reply(error), index))

    def _close(self, error: AmqpError, index: bytes) -> None:
        self.close_reason = error.reply
        before_tuning = self.state in (ConnectionState.HEADER, ConnectionState.START)
        self._release_channels()
        self._moved(ConnectionEvent.FAILED)
        if before_tuning and error.code == 403 and not self.capable("authentication_failure_close"):
            # Without a word, and not at once: guessing passwords takes its time.
            self._end_after(_SILENCE)
            return
        self.send(frames.method(0, 10, 50, *_reply(error), index))
        self._expect_end()

    def _cannot_read_on(self, error: AmqpError) -> None:
        """What comes is waited for all the same: a client that is still writing would never read why it is closed."""
        if self.state is not _CLOSING_STATE:
            self._fail(error, 0, b"")
        if self.state is _CLOSING_STATE:
            self._end_after(_SILENCE)

    def _hang_up(self) -> None:
        self.close_reason = "cannot make sense of the client"
        self._finish()

    def _expect_end(self) -> None:
        """The client is to end the connection; when it does not within a heartbeats' interval, it ends all the same."""
        self._end_after(min(self.heartbeats.interval or _CLOSING, _CLOSING))

    def _end_after(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.node.timers.at(self.node.now + seconds, self._give_up)

    def _give_up(self) -> None:
        self.given_up = True
        self._finish()

    def close(self, text: str) -> None:
        """The broker closes the connection, for a reason of its own."""
        if self.state is ConnectionState.HEADER:
            self._finish()
        elif ConnectionEvent.FAILED in CONNECTION[self.state]:
            self._close(AmqpError(320, text), NO_METHOD)

    def fail_channel(self, number: int, error: AmqpError) -> None:
        """Closes a channel for a reason that is not in what its client has sent."""
        channel = self.channels.get(number)
        if channel is not None and channel.state is _OPEN:
            self._fail(error, number, b"")

    def _release_channels(self) -> None:
        channels, self.channels = self.channels, {}
        release(channel for channel in channels.values() if channel.state is _OPEN)
        if self._vhost is not None:
            self._vhost.forget_connection(self)

    def _finish(self) -> None:
        if not self._moved(ConnectionEvent.ENDED):
            return
        self._release_channels()
        if self._vhost is not None:
            self.node.churn["connection_closed"] += 1
            self._vhost.received_bytes += self.received_bytes
            self._vhost.sent_bytes += self.sent_bytes
        self._stop_timers()
        self.broker.connections.pop(self, None)
        self._wake()

    # ------------------------------------------------------------------------------------------------- time and alarms

    def _stop_timers(self) -> None:
        for timer in (self._deadline, self._next_beat):
            if timer is not None:
                timer.cancel()
        self._deadline = self._next_beat = None

    def _too_late(self) -> None:
        self.close_reason = "handshake_timeout"
        self._finish()

    def _beat_later(self) -> None:
        self._next_beat = self.node.timers.at(self.node.now + self.heartbeats.interval / 2, self._beat)

    def _beat(self) -> None:
        """At every half of the heartbeats' interval. A connection that closes has a deadline of its own."""
        beat = self.heartbeats.look(self.reads)
        if beat is Beat.GIVE_UP and self.is_open:
            self.close_reason = f"missed heartbeats from client, timeout: {self.heartbeats.interval}s"
            self._give_up()
            return
        if beat is not Beat.NOTHING:
            self.send(frames.HEARTBEAT_FRAME)
        self._beat_later()

    def alarm_changed(self) -> None:
        """A publisher that was blocked goes on. During an alarm none is blocked until it publishes."""
        if self.broker.alarmed or not self.blocked:
            return
        self.blocked = False
        if self.is_open and self.capable("connection.blocked"):
            self.send(frames.method(0, 10, 61))

    def _block(self) -> None:
        self.blocked = True
        if self.capable("connection.blocked"):
            self.send(frames.method(0, 10, 60, short_string(f"low on {' & '.join(self.broker.alarms.resources)}")))


def connections_of(broker: Broker) -> list[Connection]:
    """Those of clients that speak AMQP 0-9-1, whatever their state."""
    return [each for each in broker.connections if isinstance(each, Connection)]


def _reply(error: AmqpError) -> tuple[bytes, bytes]:
    return frames.short(error.code), short_string(error.reply)
