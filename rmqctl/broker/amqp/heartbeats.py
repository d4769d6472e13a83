"""Heartbeats of one connection (specification, section 4.2.7): what to do at each half of the interval."""

from enum import Enum, auto


class Beat(Enum):
    NOTHING = auto()
    SEND = auto()
    GIVE_UP = auto()


class Heartbeats:
    """A heartbeat is sent when nothing else was for half an interval; a peer that was silent for two is given up.

    The first one is sent in any case, as RabbitMQ does.
    """

    def __init__(self) -> None:
        self.interval = 0
        """Seconds; 0: none."""
        self.heard = self.spoke = False
        """Since the last look: anything, and anything but heartbeats."""
        self._first = True
        self._silent = 0

    def look(self, reads: bool) -> Beat:
        """`reads`: whether the broker listens to the peer at all."""
        self._silent = 0 if self.heard else self._silent + 1
        spoke = self.spoke and not self._first
        self.heard = self.spoke = self._first = False
        if self._silent >= 4 and reads:
            return Beat.GIVE_UP
        return Beat.NOTHING if spoke else Beat.SEND
