"""GET of a list of objects, with no more of each than is wanted."""

from collections.abc import Iterable, Mapping
from typing import Any

from rmqctl.api import vhosts
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import NotFound, Unavailable

Row = dict[str, Any]


def fetch(
    client: Client,
    *segments: str,
    fields: Iterable[str] = (),
    query: Mapping[str, str] | None = None,
    what: str = "",
) -> list[Row]:
    """The rows of `/api/SEGMENTS`. `fields` become `columns=`: leave them out where the broker does not trim."""
    asked = dict(query or {})
    if wanted := sorted(fields):
        asked["columns"] = ",".join(wanted)
    return client.get(path(*segments), asked, what=what) or []


def of_vhost(client: Client, noun: str, vhost: str | None, **more: Any) -> list[Row]:
    """The rows of `/api/NOUN/VHOST`, or of `/api/NOUN` for all virtual hosts (None)."""
    if vhost is None:
        return fetch(client, noun, **more)
    return fetch(client, noun, vhost, what=f"virtual host {vhost!r}", **more)


def of_clients(client: Client, noun: str, vhost: str | None, **more: Any) -> list[Row]:
    """As `of_vhost`, for channels and connections, whose path is `/api/vhosts/VHOST/NOUN`."""
    if vhost is None:
        return fetch(client, noun, **more)
    return fetch(client, "vhosts", vhost, noun, what=f"virtual host {vhost!r}", **more)


def of_plugin(
    client: Client, *noun: str, plugin: str, vhost: str | None = None, below: Iterable[str] = (), **more: Any
) -> list[Row]:
    """The rows of a plugin's `/api/NOUN[/VHOST][/BELOW]`.

    Raises NotFound when there is no such virtual host, Unavailable when the path is unknown because the plugin is off:
    the broker answers both alike.
    """
    try:
        return fetch(client, *noun, *([] if vhost is None else [vhost]), *below, **more)
    except NotFound:
        if vhost is not None:
            vhosts.check(client, vhost)
        raise Unavailable(f"{client.endpoint.url}: the plugin {plugin} is not enabled on the broker") from None
