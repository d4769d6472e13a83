"""Columns of the stream plugin's lists: GET /api/stream/connections, /consumers, /publishers."""

from rmqctl.resources.column import OWN, Column, Resource, definitions
from rmqctl.resources.connections import CONNECTIONS

_PID = "process identifiers are not in it; `connection_details.name` names the connection"

_CONSUMER = ("connection_pid", "subscription_id", "stream", "messages_consumed", "offset", "offset_lag", "credits")
_PUBLISHER = (
    "connection_pid", "publisher_id", "stream", "reference", "messages_published", "messages_confirmed", "messages_errored",
)  # fmt: skip

STREAM_CONNECTIONS = Resource(
    plural="stream connections",
    sight=OWN,
    named=("conn_name",),
    default=("node", "conn_name"),
    default_3=("conn_name",),
    columns=(
        Column("conn_name", "name"),
        Column("connection_state", "state"),
        Column("subscriptions"),
        Column("heartbeat", "timeout"),
        *(column for column in CONNECTIONS.columns if column.name not in ("name", "timeout")),
    ),
    api_fields=CONNECTIONS.api_fields,
)
STREAM_CONSUMERS = Resource(
    plural="stream consumers",
    sight=OWN,
    named=("stream",),
    default=(*_CONSUMER[1:], "active", "activity_status", "properties"),
    default_3=(*_CONSUMER, "properties"),
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
    sight=OWN,
    named=("stream",),
    default=_PUBLISHER[1:],
    default_3=_PUBLISHER,
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
    plural="stream tracking", default=("type", "name", "tracking_value"),
    columns=tuple(map(Column, ("type", "name", "tracking_value"))), api_fields={},
)  # fmt: skip
