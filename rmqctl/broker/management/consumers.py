"""`/api/consumers`."""

from typing import Any

from rmqctl.broker.core.consumer import Consumer
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.management import listing
from rmqctl.broker.management.web import Call, Row, in_order


def list_consumers(call: Call) -> Any:
    """Without the tag monitoring only those of the user's own connections, whatever its permissions are by now."""
    vhosts = [call.vhost()] if "vhost" in call.params else call.broker.vhosts.values()
    found = [
        (queue, consumer)
        for vhost in vhosts
        for queue in vhost.queues.values()
        for consumer in queue.consumers
        if call.is_monitor or consumer.outlet.origin.user == call.user.name
    ]
    rows = (consumer_row(call, queue, consumer) for queue, consumer in found)
    return listing.answer(call, rows, default=("queue.vhost",), pages=False)


def consumer_row(call: Call, queue: Queue, consumer: Consumer) -> Row:
    origin = consumer.outlet.origin
    host, port = origin.peer
    waits = queue.single_active and queue.active is not consumer
    timeout = queue.consumer_timeout
    return {
        "arguments": in_order(consumer.arguments),
        "channel_details": {
            "connection_name": origin.connection,
            "name": origin.name,
            "node": call.broker.node.name,
            "number": origin.number,
            "peer_host": host,
            "peer_port": port,
            "user": origin.user,
        },
        "ack_required": not consumer.no_ack,
        "active": not waits,
        "activity_status": _status(queue, consumer, waits),
        "consumer_tag": consumer.tag,
        "consumer_timeout": round(timeout * 1000) if timeout is not None else None,
        "exclusive": consumer.exclusive,
        "prefetch_count": consumer.prefetch,
        "queue": {"name": queue.name, "vhost": queue.home.name},
    }


def _status(queue: Queue, consumer: Consumer, waits: bool) -> str:
    if queue.single_active:
        return "waiting" if waits else "single_active"
    full = not consumer.no_ack and bool(consumer.prefetch) and consumer.unacked >= consumer.prefetch
    return "blocked" if full and not queue.replicated else "up"
