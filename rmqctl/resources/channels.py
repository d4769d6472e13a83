"""Columns of list_channels: GET /api/channels."""

from rmqctl.resources.column import OWN, Column, Resource, definitions

CHANNELS = Resource(
    plural="channels", sight=OWN,
    default=("pid", "user", "consumer_count", "messages_unacknowledged"),
    alarming=frozenset(("messages_unacknowledged",)),
    columns=(
        Column("pid", refused="process identifiers are not in it; `name` identifies a channel"),
        Column("connection", refused="process identifiers are not in it; `connection_details.name` names the connection"),
        *map(Column, (
            "name", "number", "user", "vhost", "transactional", "confirm", "consumer_count", "messages_unacknowledged",
            "messages_uncommitted", "acks_uncommitted", "messages_unconfirmed", "prefetch_count", "global_prefetch_count",
        )),
    ),
    api_fields=definitions(
        "cached_segments", "connection_details", "consumer_details", "garbage_collection", "idle_since", "message_stats",
        "node", "pending_raft_commands", "reductions", "reductions_details", "state", "user_who_performed_action",
    ),
)  # fmt: skip
