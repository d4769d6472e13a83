"""Columns of the four lists of permissions: GET /api/permissions and /api/topic-permissions."""

from rmqctl.resources.column import Column, Resource

_COLUMNS = tuple(map(Column, ("user", "vhost", "configure", "write", "read")))
_TOPIC_COLUMNS = tuple(map(Column, ("user", "vhost", "exchange", "write", "read")))

PERMISSIONS = Resource(
    "permissions", _COLUMNS, ("user", "configure", "write", "read"), {}, streamed=False, named=("user",)
)
USER_PERMISSIONS = PERMISSIONS._replace(default=("vhost", "configure", "write", "read"), named=("vhost",))
TOPIC_PERMISSIONS = Resource(
    "topic permissions", _TOPIC_COLUMNS, ("user", "exchange", "write", "read"), {}, streamed=False, named=("user",)
)
# rabbitmqctl prints no header for this one.
USER_TOPIC_PERMISSIONS = TOPIC_PERMISSIONS._replace(
    default=("vhost", "exchange", "write", "read"), header=False, named=("vhost",)
)
