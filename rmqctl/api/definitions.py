"""Definitions over HTTP: all at once, or one item."""

from typing import Any

from rmqctl.api import limits, lists, vhosts
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.errors import BrokenAnswer, DataError, NotFound
from rmqctl.topology import releases
from rmqctl.topology.checking import check_shape
from rmqctl.topology.documents import IDENTITY, Document, single
from rmqctl.topology.items import Key
from rmqctl.topology.plan import DELETE, Change

Row = dict[str, Any]


def fetch(client: Client, vhost: str | None = None) -> Document:
    """GET /api/definitions, or /api/definitions/VHOST: its rows then name no virtual host.

    4.3 breaks off when what it writes about the document itself is not ASCII, such as the name of the cluster or of the
    virtual host: the definitions are then put together from the lists of the other endpoints.
    """
    if vhost is not None and not vhost.isascii():
        part = single(fetch(client), vhost)
        if part is None:
            raise NotFound(f"virtual host {vhost!r} does not exist ({client.endpoint.url})")
        return part
    try:
        found = client.get(_path(vhost), what=_what(vhost))
    except BrokenAnswer as error:
        client.warn(f"warning: {error}; the definitions are put together from the other lists")
        whole = _assembled(client)
        return whole if vhost is None else single(whole, vhost) or {}
    if not isinstance(found, dict):
        raise BrokenAnswer(f"{client.endpoint.url}: {_what(vhost)} are no JSON object")
    try:
        check_shape(found, IDENTITY, _what(vhost))
    except DataError as error:
        raise BrokenAnswer(f"{client.endpoint.url}: the answer is not what the API promises: {error}") from None
    found = _with_metadata(client, found)
    return _with_internal(client, found, _bound(found) - _declared(found), vhost)


def _with_metadata(client: Client, document: Document) -> Document:
    """The oldest releases keep descriptions and tags of virtual hosts, and take them in an import, but export none."""
    rows, release = document.get("vhosts", []), releases.of(document)
    if not release or release >= (4,) or any("metadata" in row for row in rows):
        return document
    known = {row.get("name"): row for row in lists.fetch(client, "vhosts", what="the virtual hosts")}
    return {**document, "vhosts": [row | _metadata(known.get(row["name"], {})) for row in rows]}


_METADATA = ("description", "tags", "default_queue_type")


def _metadata(row: Row) -> Row:
    metadata = {key: row[key] for key in _METADATA if row.get(key) not in (None, "undefined")}
    return {"metadata": metadata} if any(metadata.values()) else {}


def _assembled(client: Client) -> Document:
    """What an export has, from the lists of its parts."""
    overview = client.get("/api/overview", {"columns": "rabbitmq_version,product_name,product_version,cluster_name"})
    version, cluster = overview.get("rabbitmq_version"), overview.get("cluster_name")
    limited = {row["vhost"]: row.get("value") or {} for row in lists.fetch(client, "vhost-limits")}
    return {
        "rabbit_version": version,
        "rabbitmq_version": version,
        "product_name": overview.get("product_name", "RabbitMQ"),
        "product_version": overview.get("product_version", version),
        "rabbitmq_definition_format": "cluster",
        "original_cluster_name": cluster,
        "explanation": f"Definitions of cluster '{cluster}'",
        "users": lists.fetch(client, "users"),
        "vhosts": [
            {"name": row["name"], "limits": limited.get(row["name"], {}), "metadata": row.get("metadata", {})}
            for row in lists.fetch(client, "vhosts")
        ],
        "permissions": lists.fetch(client, "permissions"),
        "topic_permissions": lists.fetch(client, "topic-permissions"),
        "parameters": lists.fetch(client, "parameters"),
        "global_parameters": [
            row for row in lists.fetch(client, "global-parameters") if row.get("name") != "internal_cluster_id"
        ],
        "policies": lists.fetch(client, "policies"),
        "queues": [_declared_as(row) for row in _rows(client, "queues") if not row.get("exclusive")],
        "exchanges": [
            _declared_as(row) for row in _exchange_rows(client) if not row.get("internal") or row["name"] == _LOG
        ],
        "bindings": [
            {key: row[key] for key in (*IDENTITY["bindings"], "arguments")}
            for row in lists.fetch(client, "bindings")
            if row["source"]
        ],
    }


_FROM_THE_START = ("", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.rabbitmq.trace", "amq.topic")
"""Exchanges of every virtual host, which no export has."""
_LOG = "amq.rabbitmq.log"
"""The one internal exchange that the exports of 4.x have."""


def _exchange_rows(client: Client) -> list[Row]:
    return [row for row in _rows(client, "exchanges") if row["name"] not in _FROM_THE_START]


def _rows(client: Client, noun: str) -> list[Row]:
    return lists.fetch(client, noun, query={"disable_stats": "true"})


def _declared_as(row: Row) -> Row:
    """What an export has of a queue or an exchange."""
    return {key: row[key] for key in ("vhost", "name", "type", "durable", "auto_delete", "arguments")}


def beside(client: Client, document: Document, wanted: Document) -> Document:
    """The definitions of a broker with those internal exchanges of its that `wanted` is about."""
    named = _declared(wanted) | (_bound(wanted) - _bound(document))
    return _with_internal(client, document, named - _declared(document), None)


_Exchange = tuple[str | None, str]
"""Virtual host, None in definitions of a single one, and name."""


def _with_internal(client: Client, document: Document, missing: set[_Exchange], vhost: str | None) -> Document:
    """With internal exchanges, which 4.x leaves out of an export, though not what is bound to them."""
    missing = {(host, name) for host, name in missing if name and not name.startswith("amq.")}
    if not missing:
        return document
    found = []
    for row in _exchange_rows(client):
        exchange = {**_declared_as(row), "internal": True}
        if vhost is not None and exchange.pop("vhost") != vhost:
            continue
        if row.get("internal") and (exchange.get("vhost"), row["name"]) in missing:
            found.append(exchange)
    return {**document, "exchanges": [*document.get("exchanges", []), *found]}


def _declared(document: Document) -> set[_Exchange]:
    return {(row.get("vhost"), row["name"]) for row in document.get("exchanges", [])}


def _bound(document: Document) -> set[_Exchange]:
    """The exchanges that something is bound to, or that are bound."""
    rows = document.get("bindings", [])
    destinations = {(row.get("vhost"), row["destination"]) for row in rows if row["destination_type"] == "exchange"}
    return destinations | {(row.get("vhost"), row["source"]) for row in rows}


def exchange_types(client: Client) -> frozenset[str]:
    """The types of exchange that the broker knows, those of its plugins too: GET /api/overview."""
    found = client.get("/api/overview", {"columns": "exchange_types"}, what="the overview") or {}
    return frozenset(str(row.get("name")) for row in found.get("exchange_types") or [])


def plugins(client: Client) -> frozenset[str] | None:
    """Those that are enabled on a node: GET /api/nodes. None when nobody says so."""
    nodes = [row for row in lists.fetch(client, "nodes") if isinstance(row.get("enabled_plugins"), list)]
    return frozenset(name for row in nodes for name in row["enabled_plugins"]) if nodes else None


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
        _limits(client, "vhost-limits", change.key.vhost, change.there.get("value", {}), change.wanted.get("value", {}))
    elif change.action == DELETE:
        client.request("DELETE", path(*_segments(change.key)), what=_named(change.key))
    else:
        segments = _segments(change.key)
        if change.key.kind == "topic_permissions":
            segments = segments[:-1]
        _put(client, change.key, path(*segments), _body(change))
        if change.key.kind == "user" and "limits" in change.wanted:
            _limits(client, "user-limits", change.key.name[0], change.there.get("limits", {}), change.wanted["limits"])
        if change.key.kind == "vhost" and (protected := change.wanted.get("protected_from_deletion")) is not None:
            _protect(client, change, on=protected)


def _put(client: Client, key: Key, where: str, body: Row) -> None:
    """A PUT of what is not there fails with 404 when its virtual host is not."""
    answer = client.request("PUT", where, body=body, what=_named(key), accept=(404,))
    if answer.status == 404:
        raise NotFound(f"{_named(key)}: virtual host {key.vhost!r} does not exist ({client.endpoint.url})")


def _protect(client: Client, change: Change, *, on: bool) -> None:
    """PUT of a virtual host passes over its protection."""
    if on is not bool(change.there.get("protected_from_deletion")):
        vhosts.protect(client, change.key.name[0], on=on)


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
            return {name: value for name, value in body.items() if value is not None and name in vhosts.METADATA}
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
            # The broker gives a type to a queue whose arguments name none, as it does in an import.
            return {name: value for name, value in wanted.items() if name != "type"}
    return wanted


def _limits(client: Client, noun: limits.Noun, owner: str, there: Row, wanted: Row) -> None:
    if there and not wanted:
        limits.clear(client, noun, owner, there)
        return
    for name in sorted({*there, *wanted}):
        if name not in wanted:
            limits.delete(client, noun, owner, name)
        elif there.get(name) != wanted[name]:
            limits.put(client, noun, owner, name, wanted[name])


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
