"""The messages of a queue that wait to be delivered, by priority and age."""

from collections import deque
from collections.abc import Iterable, Iterator

from rmqctl.broker.core.message import Entry


class Ready:
    """One line for each priority (0 to `priorities`), oldest first. `bytes` is the sum of their sizes."""

    _expire_behind = False
    """Whether a message expires while one that does not stands in a line before its own."""

    def __init__(self, priorities: int = 0) -> None:
        self._lines: dict[int, deque[Entry]] = {0: deque()}
        """By priority, the highest first."""
        self._plain = self._lines[0] if not priorities else None
        self._highest = priorities
        self.count = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[Entry]:
        """In the order of delivery."""
        for line in self._lines.values():
            yield from line

    def push(self, entry: Entry) -> None:
        self.count += 1
        self.bytes += entry.size
        self._line_of(entry).append(entry)

    def pop(self) -> Entry:
        """The next to be delivered."""
        entry = self._first_line().popleft()
        self.count -= 1
        self.bytes -= entry.size
        return entry

    def heads(self) -> Iterator[Entry]:
        """The messages that may expire next."""
        for line in self._lines.values():
            if line:
                yield line[0]
                if not self._expire_behind:
                    return

    def pop_expired(self, now: float) -> list[Entry]:
        """Takes the expired ones away, as far as none that is not stands before them."""
        expired = []
        for line in self._lines.values():
            while line and (when := line[0].expires) is not None and when <= now:
                expired.append(line.popleft())
            if line and not self._expire_behind:
                break
        self.count -= len(expired)
        self.bytes -= sum(entry.size for entry in expired)
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
            self.bytes += entry.size

    def clear(self) -> list[Entry]:
        """Takes all away."""
        entries = list(self)
        for line in self._lines.values():
            line.clear()
        self.count = self.bytes = 0
        return entries

    def _first_line(self) -> deque[Entry]:
        return self._plain if self._plain is not None else next(line for line in self._lines.values() if line)

    def _line_of(self, entry: Entry) -> deque[Entry]:
        if self._plain is not None:
            return self._plain
        return self._line(min(entry.message.get("priority") or 0, self._highest))

    def _line(self, priority: int) -> deque[Entry]:
        if priority not in self._lines:
            self._lines = dict(sorted({**self._lines, priority: deque[Entry]()}.items(), reverse=True))
        return self._lines[priority]


class QuorumReady(Ready):
    """Of a quorum queue, as of RabbitMQ 4.3: 32 priorities, and 4 is that of a message without one.

    What comes back has no place of its own: it goes before everything else, in the order of its coming back.
    """

    _expire_behind = True
    _unsaid = 4
    _came_back = 256

    def __init__(self) -> None:
        super().__init__(31)

    def put_back(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._line(self._came_back).append(entry)
            self.count += 1
            self.bytes += entry.size

    def _line_of(self, entry: Entry) -> deque[Entry]:
        priority = entry.message.get("priority")
        return self._line(self._unsaid if priority is None else min(priority, self._highest))
