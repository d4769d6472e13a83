"""Permissions and topic permissions, written. What the broker refuses ends with rabbitmqctl's exit codes."""

from typing import Any, Literal

from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.api.paths import path
from rmqctl.errors import NoSuchUser, Unavailable
from rmqctl.resources.patterns import of_glob

Noun = Literal["permissions", "topic-permissions"]


def put(client: Client, noun: Noun, vhost: str, user: str, body: dict[str, Any]) -> None:
    """PUT /api/NOUN/VHOST/USER.

    Raises NoSuchUser, and Unavailable for no such virtual host, no such exchange or a pattern that is no regular expression.
    """
    what = f"{noun.replace('-', ' ')} of user {user!r} in virtual host {vhost!r}"
    answer = client.request("PUT", path(noun, vhost, user), body=body, what=what, accept=(400, 404))
    if answer.status < 400:
        return
    reason, url = reason_of(answer.body), client.endpoint.url
    if reason == "vhost_or_user_not_found":
        missing = client.request("GET", path("vhosts", vhost), {"columns": "name"}, what=what, accept=(404,))
        if missing.status != 404:
            raise NoSuchUser(f"{what}: user {user!r} does not exist ({url})")
        reason = f"virtual host {vhost!r} does not exist"
    elif reason.startswith("no_such_exchange"):
        reason = f"exchange {body['exchange']!r} does not exist"
    elif reason.startswith("invalid_regexp"):
        meant = next((f"; as a shell's pattern it is {of_glob(each)!r}" for each in body.values() if of_glob(each)), "")
        reason = f"not a regular expression: {reason.partition(': ')[2]}{meant}"
    raise Unavailable(f"{what}: {reason or 'not valid'} ({url})")


def delete(client: Client, noun: Noun, vhost: str, user: str, *exchange: str) -> bool:
    """DELETE /api/NOUN/VHOST/USER[/EXCHANGE]. Returns whether there was something."""
    what = f"{noun.replace('-', ' ')} of user {user!r} in virtual host {vhost!r}"
    return client.request("DELETE", path(noun, vhost, user, *exchange), what=what, accept=(404,)).status != 404
