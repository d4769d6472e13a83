"""The node that everything runs on: the time, chance, what is due when, and the journal."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core.message import Held
from rmqctl.broker.core.ports import Awaiting, Clock, Entropy, Ephemeral, Journal
from rmqctl.broker.core.shield import shielded
from rmqctl.broker.core.stats import CHURN
from rmqctl.broker.core.timers import Timers


class Node:
    """`now` is the time of the input that is being handled: whoever brings one reads the clock, or calls `tick`.

    Whatever is measured goes by `clock`, which does not jump; the machine's `calendar` may, and is only told to people.
    """

    def __init__(
        self, clock: Clock, entropy: Entropy, name: str = "rabbit@localhost", calendar: Clock | None = None
    ) -> None:
        self.clock = clock
        self._calendar = calendar or clock
        self.entropy = entropy
        self.name = name
        self.now = self.started = clock()
        self._creation = round(self.date(self.started))
        self.timers = Timers()
        self.held = Held()
        self.consumer_timeout: float | None = 1800.0
        """In how many seconds deliveries are to be acknowledged where nothing else says so; None for no limit."""
        self.journal: Journal = Ephemeral()
        self.awaiting: dict[Awaiting, None] = {}
        """Who has something to say as soon as the store has kept what was told it."""
        self.churn = dict.fromkeys(CHURN, 0)
        """How often connections, channels and queues came and went."""
        self._unsettled = False

    def tick(self) -> None:
        """Has the clock read and does what is due."""
        self.now = self.clock()
        self.timers.run(self.now)

    def date(self, when: float) -> float:
        """A time by the clock as the calendar has it."""
        return when + self._calendar() - self.clock()

    def pid(self, number: int) -> str:
        """The name that a process of RabbitMQ would have: the node, when it was started, and a number of its own."""
        return f"<{self.name}.{self._creation}.{number}.0>"

    def random_name(self) -> str:
        """22 characters that nobody can guess, as in the names that the broker gives."""
        return urlsafe_b64encode(self.entropy.token(16)).rstrip(b"=").decode()

    def define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> int:
        """Journals what was declared or changed, or with None deleted; `settle` is to follow. See `Journal.define`."""
        self._unsettled = True
        return self.journal.define(kind, key, document)

    def settle(self) -> None:
        """What was defined is safe on return. Raises Refusal when the disk does not take it: it is forgotten then."""
        if self._unsettled:
            self._unsettled = False
            self.journal.settle()

    def settle_if_possible(self) -> None:
        """For what the broker does by itself: what the disk does not take is written once it does."""
        if self._unsettled:
            self._unsettled = False
            self.journal.settle_if_possible()

    def committed(self, batch: int) -> None:
        """The store has everything up to this batch: confirms may go out."""
        for each in list(self.awaiting):
            with shielded("tell of what is stored"):
                each.committed(batch)
