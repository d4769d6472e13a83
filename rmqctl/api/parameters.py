"""Policies and runtime parameters, written. What the broker refuses ends with rabbitmqctl's exit codes."""

from typing import Any

from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.errors import NotFound, Unavailable


def put(client: Client, where: str, body: Any, *, what: str, vhost: str | None = None) -> None:
    """PUT of a policy or parameter. Raises Unavailable when it is not valid, NotFound for no such virtual host."""
    answer = client.request("PUT", where, body=body, what=what, accept=(400, 404))
    if answer.status == 400:
        raise Unavailable(f"{what}: {reason_of(answer.body) or 'not valid'} ({client.endpoint.url})")
    if answer.status == 404:
        raise NotFound(f"virtual host {vhost!r} does not exist ({client.endpoint.url})")


def delete(client: Client, where: str, *, what: str) -> None:
    """DELETE of a policy or parameter. Raises Unavailable when there is none."""
    try:
        client.request("DELETE", where, what=what)
    except NotFound as error:
        raise Unavailable(str(error)) from None
