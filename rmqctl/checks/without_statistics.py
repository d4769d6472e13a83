"""Channels, consumers and queues as rabbitmq_prometheus tells of them, in the rows that the management API would have.

A channel is known by its process, a consumer by its channel and queue; who is at the other end is not told.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rmqctl.checks.snapshot import Place, Row

FAMILIES = ("channel_metrics", "channel_queue_metrics", "queue_consumer_count", "queue_coarse_metrics")
_COUNTERS = {
    "channel_messages_acked_total": "ack",
    "channel_messages_delivered_ack_total": "deliver",
    "channel_messages_delivered_total": "deliver_no_ack",
    "channel_get_ack_total": "get",
    "channel_get_total": "get_no_ack",
    "channel_messages_redelivered_total": "redeliver",
}
_DELIVERED = ("deliver", "deliver_no_ack", "get", "get_no_ack")


class Clients(NamedTuple):
    """Who consumes, by one look: rows of consumers, of channels, of AMQP 1.0 sessions, and of queues that share a channel."""

    consumers: Sequence[Row]
    channels: Sequence[Row]
    sessions: Sequence[Row]
    queues: Sequence[Row]
    by_metrics: bool = False


def clients(metrics: Iterable[Any]) -> Clients:
    """`metrics` have a `name`, `labels` and a `value`."""
    of_channel: dict[str, dict[str, int]] = defaultdict(dict)
    counters: dict[tuple[str, Place], dict[str, int]] = defaultdict(dict)
    of_queue: dict[Place, dict[str, int]] = defaultdict(dict)
    for name, labels, value in metrics:
        at = labels.get("vhost"), labels.get("queue")
        if name in _COUNTERS:
            counters[(labels.get("channel", ""), at)][_COUNTERS[name]] = int(value)
        elif "channel" in labels:
            of_channel[labels["channel"]][name] = int(value)
        elif at[1] is not None:
            of_queue[at][name] = int(value)
    consumers, channels = _consumers(of_channel, counters, of_queue), _channels(of_channel, counters)
    return Clients(consumers, channels, [], _queues(counters, of_queue), by_metrics=True)


def _channels(of_channel: Any, counters: Any) -> list[Row]:
    stats: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    vhosts: dict[str, Any] = {}
    for (channel, at), numbers in counters.items():
        vhosts[channel] = at[0]
        for name, number in numbers.items():
            stats[channel][name] += number
            stats[channel]["deliver_get"] += number if name in _DELIVERED else 0
    return [
        {
            "name": channel,
            "vhost": vhosts[channel],
            "consumer_count": row.get("channel_consumers", 0),
            "messages_unacknowledged": row.get("channel_messages_unacked", 0),
            "messages_uncommitted": row.get("channel_messages_uncommitted", 0),
            "acks_uncommitted": row.get("channel_acks_uncommitted", 0),
            # Whether it is a transaction is not told; only one has something uncommitted.
            "transactional": True,
            "message_stats": dict(stats[channel]),
        }
        for channel, row in of_channel.items()
        if channel in vhosts
    ]


def _consumers(of_channel: Any, counters: Any, of_queue: Any) -> list[Row]:
    rows: list[Row] = []
    seen = set()
    for (channel, at), numbers in counters.items():
        row = of_channel.get(channel, {})
        if row.get("channel_consumers") and (numbers.get("deliver") or numbers.get("deliver_no_ack")):
            seen.add(at)
            manual, prefetch = bool(numbers.get("deliver")), row.get("consumer_prefetch", 0)
            rows.append(_consumer(at, {"name": channel}, ack_required=manual, prefetch_count=prefetch))
    # One that has been given nothing yet counts as well.
    others = (at for at, row in of_queue.items() if row.get("queue_consumers") and at not in seen)
    return rows + [_consumer(at, {}) for at in others]


def _consumer(at: Place, channel: Row, **more: Any) -> Row:
    return {"queue": {"vhost": at[0], "name": at[1]}, "channel_details": channel, **more}


def _queues(counters: Any, of_queue: Any) -> list[Row]:
    acks: dict[Place, int] = defaultdict(int)
    for (_, at), numbers in counters.items():
        acks[at] += numbers.get("ack", 0)
    return [
        {
            "vhost": at[0],
            "name": at[1],
            "messages_unacknowledged": row.get("queue_messages_unacked", 0),
            "message_stats": {"ack": acks[at]},
        }
        for at, row in of_queue.items()
    ]
