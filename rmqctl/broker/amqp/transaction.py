"""What a transaction has gathered until its commit (specification, section 1.9)."""

from collections.abc import Callable, Iterable, Iterator
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
    """Deliveries that were acknowledged or refused, one after the other."""

    settlement: Settlement
    deliveries: list[Tagged]


class TransactionLog:
    def __init__(self) -> None:
        self.published: list[Published] = []
        """The messages that wait for the commit."""
        self._settled: list[Settled] = []

    def publish(self, published: Published) -> None:
        self.published.append(published)

    def settle(self, settlement: Settlement, deliveries: Iterable[Tagged]) -> None:
        """What is settled alike in succession is settled at once."""
        if not self._settled or self._settled[-1].settlement != settlement:
            self._settled.append(Settled(settlement, []))
        self._settled[-1].deliveries.extend(deliveries)

    def take(self) -> tuple[list[Published], list[Settled]]:
        """All of it, in order; the next transaction begins."""
        taken = self.published, self._settled
        self.published, self._settled = [], []
        return taken

    def settled(self) -> Iterator[Tagged]:
        """The deliveries that wait for the commit."""
        for each in self._settled:
            yield from each.deliveries
