"""The system's own chance."""

import os
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class SystemEntropy:
    """Implements `ports.Entropy`."""

    def token(self, size: int) -> bytes:
        return os.urandom(size)

    def choice(self, options: Sequence[T]) -> T:
        return random.choice(options)  # noqa: S311 (spreads load, hides nothing)
