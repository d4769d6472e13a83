"""Limits of virtual hosts and users, written one by one: /api/vhost-limits/VHOST/NAME and /api/user-limits/USER/NAME."""

from collections.abc import Iterable
from typing import Any, Literal

from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.api.paths import path
from rmqctl.errors import NotFound, Unavailable

Noun = Literal["vhost-limits", "user-limits"]
_OWNERS = {"vhost-limits": ("vhost", "virtual host"), "user-limits": ("user", "user")}


def get(client: Client, noun: Noun, owner: str) -> dict[str, Any]:
    """GET /api/NOUN/OWNER: the limits by name, sorted. Raises NotFound."""
    key, word = _OWNERS[noun]
    for row in client.get(path(noun, owner), what=f"{word} {owner!r}") or []:
        if row.get(key) == owner:
            return dict(sorted((row.get("value") or {}).items()))
    return {}


def put(client: Client, noun: Noun, owner: str, name: str, value: Any) -> None:
    """PUT of one limit. Raises NotFound for no such owner, Unavailable when it is not valid."""
    _, word = _OWNERS[noun]
    answer = client.request("PUT", path(noun, owner, name), body={"value": value}, accept=(400, 404))
    if answer.status < 400:
        return
    reason, url = reason_of(answer.body), client.endpoint.url
    if answer.status == 404 or reason.startswith("no_such_user"):
        raise NotFound(f"{word} {owner!r} does not exist ({url})")
    raise Unavailable(f"limits of {word} {owner!r}: {reason} ({url})")


def delete(client: Client, noun: Noun, owner: str, name: str) -> None:
    """DELETE of one limit; there need not be one. After the last one of a virtual host no empty parameter is left."""
    client.request("DELETE", path(noun, owner, name), what=f"limit {name!r} of {_OWNERS[noun][1]} {owner!r}")
    if noun == "vhost-limits" and not get(client, noun, owner):
        _delete_parameter(client, owner)


def clear(client: Client, noun: Noun, owner: str, names: Iterable[str]) -> None:
    """All limits, which are these. Those of a virtual host are one parameter."""
    if noun == "vhost-limits":
        _delete_parameter(client, owner)
        return
    for name in names:
        delete(client, noun, owner, name)


def _delete_parameter(client: Client, vhost: str) -> None:
    where = path("parameters", "vhost-limits", vhost, "limits")
    client.request("DELETE", where, what=f"limits of virtual host {vhost!r}", accept=(404,))
