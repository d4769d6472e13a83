"""Messages that came back to a quorum queue, and wait before they are delivered again (delayed retries of RabbitMQ 4.3)."""

from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import Any, NamedTuple

from rmqctl.broker.core.message import Entry

# Whatever value an argument has can be compared with these.
_KINDS = ("all", "failed", "returned")


class Retry(NamedTuple):
    """Which returns wait (`kind`: all, failed, or returned for the others), and how long at least and at most, in seconds."""

    kind: str
    minimum: float
    maximum: float

    def delays(self, failed: bool) -> bool:
        return self.kind == "all" or (self.kind == "failed") is failed

    def until(self, entry: Entry, now: float) -> float:
        """When a message that has come back may be delivered again: each failure makes the time longer."""
        return now + min(self.minimum * max(1, entry.count), self.maximum)

    def __str__(self) -> str:
        """As lists show it."""
        return f"{self.kind} (min: {round(self.minimum * 1000)}ms, max: {round(self.maximum * 1000)}ms)"


def retry_of(effective: Mapping[str, Any]) -> Retry | None:
    """What arguments and policies come to. RabbitMQ takes arguments of any value: those that make no sense delay nothing."""
    kind, minimum = effective.get("delayed-retry-type"), _milliseconds(effective.get("delayed-retry-min"))
    if kind not in _KINDS or minimum is None:
        return None
    return Retry(kind, minimum, _milliseconds(effective.get("delayed-retry-max")) or minimum)


def _milliseconds(value: Any) -> float | None:
    return value / 1000 if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


class Delayed:
    """`bytes` is the sum of their sizes. Who may be delivered first is `next`."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Entry]] = []
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._heap)

    def __iter__(self) -> Iterator[Entry]:
        """In no order."""
        return (entry for _, _, entry in self._heap)

    @property
    def next(self) -> float | None:
        """When the first one may be delivered."""
        return self._heap[0][0] if self._heap else None

    @property
    def last(self) -> float | None:
        """When the last one may be."""
        return max(self._heap)[0] if self._heap else None

    def add(self, entry: Entry, until: float) -> None:
        heappush(self._heap, (until, entry.position, entry))
        self.bytes += entry.size

    def pop_due(self, now: float) -> list[Entry]:
        """Takes those away that may be delivered now."""
        due = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heappop(self._heap)[2])
        self.bytes -= sum(entry.size for entry in due)
        return due

    def clear(self) -> list[Entry]:
        """Takes all away."""
        entries = list(self)
        self._heap.clear()
        self.bytes = 0
        return entries
