"""Whose input is handled next: no client keeps the loop for long, however much it sends and however much work that is.

In each turn of the loop, input is handled for some milliseconds, a piece of each client's after the other; the rest waits
for the next turn. What else is due, timers and the HTTP API among it, comes in between.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

# How long input is handled in one turn of the loop, in seconds.
_TURN = 0.02
# A piece that took longer is followed by a smaller one, one that took less than the second of these by a much larger one.
_LONG, _SHORT = 0.004, 0.001
# So much work lies at most between two looks at what it has led to.
_LOOK = 0.01
FIRST = 512
"""Bytes of the first piece of a client's."""
_SMALLEST, _LARGEST = 128, 1 << 18


class Sender(Protocol):
    """Somebody whose input waits."""

    piece: int
    """Bytes to be handled at once."""

    def handle(self) -> bool:
        """Handles a piece. Whether there is more that can be handled now."""


class Turns:
    """`look` is called again and again while there is much work."""

    def __init__(self, loop: asyncio.AbstractEventLoop, look: Callable[[], None]) -> None:
        self._loop = loop
        self._look = look
        self._fresh: dict[Sender, None] = {}
        """Of which nothing has been handled yet: every other piece is one of theirs."""
        self._waiting: dict[Sender, None] = {}
        """Of which something has."""
        self._worked = 0.0
        self._end: float | None = None
        """Of this turn, when anything has been handled in it."""

    def take(self, sender: Sender) -> None:
        """It has sent something: a piece is handled at once while the turn lasts, and more when nobody else waits."""
        end = self._begin()
        if self._fresh or self._loop.time() >= end:
            self._fresh[sender] = None
            return
        while self._handle(sender):
            if self._waiting or self._loop.time() >= end:
                self._waiting[sender] = None
                return

    def take_later(self, sender: Sender) -> None:
        """It has something that could not be handled until now."""
        self._begin()
        self._waiting[sender] = None

    def forget(self, sender: Sender) -> None:
        self._fresh.pop(sender, None)
        self._waiting.pop(sender, None)

    def _begin(self) -> float:
        """When this turn ends."""
        if self._end is None:
            self._end = self._loop.time() + _TURN
            self._loop.call_soon(self._next_turn)
        return self._end

    def _next_turn(self) -> None:
        self._end = None
        if not self._fresh and not self._waiting:
            return
        end = self._begin()
        while (self._fresh or self._waiting) and self._loop.time() < end:
            for line in (self._fresh, self._waiting):
                self._handle_first(line)

    def _handle_first(self, line: dict[Sender, None]) -> None:
        if sender := next(iter(line), None):
            del line[sender]
            if self._handle(sender):
                self._waiting[sender] = None

    def _handle(self, sender: Sender) -> bool:
        began = self._loop.time()
        more = sender.handle()
        took = self._loop.time() - began
        if took > _LONG:
            sender.piece = max(_SMALLEST, sender.piece // 2)
        elif more:
            sender.piece = min(_LARGEST, sender.piece * (4 if took < _SHORT else 2))
        self._worked += took
        if self._worked > _LOOK:
            self._worked = 0.0
            self._look()
        return more
