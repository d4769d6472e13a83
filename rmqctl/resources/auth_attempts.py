"""Columns of list_node_auth_attempt_stats: GET /api/auth/attempts/NODE."""

from rmqctl.resources.column import Column, Resource

_COUNTERS = ("auth_attempts", "auth_attempts_failed", "auth_attempts_succeeded")

AUTH_ATTEMPTS = Resource(
    plural="authentication attempts",
    default=("protocol", *_COUNTERS),
    streamed=False,
    named=("protocol", "remote_address", "username"),
    columns=tuple(map(Column, ("protocol", "remote_address", "username", *_COUNTERS))),
    api_fields={},
)
AUTH_ATTEMPTS_BY_SOURCE = AUTH_ATTEMPTS._replace(default=("protocol", "remote_address", "username", *_COUNTERS))
