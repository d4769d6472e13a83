"""Columns of federation_status: GET /api/federation-links."""

from rmqctl.resources.column import Column, Resource, definitions

FEDERATION_LINKS = Resource(
    plural="federation links",
    default=("type", "vhost", "upstream", "exchange", "queue", "status", "uri", "timestamp", "error"),
    streamed=False,
    named=("upstream", "exchange", "queue"),
    columns=tuple(
        map(
            Column,
            ("node", "type", "vhost", "upstream", "exchange", "queue", "status", "uri", "timestamp", "error", "id"),
        )
    ),
    api_fields=definitions("consumer_tag", "local_channel", "local_connection", "upstream_exchange", "upstream_queue"),
)
