"""What the broker tells its store: which messages to keep, which to forget, and what was defined."""

from collections.abc import Mapping
from typing import Any, Protocol

from rmqctl.broker.core.message import Entry


class Journal(Protocol):
    """Changes are gathered in numbered batches. A change told now is safe once the store has said that `batch` is."""

    durable: bool
    batch: int

    def keep(self, entry: Entry) -> None:
        """A persistent message was put into a durable queue."""

    def forget(self, entry: Entry) -> None:
        """It has left the queue."""

    def define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> None:
        """Something durable was declared or changed, or with None deleted. Safe on return."""


class Ephemeral:
    """Keeps nothing."""

    durable = False
    batch = 0

    def keep(self, entry: Entry) -> None:
        pass

    def forget(self, entry: Entry) -> None:
        pass

    def define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> None:
        pass
