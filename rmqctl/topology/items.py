"""Definitions as items that can be compared: releases spell the same thing in different ways."""

from json import dumps
from typing import Any, NamedTuple

from rmqctl.topology.documents import IDENTITY, ORIGINAL, Document, Row, lacks_secrets, masked, without_system

KINDS = ("vhost", "user", "permissions", "global_parameter", "operator_policy", "policy", "exchange", "queue", "binding",
         "topic_permissions", "vhost_limits", "parameter")  # fmt: skip
"""In the order in which they need each other.

Parameters are last: shovels and federation links act at once, and declare what they do not find, as they see fit.
"""

FIXED = ("exchange", "queue")
"""What cannot be changed once it is there."""

CLASSIC = "classic"
TYPE = "x-queue-type"


class Key(NamedTuple):
    """Which one it is; `vhost` is "" for what is in none."""

    kind: str
    vhost: str
    name: tuple[str, ...]

    @property
    def shown(self) -> str:
        if self.kind == "binding":
            source, kind, destination, routing_key, arguments = self.name
            extra = f" {arguments}" if arguments != "{}" else ""
            return f"{source} -> {kind} {destination} ({routing_key}){extra}"
        return " ".join(self.name)

    @property
    def section(self) -> str:
        """Where in the document it stands."""
        plurals = {"vhost_limits": "parameters", "operator_policy": "parameters", "policy": "policies"}
        return self.kind if self.kind.endswith("permissions") else plurals.get(self.kind, f"{self.kind}s")

    @property
    def place(self) -> tuple[int, str, tuple[str, ...]]:
        return KINDS.index(self.kind), self.vhost, self.name


Items = dict[Key, Row]


def items(document: Document, vhost: str, types: dict[str, str] | None = None) -> Items:
    """Each item with its fields in one shape, without what the broker makes itself.

    A row that names no virtual host is in `vhost`. `types` are the queue types of virtual hosts, for queues that are to be
    declared without one; None: the document is a broker's own, and says which type each queue has.
    """
    document = without_system(document)
    found: Items = {}
    for section in IDENTITY:
        for row in document.get(section, []):
            key, fields = _item(section, row, row.get("vhost", vhost), types)
            if key.kind in FIXED:  # of two rows a broker takes the first
                found.setdefault(key, fields)
            elif key.kind != "vhost_limits" or fields["value"]:  # those that were cleared leave an empty one
                found[key] = fields
    for row in document.get("vhosts", []):
        if row.get("limits"):
            found.setdefault(Key("vhost_limits", row["name"], ("limits",)), {"value": row["limits"]})
    return found


def default_types(document: Document) -> dict[str, str]:
    """The queue type of each virtual host, for queues declared without one."""
    rows = list(document.get("vhosts", []))
    if ORIGINAL in document:
        rows.append({"name": document[ORIGINAL], "metadata": document.get("metadata")})
    kinds = {row["name"]: _vhost(row).get("default_queue_type") for row in rows}
    return {name: kind for name, kind in kinds.items() if kind}


def _item(section: str, row: Row, vhost: str, types: dict[str, str] | None) -> tuple[Key, Row]:
    match section:
        case "vhosts":
            return Key("vhost", "", (row["name"],)), _vhost(row)
        case "users":
            return Key("user", "", (row["name"],)), _user(row)
        case "permissions":
            return Key("permissions", vhost, (row["user"],)), _fields(row, configure="", write="", read="")
        case "topic_permissions":
            return Key("topic_permissions", vhost, (row["user"], row["exchange"])), _fields(row, write="", read="")
        case "parameters":
            return _parameter(row, vhost)
        case "global_parameters":
            return Key("global_parameter", "", (row["name"],)), {"value": row.get("value")}
        case "policies":
            return Key("policy", vhost, (row["name"],)), _policy(row, "all")
        case "exchanges":
            fields = _fields(row, type="direct", durable=True, auto_delete=False, internal=False)
            return Key("exchange", vhost, (row["name"],)), {**fields, "arguments": row.get("arguments") or {}}
        case "queues":
            default = None if types is None else types.get(vhost, CLASSIC)
            return Key("queue", vhost, (row["name"],)), _queue(row, default)
    return _binding(row, vhost)


def _fields(row: Row, **defaults: Any) -> Row:
    return {key: row.get(key, default) for key, default in defaults.items()}


def _vhost(row: Row) -> Row:
    given = {**row, **(row.get("metadata") or {})}
    fields = {
        key: given[key] for key in ("description", "default_queue_type", "protected_from_deletion") if key in given
    }
    if fields.get("default_queue_type") == "undefined":
        fields["default_queue_type"] = None
    fields = {key: value for key, value in fields.items() if value is not None or key == "default_queue_type"}
    if "tags" in given:
        fields["tags"] = _tags(given["tags"])
    return fields


def _tags(tags: Any) -> list[str]:
    words = tags.split(",") if isinstance(tags, str) else tags or []
    return sorted(word.strip() for word in words if word.strip())


def _user(row: Row) -> Row:
    fields: Row = {key: row[key] for key in ("password_hash", "hashing_algorithm", "password") if key in row}
    limits = {"limits": row["limits"] or {}} if "limits" in row else {}
    return {**fields, "tags": _tags(row.get("tags")), **limits}


def _policy(row: Row, apply_to: str) -> Row:
    fields = _fields(row, pattern="", priority=0)
    return {**fields, "apply-to": row.get("apply-to", apply_to), "definition": row.get("definition") or {}}


def _parameter(row: Row, vhost: str) -> tuple[Key, Row]:
    component, name, value = row["component"], row["name"], row.get("value")
    if component == "operator_policy":
        return Key("operator_policy", vhost, (name,)), _policy(value or {}, "all")
    if component == "vhost-limits":
        return Key("vhost_limits", vhost, (name,)), {"value": value or {}}
    return Key("parameter", vhost, (component, name)), {"value": value}


def _queue(row: Row, default: str | None) -> Row:
    """`default` is the type that the virtual host gives to a queue without one; None: the queue is there.

    A broker that declares a queue looks at its argument, and gives the default to what can be of that type.
    """
    fields = _fields(row, durable=True, auto_delete=False)
    arguments = row.get("arguments") or {}
    kind = arguments.get(TYPE)
    if default is None:
        kind = kind or row.get("type")
    elif fields["durable"] and not fields["auto_delete"]:
        kind = kind or default
    return {**fields, "type": kind or CLASSIC, "arguments": arguments}


def _binding(row: Row, vhost: str) -> tuple[Key, Row]:
    arguments = row.get("arguments") or {}
    parts = [row[key] for key in ("source", "destination_type", "destination", "routing_key")]
    return Key("binding", vhost, (*parts, dumps(arguments, sort_keys=True))), {"arguments": arguments}


# Differences


class Field(NamedTuple):
    """A key whose values differ, as they may be shown. `path` has a dot between an object and its member."""

    path: str
    a: Any
    b: Any


_HIDDEN = ("password_hash", "password")
_UNSTATED: Row = {"description": "", "tags": [], "default_queue_type": None, "protected_from_deletion": False,
             "limits": {}}  # fmt: skip


def differing(a: Row, b: Row, prefix: str = "", *, stated: bool = False) -> list[Field]:
    """What differs between the fields of two items; secrets are compared, not shown.

    What one side leaves out is as its default; `stated`: what b leaves out is not compared.
    """
    found = []
    for key in dict.fromkeys((*a, *b)):
        if key not in b and stated and not prefix:
            continue
        if key in _HIDDEN and (key not in a or key not in b):
            continue  # exported without secrets
        if key == "hashing_algorithm" and (key not in a or key not in b):
            continue
        if key == TYPE and prefix:  # `type` has it, and what it is where it is not said
            continue
        default = None if prefix else _UNSTATED.get(key)
        one, other = a.get(key, default), b.get(key, default)
        if key == "default_queue_type" and not prefix:
            one, other = one or CLASSIC, other or CLASSIC
        if isinstance(one, dict) and isinstance(other, dict):
            found += differing(one, other, f"{prefix}{key}.")
        elif not _same(one, other):
            found.append(_shown(prefix, key, one, other))
    return found


def _same(a: Any, b: Any) -> bool:
    if lacks_secrets(a) or lacks_secrets(b):
        a, b = masked(a), masked(b)
    # Erlang writes an empty object as an empty list.
    empty = (a in ({}, [])) and (b in ({}, []))
    return empty or (bool(a == b) and isinstance(a, bool) is isinstance(b, bool))


def _shown(prefix: str, key: str, a: Any, b: Any) -> Field:
    if key in _HIDDEN:
        return Field(prefix + key, "a secret", "another one")
    if masked(a) == masked(b):
        return Field(prefix + key, masked(a), f"{masked(b)} (another password)")
    return Field(prefix + key, masked(a), masked(b))
