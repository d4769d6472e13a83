"""Messages as the broker delivers them, over a connection that a thread of its own looks after.

So heartbeats go on while a message waits for a slow reader of stdout or a program takes its time with it.
"""

import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

from rmqctl.amqp.connection import connected_to_stay, ends_soon, putting_back
from rmqctl.amqp.delivery import Delivery
from rmqctl.errors import Unavailable
from rmqctl.session import Session

if TYPE_CHECKING:
    from pika import BlockingConnection
    from pika.adapters.blocking_connection import BlockingChannel


@contextlib.contextmanager
def consuming(
    session: Session, url: str | None, queue_of: "Callable[[BlockingChannel], str]", prefetch: int | None
) -> "Iterator[Consumer]":
    """A consumer of the queue that `queue_of` names, after it has declared what it needs, on the channel given.

    At most `prefetch` messages wait for their acknowledgement; None: the broker takes them for acknowledged as they are sent.
    What was not settled is put back where it was at the end. --timeout is for the time until the consumer is there.
    """
    with connected_to_stay(session, url) as (connection, lift_time_limit):
        channel = connection.channel()
        with putting_back(channel):
            consumer = Consumer(connection, channel, queue_of(channel), prefetch)
            lift_time_limit()
            consumer.start()
            try:
                yield consumer
            finally:
                consumer.cancel()
                consumer.give_back_failed()


class Consumer:
    """Its methods are for one thread, and wait for no broker but `cancel`."""

    def __init__(
        self, connection: "BlockingConnection", channel: "BlockingChannel", queue: str, prefetch: int | None
    ) -> None:
        self.queue = queue
        self._connection = connection
        self._channel = channel
        self._arrived = _Buffer(bounded=prefetch is None)
        self._settles = prefetch is not None
        self._error: BaseException | None = None
        self._failed: list[Delivery] = []
        if prefetch is not None:
            channel.basic_qos(prefetch_count=prefetch)
        channel.basic_consume(queue, self._deliver, auto_ack=prefetch is None)
        self._thread = Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        """From here on the connection belongs to the thread."""
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many messages had to make room for newer ones, of a consumer that does not acknowledge."""
        return self._arrived.dropped

    def next(self, seconds: float) -> Delivery | None:
        """The next message, None when none came for so long. Raises what ended the consumer, pika's errors among that."""
        if self._error is not None and self._settles:  # what has arrived belongs to the queue again
            raise self._error
        delivery = self._arrived.get(seconds)
        if delivery is None and not self._thread.is_alive():
            raise self._error or Unavailable(f"the broker cancelled the consumer: was queue {self.queue!r} deleted?")
        return delivery

    def ack(self, delivery: Delivery) -> None:
        self._settle(partial(self._channel.basic_ack, delivery.got.delivery_tag))

    def reject(self, delivery: Delivery) -> None:
        """To the dead-letter exchange of the queue, if it has one."""
        self._settle(partial(self._channel.basic_reject, delivery.got.delivery_tag, requeue=False))

    def failed(self, delivery: Delivery) -> None:
        """It goes back at the end, and counts as a failure where the queue counts them."""
        self._failed.append(delivery)

    def cancel(self) -> None:
        """No message comes any more. Those that have come can still be settled."""
        if self._thread.is_alive():
            self._from_here(self._stop)
            self._thread.join()

    def give_back_failed(self) -> None:
        """After `cancel`."""
        from pika.exceptions import AMQPError

        with contextlib.suppress(AMQPError):
            for delivery in self._failed:
                self._channel.basic_reject(delivery.got.delivery_tag, requeue=True)

    def _settle(self, call: Callable[[], None]) -> None:
        if self._error is not None:
            raise self._error
        if self._thread.is_alive():
            self._from_here(call)
        else:
            call()

    def _from_here(self, call: Callable[[], None]) -> None:
        from pika.exceptions import ConnectionWrongStateError

        with contextlib.suppress(ConnectionWrongStateError):  # `next` tells why
            self._connection.add_callback_threadsafe(call)

    # on the thread

    def _stop(self) -> None:
        """pika would reject what arrives until the consumer is gone, which counts as a failure: it is put back with the rest."""
        protocol = self._channel._impl
        ends_soon(protocol.connection)
        protocol.basic_reject = lambda *_, **__: None
        try:
            self._channel.stop_consuming()
        finally:
            del protocol.basic_reject

    def _serve(self) -> None:
        try:
            self._channel.start_consuming()
        except BaseException as error:  # it is raised where messages are wanted
            self._error = error
        finally:
            self._arrived.end()

    def _deliver(self, _: object, got: Any, properties: Any, body: bytes) -> None:
        self._arrived.put(Delivery(got, properties, body))


class _Buffer:
    """What has arrived and was not asked for yet. `bounded`: the oldest are dropped when it becomes too much."""

    MESSAGES, BYTES = 10_000, 64 << 20

    def __init__(self, *, bounded: bool) -> None:
        self.dropped = 0
        self._bounded = bounded
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._ended = False
        self._changed = Condition()

    def put(self, delivery: Delivery) -> None:
        with self._changed:
            self._waiting.append(delivery)
            self._bytes += len(delivery.body)
            while self._bounded and (len(self._waiting) > self.MESSAGES or self._bytes > self.BYTES):
                self._take()
                self.dropped += 1
            self._changed.notify()

    def get(self, seconds: float) -> Delivery | None:
        with self._changed:
            if not self._waiting and not self._ended:
                self._changed.wait(seconds)
            return self._take() if self._waiting else None

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()

    def _take(self) -> Delivery:
        delivery = self._waiting.popleft()
        self._bytes -= len(delivery.body)
        return delivery
