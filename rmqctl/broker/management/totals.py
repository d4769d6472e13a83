"""Sums over the objects of a virtual host, or of the broker."""

from collections.abc import Iterable
from operator import attrgetter

from rmqctl.broker.amqp.connection import Connection, connections_of
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.stats import FIELDS, Counts
from rmqctl.broker.core.vhost import VHost

_FIELDS = attrgetter(*FIELDS)
_BY_CHANNELS = ("publish", "confirm", "return_unroutable", "drop_unroutable")


def counts(broker: Broker, vhost: VHost) -> Counts:
    """What happened in it so far: deliveries as its queues counted them, publishing as its channels did."""
    total = _sum([vhost.retired, *(queue.counts for queue in vhost.queues.values())])
    channels = [channel.counts for connection in _to(broker, vhost) for channel in connection.channels.values()]
    published = _sum([vhost.published, *channels])
    for name in _BY_CHANNELS:
        setattr(total, name, getattr(published, name))
    return total


def _sum(found: Iterable[Counts]) -> Counts:
    """Column by column: this runs over all queues every two seconds."""
    total = Counts()
    for name, values in zip(FIELDS, zip(*map(_FIELDS, found), strict=True), strict=True):
        setattr(total, name, sum(values))
    return total


def all_counts(broker: Broker) -> Counts:
    total = Counts()
    for vhost in broker.vhosts.values():
        total.add(counts(broker, vhost))
    return total


def lengths(vhosts: Iterable[VHost]) -> tuple[int, int, int]:
    """Messages: all, ready, unacknowledged."""
    count = ready = unacked = 0
    for vhost in vhosts:
        for queue in vhost.queues.values():
            count += queue.count
            ready += queue.ready.count
            unacked += queue.unacked
    return count, ready, unacked


def octets(broker: Broker, vhost: VHost) -> tuple[int, int]:
    """Received from and sent to clients, since the broker started."""
    connections = _to(broker, vhost)
    received = vhost.received_bytes + sum(connection.received_bytes for connection in connections)
    return received, vhost.sent_bytes + sum(connection.sent_bytes for connection in connections)


def _to(broker: Broker, vhost: VHost) -> list[Connection]:
    return [connection for connection in connections_of(broker) if connection.vhost_name == vhost.name]
