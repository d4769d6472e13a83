"""What is due when: a heap of calls, run by whoever owns the clock."""

import heapq
from collections.abc import Callable
from itertools import count


class Timer:
    """A call that is due at `when` (Unix seconds). `cancel()` forgets it."""

    __slots__ = ("call", "when")

    def __init__(self, when: float, call: Callable[[], None]) -> None:
        self.when = when
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class Timers:
    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self.changed: Callable[[], None] = lambda: None
        """Called when the next call is due earlier than it was."""

    def at(self, when: float, call: Callable[[], None]) -> Timer:
        timer = Timer(when, call)
        first = not self._heap or when < self._heap[0][0]
        heapq.heappush(self._heap, (when, next(self._order), timer))
        if first:
            self.changed()
        return timer

    def next(self) -> float | None:
        """When the next call is due."""
        while self._heap and self._heap[0][2].call is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, now: float) -> None:
        """Makes the calls that are due."""
        while (when := self.next()) is not None and when <= now:
            timer = heapq.heappop(self._heap)[2]
            call, timer.call = timer.call, None
            if call is not None:
                call()
