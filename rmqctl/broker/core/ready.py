"""The messages of a queue that wait to be delivered, by priority and age."""

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush, merge

from rmqctl.broker.core.message import Entry

_ALL = float("inf")


class Line:
    """Messages by age. What comes back takes its place among the others in logarithmic time."""

    __slots__ = ("_came", "_returned", "append")

    def __init__(self) -> None:
        self._came: deque[Entry] = deque()
        self._returned: list[tuple[int, Entry]] = []
        """A heap by position."""
        self.append = self._came.append
        """For one that is younger than all others."""

    def __len__(self) -> int:
        return len(self._came) + len(self._returned)

    def __iter__(self) -> Iterator[Entry]:
        if not self._returned:
            return iter(self._came)
        returned = (entry for _, entry in sorted(self._returned))
        return merge(returned, self._came, key=lambda entry: entry.position)

    def head(self) -> Entry:
        """The oldest."""
        if self._returned and (not self._came or self._returned[0][0] < self._came[0].position):
            return self._returned[0][1]
        return self._came[0]

    def pop(self) -> Entry:
        """Takes the oldest away."""
        if self._returned and (not self._came or self._returned[0][0] < self._came[0].position):
            return heappop(self._returned)[1]
        return self._came.popleft()

    def put_back(self, entry: Entry) -> None:
        heappush(self._returned, (entry.position, entry))

    def clear(self) -> None:
        self._came.clear()
        self._returned.clear()


class Ready:
    """One line for each priority (0 to `priorities`), oldest first. `bytes` is the sum of their sizes."""

    _expire_behind = False
    """Whether a message expires while one that does not stands in a line before its own."""

    def __init__(self, priorities: int = 0) -> None:
        self._lines: dict[int, Line] = {0: Line()}
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
        line = self._plain
        (line if line is not None else self._line_of(entry)).append(entry)

    def pop(self) -> Entry:
        """The next to be delivered."""
        entry = self._first_line().pop()
        self.count -= 1
        self.bytes -= entry.size
        return entry

    def heads(self) -> Iterator[Entry]:
        """The messages that may expire next."""
        for line in self._lines.values():
            if line:
                yield line.head()
                if not self._expire_behind:
                    return

    def pop_expired(self, now: float, *, next_only: bool = False, most: float = _ALL) -> list[Entry]:
        """Takes the expired ones away, as far as none that is not stands before them.

        `next_only`: those that stand before the next message to be delivered; `most`: no more than these.
        """
        expired: list[Entry] = []
        for line in self._lines.values():
            while line and (when := line.head().expires) is not None and when <= now and len(expired) < most:
                expired.append(line.pop())
            if line and (next_only or not self._expire_behind):
                break
        self.count -= len(expired)
        self.bytes -= sum(entry.size for entry in expired)
        return expired

    def put_back(self, entries: Iterable[Entry]) -> None:
        """Returns messages to the places that they had."""
        for entry in entries:
            self._line_of(entry).put_back(entry)
            self.count += 1
            self.bytes += entry.size

    def clear(self) -> list[Entry]:
        """Takes all away."""
        entries = list(self)
        for line in self._lines.values():
            line.clear()
        self.count = self.bytes = 0
        return entries

    def _first_line(self) -> Line:
        return self._plain if self._plain is not None else next(line for line in self._lines.values() if line)

    def _line_of(self, entry: Entry) -> Line:
        if self._plain is not None:
            return self._plain
        return self._line(min(entry.message.get("priority") or 0, self._highest))

    def _line(self, priority: int) -> Line:
        if priority not in self._lines:
            self._lines = dict(sorted({**self._lines, priority: Line()}.items(), reverse=True))
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

    def _line_of(self, entry: Entry) -> Line:
        priority = entry.message.get("priority")
        return self._line(self._unsaid if priority is None else min(priority, self._highest))
