"""Columns of policies and operator policies: GET /api/policies, /api/operator-policies."""

from rmqctl.resources.column import Column, Resource, as_json_text

POLICIES = Resource(
    plural="policies",
    default=("vhost", "name", "pattern", "apply-to", "definition", "priority"),
    streamed=False,
    columns=(
        *map(Column, ("vhost", "name", "pattern", "apply-to")),
        as_json_text("definition"),
        Column("priority"),
    ),
    api_fields={},
)
OPERATOR_POLICIES = POLICIES._replace(plural="operator policies")
