"""GET of one object, with no more of it than is wanted."""

from collections.abc import Iterable, Mapping
from typing import Any

from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import NoSuchUser, NotFound

Row = dict[str, Any]


def fetch(
    client: Client,
    *segments: str,
    fields: Iterable[str] = (),
    query: Mapping[str, str] | None = None,
    what: str = "",
) -> Row:
    """The object at `/api/SEGMENTS`. `fields` become `columns=`. Raises NotFound, for a user NoSuchUser."""
    asked = dict(query or {})
    if wanted := ",".join(fields):
        asked["columns"] = wanted
    found = client.get(path(*segments), asked, what=what)
    return found if isinstance(found, dict) else {}


def find(client: Client, *segments: str, fields: Iterable[str] = (), what: str = "") -> Row | None:
    """As `fetch`, None when there is no such object."""
    try:
        return fetch(client, *segments, fields=fields, what=what)
    except (NotFound, NoSuchUser):
        return None


def exists(client: Client, *segments: str, what: str) -> bool:
    """Whether there is an object at `/api/SEGMENTS`."""
    return find(client, *segments, fields=("name",), what=what) is not None
