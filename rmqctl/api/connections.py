"""Connections by their names, by what clients call themselves, or by their process identifiers where these are told."""

from typing import Any

from rmqctl.api import lists, objects
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import DataError, NotFound
from rmqctl.naming import named

REASON = "Closed via rmqctl"
"""What clients are told when nobody says anything else."""


def get(client: Client, name: str) -> dict[str, Any]:
    """GET /api/connections/NAME. Raises NotFound.

    NAME may be what a client calls itself, if one client does, or the connection's `pid`, which the embedded broker tells.
    """
    what = named("connection", name)
    try:
        return objects.fetch(client, "connections", name, what=what)
    except NotFound:
        rows = lists.fetch(client, "connections", fields=("name", "pid", "user_provided_name"), what=what)
        same = [row["name"] for row in rows if name in (row.get("user_provided_name"), row.get("pid"))]
        if not same:
            raise
        if len(same) > 1:
            raise NotFound(f"{what}: {len(same)} clients call themselves so: {', '.join(same)}") from None
        return get(client, same[0])


def sessions(client: Client, name: str) -> list[dict[str, Any]] | None:
    """GET /api/connections/NAME/sessions: of an AMQP 1.0 connection (4.1). None where these are not told, or it is gone."""
    try:
        return lists.fetch(client, "connections", name, "sessions", what=named("connection", name))
    except (NotFound, DataError):
        return None


def close(client: Client, name: str, reason: str) -> bool:
    """DELETE /api/connections/NAME; the client is told the reason. False when there is no such connection any more."""
    try:
        client.request("DELETE", path("connections", name), what=named("connection", name), headers=_because(reason))
    except NotFound:
        return False
    return True


def close_of_user(client: Client, user: str, reason: str) -> None:
    """DELETE /api/connections/username/USER: all of that user's."""
    where = path("connections", "username", user)
    client.request("DELETE", where, what=f"connections of user {user!r}", headers=_because(reason))


def _because(reason: str) -> dict[str, str]:
    """A header is one line."""
    return {"X-Reason": " ".join(reason.split())}
