"""How fast counters grow: all of them are looked at every two seconds, and a rate is the growth since the last look.

Counts in answers are read from the live objects; only `*_details.rate` and `idle_since` of queues come from here.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import islice
from operator import add, attrgetter
from typing import Any, NamedTuple

from rmqctl.broker.amqp.connection import Connection, connections_of
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.stats import FIELDS, Counts
from rmqctl.broker.core.timers import PIECE, SOON
from rmqctl.broker.core.vhost import VHost
from rmqctl.broker.management import totals

PERIOD = 2.0
_READ = (*FIELDS, "deliver_get")
_Measured = tuple[object, Sequence[float]]
# Fields of message_stats come in groups: a group is there as soon as one of its counters is not 0.
_DELIVER = ("ack", "deliver", "deliver_get", "deliver_no_ack", "get", "get_empty", "get_no_ack", "redeliver")
_PUBLISH = ("confirm", "drop_unroutable", "publish", "return_unroutable")
OF_QUEUE = (_DELIVER, ("publish",))
OF_CHANNEL = (_DELIVER, _PUBLISH)
OF_EXCHANGE = (("publish_in",), ("publish_out",))
OF_VHOST = ((*_PUBLISH, *_DELIVER),)


class _Sample(NamedTuple):
    values: Sequence[float]
    rates: Sequence[float]
    changed: float
    """When a value was last seen to have changed."""


class Rates:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._samples: dict[object, _Sample] = {}
        self._found: dict[object, _Sample] = {}
        """Those of the look that goes on: many objects are looked at in pieces."""
        self._measuring: Iterator[_Measured] = iter(())
        self._began = broker.node.now
        self._passed = 0.0
        """Between the beginnings of this look and of the one before."""
        self._look()

    def of(self, key: object, place: int) -> float:
        """Per second; `place` is that of the value in what `_measured` gives for the key."""
        sample = self._samples.get(key)
        return sample.rates[place] if sample is not None else 0.0

    def changed(self, key: object, default: float) -> float:
        sample = self._samples.get(key)
        return sample.changed if sample is not None else default

    def message_stats(self, key: object, counts: Counts, groups: Sequence[Sequence[str]]) -> dict[str, Any]:
        """The counters, each with its rate; {} when nothing has happened."""
        stats: dict[str, Any] = {}
        for group in groups:
            values = [getattr(counts, name) for name in group]
            if any(values):
                for name, value in zip(group, values, strict=True):
                    stats[name] = value
                    stats[f"{name}_details"] = {"rate": self.of(key, _READ.index(name))}
        return stats

    def details(self, key: object, *names: str) -> dict[str, Any]:
        """`NAME_details` for values that are no message counters, in the order in which they are measured."""
        return {f"{name}_details": {"rate": self.of(key, place)} for place, name in enumerate(names)}

    def _look(self) -> None:
        now = self._broker.node.now
        self._passed, self._began = now - self._began, now
        self._found, self._measuring = {}, _measured(self._broker)
        self._look_at_some()

    def _look_at_some(self) -> None:
        node = self._broker.node
        some = list(islice(self._measuring, PIECE))
        for key, values in some:
            self._found[key] = _next(self._samples.get(key), values, self._passed, node.now)
        if len(some) == PIECE:
            node.timers.at(node.now + SOON, self._look_at_some)
            return
        self._samples = self._found
        # After a long look the broker has as long for everything else.
        node.timers.at(max(self._began + PERIOD, 2 * node.now - self._began), self._look)


def _next(old: _Sample | None, values: Sequence[float], passed: float, now: float) -> _Sample:
    if old is None or passed <= 0:
        return _Sample(values, (0.0,) * len(values), now)
    if old.values == values:
        return old if not any(old.rates) else _Sample(values, (0.0,) * len(values), old.changed)
    rates = [round((new - before) / passed, 1) for new, before in zip(values, old.values, strict=True)]
    return _Sample(values, rates, now)


def _measured(broker: Broker) -> Iterator[_Measured]:
    """Keys and values: counters of each object by the object, other values by its kind and the object.

    Each is read when it is asked for, and what is made or deleted meanwhile does no harm.
    """
    connections = totals.by_vhost(broker)
    everything: Sequence[float] = (0,) * len(_READ)
    length: Sequence[float] = totals.NOTHING
    for vhost in list(broker.vhosts.values()):
        counts, lengths = yield from _measured_in(vhost, connections[vhost.name])
        everything, length = tuple(map(add, everything, counts)), tuple(map(add, length, lengths))
    yield broker, everything
    yield ("lengths", broker), length
    yield ("churn", broker), tuple(broker.node.churn.values())
    for connection in connections_of(broker):
        yield connection, (connection.received_bytes, connection.sent_bytes)
        for channel in list(connection.channels.values()):
            yield channel, _read(channel.counts)


def _measured_in(
    vhost: VHost, connections: Sequence[Connection]
) -> Generator[_Measured, None, tuple[Sequence[float], Sequence[float]]]:
    """Returns its counters and the lengths of its queues, together."""
    for exchange in list(vhost.exchanges.values()):
        if exchange.counts.publish_in:
            yield exchange, _read(exchange.counts)
    delivered, lengths = _read(vhost.retired), totals.NOTHING
    for queue in list(vhost.queues.values()):
        counts, length = _read(queue.counts), totals.length(queue)
        delivered, lengths = tuple(map(add, delivered, counts)), tuple(map(add, lengths, length))
        yield queue, counts
        yield ("lengths", queue), length
    published = _read(totals.published(vhost, connections))
    counts = tuple(
        by_channels if name in totals.BY_CHANNELS else by_queues
        for name, by_queues, by_channels in zip(_READ, delivered, published, strict=True)
    )
    yield vhost, counts
    yield ("lengths", vhost), lengths
    yield ("octets", vhost), totals.octets(vhost, connections)
    return counts, lengths


_read: Callable[[Counts], Sequence[float]] = attrgetter(*_READ)
