"""The messages of a queue that wait to be delivered, by priority and age."""

from collections import deque
from collections.abc import Iterable, Iterator

from rmqctl.broker.message import Entry


class Ready:
    """One line for each priority (0 to `priorities`), oldest first. `bytes` is the sum of the bodies."""

    def __init__(self, priorities: int = 0) -> None:
        self._lines: list[deque[Entry]] = [deque() for _ in range(priorities + 1)]
        self._plain = self._lines[0] if not priorities else None
        self.count = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[Entry]:
        """In the order of delivery."""
        for line in reversed(self._lines):
            yield from line

    def push(self, entry: Entry) -> None:
        self.count += 1
        self.bytes += len(entry.message.body)
        self._line_of(entry).append(entry)

    def pop(self) -> Entry:
        """The next to be delivered."""
        entry = self._first_line().popleft()
        self.count -= 1
        self.bytes -= len(entry.message.body)
        return entry

    def heads(self) -> Iterator[Entry]:
        """The oldest of each priority."""
        return (line[0] for line in self._lines if line)

    def pop_expired(self, now: float) -> list[Entry]:
        """Takes the expired ones away, as far as none that is not stands before them."""
        expired = []
        for line in reversed(self._lines):
            while line and (when := line[0].expires) is not None and when <= now:
                expired.append(line.popleft())
        self.count -= len(expired)
        self.bytes -= sum(len(entry.message.body) for entry in expired)
        return expired

    def put_back(self, entries: Iterable[Entry]) -> None:
        """Returns messages to the places that they had."""
        for entry in sorted(entries, key=lambda each: each.position, reverse=True):
            line = self._line_of(entry)
            if not line or entry.position < line[0].position:
                line.appendleft(entry)
            else:
                place = next((at for at, other in enumerate(line) if other.position > entry.position), len(line))
                line.insert(place, entry)
            self.count += 1
            self.bytes += len(entry.message.body)

    def clear(self) -> list[Entry]:
        """Takes all away."""
        entries = list(self)
        for line in self._lines:
            line.clear()
        self.count = self.bytes = 0
        return entries

    def _first_line(self) -> deque[Entry]:
        return self._plain if self._plain is not None else next(line for line in reversed(self._lines) if line)

    def _line_of(self, entry: Entry) -> deque[Entry]:
        if self._plain is not None:
            return self._plain
        return self._lines[min(entry.message.get("priority") or 0, len(self._lines) - 1)]
