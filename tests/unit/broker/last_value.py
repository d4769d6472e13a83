"""A kind of queue as somebody might add one: it keeps only the last message. This file is all there is to it."""

from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core.queue import Queue


class LastValueQueue(Queue):
    """What it had before is dropped, or dead-lettered when there is a place for that."""

    kind = "last-value"
    foreign_arguments = frozenset(("x-max-length", "x-max-length-bytes", "x-overflow", "x-max-priority"))

    def _configure(self, effective: Mapping[str, Any]) -> None:
        self.max_length, self.max_bytes, self.overflow = 1, None, "drop-head"
