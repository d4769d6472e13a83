"""Columns of list_bindings: GET /api/bindings."""

from rmqctl.resources.column import PERMITTED, Column, Resource, arguments, definitions

BINDINGS = Resource(
    plural="bindings",
    sight=PERMITTED,
    default=("source_name", "source_kind", "destination_name", "destination_kind", "routing_key", "arguments"),
    columns=(
        Column("source_name", "source"),
        # Only exchanges can be bound from: the API has no field for it.
        Column("source_kind", "source", cell=lambda _, __: "exchange"),
        Column("destination_name", "destination"),
        Column("destination_kind", "destination_type"),
        Column("routing_key"),
        arguments(),
    ),
    named=("source_name", "destination_name"),
    api_fields=definitions("vhost", "source", "destination", "destination_type", "properties_key"),
)
