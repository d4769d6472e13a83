"""The system's own chance, and its clock."""

import os
import random
from collections.abc import Sequence
from time import monotonic, time
from typing import TypeVar

from rmqctl.broker.core.ports import Clock

T = TypeVar("T")


class SystemEntropy:
    """Implements `ports.Entropy`."""

    def token(self, size: int) -> bytes:
        return os.urandom(size)

    def choice(self, options: Sequence[T]) -> T:
        return random.choice(options)  # noqa: S311 (spreads load, hides nothing)


def steady() -> Clock:
    """What the time was at the start, and what has passed since then: it goes on evenly when the machine's time is set."""
    start = time() - monotonic()
    return lambda: start + monotonic()
