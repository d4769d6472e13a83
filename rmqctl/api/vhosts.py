"""Virtual hosts, read and written: PUT replaces the metadata whole, so what shall stay is read before and sent again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rmqctl.api import objects
from rmqctl.api.client import Client
from rmqctl.api.failures import of_answer
from rmqctl.api.paths import path
from rmqctl.errors import DataError, NotFound, RmqctlError, Unavailable
from rmqctl.naming import named

Row = dict[str, Any]
METADATA = ("description", "tags", "default_queue_type", "tracing")


def get(client: Client, name: str) -> Row:
    """GET /api/vhosts/NAME. Raises NotFound."""
    return objects.fetch(client, "vhosts", name, what=_what(name))


def check(client: Client, name: str) -> None:
    """GET /api/vhosts/NAME. Raises NotFound."""
    objects.fetch(client, "vhosts", name, fields=("name",), what=_what(name))


def exists(client: Client, name: str) -> bool:
    return objects.exists(client, "vhosts", name, what=_what(name))


def add(client: Client, name: str, metadata: Row) -> None:
    """PUT /api/vhosts/NAME, and takes back the permissions that the broker gives to who does it over HTTP."""
    _put(client, name, metadata)
    with _said(f"{_what(name)} was created, with permissions for user {client.user!r} that could not be taken back"):
        for row in client.get(path("vhosts", name, "permissions"), what=_what(name)):
            client.request("DELETE", path("permissions", name, row["user"]), what=_what(name), accept=(404,))


def change(client: Client, name: str, changes: Row) -> None:
    """GET and PUT /api/vhosts/NAME: changes these metadata and keeps the others. Raises NotFound."""
    row = get(client, name)
    kept = {key: row[key] for key in METADATA if row.get(key) not in (None, "undefined")}
    _put(client, name, kept | changes)


def _put(client: Client, name: str, metadata: Row) -> None:
    body = {key: ",".join(value) if isinstance(value, list) else value for key, value in metadata.items()}
    client.request("PUT", path("vhosts", name), body=body, what=_what(name))


def delete(client: Client, name: str) -> None:
    """DELETE /api/vhosts/NAME. Raises NotFound, and DataError when it is protected from deletion.

    4.3 fails with 500 instead when it has to name something that is not ASCII.
    """
    answer = client.request("DELETE", path("vhosts", name), what=_what(name), accept=(412, 500))
    if answer.status == 412 or (answer.status == 500 and _protected(client, name)):
        raise DataError(
            f"{_what(name)} is protected from deletion ({client.endpoint.url}); "
            "rmqctl disable_vhost_deletion_protection lifts that"
        )
    if answer.status == 500:
        raise of_answer(answer.status, answer.body, _what(name), client.endpoint.url, client.user, "")


def _protected(client: Client, name: str) -> bool:
    return bool(get(client, name).get("protected_from_deletion"))


def protect(client: Client, name: str, *, on: bool) -> None:
    """POST or DELETE /api/vhosts/NAME/deletion/protection. Raises NotFound, and Unavailable before RabbitMQ 4.1."""
    where = path("vhosts", name, "deletion", "protection")
    answer = client.request("POST" if on else "DELETE", where, what=_what(name), accept=(404, 405, 500))
    if answer.status == 405:
        raise Unavailable(f"{_what(name)}: deletion protection needs RabbitMQ 4.1 or later ({client.endpoint.url})")
    if answer.status >= 400 and not exists(client, name):
        raise NotFound(f"{_what(name)} does not exist ({client.endpoint.url})")
    if answer.status >= 400:
        raise of_answer(answer.status, answer.body, _what(name), client.endpoint.url, client.user, "")


def start(client: Client, name: str, node: str) -> None:
    """POST /api/vhosts/NAME/start/NODE. Raises RmqctlError when the node cannot."""
    answer = client.request("POST", path("vhosts", name, "start", node), what=_what(name), accept=(400, 404, 500))
    if answer.status >= 400 and not exists(client, name):
        raise RmqctlError(f"{_what(name)} does not exist ({client.endpoint.url})")
    if answer.status >= 400:
        raise RmqctlError(
            str(of_answer(answer.status, answer.body, _what(name), client.endpoint.url, "", ""))
        ) from None


@contextmanager
def _said(done: str) -> Iterator[None]:
    """What was done already is told with what went wrong then."""
    try:
        yield
    except RmqctlError as error:
        raise type(error)(f"{done}: {error}") from error


def _what(name: str) -> str:
    return named("virtual host", name)
