"""The document of definitions (https://www.rabbitmq.com/docs/definitions): checked, in a stable order, in parts."""

import json
import re
from collections.abc import Collection, Iterable
from typing import Any

from rmqctl.errors import DataError, UsageError

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

MASK = "****"
_URI_PASSWORD = re.compile(r"(://[^/@:\s]*):[^/@\s]*@")
_OF_THE_CLUSTER = ("internal_cluster_id", "cluster_tags")


def parse(text: str, source: str) -> Document:
    """The document of JSON. Raises DataError that says what is wrong and where."""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise DataError(f"{source}: not JSON: {error}") from None
    if not isinstance(document, dict):
        raise DataError(f"{source}: definitions are one JSON object")
    for section, identity in IDENTITY.items():
        rows = document.get(section, [])
        if not isinstance(rows, list):
            raise DataError(f"{source}: {section} has to be a list")
        for number, row in enumerate(rows, 1):
            _check(row, identity, f"{source}: number {number} of {section}")
    return document


def _check(row: object, identity: Iterable[str], where: str) -> None:
    if not isinstance(row, dict):
        raise DataError(f"{where} has to be an object")
    for key in identity:
        if not isinstance(row.get(key, "" if key == "vhost" else None), str):
            raise DataError(f"{where} has no {key}" if key not in row else f"{where}: {key} has to be a string")
    for key in ("arguments", "definition"):
        # Erlang writes an empty object as an empty list.
        if not isinstance(row.get(key, {}), dict) and row[key] != []:
            raise DataError(f"{where}: {key} has to be an object")


def written(document: Document) -> str:
    """As JSON in the stable order: the same definitions are the same bytes."""
    return json.dumps(ordered(document), ensure_ascii=False, indent=2)


def ordered(document: Document) -> Document:
    """Sections last, rows by virtual host and name, the keys that tell which one first, the others by name."""
    head = {key: _sorted(document[key]) for key in sorted(document.keys() - IDENTITY.keys())}
    body = {
        section: sorted((_row(row, identity) for row in document[section]), key=_place(identity))
        for section, identity in IDENTITY.items()
        if section in document
    }
    return head | body


def _row(row: Row, identity: tuple[str, ...]) -> Row:
    keys = [*(key for key in identity if key in row), *sorted(row.keys() - set(identity))]
    return {key: _sorted(row[key]) for key in keys}


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


def did_you_mean(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    known = list(known)
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f": {', '.join(known)}"


def selected(document: Document, only: Collection[str] | None, exclude: Collection[str] | None) -> Document:
    """Without the sections that are not wanted; what is no section stays."""
    return {
        key: value
        for key, value in document.items()
        if key not in IDENTITY or ((only is None or key in only) and key not in (exclude or ()))
    }


def without_system(document: Document) -> Document:
    """Without what the broker makes itself: names that begin with `amq.`, and what identifies the cluster."""
    return {
        section: [row for row in rows if not _is_system(section, row)] if section in IDENTITY else rows
        for section, rows in document.items()
    }


def _is_system(section: str, row: Row) -> bool:
    if section in ("queues", "exchanges"):
        return bool(row["name"].startswith("amq."))
    if section == "bindings":
        return row["destination_type"] == "queue" and str(row["destination"]).startswith("amq.")
    return section == "global_parameters" and row["name"] in _OF_THE_CLUSTER


def of_vhost(document: Document, vhost: str) -> Document:
    """The part that is about one virtual host; a row that names none is."""
    return {
        section: [row for row in document[section] if row.get("vhost", vhost) == vhost]
        for section in OF_A_VHOST
        if section in document
    }


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
    names = {"original_vhost_name": vhost, "rabbitmq_definition_format": "single_virtual_host"}
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
