"""Publisher confirms: which publishes of a channel wait for the store, and which may be confirmed now.

(https://www.rabbitmq.com/docs/confirms#publisher-confirms)
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable

from rmqctl.broker.amqp import frames
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.stats import Counts


class Confirms:
    """Of the channel `number`. `send` takes frames."""

    def __init__(self, node: Node, number: int, counts: Counts, send: Callable[[bytes], None]) -> None:
        self._node = node
        self._number = number
        self._counts = counts
        self._send = send
        self._published = 0
        self._confirmed: list[int] = []
        self._waiting: deque[tuple[int, list[int]]] = deque()
        """Publishes that wait for the store: batches and numbers."""

    @property
    def outstanding(self) -> int:
        """How many publishes have no answer yet."""
        return sum(len(numbers) for _, numbers in self._waiting) + len(self._confirmed)

    def next(self) -> int:
        """The number of the publish that comes now."""
        self._published += 1
        return self._published

    def reject(self, number: int) -> None:
        """basic.nack, at once."""
        self._send(frames.method(self._number, 60, 120, frames.longlong(number), b"\x00"))

    def wait(self, number: int) -> None:
        """It is confirmed once the store has everything that it was told until now."""
        journal, waiting = self._node.journal, self._waiting
        if waiting and waiting[-1][0] == journal.batch:
            waiting[-1][1].append(number)
        else:
            waiting.append((journal.batch, [number]))
        if journal.durable:
            self._node.awaiting[self] = None

    def confirm(self, number: int) -> None:
        """It is confirmed with the next `flush`."""
        self._confirmed.append(number)

    def committed(self, batch: int) -> None:
        """The store has everything up to this batch."""
        while self._waiting and self._waiting[0][0] <= batch:
            self._confirmed += self._waiting.popleft()[1]
        if not self._waiting:
            self._node.awaiting.pop(self, None)
        self.flush()

    def flush(self) -> None:
        """Sends what is confirmed: in one frame as far as nothing before it is still waiting."""
        if not self._confirmed:
            return
        self._counts.confirm += len(self._confirmed)
        self._confirmed.sort()
        before = self._waiting[0][1][0] if self._waiting else self._published + 1
        together = bisect_left(self._confirmed, before)
        if together:
            self._send(frames.ack(self._number, self._confirmed[together - 1], together > 1))
        for number in self._confirmed[together:]:
            self._send(frames.ack(self._number, number, False))
        self._confirmed.clear()

    def forget(self) -> None:
        """The channel is over: nobody waits any more."""
        self._node.awaiting.pop(self, None)
        self._waiting.clear()
        self._confirmed.clear()
