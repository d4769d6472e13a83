"""Columns of runtime parameters: GET /api/parameters, /api/global-parameters."""

from rmqctl.resources.column import Column, Resource, as_json_text, definitions

PARAMETERS = Resource(
    plural="parameters",
    default=("component", "name", "value"),
    streamed=False,
    columns=(Column("component"), Column("name"), as_json_text("value")),
    api_fields=definitions("vhost"),
)
GLOBAL_PARAMETERS = Resource(
    plural="global parameters",
    default=("name", "value"),
    streamed=False,
    columns=(Column("name"), as_json_text("value")),
    api_fields={},
)
