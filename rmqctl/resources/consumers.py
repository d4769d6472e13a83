"""Columns of list_consumers: GET /api/consumers."""

from rmqctl.resources.column import OWN, Column, Resource, arguments, definitions
from rmqctl.terms import ClientTable

_ORDER = (
    "queue_name", "channel_pid", "consumer_tag", "ack_required", "prefetch_count", "active", "activity_status", "arguments",
)  # fmt: skip

CONSUMERS = Resource(
    plural="consumers",
    sight=OWN,
    named=("queue_name",),
    default=tuple(name for name in _ORDER if name != "activity_status"),
    fixed_order=_ORDER,
    columns=(
        Column("queue_name", "queue.name"),
        Column("channel_pid", refused="process identifiers are not in it; `channel_details.name` names the channel"),
        Column("consumer_tag"),
        Column("ack_required"),
        Column("prefetch_count"),
        Column("active"),
        Column("activity_status"),
        arguments(table=ClientTable),
        Column("vhost", "queue.vhost"),
    ),
    api_fields=definitions("queue", "channel_details", "consumer_timeout", "exclusive"),
)
