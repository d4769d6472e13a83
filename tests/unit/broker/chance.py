"""Chance that is the same in every run."""

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Seeded:
    """Implements `ports.Entropy`."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def token(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def choice(self, options: Sequence[T]) -> T:
        return self._random.choice(options)
