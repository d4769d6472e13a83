"""Runtime parameters, one by one: /api/parameters/COMPONENT/VHOST/NAME and /api/global-parameters/NAME."""

from typing import Any

from rmqctl.api import objects
from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.api.paths import path
from rmqctl.errors import NotFound, Unavailable
from rmqctl.naming import named as named_


def named(component: str, name: str, vhost: str) -> str:
    return named_(f"parameter {name!r} of component", component, vhost)


def named_globally(name: str) -> str:
    return named_("global parameter", name)


def get(client: Client, component: str, vhost: str, name: str, *, what: str = "") -> objects.Row:
    """GET /api/parameters/COMPONENT/VHOST/NAME. Raises NotFound."""
    what = what or named(component, name, vhost)
    return objects.fetch(client, "parameters", component, vhost, name, what=what)


def put(client: Client, component: str, vhost: str, name: str, value: Any) -> None:
    """PUT /api/parameters/COMPONENT/VHOST/NAME. Raises as `write`."""
    body = {"value": value, "component": component, "vhost": vhost, "name": name}
    where = path("parameters", component, vhost, name)
    write(client, where, body, what=named(component, name, vhost), vhost=vhost)


def put_globally(client: Client, name: str, value: Any) -> None:
    """PUT /api/global-parameters/NAME. Raises as `write`."""
    body = {"value": value, "name": name}
    write(client, path("global-parameters", name), body, what=named_globally(name))


def write(client: Client, where: str, body: Any, *, what: str, vhost: str | None = None) -> None:
    """PUT of what is stored as a parameter. Raises Unavailable when it is not valid, NotFound for no such virtual host."""
    answer = client.request("PUT", where, body=body, what=what, accept=(400, 404))
    if answer.status == 400:
        raise Unavailable(f"{what}: {reason_of(answer.body) or 'not valid'} ({client.endpoint.url})")
    if answer.status == 404:
        raise NotFound(f"virtual host {vhost!r} does not exist ({client.endpoint.url})")


def delete(client: Client, component: str, vhost: str, name: str, *, what: str = "") -> None:
    """DELETE /api/parameters/COMPONENT/VHOST/NAME. `what` is how errors name it. Raises NotFound."""
    what = what or named(component, name, vhost)
    client.request("DELETE", path("parameters", component, vhost, name), what=what)


def delete_globally(client: Client, name: str) -> None:
    """DELETE /api/global-parameters/NAME. Raises NotFound."""
    client.request("DELETE", path("global-parameters", name), what=named_globally(name))
