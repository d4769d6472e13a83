"""A consumer: who takes messages from a queue, and where they go."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from rmqctl.broker.core.message import Entry, Message


class Origin(NamedTuple):
    """Where a consumer's messages go, for lists: connection, channel number, peer's host and port, and whose it is."""

    connection: str
    number: int
    peer: tuple[str, int]
    user: str


class Outlet(Protocol):
    """A port of the core: where the messages of consumers go, and how many they take."""

    @property
    def origin(self) -> Origin: ...

    def may_send(self, consumer: "Consumer") -> bool:
        """Whether the consumer takes one more message now. Who said no tells the queue when it changes: `Queue.credit`."""

    def send(self, consumer: "Consumer", entry: Entry, message: Message) -> None:
        """Hands a message out; `message` is that of the entry, perhaps with more headers."""

    def cancelled(self, consumer: "Consumer") -> None:
        """The queue is gone, and the consumer with it."""


class Consumer:
    """`prefetch`: unacknowledged messages at most, 0 without limit; its outlet keeps to it, and counts `unacked`.

    `blocked`: out of the queue's round, because its outlet took nothing more, or because another consumer is the active
    one. `Queue.credit` brings it back.
    """

    __slots__ = ("arguments", "blocked", "exclusive", "no_ack", "outlet", "prefetch", "priority", "tag", "unacked")

    def __init__(
        self,
        outlet: Outlet,
        tag: str,
        *,
        no_ack: bool = False,
        exclusive: bool = False,
        prefetch: int = 0,
        arguments: Mapping[str, Any] | None = None,
    ) -> None:
        self.outlet = outlet
        self.tag = tag
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.prefetch = prefetch
        self.arguments = dict(arguments or {})
        self.priority = int(self.arguments.get("x-priority", 0))
        self.unacked = 0
        self.blocked = False
