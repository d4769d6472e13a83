"""Columns of list_users: GET /api/users."""

from rmqctl.resources.column import Column, Object, Release, Resource, definitions
from rmqctl.terms import Cell


def _tags(user: Object, _: Release) -> Cell:
    """A list; 3.8 and older have a comma separated string."""
    tags = user.get("tags") or []
    return [tag for tag in tags.split(",") if tag] if isinstance(tags, str) else tags


USERS = Resource(
    plural="users",
    named=("user",),
    default=("user", "tags"),
    streamed=False,
    columns=(Column("user", "name"), Column("tags", cell=_tags)),
    api_fields=definitions("name", "hashing_algorithm", "limits", "password_hash"),
)
