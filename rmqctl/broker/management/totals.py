"""Sums over the objects of a virtual host, or of the broker."""

from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from operator import attrgetter

from rmqctl.broker.amqp.connection import Connection, connections_of
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.stats import FIELDS, Counts
from rmqctl.broker.core.vhost import VHost

_FIELDS = attrgetter(*FIELDS)
BY_CHANNELS = ("publish", "confirm", "return_unroutable", "drop_unroutable")
NOTHING = (0, 0, 0)
"""The length of no queue."""
Sums = Generator[None, None, Counts]
"""Summed up in slices, as `web.Slices`: there may be many queues."""
# Queues of a slice: a few milliseconds.
_MANY = 2000


def by_vhost(broker: Broker) -> Mapping[str, list[Connection]]:
    """The connections to each, by its name."""
    found: dict[str, list[Connection]] = defaultdict(list)
    for connection in connections_of(broker):
        found[connection.vhost_name].append(connection)
    return found


def counts(vhost: VHost, connections: Iterable[Connection]) -> Sums:
    """What happened in it so far: deliveries as its queues counted them, publishing as channels of its connections did."""
    total, queues = _sum([vhost.retired]), list(vhost.queues.values())
    for start in range(0, len(queues), _MANY):
        if start:
            yield
        total.add(_sum(queue.counts for queue in queues[start : start + _MANY]))
    made = published(vhost, connections)
    for name in BY_CHANNELS:
        setattr(total, name, getattr(made, name))
    return total


def published(vhost: VHost, connections: Iterable[Connection]) -> Counts:
    return _sum(
        [vhost.published, *(each.counts for connection in connections for each in connection.channels.values())]
    )


def _sum(found: Iterable[Counts]) -> Counts:
    """Column by column."""
    total = Counts()
    for name, values in zip(FIELDS, zip(*map(_FIELDS, found), strict=True), strict=True):
        setattr(total, name, sum(values))
    return total


def counts_of(broker: Broker, vhosts: Iterable[VHost]) -> Sums:
    """Of all of them together."""
    total, connections = Counts(), by_vhost(broker)
    for vhost in list(vhosts):
        total.add((yield from counts(vhost, connections[vhost.name])))
    return total


def lengths(vhosts: Iterable[VHost]) -> tuple[int, int, int]:
    """As `length`, of all queues together."""
    count = ready = unacked = 0
    for vhost in vhosts:
        for queue in vhost.queues.values():
            count += queue.count
            ready += queue.ready.count
            unacked += queue.unacked
    return count, ready, unacked


def length(queue: Queue) -> tuple[int, int, int]:
    """Messages: all, ready, unacknowledged."""
    return queue.count, queue.ready.count, queue.unacked


def octets(vhost: VHost, connections: Sequence[Connection]) -> tuple[int, int]:
    """Received from and sent to clients, since the broker started."""
    received = vhost.received_bytes + sum(connection.received_bytes for connection in connections)
    return received, vhost.sent_bytes + sum(connection.sent_bytes for connection in connections)
