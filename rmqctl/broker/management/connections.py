"""`/api/connections` and `/api/channels`.

A connection has a `pid`, which RabbitMQ leaves out over HTTP: programs close connections by what rabbitmqctl lists as such.
`recv_cnt` and `send_cnt` are frames. `reductions` is 0 and there is no `garbage_collection`: both are Erlang's.
"""

from typing import Any

from rmqctl.broker.amqp.channel import Channel
from rmqctl.broker.amqp.connection import Connection, connections_of
from rmqctl.broker.amqp.states import Mode
from rmqctl.broker.management import listing
from rmqctl.broker.management.consumers import consumer_row
from rmqctl.broker.management.queues import iso
from rmqctl.broker.management.rates import OF_CHANNEL
from rmqctl.broker.management.web import Call, Row, bad_request, missing

_TLS = (
    "peer_cert_issuer",
    "peer_cert_serial_number",
    "peer_cert_subject",
    "peer_cert_validity",
    "ssl_cipher",
    "ssl_hash",
    "ssl_key_exchange",
    "ssl_protocol",
)
_STATISTICS = frozenset(
    (
        "channels",
        "recv_cnt",
        "recv_oct",
        "recv_oct_details",
        "reductions",
        "reductions_details",
        "send_cnt",
        "send_oct",
        "send_oct_details",
        "send_pend",
        "state",
    )
)
_CLOSED = "Closed via management plugin"


def list_connections(call: Call) -> Any:
    rows = (connection_row(call, connection) for connection in list(_connections(call)))
    if call.flag("disable_stats"):
        rows = ({name: value for name, value in row.items() if name not in _STATISTICS} for row in rows)
    return listing.answer(call, rows)


def get_connection(call: Call) -> Any:
    row = connection_row(call, _connection(call))
    return listing.trimmed(call, {name: "" if value is None else value for name, value in row.items()})


def close_connection(call: Call) -> None:
    _close(call, _connection(call))


def of_user(call: Call) -> Any:
    return [
        {
            "name": connection.name,
            "vhost": connection.vhost.name,
            "user": connection.user.name,
            "node": call.broker.node.name,
        }
        for connection in _connections(call)
        if connection.user.name == call["user"]
    ]


def close_of_user(call: Call) -> None:
    for connection in _connections(call):
        if connection.user.name == call["user"]:
            _close(call, connection)


def no_sessions(call: Call) -> None:
    _connection(call)
    raise bad_request("connection does not use AMQP 1.0")


def channels_of(call: Call) -> Any:
    return listing.answer(call, [channel_row(call, each) for each in _connection(call).channels.values()])


def list_channels(call: Call) -> Any:
    channels = [channel for connection in _connections(call) for channel in connection.channels.values()]
    if call.flag("disable_stats"):
        return listing.answer(call, (_plain_channel(channel) for channel in channels))
    return listing.answer(call, (channel_row(call, channel) for channel in channels))


def get_channel(call: Call) -> Any:
    channel = named_channel(call)
    if channel is None:
        raise missing()
    consumers = [consumer_row(call, each.queue, each.consumer) for each in channel.subscriptions.values()]
    row = {**channel_row(call, channel), "consumer_details": consumers, "deliveries": [], "publishes": []}
    return listing.trimmed(call, row)


def named_connection(call: Call) -> Connection | None:
    """The open one of the path."""
    return next((each for each in connections_of(call.broker) if each.is_open and each.name == call["name"]), None)


def named_channel(call: Call) -> Channel | None:
    channels = (each for connection in connections_of(call.broker) for each in connection.channels.values())
    return next((each for each in channels if each.origin.name == call["name"]), None)


def _connections(call: Call) -> list[Connection]:
    """Open connections, to the vhost in the path if there is one; without the tag monitoring the user's own."""
    vhosts = call.vhosts() if "vhost" in call.params else None
    return [
        connection
        for connection in connections_of(call.broker)
        if connection.is_open
        and (call.is_monitor or connection.user_name == call.user.name)
        and (vhosts is None or connection.vhost in vhosts)
    ]


def _connection(call: Call) -> Connection:
    found = named_connection(call)
    if found is None:
        raise missing()
    return found


def _close(call: Call, connection: Connection) -> None:
    connection.close(call.headers.get("x-reason") or _CLOSED)


def connection_row(call: Call, connection: Connection) -> Row:
    properties = connection.client_properties
    row: Row = {
        "auth_mechanism": connection.mechanism,
        "channel_max": connection.channel_max,
        "channels": len(connection.channels),
        "client_properties": properties,
        "connected_at": round(connection.node.date(connection.connected_at) * 1000),
        "frame_max": connection.frame_max,
        "host": connection.local[0],
        "name": connection.name,
        "node": call.broker.node.name,
        **dict.fromkeys(_TLS),
        "peer_host": connection.peer[0],
        "peer_port": connection.peer[1],
        "pid": connection.node.pid(connection.number),
        "port": connection.local[1],
        "protocol": "AMQP 0-9-1",
        "recv_cnt": connection.received_frames,
        "recv_oct": connection.received_bytes,
        "reductions": 0,
        "reductions_details": {"rate": 0.0},
        "send_cnt": connection.sent_frames,
        "send_oct": connection.sent_bytes,
        **call.rates.details(connection, "recv_oct", "send_oct"),
        "send_pend": 0,
        "ssl": False,
        "state": _state(connection),
        "timeout": connection.heartbeats.interval,
        "type": "network",
        "user": connection.user.name,
        "user_who_performed_action": connection.user.name,
        "vhost": connection.vhost.name,
    }
    if (name := properties.get("connection_name")) is not None:
        row["user_provided_name"] = name
    return row


def _state(connection: Connection) -> str:
    """During an alarm a client is blocked as soon as it publishes."""
    if not connection.broker.alarmed:
        return "running"
    return "blocked" if connection.blocked else "blocking"


def _plain_channel(channel: Channel) -> Row:
    connection = channel.connection
    return {
        "connection_details": {
            "name": connection.name,
            "peer_host": connection.peer[0],
            "peer_port": connection.peer[1],
        },
        "name": channel.origin.name,
        "node": channel.node.name,
        "number": channel.number,
        "user": channel.user.name,
        "user_who_performed_action": channel.user.name,
        "vhost": channel.vhost.name,
    }


def channel_row(call: Call, channel: Channel) -> Row:
    row = {
        **_plain_channel(channel),
        "acks_uncommitted": sum(1 for _ in channel.transaction.settled()),
        "cached_segments": 0,
        "confirm": channel.mode is Mode.CONFIRM,
        "consumer_count": len(channel.subscriptions),
        "idle_since": iso(channel.node.date(channel.last_used)),
        "messages_unacknowledged": len(channel.deliveries),
        "messages_uncommitted": len(channel.transaction.published),
        "messages_unconfirmed": channel.confirms.outstanding,
        "pending_raft_commands": 0,
        "prefetch_count": channel.consumer_prefetch,
        "reductions": 0,
        "reductions_details": {"rate": 0.0},
        "state": "running",
        "transactional": channel.mode is Mode.TX,
    }
    if channel.prefetch:
        row["global_prefetch_count"] = channel.prefetch
    if stats := call.rates.message_stats(channel, channel.counts, OF_CHANNEL):
        row["message_stats"] = stats
    return row
