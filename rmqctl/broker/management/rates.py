"""How fast counters grow: all of them are looked at every two seconds, and a rate is the growth since the last look.

Counts in answers are read from the live objects; only `*_details.rate` and `idle_since` of queues come from here.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from rmqctl.broker.amqp.connection import connections_of
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.stats import FIELDS, Counts
from rmqctl.broker.management import totals

PERIOD = 2.0
_READ = (*FIELDS, "deliver_get")
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
        self._at = broker.node.now
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
        passed, old, self._at = now - self._at, self._samples, now
        self._samples = {key: _next(old.get(key), values, passed, now) for key, values in _measured(self._broker)}
        self._broker.node.timers.at(now + PERIOD, self._look)


def _next(old: _Sample | None, values: Sequence[float], passed: float, now: float) -> _Sample:
    if old is None or passed <= 0:
        return _Sample(values, (0.0,) * len(values), now)
    if old.values == values:
        return old if not any(old.rates) else _Sample(values, (0.0,) * len(values), old.changed)
    rates = [round((new - before) / passed, 1) for new, before in zip(values, old.values, strict=True)]
    return _Sample(values, rates, now)


def _measured(broker: Broker) -> Iterator[tuple[object, Sequence[float]]]:
    """Keys and values: counters of each object by the object, other values by its kind and the object."""
    for vhost in broker.vhosts.values():
        for exchange in vhost.exchanges.values():
            if exchange.counts.publish_in:
                yield exchange, _read(exchange.counts)
        for queue in vhost.queues.values():
            yield queue, _read(queue.counts)
            yield ("lengths", queue), (queue.count, queue.ready.count, queue.unacked)
        yield vhost, _read(totals.counts(broker, vhost))
        yield ("lengths", vhost), totals.lengths([vhost])
        yield ("octets", vhost), totals.octets(broker, vhost)
    yield broker, _read(totals.all_counts(broker))
    yield ("lengths", broker), totals.lengths(broker.vhosts.values())
    yield ("churn", broker), tuple(broker.node.churn.values())
    for connection in connections_of(broker):
        yield connection, (connection.received_bytes, connection.sent_bytes)
        for channel in connection.channels.values():
            yield channel, _read(channel.counts)


_read: Callable[[Counts], Sequence[float]] = attrgetter(*_READ)
