"""Policies and operator policies, one by one: /api/policies/VHOST/NAME and /api/operator-policies/VHOST/NAME."""

from collections.abc import Mapping
from typing import Any, Literal

from rmqctl.api import lists, objects, parameters
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import NotFound
from rmqctl.naming import named as named_

Noun = Literal["policies", "operator-policies"]
NOUNS: tuple[Noun, ...] = ("policies", "operator-policies")
_ONE: Mapping[Noun, str] = {"policies": "policy", "operator-policies": "operator policy"}
_FIELDS = ("pattern", "apply-to", "priority", "definition")


def one(noun: Noun) -> str:
    """What one of them is called in sentences."""
    return _ONE[noun]


def named(noun: Noun, name: str, vhost: str) -> str:
    return named_(one(noun), name, vhost)


def everywhere(client: Client, noun: Noun) -> list[lists.Row]:
    """GET /api/NOUN: those of all virtual hosts that the user sees; none of a release that has no such list."""
    try:
        return lists.fetch(client, noun, what=f"the {noun.replace('-', ' ')}")
    except NotFound:
        return []


def get(client: Client, noun: Noun, vhost: str, name: str) -> objects.Row:
    """GET /api/NOUN/VHOST/NAME. Raises NotFound."""
    return objects.fetch(client, noun, vhost, name, what=named(noun, name, vhost))


def put(client: Client, noun: Noun, vhost: str, name: str, policy: Mapping[str, Any]) -> None:
    """PUT /api/NOUN/VHOST/NAME. Raises Unavailable when it is not valid, NotFound for no such virtual host."""
    body = {key: policy[key] for key in _FIELDS}
    parameters.write(client, path(noun, vhost, name), body, what=named(noun, name, vhost), vhost=vhost)


def delete(client: Client, noun: Noun, vhost: str, name: str) -> None:
    """DELETE /api/NOUN/VHOST/NAME. Raises NotFound."""
    client.request("DELETE", path(noun, vhost, name), what=named(noun, name, vhost))
