"""Publishing many messages: pika's blocking connection would wait for the confirm of each."""

import contextlib
import queue
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rmqctl.amqp.connection import ends_soon, limited, parameters_of, same_cluster, translated
from rmqctl.errors import DataError
from rmqctl.session import Session

if TYPE_CHECKING:
    from pika import SelectConnection
    from pika.channel import Channel


class Message(Protocol):
    """What can be published; `properties` by the names of AMQP 0-9-1."""

    @property
    def exchange(self) -> str: ...
    @property
    def routing_key(self) -> str: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def properties(self) -> dict[str, Any]: ...


@dataclass
class Tally:
    """What became of the messages: confirmed and in a queue, confirmed and in none, refused (basic.nack), or not answered."""

    routed: int = 0
    unroutable: int = 0
    refused: int = 0
    unconfirmed: int = 0
    first_returned: tuple[str, str] = ("", "")

    def returned(self, exchange: str, routing_key: str) -> None:
        if not self.unroutable:
            self.first_returned = exchange, routing_key
        self.unroutable += 1


def publish(
    session: Session,
    url: str | None,
    messages: Iterable[Message],
    tally: Tally,
    advance: Callable[[], None],
    stopped: Callable[[], bool],
) -> None:
    """Publishes in order, mandatory, with publisher confirms, many messages on their way at a time.

    `tally` is right at any time, also when this raises. `stopped`: no further message is sent; those on their way are waited for.
    """
    import pika

    parameters = parameters_of(session, url)
    check = same_cluster(session, url)
    with translated(session, parameters):
        publisher = _Publisher(iter(messages), tally, advance, stopped)

        def opened(connection: "SelectConnection") -> None:
            check(connection)
            publisher.opened(connection)

        connection = pika.SelectConnection(
            parameters,
            on_open_callback=opened,
            on_open_error_callback=publisher.closed,
            on_close_callback=publisher.closed,
        )
        limited(session, connection, parameters)
        try:
            connection.ioloop.start()
        finally:
            tally.unconfirmed = len(publisher.on_their_way)
        if publisher.error is not None:
            raise publisher.error


@dataclass
class _End:
    """After the last message; `error`: what ended the reading."""

    error: BaseException | None


class _Reader:
    """Reads messages ahead on a thread of its own: `tail -f` may be silent for hours while confirms and heartbeats come.

    `wake` is called, on that thread, when there is something to read after there was nothing.
    """

    AHEAD = 100

    def __init__(self, messages: Iterator[Message], wake: Callable[[], None]) -> None:
        self._messages = messages
        self._wake = wake
        self._ahead: queue.Queue[Message | _End] = queue.Queue(self.AHEAD)
        self._waited_for = False
        threading.Thread(target=self._read, daemon=True).start()

    def next(self) -> Message | _End | None:
        """None: nothing yet."""
        with contextlib.suppress(queue.Empty):
            return self._ahead.get_nowait()
        self._waited_for = True
        with contextlib.suppress(queue.Empty):  # it came between the two lines above
            return self._ahead.get_nowait()
        return None

    def _read(self) -> None:
        end = _End(None)
        try:
            for message in self._messages:
                self._put(message)
        except BaseException as error:  # it is raised where the messages are wanted
            end = _End(error)
        self._put(end)

    def _put(self, item: Message | _End) -> None:
        self._ahead.put(item)
        if self._waited_for:
            self._waited_for = False
            self._wake()


class _Publisher:
    """Callbacks of one connection. `on_their_way`: the sizes in bytes of the unconfirmed messages by delivery tag."""

    MESSAGES, BYTES = 1000, 8 << 20
    LOOK_SECONDS = 0.2
    """How often it looks whether it is to stop."""

    def __init__(
        self,
        messages: Iterator[Message],
        tally: Tally,
        advance: Callable[[], None],
        stopped: Callable[[], bool],
    ) -> None:
        self.on_their_way: OrderedDict[int, int] = OrderedDict()
        self.error: BaseException | None = None
        self._bytes = 0
        self._tag = 0
        self._messages = messages
        self._tally = tally
        self._advance = advance
        self._stopped = stopped
        self._no_more = False
        self._ended = False

    def opened(self, connection: "SelectConnection") -> None:
        self._connection = connection
        connection.channel(on_open_callback=self._channel_opened)

    def closed(self, connection: "SelectConnection", reason: BaseException) -> None:
        if not self._ended:
            self.error = self.error or reason
        connection.ioloop.stop()

    def _channel_opened(self, channel: "Channel") -> None:
        self._channel = channel
        channel.add_on_close_callback(self._channel_closed)
        channel.add_on_return_callback(self._returned)
        channel.confirm_delivery(self._answered, lambda _: self._confirmed())

    def _confirmed(self) -> None:
        loop = self._connection.ioloop
        self._reader = _Reader(self._messages, lambda: loop.add_callback_threadsafe(self._send))
        self._look()

    def _look(self) -> None:
        self._send()
        if not self._ended:
            self._connection.ioloop.call_later(self.LOOK_SECONDS, self._look)

    def _channel_closed(self, _: "Channel", reason: BaseException) -> None:
        if not self._ended and self._connection.is_open:  # else `closed` hears why
            self._end(reason)

    def _returned(self, _channel: "Channel", method: Any, _properties: Any, _body: bytes) -> None:
        """It comes before the confirm of its message."""
        self._tally.returned(method.exchange, method.routing_key)
        self._tally.routed -= 1

    def _answered(self, frame: Any) -> None:
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        refused = frame.method.NAME == "Basic.Nack"
        tags = [each for each in self.on_their_way if each <= tag] if multiple else [tag]
        for each in tags:
            self._bytes -= self.on_their_way.pop(each)
            self._tally.refused += refused
            self._tally.routed += not refused
            self._advance()
        self._send()

    def _send(self) -> None:
        while not self._no_more and len(self.on_their_way) < self.MESSAGES and self._bytes < self.BYTES:
            message = _End(None) if self._stopped() else self._reader.next()
            if message is None:
                return
            self._no_more = isinstance(message, _End) or not self._published(message)
            if isinstance(message, _End):
                self.error = message.error
        if self._no_more and not self.on_their_way and not self._ended:
            self._end(None)

    def _published(self, message: Message) -> bool:
        """False, and `error` set, when AMQP has no way to write it: nothing of it was sent then."""
        import pika

        what = (message.exchange, message.routing_key, message.payload)
        try:
            self._channel.basic_publish(*what, pika.BasicProperties(**message.properties), mandatory=True)
        except pika.exceptions.ShortStringTooLong as error:
            self.error = self._unwritable(f"longer than the 255 bytes of a short string: {str(error)[:60]!r}")
        except (
            pika.exceptions.UnsupportedAMQPFieldException,
            struct.error,
            ValueError,
            TypeError,
            AssertionError,
        ) as error:
            self.error = self._unwritable(str(error))
        else:
            self._tag += 1
            self.on_their_way[self._tag] = len(message.payload)
            self._bytes += len(message.payload)
        return self.error is None

    def _unwritable(self, reason: str) -> DataError:
        return DataError(f"message {self._tag + 1} has a key or property that AMQP cannot carry: {reason}")

    def _end(self, reason: BaseException | None) -> None:
        self._ended = self._no_more = True
        self.error = self.error or reason
        ends_soon(self._connection)
        self._connection.close()
