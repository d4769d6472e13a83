"""The document of definitions (https://www.rabbitmq.com/docs/definitions): checked, in a stable order, in parts."""

import json
import re
from collections.abc import Collection
from typing import Any

from rmqctl.errors import DataError, UsageError
from rmqctl.topology.checking import check, did_you_mean

Row = dict[str, Any]
Document = dict[str, Any]

IDENTITY: dict[str, tuple[str, ...]] = {
    "users": ("name",),
    "vhosts": ("name",),
    "permissions": ("vhost", "user"),
    "topic_permissions": ("vhost", "user", "exchange"),
    "parameters": ("vhost", "component", "name"),
    "global_parameters": ("name",),
    "policies": ("vhost", "name"),
    "queues": ("vhost", "name"),
    "exchanges": ("vhost", "name"),
    "bindings": ("vhost", "source", "destination_type", "destination", "routing_key"),
}
"""The sections in their order, each with the keys that tell one row from another."""

OF_A_VHOST = ("parameters", "policies", "queues", "exchanges", "bindings")
"""What the definitions of a single virtual host have."""

ORIGINAL = "original_vhost_name"
"""Beside the sections of a single virtual host: which one it was."""

MASK = "****"
_URI_PASSWORD = re.compile(r"(://[^/@:\s]*):[^/@\s]*@")
_IMPORTED = "imported_definition_hash_value"
"""Where a broker remembers what it imported when it started."""
_OF_THE_CLUSTER = ("internal_cluster_id", "cluster_tags", _IMPORTED)


def parse(text: str, source: str) -> Document:
    """The document of JSON. Raises DataError that says what is wrong and where."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        if _breaks_off(text, error):
            size = len(text.encode("utf-8", "surrogatepass"))
            raise DataError(f"{source}: breaks off after {size} bytes, within the JSON: it is not whole") from None
        raise DataError(f"{source}: not JSON: {error}") from None
    except ValueError as error:
        raise DataError(f"{source}: not JSON: {error}") from None
    if not isinstance(document, dict):
        raise DataError(f"{source}: definitions are one JSON object")
    check(document, IDENTITY, source)
    return document


def _breaks_off(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the fault is that nothing follows."""
    return error.pos >= len(text.rstrip()) > 0 or error.msg.startswith("Unterminated string")


def written(document: Document) -> str:
    """As JSON in the stable order: the same definitions are the same bytes."""
    return json.dumps(ordered(document), ensure_ascii=False, indent=2)


def ordered(document: Document) -> Document:
    """Sections last, rows by virtual host and name, the keys that tell which one first, the others by name.

    The order of tags means nothing: they are sorted, too.
    """
    head = {key: _stable(key, document[key]) for key in sorted(document.keys() - IDENTITY.keys())}
    body = {
        section: sorted((_row(row, identity) for row in document[section]), key=_place(identity))
        for section, identity in IDENTITY.items()
        if section in document
    }
    return head | body


def _row(row: Row, identity: tuple[str, ...]) -> Row:
    keys = [*(key for key in identity if key in row), *sorted(row.keys() - set(identity))]
    return {key: _stable(key, row[key]) for key in keys}


def _stable(key: str, value: Any) -> Any:
    """Tags are those of users and virtual hosts."""
    if key == "tags" and isinstance(value, list):
        return sorted(value, key=str)
    if key == "metadata" and isinstance(value, dict):
        return {name: _stable(name, value[name]) for name in sorted(value)}
    return _sorted(value)


def _place(identity: tuple[str, ...]) -> Any:
    return lambda row: (*(row.get(key, "") for key in identity), json.dumps(row, sort_keys=True))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value


# Parts


def sections(words: str | None, option: str) -> frozenset[str] | None:
    """The sections that an option names. Raises UsageError for one that does not exist."""
    if words is None:
        return None
    names = [word.strip().replace("-", "_") for word in words.split(",") if word.strip()]
    for name in names:
        if name not in IDENTITY:
            raise UsageError(f"{option}: {name!r} is no section of definitions{did_you_mean(name, IDENTITY)}")
    return frozenset(names)


def selected(document: Document, only: Collection[str] | None, exclude: Collection[str] | None) -> Document:
    """Without the sections that are not wanted; what is no section stays."""
    return {
        key: value
        for key, value in document.items()
        if key not in IDENTITY or ((only is None or key in only) and key not in (exclude or ()))
    }


def without_system(document: Document) -> Document:
    """Without what the broker makes itself.

    The default exchange and its bindings, names that begin with `amq.`, what federation links declare for themselves, and
    what identifies the cluster.
    """
    internal = {
        (section[:-1], row.get("vhost"), row["name"])
        for section in ("queues", "exchanges")
        for row in document.get(section, [])
        if "x-internal-purpose" in (row.get("arguments") or {})
    }
    return {
        section: [row for row in rows if not _is_system(section, row, internal)] if section in IDENTITY else rows
        for section, rows in document.items()
    }


def _is_system(section: str, row: Row, internal: Collection[tuple[str, str | None, str]]) -> bool:
    vhost = row.get("vhost")
    if section in ("queues", "exchanges"):
        name = row["name"]
        default = section == "exchanges" and name == ""
        return default or name.startswith("amq.") or (section[:-1], vhost, name) in internal
    if section == "bindings":
        kind, source, destination = row["destination_type"], row["source"], row["destination"]
        of_the_broker = source == "" or (kind == "queue" and destination.startswith("amq."))
        return of_the_broker or ("exchange", vhost, source) in internal or (kind, vhost, destination) in internal
    if section == "parameters":
        return bool(row["component"] == _IMPORTED)
    return section == "global_parameters" and row["name"] in _OF_THE_CLUSTER


def of_vhost(document: Document, vhost: str) -> Document:
    """The part that is about one virtual host; a row that names none is. The release and the host's metadata stay with it."""
    head = {key: value for key, value in document.items() if key.endswith("_version")}
    for row in document.get("vhosts", []):
        if row["name"] == vhost and "metadata" in row:
            head |= {ORIGINAL: vhost, "metadata": row["metadata"]}
    rows = {
        section: [row for row in document[section] if row.get("vhost", vhost) == vhost]
        for section in OF_A_VHOST
        if section in document
    }
    return head | rows


def vhosts_of(document: Document) -> set[str]:
    """The virtual hosts that it is about, as far as its rows name them."""
    named = {row["vhost"] for section in IDENTITY for row in document.get(section, []) if "vhost" in row}
    return named | {row["name"] for row in document.get("vhosts", [])}


def is_of_one_vhost(document: Document) -> bool:
    """Whether its rows do not say which virtual host they are of."""
    if document.get("rabbitmq_definition_format") == "single_virtual_host":
        return True
    return any("vhost" not in row for section in OF_A_VHOST for row in document.get(section, []))


def for_vhost(document: Document, vhost: str, source: str) -> Document:
    """As the definitions of a single virtual host, to be imported into `vhost`, whichever they came from.

    Raises DataError for definitions of several: they would all end in one.
    """
    named = {row["vhost"] for section in OF_A_VHOST for row in document.get(section, []) if "vhost" in row}
    if len(named) > 1:
        names = ", ".join(sorted(map(repr, named)))
        raise DataError(f"{source}: has definitions of {names}, which would all go into {vhost!r}: export one with -p")
    return {
        section: [{key: value for key, value in row.items() if key != "vhost"} for row in document[section]]
        for section in OF_A_VHOST
        if section in document
    }


def single(document: Document, vhost: str) -> Document | None:
    """The definitions of one virtual host, as the broker makes them, from those of the cluster; None: there is none."""
    row = next((row for row in document.get("vhosts", []) if row["name"] == vhost), None)
    if row is None:
        return None
    head = {key: value for key, value in document.items() if key.endswith("_version") or key == "product_name"}
    head |= {key: value for key, value in row.items() if key != "name"}
    names = {ORIGINAL: vhost, "rabbitmq_definition_format": "single_virtual_host"}
    return {**head, **names, **for_vhost(of_vhost(document, vhost), vhost, vhost)}


# Secrets


def without_secrets(document: Document) -> Document:
    """Without password hashes, and with passwords in parameters (URIs of shovels and upstreams) masked."""
    hidden = ("password_hash", "hashing_algorithm", "password")
    result = dict(document)
    if "users" in result:
        result["users"] = [{key: value for key, value in row.items() if key not in hidden} for row in result["users"]]
    for section in ("parameters", "global_parameters"):
        if section in result:
            result[section] = [{**row, "value": masked(row.get("value"))} for row in result[section]]
    return result


def masked(value: Any) -> Any:
    """With the passwords of its URIs and of its members named so replaced."""
    if isinstance(value, str):
        return _URI_PASSWORD.sub(rf"\1:{MASK}@", value)
    if isinstance(value, list):
        return [masked(each) for each in value]
    if isinstance(value, dict):
        return {
            key: MASK if key == "password" and isinstance(each, str) else masked(each) for key, each in value.items()
        }
    return value


def lacks_secrets(value: Any) -> bool:
    """Whether something in it has been masked."""
    if isinstance(value, str):
        return value == MASK or f":{MASK}@" in value
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and any(map(lacks_secrets, value))


def missing_secret(document: Document) -> str | None:
    """What of it would lose its password when imported; None for nothing."""
    for user in document.get("users", []):
        if "password_hash" not in user and "password" not in user:
            return f"user {user['name']!r}"
    for section, noun in (("parameters", "parameter"), ("global_parameters", "global parameter")):
        for row in document.get(section, []):
            if lacks_secrets(row.get("value")):
                return f"{noun} {row['name']!r}"
    return None
