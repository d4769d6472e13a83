"""Columns of list_vhosts: GET /api/vhosts."""

from rmqctl.resources.column import PERMITTED_VHOSTS, Column, Object, Release, Resource, definitions
from rmqctl.terms import Cell, ErlangMap, Keywords


def _metadata(vhost: Object, _: Release) -> Cell:
    metadata = vhost.get("metadata")
    return None if metadata is None else ErlangMap(metadata)


VHOSTS = Resource(
    plural="virtual hosts", sight=PERMITTED_VHOSTS,
    default=("name",),
    streamed=False,
    columns=(
        Column("name"),
        Column("description"),
        Column("tags", cell=lambda vhost, _: vhost.get("tags") or []),
        Column("default_queue_type"),
        Column("protected_from_deletion"),
        Column("metadata", cell=_metadata),
        Column("tracing"),
        Column("cluster_state", cell=lambda vhost, _: Keywords(vhost.get("cluster_state") or {})),
    ),
    api_fields=definitions(
        "message_stats", "messages", "messages_details", "messages_ready", "messages_ready_details",
        "messages_unacknowledged", "messages_unacknowledged_details", "recv_oct", "recv_oct_details", "send_oct",
        "send_oct_details",
    ),
)  # fmt: skip
