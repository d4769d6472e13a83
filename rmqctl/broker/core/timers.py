"""What is due when: a heap of calls, run by whoever owns the clock."""

import heapq
from collections.abc import Callable
from itertools import count

from rmqctl.broker.core.shield import shielded

# Cancelled calls that may always stay until they come to the front.
_IDLE = 64
PIECE, SOON = 200, 0.001
"""What may be long is done in pieces: so many messages, and the rest so many seconds later, when others had their turns."""


class Timer:
    """A call that is due at `when` (Unix seconds). `cancel()` forgets it."""

    __slots__ = ("_timers", "call", "when")

    def __init__(self, timers: "Timers", when: float, call: Callable[[], None]) -> None:
        self._timers = timers
        self.when = when
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        if self.call is not None:
            self.call = None
            self._timers.cancelled()


class Timers:
    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._cancelled = 0
        self.changed: Callable[[], None] = lambda: None
        """Called when the next call is due earlier than it was."""

    def __len__(self) -> int:
        """How many calls take memory, cancelled ones among them."""
        return len(self._heap)

    def at(self, when: float, call: Callable[[], None]) -> Timer:
        timer = Timer(self, when, call)
        first = not self._heap or when < self._heap[0][0]
        heapq.heappush(self._heap, (when, next(self._order), timer))
        if first:
            self.changed()
        return timer

    def next(self) -> float | None:
        """When the next call is due."""
        while self._heap and self._heap[0][2].call is None:
            heapq.heappop(self._heap)
            self._cancelled -= 1
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        """Makes the calls that are due."""
        while (when := self.next()) is not None and when <= now:
            timer = heapq.heappop(self._heap)[2]
            call, timer.call = timer.call, None
            if call is not None:
                with shielded("do what is due"):
                    call()

    def cancelled(self) -> None:
        """Throws cancelled calls away once most are: a queue with a long TTL cancels one for each message it delivers."""
        self._cancelled += 1
        if self._cancelled > _IDLE and self._cancelled * 2 > len(self._heap):
            self._heap = [each for each in self._heap if each[2].call is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0
