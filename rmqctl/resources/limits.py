"""Columns of limits: GET /api/vhost-limits, /api/user-limits."""

from rmqctl.resources.column import Column, Resource, as_json_text, definitions

_LIMITS = as_json_text("limits", "value", sort_keys=True)

VHOST_LIMITS = Resource(
    "virtual host limits",
    (Column("vhost"), _LIMITS),
    ("vhost", "limits"),
    definitions("value"),
    streamed=False,
    named=("vhost",),
)
USER_LIMITS = Resource(
    "user limits",
    (Column("user"), _LIMITS),
    ("user", "limits"),
    definitions("value"),
    streamed=False,
    named=("user",),
)
