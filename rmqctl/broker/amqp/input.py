"""What a client sends: from bytes in whatever pieces to frames, and from those to whom they are for.

`receive` takes the bytes. `_frames` cuts frames from them; a message that stands there whole, in three frames, goes to its
channel at once, everything else through `_frame`: to the connection (channel 0), or to a channel. What may come in which
state of the connection is a table in `states`; what becomes of the connection is `connection`'s to say.

A method is answered while it is handled. What queues have for a channel meanwhile (messages, that a consumer is cancelled
because its queue is gone) is held until then: delete-ok comes before basic.cancel, and commit-ok before the deliveries
that the transaction's acknowledgements made possible. At the end of `receive` confirms are flushed, and consumers that
were acknowledged get what they can take now: once for all that came in one piece.
"""

import logging
from abc import abstractmethod
from collections.abc import Callable

from rmqctl.broker.amqp import frames, methods
from rmqctl.broker.amqp.channel import Channel
from rmqctl.broker.amqp.errors import NO_METHOD, AmqpError, Blocked, HangUp, error_of
from rmqctl.broker.amqp.handshake import FRAME_MIN
from rmqctl.broker.amqp.heartbeats import Heartbeats
from rmqctl.broker.amqp.output import Output
from rmqctl.broker.amqp.states import UNEXPECTED, ChannelState, ConnectionState, Expects, Unexpected
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.errors import Refusal

_LOG = logging.getLogger("rmqctl.broker")
_KINDS = (frames.METHOD, frames.HEADER, frames.BODY, frames.HEARTBEAT)
# Methods after which a queue that settles later hands nothing more to the consumers that acknowledged before.
_WITHDRAWING = (b"\x00\x3c\x00\x1e", b"\x00\x14\x00\x28")
_RUNNING, _CLOSING, _CLOSED = ConnectionState.RUNNING, ConnectionState.CLOSING, ConnectionState.CLOSED
_CLOSE_OK = frames.method(0, 10, 51)
_OPEN, _METHOD = ChannelState.OPEN, Expects.METHOD


class Input(Output):
    """`blocked`: the client has published something during an alarm, on whatever channel: no more of it is handled."""

    name: str

    def __init__(self, broker: Broker, wake: Callable[[], None]) -> None:
        super().__init__(wake)
        self.broker = broker
        self.node = broker.node
        self.state = ConnectionState.HEADER
        self.heartbeats = Heartbeats()
        self.channels: dict[int, Channel] = {}
        self.confirming: dict[Channel, None] = {}
        self.credited: dict[Channel, None] = {}
        self.holding: dict[Channel, None] = {}
        self.handling = False
        self.blocked = False
        self.received_bytes = 0
        self.received_frames = 0
        self._just_closed: set[int] = set()
        """Channels that the client has closed in what is being handled: what it says on them besides is ignored."""
        self._deaf = False
        """What comes is no frames any more."""
        self._need = 8
        self._parts: list[bytes] = []
        self._have = 0
        self._frame_limit = FRAME_MIN

    @property
    def waits(self) -> bool:
        """Whether there are frames that could not be handled: `receive` nothing more to have them handled."""
        return self._have >= self._need

    def receive(self, data: bytes) -> None:
        """Takes bytes as they come, in whatever pieces."""
        if self.state is _CLOSED:
            return
        self.received_bytes += len(data)
        if self._deaf:
            if data.endswith(_CLOSE_OK):
                self._finish()
            return
        self.heartbeats.heard = True
        # A large frame that comes in many pieces is put together once, when it is whole.
        if self._have + len(data) < self._need:
            self._parts.append(data)
            self._have += len(data)
            return
        if self._parts:
            self._parts.append(data)
            data = b"".join(self._parts)
            self._parts.clear()
        self.handling = True
        try:
            rest = self._frames(data)
        except AmqpError as error:
            self._cannot_read_on(error)
            self._deaf = True
            rest = b""
        except HangUp:
            self._hang_up()
            rest = b""
        self.handling = False
        self._just_closed.clear()
        if rest and self.state is not _CLOSED:
            self._parts.append(rest)
        self._have = len(rest)
        if self.confirming:
            confirming, self.confirming = self.confirming, {}
            for channel in confirming:
                channel.confirms.flush()
        if self.credited:
            credited, self.credited = self.credited, {}
            for channel in credited:
                channel.credit()

    def _frames(self, data: bytes) -> bytes:
        """Handles all whole frames. Returns what is left over."""
        position, end = 0, len(data)
        if self.state is ConnectionState.HEADER:
            if end < 8:
                self._need = 8
                return data
            self._protocol_header(data[:8])
            position = 8
        while True:
            if self.state is _CLOSED:
                return b""
            if end - position < 8:
                self._need = 8
                return data[position:]
            kind, number, size = frames.FRAME.unpack_from(data, position)
            if size > self._frame_limit:
                self._need = 8
                self._hang_up_before_tuning()
                raise frames.bad_frame(501, kind, b"", f"{{frame_too_large,{size},{self._frame_limit - 8}}}")
            stop = position + 7 + size
            if stop >= end:
                self._need = 8 + size
                return data[position:]
            if data[stop] != 0xCE:
                self._need = 8
                problem = f"{{invalid_frame_end_marker,{data[stop]}}}"
                raise frames.bad_frame(501, kind, data[position + 7 : stop], problem)
            payload = data[position + 7 : stop]
            position = stop + 1
            self.received_frames += 1
            try:
                if kind == frames.METHOD and payload[:4] == frames.PUBLISH and (channel := self._idle_channel(number)):
                    whole = frames.whole_content(data, position, number, self._frame_limit)
                    if whole is not None:
                        position = whole[2]
                        self.received_frames += 2 if whole[1] else 1
                        channel.publish_whole(payload, whole[0], whole[1])
                    else:
                        self._frame(kind, number, payload)
                else:
                    self._frame(kind, number, payload)
            except AmqpError as error:
                self._fail(error, number, payload if kind == frames.METHOD else b"")
            except Refusal as refusal:
                self._fail(error_of(refusal), number, payload if kind == frames.METHOD else b"")
            except Blocked:
                self._need = 8
                return data[position:]
            except HangUp:
                raise
            except Exception:
                _LOG.exception("connection %s: cannot handle a frame of type %d on channel %d", self.name, kind, number)
                self._fail(AmqpError(541, "", blame=NO_METHOD), 0, b"")
            if self.holding:
                holding, self.holding = self.holding, {}
                for each in holding:
                    each.flush()

    def _frame(self, kind: int, number: int, payload: bytes) -> None:
        if self.state is not _RUNNING:
            self._frame_outside(kind, number, payload)
            return
        if kind != frames.METHOD or len(payload) < 4:
            _check_frame(kind, payload)
        channel = self.channels.get(number)
        if channel is None:
            self._frame_of_no_channel(kind, number, payload)
        elif kind == frames.HEARTBEAT:
            raise frames.bad_frame(505, kind, payload)
        elif channel.state is not _OPEN:
            if kind == frames.METHOD:
                self._while_channel_closing(channel, payload)
        elif kind == frames.METHOD:
            channel.last_used = self.node.now
            if channel.assembly.expects is not _METHOD:
                raise channel.assembly.other_than_expected()
            self._method(channel, payload)
        elif kind == frames.HEADER:
            channel.content_header(payload)
        else:
            channel.content_body(payload)

    def _frame_outside(self, kind: int, number: int, payload: bytes) -> None:
        """Before the connection is open, or when it closes."""
        if self.state is _CLOSING:
            if kind == frames.METHOD and number == 0:
                self._while_closing(payload[:4])
            return
        _check_frame(kind, payload)
        if number == 0 and kind == frames.METHOD:
            self._connection_method(payload)
        elif number or kind != frames.HEARTBEAT:
            self._hang_up_before_tuning()
            raise frames.bad_frame(505, kind, payload)

    def _frame_of_no_channel(self, kind: int, number: int, payload: bytes) -> None:
        if number and kind != frames.HEARTBEAT:
            self._open_channel(kind, number, payload)
        elif number == 0 and kind == frames.METHOD:
            self._connection_method(payload)
        elif kind != frames.HEARTBEAT or number:
            raise frames.bad_frame(505, kind, payload)

    def _hang_up_before_tuning(self) -> None:
        """Whatever RabbitMQ does not expect before it knows its client, it hangs up."""
        if UNEXPECTED[self.state] is Unexpected.HANG_UP:
            raise HangUp

    def _idle_channel(self, number: int) -> Channel | None:
        """The channel, when a message published on it may be taken whole."""
        channel = self.channels.get(number)
        if channel is None or channel.state is not _OPEN or channel.assembly.expects is not _METHOD:
            return None
        if self.state is not _RUNNING or self.broker.alarmed:
            return None
        channel.last_used = self.node.now
        return channel

    def _method(self, channel: Channel, payload: bytes) -> None:
        index = payload[:4]
        if index == frames.PUBLISH:
            channel.begin_publish(payload)
            if self.broker.alarmed:
                self._block()
                raise Blocked
            return
        if index == frames.ACK:
            tag, multiple = frames.acknowledgement(payload)
            channel.ack(tag, multiple)
            return
        if self.credited:
            self._credit_before(index in _WITHDRAWING)
        if index[:2] == b"\x00\x14" and index[2:] != b"\x00\x14":
            self._channel_method(channel, payload)
        else:
            methods.handle(channel, payload)

    def _credit_before(self, withdrawing: bool) -> None:
        """What was acknowledged before a method counts for it: consumers get what they can take now.

        Of a consumer that is withdrawn by it, RabbitMQ's classic queues have sent that already.
        """
        for channel in list(self.credited):
            channel.credit(early=withdrawing)
            if withdrawing:
                channel.flush()

    # ------------------------------------------------------------------------------------------ what a connection does

    @abstractmethod
    def _protocol_header(self, header: bytes) -> None: ...
    @abstractmethod
    def _connection_method(self, payload: bytes) -> None: ...
    @abstractmethod
    def _while_closing(self, index: bytes) -> None: ...
    @abstractmethod
    def _open_channel(self, kind: int, number: int, payload: bytes) -> None:
        """By a frame on a channel that is not open."""

    @abstractmethod
    def _channel_method(self, channel: Channel, payload: bytes) -> None:
        """Of the class channel, but for flow."""

    @abstractmethod
    def _while_channel_closing(self, channel: Channel, payload: bytes) -> None: ...
    @abstractmethod
    def _fail(self, error: AmqpError, number: int, payload: bytes) -> None:
        """Closes the channel of this number or the connection, as the error wants it."""

    @abstractmethod
    def _cannot_read_on(self, error: AmqpError) -> None:
        """Where the next frame begins is not known any more: whatever comes is lost."""

    @abstractmethod
    def _hang_up(self) -> None: ...
    @abstractmethod
    def _finish(self) -> None: ...
    @abstractmethod
    def _block(self) -> None: ...


def _check_frame(kind: int, payload: bytes) -> None:
    """Raises AmqpError for what is no frame of AMQP's."""
    if kind not in _KINDS or (kind == frames.METHOD and len(payload) < 4) or (kind == frames.HEARTBEAT and payload):
        raise frames.bad_frame(501, kind, payload, "unknown_frame")
