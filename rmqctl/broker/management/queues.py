"""`/api/queues`.

Counts are those of this moment. `memory` and `message_bytes` are the bytes of the bodies in the queue: all of them are in
memory. `reductions` is 0 and there is no `garbage_collection`: both are Erlang's. `idle_since` is when something last
happened in the queue, within the two seconds between two looks at its counters.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rmqctl.broker.amqp.connection import connections_of
from rmqctl.broker.amqp.deliveries import by_queue
from rmqctl.broker.core import fields
from rmqctl.broker.core.consumer import Consumer, Lender
from rmqctl.broker.core.message import Entry
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.quorum import QuorumQueue
from rmqctl.broker.management import listing
from rmqctl.broker.management.consumers import consumer_row
from rmqctl.broker.management.rates import OF_QUEUE
from rmqctl.broker.management.web import Answer, Call, Created, HttpError, Kept, Row, bad_request, in_order, missing

# In the short rows of GET /api/queues these are left out when there is nothing to tell, and these always.
_IF_KNOWN = (
    "exclusive_consumer_tag",
    "head_message_timestamp",
    "operator_policy",
    "policy",
    "single_active_consumer_tag",
)
_DETAILS = ("idle_since",)
Unacked = Mapping[Lender, list[Entry]]


def list_queues(call: Call) -> Any:
    queues = [queue for vhost in call.vhosts() for queue in vhost.queues.values()]
    if call.flag("disable_stats"):
        row = totals_row if call.flag("enable_queue_totals") else definition_row
        return listing.answer(call, (row(queue) for queue in queues))
    return listing.answer(call, _rows(call, queues, short="columns" not in call.query))


def list_detailed(call: Call) -> Any:
    queues = [queue for vhost in call.vhosts() for queue in vhost.queues.values()]
    return listing.answer(call, _rows(call, queues, short=False))


def of_user(call: Call) -> Any:
    """Those that the user of the path declared, where the one who asks has permissions."""
    queues = [queue for vhost in call.vhosts() for queue in vhost.queues.values() if queue.user == call["user"]]
    return listing.answer(call, _rows(call, queues, short=True))


def get_queue(call: Call) -> Any:
    queue = find(call)
    if call.flag("disable_stats"):
        if not call.flag("enable_queue_totals"):
            return listing.trimmed(call, definition_row(queue))
        row = {**totals_row(queue), "exclusive": queue.exclusive, "internal": False, "internal_owner": False}
        return listing.trimmed(call, row)
    row = {
        "consumer_details": [consumer_row(call, queue, consumer) for consumer in queue.consumers],
        "deliveries": [],
        "incoming": [],
        **full_row(call, queue, unacked_by_queue(call)),
    }
    if queue.owner is not None:
        host, port = queue.owner.peer
        row["owner_pid_details"] = {"name": queue.owner.name, "peer_host": host, "peer_port": port}
    return listing.trimmed(call, row)


def list_unacked(call: Call) -> Any:
    """Each delivery that waits to be acknowledged, and for how long, in seconds: RabbitMQ has no such list, LavinMQ has.

    Without the tag monitoring only those of the user's own connections.
    """
    queue, now = find(call), call.broker.node.now
    channels = [
        channel
        for connection in connections_of(call.broker)
        if call.is_monitor or connection.user_name == call.user.name
        for channel in connection.channels.values()
    ]
    of_channels = [(channel, channel.unacknowledged()) for channel in channels]
    rows = (
        {
            "delivery_tag": tag,
            "consumer_tag": "" if delivery.consumer is None else delivery.consumer.tag,
            "unacked_for_seconds": max(0, int(now - delivery.since)),
            "channel_name": channel.origin.name,
        }
        for channel, deliveries in of_channels
        for tag, delivery in deliveries
        if delivery.queue is queue
    )
    return listing.answer(call, rows, default=("channel_name", "delivery_tag"))


def declare_queue(call: Call) -> Any:
    vhost = call.vhost()
    document = call.json()
    durable = fields.boolean(document, "durable")
    auto_delete = fields.boolean(document, "auto_delete")
    arguments = fields.arguments(document)
    if (node := fields.text(document, "node", call.broker.node.name)) != call.broker.node.name:
        raise bad_request(f"Node {node} is not a cluster member")
    known = call["name"] in vhost.queues
    vhost.declare_queue(
        call.user,
        declared_name("queue", call["name"]),
        durable=durable,
        auto_delete=auto_delete,
        arguments=arguments,
    )
    return None if known else Created()


def delete_queue(call: Call) -> None:
    queue = find(call)
    call.vhost().delete_queue(
        call.user, queue.name, if_unused=call.flag("if-unused"), if_empty=call.flag("if-empty"), owner=None
    )


def purge_queue(call: Call) -> Kept | None:
    queue = find(call)
    return Kept(None) if call.vhost().purge_queue(call.user, queue.name).stored else None


def actions(call: Call) -> None:
    """All that there were was for mirrored queues."""
    find_to_use(call)
    raise bad_request(["unknown", call.json("action")["action"]])


def quorum_status(call: Call) -> Any:
    vhost = call.vhost()
    queue = vhost.queues.get(call["name"])
    if queue is None:
        raise missing()
    if not queue.replicated:
        return Answer(503, {"status": "failed", "reason": f"{queue.kind}_queue_not_supported"})
    return [{"Node Name": call.broker.node.name, "Raft State": "leader", "Membership": "voter"}]


def find(call: Call) -> Queue:
    """The queue in the path. Raises 404."""
    found = call.vhost().queues.get(call["name"])
    if found is None:
        raise missing()
    return found


def find_to_use(call: Call) -> Queue:
    """The same where something is done with its messages."""
    found = call.vhost().queues.get(call["name"])
    if found is None:
        raise HttpError(404, "not_found", "queue_not_found")
    return found


def declared_name(kind: str, name: str) -> str:
    size = len(name.encode("utf-8", "surrogateescape"))
    if size > 255:
        raise bad_request(f"{kind} should be less than 255 bytes, actually was {size}\n")
    return unbroken(name)


def unbroken(name: str) -> str:
    """RabbitMQ drops line ends from names that are declared and bound."""
    return name.replace("\n", "").replace("\r", "")


# ------------------------------------------------------------------------------------------------------------------ rows


def definition_row(queue: Queue) -> Row:
    """What was declared, without statistics."""
    row = {
        "arguments": shown_arguments(queue),
        "auto_delete": queue.auto_delete,
        "durable": queue.durable,
        "effective_policy_definition": queue.effective_policy,
        "exclusive": queue.exclusive,
        "internal": False,
        "internal_owner": False,
        "name": queue.name,
        "node": queue.node.name,
        "operator_policy": queue.operator_policy,
        "policy": queue.policy,
        "state": "running",
        "type": queue.kind,
        "vhost": queue.home.name,
    }
    return row | _members(queue) if queue.replicated else row


def totals_row(queue: Queue) -> Row:
    """What was declared, with counts."""
    row = {
        "arguments": shown_arguments(queue),
        "auto_delete": queue.auto_delete,
        "durable": queue.durable,
        "exclusive": queue.exclusive,
        "messages": queue.count,
        "messages_ready": queue.ready.count,
        "messages_unacknowledged": queue.unacked,
        "name": queue.name,
        "node": queue.node.name,
        "online": None,
        "state": "running",
        "type": queue.kind,
        "vhost": queue.home.name,
    }
    if queue.replicated:
        policies = {"operator_policy": queue.operator_policy, "policy": queue.policy}
        effective = {"effective_policy_definition": queue.effective_policy}
        return {**row, "exclusive": None, **effective, **policies, **_members(queue)}
    return row | ({"policy": queue.policy} if queue.policy is not None else {})


def full_row(call: Call, queue: Queue, unacked: Unacked) -> Row:
    """Everything, also what is null."""
    ready_bytes, waiting_bytes = queue.ready_bytes, queue.unacked_bytes
    capacity = _capacity(queue)
    row = {
        **definition_row(queue),
        "consumer_capacity": capacity,
        "consumer_utilisation": capacity,
        "consumers": len(queue.consumers),
        "memory": ready_bytes + waiting_bytes,
        "message_bytes": ready_bytes + waiting_bytes,
        "message_bytes_ready": ready_bytes,
        "message_bytes_unacknowledged": waiting_bytes,
        "messages": queue.count,
        "messages_ready": queue.ready.count,
        "messages_unacknowledged": queue.unacked,
        **call.rates.details(("lengths", queue), "messages", "messages_ready", "messages_unacknowledged"),
        "reductions": 0,
        "reductions_details": {"rate": 0.0},
        "single_active_consumer_tag": queue.active.tag if queue.active else None,
    }
    if listing.wants(call, "messages_persistent", "message_bytes_persistent"):
        row |= _persistent(queue, unacked.get(queue, ()))
    row |= _of_quorum(queue) if isinstance(queue, QuorumQueue) else _of_classic(call, queue, unacked.get(queue, ()))
    if stats := call.rates.message_stats(queue, queue.counts, OF_QUEUE):
        row["message_stats"] = stats
    return row


def _rows(call: Call, queues: Iterable[Queue], *, short: bool) -> Iterable[Row]:
    unacked = unacked_by_queue(call)
    for queue in queues:
        row = full_row(call, queue, unacked)
        if short:
            for name in (*_DETAILS, *(each for each in _IF_KNOWN if row.get(each) is None)):
                row.pop(name, None)
        yield row


def _of_classic(call: Call, queue: Queue, unacked: Iterable[Entry]) -> Row:
    exclusive = queue.exclusive_consumer
    idle = max(queue.used, call.rates.changed(queue, queue.used))
    return {
        "exclusive_consumer_tag": exclusive.tag if exclusive else None,
        "head_message_timestamp": _head_timestamp(queue, unacked),
        "idle_since": iso(queue.node.date(idle)),
        "message_bytes_ram": queue.ready.bytes + queue.unacked_bytes,
        "messages_ram": queue.ready.count + queue.unacked,
        "messages_ready_ram": queue.ready.count,
        "messages_unacknowledged_ram": queue.unacked,
        "storage_version": 2,
    }


def _of_quorum(queue: QuorumQueue) -> Row:
    ready = queue.ready.count
    row = {
        "delayed_retry": str(queue.retry or "disabled"),
        "message_bytes_dlx": 0,
        "message_bytes_ram": 0,
        "messages_active_priorities": 1 if ready else 0,
        "messages_by_priority": {"4": ready} if ready else {},
        "messages_delayed": len(queue.delayed),
        "messages_dlx": 0,
        "messages_ram": 0,
        "messages_ready_returned": 0,
        "open_files": {queue.node.name: 0},
        "publishers": 0,
    }
    times = {"last_delayed_at": queue.delayed.last, "next_delayed_at": queue.delayed.next}
    return row | {name: round(queue.node.date(when) * 1000) for name, when in times.items() if when is not None}


def _members(queue: Queue) -> Row:
    node = queue.node.name
    row: Row = {"leader": node, "members": [node], "online": [node]}
    return row if queue.delivery_limit is None else {"delivery_limit": queue.delivery_limit, **row}


def shown_arguments(queue: Queue) -> Row:
    return dict(in_order({"x-queue-type": queue.kind, **queue.arguments}))


def unacked_by_queue(call: Call) -> Unacked:
    """Deliveries that wait for their acknowledgement; nothing when no column needs them."""
    if not listing.wants(call, "messages_persistent", "message_bytes_persistent", "head_message_timestamp"):
        return {}
    return by_queue(
        delivery
        for connection in connections_of(call.broker)
        for channel in connection.channels.values()
        for _, delivery in channel.unacknowledged()
    )


def _persistent(queue: Queue, unacked: Iterable[Entry]) -> Row:
    """Messages of queues that are not durable do not count: they are not written down. Quorum queues keep them all."""
    if isinstance(queue, QuorumQueue):
        return {"messages_persistent": queue.count, "message_bytes_persistent": queue.ready_bytes + queue.unacked_bytes}
    kept = [entry for entry in (*queue.messages(), *unacked) if entry.message.persistent] if queue.durable else []
    size = sum(len(entry.message.body) for entry in kept)
    return {"messages_persistent": len(kept), "message_bytes_persistent": size}


def _head_timestamp(queue: Queue, unacked: Iterable[Entry]) -> int | None:
    heads = [head for head in (next(queue.messages(), None), next(iter(unacked), None)) if head is not None]
    if not heads:
        return None
    value = min(heads, key=lambda entry: entry.position).message.get("timestamp")
    return int(value.timestamp()) if isinstance(value, datetime) else value


def _capacity(queue: Queue) -> float:
    """Of the consumers, the share that could take a message now; 0 without any."""
    consumers: Iterable[Consumer] = queue.consumers
    if not queue.consumers:
        return 0
    able = sum(consumer.outlet.may_send(consumer) for consumer in consumers)
    return able / len(queue.consumers)


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
