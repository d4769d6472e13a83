"""Definitions over HTTP: all at once, or one item."""

from typing import Any

from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import NotFound
from rmqctl.topology.documents import Document, single
from rmqctl.topology.items import Key
from rmqctl.topology.plan import DELETE, Change

Row = dict[str, Any]


def fetch(client: Client, vhost: str | None = None) -> Document:
    """GET /api/definitions, or /api/definitions/VHOST: its rows then name no virtual host.

    4.3 fails to write the second one when the name is not ASCII: it is made of the first one then.
    """
    if vhost is not None and not vhost.isascii():
        part = single(fetch(client), vhost)
        if part is None:
            raise NotFound(f"virtual host {vhost!r} does not exist ({client.endpoint.url})")
        return part
    found = client.get(_path(vhost), what=_what(vhost))
    return found if isinstance(found, dict) else {}


def upload(client: Client, document: Document, vhost: str | None = None) -> None:
    """POST /api/definitions, or /api/definitions/VHOST. Raises DataError with the broker's reason."""
    client.request("POST", _path(vhost), body=document, what=f"import of {_what(vhost)}")


def _path(vhost: str | None) -> str:
    return path("definitions") if vhost is None else path("definitions", vhost)


def _what(vhost: str | None) -> str:
    return "the definitions" if vhost is None else f"the definitions of virtual host {vhost!r}"


def execute(client: Client, change: Change) -> None:
    """Does one step of a plan. Raises RmqctlError."""
    if change.key.kind == "binding":
        _binding(client, change)
    elif change.key.kind == "vhost_limits":
        _limits(
            client, ("vhost-limits", change.key.vhost), change.there.get("value", {}), change.wanted.get("value", {})
        )
    elif change.action == DELETE:
        client.request("DELETE", path(*_segments(change.key)), what=_named(change.key))
    else:
        segments = _segments(change.key)
        if change.key.kind == "topic_permissions":
            segments = segments[:-1]
        client.request("PUT", path(*segments), body=_body(change), what=_named(change.key))
        if change.key.kind == "user" and "limits" in change.wanted:
            owner = ("user-limits", change.key.name[0])
            _limits(client, owner, change.there.get("limits", {}), change.wanted["limits"])


def _named(key: Key) -> str:
    where = f" in virtual host {key.vhost!r}" if key.vhost else ""
    return f"{key.kind.replace('_', ' ')} {key.shown!r}{where}"


def _segments(key: Key) -> tuple[str, ...]:
    nouns = {"operator_policy": "operator-policies", "policy": "policies", "topic_permissions": "topic-permissions",
             "permissions": "permissions", "global_parameter": "global-parameters"}  # fmt: skip
    noun = nouns.get(key.kind, f"{key.kind}s")
    if key.kind == "parameter":
        component, name = key.name
        return noun, component, key.vhost, name
    return (noun, key.vhost, *key.name) if key.vhost else (noun, *key.name)


def _body(change: Change) -> Row:
    key, wanted = change.key, change.wanted
    match key.kind:
        case "vhost":
            fields = {**change.there, **wanted}
            body = {**fields, "tags": ",".join(fields.get("tags", []))}
            return {name: value for name, value in body.items() if value is not None}
        case "user":
            fields = {**change.there, **wanted}
            if "password" in wanted:
                fields.pop("password_hash", None)
            elif "password_hash" not in fields:
                fields["password_hash"] = ""
            return {name: value for name, value in fields.items() if name != "limits"} | {
                "tags": ",".join(fields["tags"])
            }
        case "topic_permissions":
            return {"exchange": key.name[1], **wanted}
        case "parameter":
            return {"component": key.name[0], "name": key.name[1], "vhost": key.vhost, **wanted}
        case "global_parameter":
            return {"name": key.name[0], **wanted}
        case "queue":
            fields = {name: value for name, value in wanted.items() if name != "type"}
            return {**fields, "arguments": {**wanted["arguments"], "x-queue-type": wanted["type"]}}
    return wanted


def _limits(client: Client, owner: tuple[str, str], there: Row, wanted: Row) -> None:
    for name in sorted({*there, *wanted}):
        what = f"limit {name!r} of {owner[1]!r}"
        if name not in wanted:
            client.request("DELETE", path(*owner, name), what=what)
        elif there.get(name) != wanted[name]:
            client.request("PUT", path(*owner, name), body={"value": wanted[name]}, what=what)


def _binding(client: Client, change: Change) -> None:
    """POST of it, or DELETE by the key that the broker gave it."""
    source, kind, destination, routing_key, _ = change.key.name
    segments = ("bindings", change.key.vhost, "e", source, kind[0], destination)
    what = _named(change.key)
    arguments = (change.wanted or change.there)["arguments"]
    if change.action != DELETE:
        client.request("POST", path(*segments), body={"routing_key": routing_key, "arguments": arguments}, what=what)
        return
    for row in client.get(path(*segments), what=what) or []:
        if row.get("routing_key") == routing_key and (row.get("arguments") or {}) == arguments:
            client.request("DELETE", path(*segments, row["properties_key"]), what=what)
