"""Consumers that the broker still counts, though their channel is gone."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from rmqctl.checks import sessions as amqp10
from rmqctl.checks.forgotten import ADVICE, GHOST, Finding
from rmqctl.checks.snapshot import Place, Row, count, place
from rmqctl.checks.without_statistics import Clients

_OF_MQTT = "mqtt-subscription-"
"""How the queues of MQTT clients begin."""


def without_channel(consumers: Iterable[Row]) -> list[Row]:
    """Consumers that the broker names no channel of: of other protocols, or left over."""
    return [row for row in consumers if row.get("ack_required") and _channel_of(row) is None]


def _channel_of(consumer: Row) -> str | None:
    # That of an MQTT client has no name in RabbitMQ 4.
    return (consumer.get("channel_details") or {}).get("name") or None


def _of(clients: Clients) -> dict[tuple[Place, Any, str | None], Row]:
    """The consumers whose channel is not there. MQTT clients have queues of their own, and links are known by their tags."""
    names = {row.get("name") for row in clients.channels}
    links, told = amqp10.places(clients.sessions), amqp10.told(clients.sessions)
    found = {}
    for row in clients.consumers:
        at, tag, channel = place(row.get("queue") or {}), row.get("consumer_tag"), _channel_of(row)
        others = channel is None and (not told or (at, tag) in links or str(at[1]).startswith(_OF_MQTT))
        if channel not in names and not others:
            found[(at, tag, channel)] = row
    return found


def find(queues: Iterable[Row], before: Clients, after: Clients) -> list[Finding]:
    """Consumers whose channel was gone in both looks."""
    of_queue = {place(row): row for row in queues}
    gone = _of(before)
    return [
        _ghost(of_queue[each[0]], row)
        for each, row in _of(after).items()
        if each in gone and of_queue.get(each[0], {}).get("type", "stream") != "stream"
    ]


def _ghost(queue: Row, consumer: Row) -> Finding:
    vhost, name = place(queue)
    details = consumer.get("channel_details") or {}
    return Finding(
        GHOST,
        str(vhost),
        str(name),
        consumer.get("consumer_tag"),
        channel=details.get("name"),
        connection=details.get("connection_name"),
        prefetch=consumer.get("prefetch_count"),
        unacknowledged=count(queue, "messages_unacknowledged"),
        advice=ADVICE[GHOST],
    )


def counted_by_the_queue(found: Collection[Finding], consumers: Iterable[Row], rows: Iterable[Row]) -> list[Finding]:
    """Without those that are in a list only: a queue that counts fewer consumers than are listed knows that they are gone.

    `rows` are queues with their own counts.
    """
    listed = Counter(place(each.get("queue") or {}) for each in consumers)
    knows = {
        at for row in rows if count(row, "consumers") < listed[at := place(row)] and row.get("consumers") is not None
    }
    return [each for each in found if (each.vhost, each.queue) not in knows]
