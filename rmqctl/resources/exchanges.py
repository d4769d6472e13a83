"""Columns of list_exchanges: GET /api/exchanges."""

from rmqctl.resources.column import PERMITTED, Column, Resource, arguments, definitions, statistics

EXCHANGES = Resource(
    plural="exchanges",
    sight=PERMITTED,
    default=("name", "type"),
    columns=(
        Column("name"),
        Column("type"),
        Column("durable"),
        Column("auto_delete"),
        Column("internal"),
        arguments(),
        Column("policy"),
    ),
    api_fields=definitions("vhost", "user_who_performed_action") | statistics("message_stats", "incoming", "outgoing"),
)
