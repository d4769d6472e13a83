"""What a transaction has gathered until its commit (specification, section 1.9)."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rmqctl.broker.amqp.deliveries import Settlement, Tagged
from rmqctl.broker.core.exchange import Exchange
from rmqctl.broker.core.message import Message
from rmqctl.broker.core.publishing import Route


class Published(NamedTuple):
    """A message that is accepted and routed."""

    exchange: Exchange
    message: Message
    route: Route
    unroutable: Callable[[Message], None] | None


class Settled(NamedTuple):
    """Deliveries that were acknowledged or refused."""

    settlement: Settlement
    deliveries: Sequence[Tagged]


class TransactionLog:
    def __init__(self) -> None:
        self._entries: list[Published | Settled] = []

    def add(self, entry: Published | Settled) -> None:
        self._entries.append(entry)

    def take(self) -> list[Published | Settled]:
        """All of it, in order; the next transaction begins."""
        entries, self._entries = self._entries, []
        return entries

    def published(self) -> int:
        """How many messages wait for the commit."""
        return sum(isinstance(each, Published) for each in self._entries)

    def settled(self) -> Iterator[Tagged]:
        """The deliveries that wait for the commit."""
        for each in self._entries:
            if isinstance(each, Settled):
                yield from each.deliveries
