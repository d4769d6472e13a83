"""What checks look at: lists of the HTTP API, each asked for once however many checks want it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

Row = Mapping[str, Any]
"""One object of the HTTP API."""
Place = tuple[Any, Any]
"""Virtual host and name of a queue."""


class Snapshot(NamedTuple):
    """The state of a broker. `rows(NOUN)` is a list of objects (or what the noun stands for), `before(NOUN)` the one of
    `seconds` ago, `named(NOUN, NAMES)` those objects, and others too where the whole list was at hand. `during(NOUN)`: the
    list of some nouns again and again within the window, each with the seconds since it began. `closely(PLACES)`: queues
    with their `consumers`, and with `held`: what the broker remembers of the last minute, pairs of a second and the messages
    that were unacknowledged. `histories(NAMES, COUNTERS)`: channels with `messages_unacknowledged`, and with
    `history`: what the broker remembers of the last minutes, pairs of a second and the counters, `asked` for so many seconds
    after the window began. `deliveries(PLACES)`: the unacknowledged ones of queues, each with `vhost` and `queue`; none of
    a broker that does not list them. All raise the RmqctlError with which the broker answered.
    """

    rows: Callable[[str], Any]
    before: Callable[[str], Any]
    named: Callable[[str, Collection[str]], Any]
    seconds: float
    now: datetime
    during: Callable[[str], Sequence[tuple[float, list[Row]]]] = lambda _: ()
    closely: Callable[[Collection[Place]], list[Row]] = lambda _: []
    deliveries: Callable[[Collection[Place]], list[Row]] = lambda _: []
    histories: Callable[[Sequence[str], Sequence[str]], list[Row]] = lambda *_: []


def place(queue: Row) -> Place:
    return queue.get("vhost"), queue.get("name")


def count(row: Row, name: str) -> int:
    """A field that is a whole number, 0 when the broker does not tell."""
    value = row.get(name)
    return value if isinstance(value, int) else 0


def number(row: Row, name: str) -> float | None:
    """A field that is a number, None when the broker does not tell."""
    value = row.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment(text: object) -> datetime | None:
    """`idle_since` and the like: "2026-11-23 21:01:30" of UTC in older releases, ISO 8601 with an offset in newer ones."""
    from datetime import UTC

    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
