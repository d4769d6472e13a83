"""What the core asks of the world around it. Who implements a port passes it in: the core imports none of them.

One more port is beside what uses it: `consumer.Outlet`.
"""

from collections.abc import Callable, Mapping, Sequence, Sized
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeVar

from rmqctl.broker.core.message import Entry

T = TypeVar("T")

Clock = Callable[[], float]
"""Unix seconds."""


class Entropy(Protocol):
    """Where chance comes from."""

    def token(self, size: int) -> bytes:
        """So many bytes that nobody can guess."""

    def choice(self, options: Sequence[T]) -> T:
        """Any of the options; there is at least one."""


class Journal(Protocol):
    """What survives a restart. Changes are gathered in numbered batches.

    A change told now is safe once the store has committed `batch`: it calls `Node.committed` with the number.
    """

    durable: bool
    """False: nothing survives, and nobody needs to wait."""

    @property
    def batch(self) -> int: ...

    def keep(self, entry: Entry, queue: int) -> None:
        """A persistent message was put into the queue of this number (see `define`). Sets `entry.stored`."""

    def forget(self, entry: Entry) -> None:
        """A message with a number has left its queue. Clears `entry.stored`."""

    def define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> int:
        """Something durable was declared or changed, or with None deleted. Returns its number, 0 for none."""

    def settle(self) -> None:
        """All that was defined is safe on return. Raises Refusal when the disk does not take it: it is forgotten then."""

    def settle_if_possible(self) -> None:
        """What was defined has happened: what the disk does not take now is written once it does."""

    def together(self) -> AbstractContextManager[None]:
        """Definitions within are written at the end, all at once.

        Raises Refusal before anything when the disk refuses already; at the end, when it does not take them: they are
        written once it does.
        """


class Awaiting(Protocol):
    """Who has something to say as soon as the store has kept what was told it."""

    def committed(self, batch: int) -> None:
        """Everything up to this batch is safe."""


class Connection(Protocol):
    """A client that is connected, as far as the core has to do with it."""

    name: str
    peer: tuple[str, int]

    @property
    def is_open(self) -> bool: ...
    @property
    def user_name(self) -> str: ...
    @property
    def vhost_name(self) -> str: ...
    @property
    def channels(self) -> Sized: ...

    def close(self, text: str) -> None:
        """Ends it, for a reason of the broker's own."""

    def alarm_changed(self) -> None:
        """Publishers are blocked now, or no longer."""


class Ephemeral:
    """The journal of a broker that keeps nothing."""

    durable = False
    batch = 0

    def keep(self, entry: Entry, queue: int) -> None:
        pass

    def forget(self, entry: Entry) -> None:
        pass

    def define(self, kind: str, key: tuple[str, ...], document: Mapping[str, Any] | None) -> int:
        return 0

    def settle(self) -> None:
        pass

    def settle_if_possible(self) -> None:
        pass

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()
