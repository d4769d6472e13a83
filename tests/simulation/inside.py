"""Looks inside a broker: what the model may see of it, and whether everything in there fits together."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from rmqctl.broker.amqp.channel import Channel
from rmqctl.broker.amqp.connection import Connection, connections_of
from rmqctl.broker.amqp.states import ChannelState
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.exchange import Exchange
from rmqctl.broker.core.message import Entry, Message
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.routing import Router
from rmqctl.broker.storage.store import Store
from tests.simulation.disk import FaultyDisk

_ROUTED: dict[tuple[str, str], list[str]] = {}
"""In which order a message got to its queues the last time, by exchange and key."""
_ROUTE = Router.route


def _route(router: Router, exchange: Exchange, message: Message, more: Any = None) -> Any:
    found = _ROUTE(router, exchange, message, more)
    if len(found) > 1:
        _ROUTED[exchange.name, message.key] = [queue.name for queue in found]
    return found


Router.route = _route  # type: ignore[method-assign, assignment]


class Counts(NamedTuple):
    ready: int
    unacked: int
    consumers: int


class Kept(NamedTuple):
    """A message that waits in a queue, as the broker has it."""

    body: bytes
    redelivered: bool
    acquired: int
    failed: int
    order: int
    """By age."""
    deaths: tuple[tuple[str, str, int], ...]
    """Queue, reason and count of each, the latest first."""


class Inside:
    """`broker`, `store` and `disk` are those of today: a restart brings others."""

    broker: Broker
    store: Store
    disk: FaultyDisk

    def __init__(self) -> None:
        _ROUTED.clear()

    @property
    def idle(self) -> bool:
        """Everything that the store was told is on the disk."""
        store = self.store
        return store._writing is None and not store._changes and store._failed is None

    @property
    def trouble(self) -> bool:
        """What is declared or deleted now may not get to the disk."""
        return self.disk.refuses or self.store._failed is not None

    @property
    def all_defined(self) -> bool:
        """The disk has all that is declared, and nothing that is deleted."""
        return not self.store._changes._statements

    def has_exchange(self, name: str) -> bool:
        return name in self.broker.vhosts["/"].exchanges

    def has_binding(self, source: str, kind: str, destination: str, key: str) -> bool:
        exchange = self.broker.vhosts["/"].exchanges.get(source)
        found = exchange.bindings.values() if exchange is not None else ()
        return any((*each.destination, each.key) == (kind, destination, key) for each in found)

    def has_queue(self, name: str) -> bool:
        return name in self._queues()

    def saved(self, queue: str, body: bytes) -> bool:
        """Whether the disk has a message in a queue."""
        row = self.disk.database.execute(
            "SELECT 1 FROM entry JOIN entry AS body ON body.id = coalesce(entry.message, entry.id)"
            " JOIN definition ON definition.number = entry.queue WHERE body.body = ? AND definition.key = ?",
            (body, json.dumps(["/", queue], separators=(",", ":"))),
        ).fetchone()
        return row is not None

    def route(self, exchange: str, keys: list[str]) -> list[str]:
        """The queues that a message goes to, in the broker's order."""
        return _ROUTED.get((exchange, keys[0]), [])

    def counts(self) -> dict[str, Counts]:
        """Of each queue, without asking the HTTP API."""
        return {
            name: Counts(queue.ready.count, queue.unacked, len(queue.consumers))
            for name, queue in self._queues().items()
        }

    def contents(self, name: str) -> list[Kept]:
        """The messages that wait, in the order of delivery."""
        return [
            Kept(
                each.message.body,
                each.redelivered,
                each.acquired,
                each.count,
                each.position,
                tuple((death["queue"], death["reason"], death["count"]) for death in each.message.deaths),
            )
            for each in self._queues()[name].messages()
        ]

    def _queues(self) -> Mapping[str, Queue]:
        return self.broker.vhosts["/"].queues

    # ------------------------------------------------------------------------------------------------ does it all fit

    def problems(self, connections: set[Connection]) -> list[str]:
        """What does not fit together inside the broker. `connections`: those that have a socket."""
        broker = self.broker
        here = connections_of(broker)
        channels = [channel for connection in here for channel in connection.channels.values()]
        held: dict[Queue, list[Entry]] = {}
        found = []
        for channel in channels:
            found += _problems_of_channel(channel, held)
        for queue in self._queues().values():
            found += _problems_of_queue(queue, held.get(queue, []), channels)
        if self.store._writing is None and not self.store._changes and self.store._failed is None:
            found += [f"{type(each).__name__} waits for a disk that has everything" for each in broker.node.awaiting]
        waiting = {channel.publisher.reply_address for channel in channels}
        for part in broker.replies._waiting:
            if f"amq.rabbitmq.reply-to.{part}" not in waiting:
                found.append("a direct reply-to of a channel that is gone")
        found += ["a connection without a socket" for connection in here if connection not in connections]
        # Timers: two or three for each queue, some for the API, and cancelled ones up to their threshold.
        if len(broker.node.timers) > 80 + 2 * (4 * len(self._queues()) + len(here)):
            found.append(f"{len(broker.node.timers)} timers")
        return found


def _problems_of_channel(channel: Channel, held: dict[Queue, list[Entry]]) -> list[str]:
    """Adds to `held` what the channel has of each queue."""
    name = f"channel {channel.number} of {channel.connection.name}"
    deliveries = [delivery for _, delivery in channel.unacknowledged()]
    found = []
    if channel._held:
        found.append(f"{name}: something is held, and no method is being handled")
    if channel.state is ChannelState.CLOSING and (deliveries or channel.subscriptions or channel.transaction.published):
        found.append(f"{name}: closes, and still holds something")
    for delivery in deliveries:
        held.setdefault(delivery.queue, []).append(delivery.entry)
    consumed = [each.consumer for each in deliveries if each.consumer is not None]
    if channel.deliveries.consumed != len(consumed):
        found.append(f"{name}: {channel.deliveries.consumed} counted as consumed, {len(consumed)} are")
    for tag, subscription in channel.subscriptions.items():
        consumer = subscription.consumer
        if consumer.unacked != consumed.count(consumer):
            found.append(f"{name}: consumer {tag} has {consumed.count(consumer)}, and counts {consumer.unacked}")
        if consumer not in subscription.queue.consumers:
            found.append(f"{name}: consumer {tag} is not one of its queue's")
    return found


def _problems_of_queue(queue: Queue, held: list[Entry], channels: list[Channel]) -> list[str]:
    name, entries = queue.name, list(queue.messages())
    found = []
    if queue.ready.count != len(entries):
        found.append(f"{name}: ready.count {queue.ready.count}, entries {len(entries)}")
    if queue.ready.bytes != sum(each.size for each in entries):
        found.append(f"{name}: ready.bytes {queue.ready.bytes}")
    if queue.unacked != len(held) or queue.unacked_bytes != sum(each.size for each in held):
        found.append(f"{name}: unacked {queue.unacked}, held {len(held)}, bytes {queue.unacked_bytes}")
    for consumer in queue.consumers:
        outlet = consumer.outlet
        known = outlet in channels and isinstance(outlet, Channel) and outlet.subscriptions.get(consumer.tag)
        if not known or known.consumer is not consumer:
            found.append(f"{name}: consumer {consumer.tag} of a channel that is gone")
    return found
