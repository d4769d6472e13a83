"""`/api/consumers`."""

from typing import Any

from rmqctl.broker.core.consumer import Consumer
from rmqctl.broker.management import listing
from rmqctl.broker.management.web import Call, Row, in_order


def list_consumers(call: Call) -> Any:
    """Without the tag monitoring only those of the user's own connections."""
    rows = [
        consumer_row(consumer)
        for vhost in call.vhosts()
        for queue in vhost.queues.values()
        for consumer in queue.consumers
        if call.is_monitor or consumer.channel.user is call.user
    ]
    return listing.answer(call, rows, default=("queue.vhost",), pages=False)


def consumer_row(consumer: Consumer) -> Row:
    channel, queue = consumer.channel, consumer.queue
    host, port = channel.connection.peer
    waits = queue.single_active and queue.active is not consumer
    status = _status(consumer, waits)
    timeout = channel.broker.consumer_timeout
    return {
        "arguments": in_order(consumer.arguments),
        "channel_details": {
            "connection_name": channel.connection.name,
            "name": f"{channel.connection.name} ({channel.number})",
            "node": channel.broker.node,
            "number": channel.number,
            "peer_host": host,
            "peer_port": port,
            "user": channel.user.name,
        },
        "ack_required": not consumer.no_ack,
        "active": not waits,
        "activity_status": status,
        "consumer_tag": consumer.tag,
        "consumer_timeout": round(timeout * 1000) if timeout is not None else None,
        "exclusive": consumer.exclusive,
        "prefetch_count": consumer.prefetch,
        "queue": {"name": queue.name, "vhost": queue.vhost.name},
    }


def _status(consumer: Consumer, waits: bool) -> str:
    if consumer.queue.single_active:
        return "waiting" if waits else "single_active"
    full = not consumer.no_ack and bool(consumer.prefetch) and consumer.unacked >= consumer.prefetch
    return "blocked" if full and consumer.queue.kind == "classic" else "up"
