"""Columns of the stream plugin's lists: GET /api/stream/connections, /consumers, /publishers."""

from rmqctl.resources.column import Column, Resource, definitions
from rmqctl.resources.connections import CONNECTIONS

_PID = "process identifiers are not in it; `connection_details.name` names the connection"

STREAM_CONNECTIONS = Resource(
    plural="stream connections",
    default=("conn_name",),
    columns=(
        Column("conn_name", "name"),
        Column("connection_state", "state"),
        Column("subscriptions", refused="list_stream_consumers has them"),
        Column("heartbeat", "timeout"),
        *(column for column in CONNECTIONS.columns if column.name not in ("name", "timeout")),
    ),
    api_fields=CONNECTIONS.api_fields,
)
STREAM_CONSUMERS = Resource(
    plural="stream consumers",
    default=(
        "connection_pid",
        "node",
        "stream",
        "subscription_id",
        "credits",
        "messages_consumed",
        "offset",
        "offset_lag",
        "active",
        "activity_status",
        "properties",
    ),
    columns=(
        Column("connection_pid", refused=_PID),
        Column("node", "connection_details.node"),
        Column("stream", "queue.name"),
        Column("subscription_id"),
        Column("credits"),
        Column("messages_consumed", "consumed"),
        *map(Column, ("offset", "offset_lag", "active", "activity_status", "properties")),
        Column("vhost", "queue.vhost"),
    ),
    api_fields=definitions("connection_details", "queue", "consumed"),
)
STREAM_PUBLISHERS = Resource(
    plural="stream publishers",
    default=(
        "connection_pid",
        "node",
        "stream",
        "publisher_id",
        "reference",
        "messages_published",
        "messages_confirmed",
        "messages_errored",
    ),
    columns=(
        Column("connection_pid", refused=_PID),
        Column("node", "connection_details.node"),
        Column("stream", "queue.name"),
        Column("publisher_id"),
        Column("reference"),
        Column("messages_published", "published"),
        Column("messages_confirmed", "confirmed"),
        Column("messages_errored", "errored"),
        Column("vhost", "queue.vhost"),
    ),
    api_fields=definitions("connection_details", "queue", "published", "confirmed", "errored"),
)
STREAM_TRACKING = Resource(
    plural="stream tracking", default=("type", "reference", "value"),
    columns=tuple(map(Column, ("type", "reference", "value"))), api_fields={}, streamed=False,
)  # fmt: skip
