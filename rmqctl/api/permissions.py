"""Permissions and topic permissions, read and written. What the broker refuses ends with rabbitmqctl's exit codes."""

from typing import Any, Literal

from rmqctl.api import lists, vhosts
from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.api.paths import path
from rmqctl.errors import NoSuchUser, Unavailable
from rmqctl.naming import named as named_
from rmqctl.resources.patterns import of_glob

Noun = Literal["permissions", "topic-permissions"]


def of_vhost(client: Client, noun: Noun, vhost: str | None) -> list[lists.Row]:
    """GET /api/vhosts/VHOST/NOUN, or /api/NOUN for all virtual hosts (None). Raises NotFound."""
    if vhost is None:
        return lists.fetch(client, noun, what=f"the {noun}")
    return lists.fetch(client, "vhosts", vhost, noun, what=named_("virtual host", vhost))


def of_user(client: Client, noun: Noun, user: str) -> list[lists.Row]:
    """GET /api/users/USER/NOUN: those in all virtual hosts. Raises NoSuchUser."""
    return lists.fetch(client, "users", user, noun, what=named_("user", user))


def put(client: Client, noun: Noun, vhost: str, user: str, body: dict[str, Any]) -> None:
    """PUT /api/NOUN/VHOST/USER.

    Raises NoSuchUser, and Unavailable for no such virtual host, no such exchange or a pattern that is no regular expression.
    """
    what = named(noun, user, vhost)
    answer = client.request("PUT", path(noun, vhost, user), body=body, what=what, accept=(400, 404))
    if answer.status < 400:
        return
    reason, url = reason_of(answer.body), client.endpoint.url
    if reason == "vhost_or_user_not_found":
        if vhosts.exists(client, vhost):
            raise NoSuchUser(f"{what}: user {user!r} does not exist ({url})")
        reason = f"virtual host {vhost!r} does not exist"
    elif reason.startswith("no_such_exchange"):
        reason = f"exchange {body['exchange']!r} does not exist"
    elif reason.startswith("invalid_regexp"):
        meant = next((f"; as a shell's pattern it is {of_glob(each)!r}" for each in body.values() if of_glob(each)), "")
        reason = f"not a regular expression: {reason.partition(': ')[2]}{meant}"
    raise Unavailable(f"{what}: {reason or 'not valid'} ({url})")


def delete(client: Client, noun: Noun, vhost: str, user: str, exchange: str | None = None) -> None:
    """DELETE /api/NOUN/VHOST/USER[/EXCHANGE]. Raises NotFound."""
    where = path(noun, vhost, user, *([] if exchange is None else [exchange]))
    client.request("DELETE", where, what=named(noun, user, vhost))


def named(noun: Noun, user: str, vhost: str) -> str:
    return named_(f"{noun.replace('-', ' ')} of user", user, vhost)
