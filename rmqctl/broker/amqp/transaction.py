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
        self.published: list[Published] = []
        """The messages that wait for the commit."""
        self._settled: list[Settled] = []

    def publish(self, published: Published) -> None:
        self.published.append(published)

    def settle(self, settled: Settled) -> None:
        self._settled.append(settled)

    def take(self) -> tuple[list[Published], list[Settled]]:
        """All of it, in order; the next transaction begins."""
        taken = self.published, self._settled
        self.published, self._settled = [], []
        return taken

    def settled(self) -> Iterator[Tagged]:
        """The deliveries that wait for the commit."""
        for each in self._settled:
            yield from each.deliveries
