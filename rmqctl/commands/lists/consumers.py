"""Commands about consumers."""

from typing import Any

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.lists import Row
from rmqctl.commands.kit.listing import Found, Wanted, list_command
from rmqctl.resources.column import reader
from rmqctl.resources.consumers import CONSUMERS


def _fetch(client: Client, wanted: Wanted) -> Found:
    looked_at = {"consumer_tag", "ack_required", "prefetch_count", "queue.name", "queue.vhost", "channel_details.name"}
    rows = lists.of_vhost(client, "consumers", wanted.vhost, fields=looked_at | wanted.fields)
    if any(map(_can_be_of_a_stream, rows)):
        streams = _streams(client, wanted.vhost)
        rows = [row for row in rows if _queue(row) not in streams]
    return Found(rows)


def _can_be_of_a_stream(consumer: Row) -> bool:
    """Over AMQP it has to acknowledge, and to have a prefetch count; over the stream protocol it has no channel."""
    by_amqp = consumer.get("ack_required") and consumer.get("prefetch_count")
    return bool(by_amqp) or _channel(consumer) == ""


_channel = reader("channel_details.name")


def _queue(consumer: Row) -> tuple[Any, Any]:
    queue = consumer.get("queue")
    return (queue.get("vhost"), queue.get("name")) if isinstance(queue, dict) else (None, None)


def _streams(client: Client, vhost: str | None) -> set[tuple[Any, Any]]:
    """Virtual host and name of each stream: rabbitmqctl leaves their consumers out."""
    fields = ("name", "type", "vhost")
    queues = lists.of_vhost(client, "queues", vhost, fields=fields, query={"disable_stats": "true"})
    return {(queue.get("vhost"), queue["name"]) for queue in queues if queue.get("type") == "stream"}


list_consumers = list_command(
    CONSUMERS,
    _fetch,
    "List consumers, but for those of streams, as rabbitmqctl does (`show queue` has them).\n\n"
    "What the broker knows of a new consumer is up to 5 seconds late.",
)
