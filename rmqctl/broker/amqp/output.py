"""What a connection has to send, and whether it may have more: it is `paused` while too much waits, or the socket is full."""

from abc import ABC, abstractmethod
from collections.abc import Callable

# How much may wait before consumers have to, in bytes.
_FULL = 1 << 20
# How much may wait for a client that reads nothing before what it says is not read either, in bytes.
_CHOKED = 16 << 20


class Output(ABC):
    """`wake` is called when `out` has something again; whoever owns the socket fetches it with `take`."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.out: list[bytes] = []
        self.paused = False
        """Takes no deliveries."""
        self.sent_bytes = 0
        self.sent_frames = 0
        self._wake = wake
        self._pending = 0
        self._unsent = 0
        """Bytes that were taken while the socket took nothing."""
        self._stopped = False

    @property
    def choked(self) -> bool:
        """The client asks for more and more, and reads nothing of it: there is no end to what would have to be held."""
        return self._stopped and self._unsent + self._pending > _CHOKED

    def send(self, frames: bytes) -> None:
        if not self.out:
            self._wake()
        self.out.append(frames)
        self._pending += len(frames)
        self.sent_frames += 1
        if self._pending > _FULL:
            self.paused = True

    def take(self) -> list[bytes]:
        """What is to be sent now. Consumers that had to wait for room go on."""
        data, self.out = self.out, []
        self.sent_bytes += self._pending
        if self._stopped:
            self._unsent += self._pending
        self._pending = 0
        if self.paused and not self._stopped:
            self._go_on()
        return data

    def stop_output(self) -> None:
        """The socket takes nothing more for now."""
        self._stopped = self.paused = True

    def resume_output(self) -> None:
        self._stopped = False
        self._unsent = 0
        if self._pending <= _FULL:
            self._go_on()

    def forget_socket(self) -> None:
        """Whoever is woken holds the connection: without this circle all that belonged to it is freed at once."""
        self._wake = _nobody

    @abstractmethod
    def _go_on(self) -> None:
        """There is room again: consumers that had to wait go on."""


def _nobody() -> None:
    """Is woken when there is no socket any more."""
