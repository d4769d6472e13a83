"""Users, read and written: PUT replaces a user whole, so what shall stay is read before and sent again."""

from typing import Any

from rmqctl.api import objects
from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.api.paths import path
from rmqctl.errors import DataError
from rmqctl.naming import named

Row = dict[str, Any]


def get(client: Client, name: str) -> Row:
    """GET /api/users/NAME. Raises NoSuchUser."""
    return objects.fetch(client, "users", name, what=_what(name))


def exists(client: Client, name: str) -> bool:
    return objects.exists(client, "users", name, what=_what(name))


def whoami(client: Client) -> Row:
    """GET /api/whoami: name and tags of the user that is logged in."""
    return objects.fetch(client, "whoami", what="the user")


def put(client: Client, name: str, secret: Row, tags: list[str]) -> None:
    """PUT /api/users/NAME. `secret`: password, or password_hash with hashing_algorithm. Raises DataError."""
    body = {**secret, "tags": ",".join(tags)}
    answer = client.request("PUT", path("users", name), body=body, what=_what(name), accept=(400,))
    if answer.status == 400:
        reason = reason_of(answer.body)
        # It has the hash in it.
        reason = "the password hash is not Base64" if reason.startswith("not_base64") else reason
        raise DataError(f"{_what(name)}: {reason} ({client.endpoint.url})")


def delete(client: Client, name: str) -> None:
    """DELETE /api/users/NAME. Raises NoSuchUser."""
    client.request("DELETE", path("users", name), what=_what(name))


def tags(row: Row) -> list[str]:
    """The oldest releases have them as text."""
    found = row.get("tags") or []
    return found.split(",") if isinstance(found, str) else list(found)


def _what(name: str) -> str:
    return named("user", name)
