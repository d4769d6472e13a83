"""A virtual host with all that a graph can have: cycles, alternate and dead letter exchanges, strange names, consumers."""

from typing import Any

from ..conftest import Broker

STRANGE = 'a b/ü <script>&"\t\\'
CONNECTION = "10.0.0.1:5000 -> 10.0.0.2:5672"


def exchange(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "vhost": "/", "type": kind, "internal": False, "arguments": {}, **more}


def binding(source: str, destination: str, key: str = "", kind: str = "queue", **arguments: Any) -> dict[str, Any]:
    names = {"source": source, "destination": destination, "destination_type": kind}
    # A table without members comes from Erlang as an empty list.
    return {"vhost": "/", **names, "routing_key": key, "arguments": arguments or []}


def queue(name: str, ready: int | None = 0, unacked: int | None = 0, **more: Any) -> dict[str, Any]:
    counts = {"messages_ready": ready, "messages_unacknowledged": unacked}
    known = {key: value for key, value in counts.items() if value is not None}
    return {"name": name, "vhost": "/", "type": "classic", "arguments": {}, **known, **more}


def consumer(queue: str, tag: str, number: int, prefetch: int = 0, *, ack: bool = True) -> dict[str, Any]:
    details = {"name": f"{CONNECTION} ({number})", "connection_name": CONNECTION, "number": number, "user": "worker"}
    return {
        "queue": {"name": queue, "vhost": "/"}, "consumer_tag": tag, "ack_required": ack, "prefetch_count": prefetch,
        "channel_details": details,
    }  # fmt: skip


EXCHANGES = [
    exchange("", "direct"),
    exchange("amq.direct", "direct"),
    exchange("amq.topic", "topic"),
    exchange("audit", "fanout", internal=True),
    exchange("by headers", "headers"),
    exchange("lonely", "direct"),
    exchange(
        "orders",
        "topic",
        arguments={"alternate-exchange": "unrouted"},
        message_stats={"publish_in_details": {"rate": 2.5}, "publish_out_details": {"rate": 5.0}},
    ),
    exchange("ring 1", "fanout"),
    exchange("ring 2", "fanout"),
    exchange("shared out", "x-consistent-hash", policy="spare"),
    exchange(STRANGE, "direct"),
    exchange("unrouted", "fanout"),
]
POLICIES = [{"name": "spare", "vhost": "/", "definition": {"alternate-exchange": "nowhere"}}]
BINDINGS = [
    binding("", "orders.new", "orders.new"),
    binding("amq.topic", "orders.all", "order.#"),
    binding("audit", "audit log"),
    binding("by headers", "orders.all", **{"x-match": "any", "format": "pdf", "size": 5}),
    binding("orders", "orders.new", "order.new.*"),
    binding("orders", "orders.new", "order.again.#"),
    binding("orders", "orders.all", "order.#"),
    binding("orders", "audit", "#", "exchange"),
    binding("ring 1", "ring 2", kind="exchange"),
    binding("ring 2", "ring 1", kind="exchange"),
    binding("ring 2", STRANGE, "x"),
    binding("shared out", "orders.all", "10"),
    binding(STRANGE, STRANGE, 'key "1" | `*`'),
    binding(STRANGE, "audit", "", "exchange"),
    binding("unrouted", "dead"),
]
QUEUES = [
    queue("alone", None, None),
    queue("audit log", 7, 0, type="stream"),
    queue("dead", 3, 0),
    queue(
        "orders.all",
        12,
        3,
        type="quorum",
        arguments={"x-queue-type": "quorum", "x-dead-letter-exchange": "unrouted"},
        message_stats={"publish_details": {"rate": 1.5}, "deliver_get_details": {"rate": 0.5}},
    ),
    queue("orders.new", effective_policy_definition={"dead-letter-exchange": "", "dead-letter-routing-key": "dead"}),
    queue(STRANGE, 1, 0, arguments={"x-dead-letter-exchange": "gone", "x-dead-letter-routing-key": "k"}),
]
CONSUMERS = [
    consumer("orders.all", "forgetful", 1, 1),
    consumer("orders.all", "careless", 2, ack=False),
    consumer(STRANGE, "[bold]x", 3, 20),
    *(consumer("orders.new", f"worker {number}", 4) for number in range(7)),
]
CHANNELS = [
    {
        "name": f"{CONNECTION} ({number})",
        "number": number,
        "user": "worker",
        "connection_details": {"name": CONNECTION, "peer_host": "10.0.0.1", "peer_port": 5000},
        "messages_unacknowledged": unacked,
    }
    for number, unacked in ((1, 3), (3, 0), (4, 0))
]
CONNECTIONS = [{"name": CONNECTION, "user_provided_name": "shop <worker>"}]


def world(**other: list[Any]) -> Broker:
    """`other` rows instead: exchanges=[...]."""
    rows = {
        "exchanges": EXCHANGES, "bindings": BINDINGS, "queues": QUEUES, "consumers": CONSUMERS, "policies": POLICIES, **other,
    }  # fmt: skip
    return Broker(
        {
            **{f"GET /api/{kind}/%2F": found for kind, found in rows.items()},
            "GET /api/vhosts/%2F/channels": CHANNELS,
            "GET /api/vhosts/%2F/connections": CONNECTIONS,
        }
    )
