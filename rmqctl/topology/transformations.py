"""rabbitmqadmin's transformations of definitions, by name."""

import re
from collections.abc import Callable
from typing import Any

from rmqctl.errors import UsageError
from rmqctl.topology.checking import did_you_mean
from rmqctl.topology.documents import Document, Row
from rmqctl.topology.releases import MIRRORING

_NOT_FOR_QUORUM = ("queue-mode", "max-priority", "queue-master-locator")


def transform(document: Document, names: str | None) -> Document:
    """Applies the transformations, named with commas between them, one after the other. Raises UsageError."""
    words = [word.strip() for word in (names or "").split(",") if word.strip()]
    for word in words:
        if word not in TRANSFORMATIONS:
            raise UsageError(f"--transformations: {word!r} is no transformation{did_you_mean(word, TRANSFORMATIONS)}")
    for word in words:
        document = TRANSFORMATIONS[word](document)
    return document


def _each(document: Document, section: str, edit: Callable[[Row], Row]) -> Document:
    return {**document, section: [edit(row) for row in document[section]]} if section in document else document


def _without(table: Any, keys: tuple[str, ...]) -> Any:
    return {key: value for key, value in (table or {}).items() if key not in keys}


def _strip(document: Document) -> Document:
    return _each(document, "policies", lambda row: {**row, "definition": _without(row["definition"], MIRRORING)})


def _drop_empty(document: Document) -> Document:
    if "policies" not in document:
        return document
    return {**document, "policies": [row for row in document["policies"] if row["definition"]]}


def _to_quorum(document: Document) -> Document:
    """Durable classic queues that a policy mirrors become quorum queues; what those do not know is left out."""
    mirroring = [row for row in document.get("policies", []) if set(row["definition"]) & set(MIRRORING)]
    document = _each(document, "queues", lambda queue: _quorum(queue) if _is_mirrored(queue, mirroring) else queue)
    return _each(document, "policies", lambda row: {**row, "definition": _fitting(row["definition"], "")})


def _is_mirrored(queue: Row, mirroring: list[Row]) -> bool:
    kind = queue.get("type") or (queue.get("arguments") or {}).get("x-queue-type") or "classic"
    if kind != "classic" or not queue.get("durable", True) or queue.get("auto_delete"):
        return False
    return any(
        row.get("vhost") == queue.get("vhost")
        and row.get("apply-to", "all") in ("all", "queues", "classic_queues")
        and re.search(row["pattern"], queue["name"])
        for row in mirroring
    )


def _quorum(queue: Row) -> Row:
    kind = {"type": "quorum"} if "type" in queue else {}
    return {**queue, **kind, "arguments": {**_fitting(queue.get("arguments"), "x-"), "x-queue-type": "quorum"}}


def _fitting(table: Any, prefix: str) -> Row:
    kept = _without(table, tuple(prefix + key for key in (*MIRRORING, *_NOT_FOR_QUORUM)))
    if kept.get(f"{prefix}overflow") == "reject-publish-dlx":
        kept[f"{prefix}overflow"] = "reject-publish"
    return dict(kept)


def _obfuscate(document: Document) -> Document:
    """Users get numbers for names, in the order of their names, and no password that anybody knows."""
    users = sorted(row["name"] for row in document.get("users", []))
    names = {name: f"obfuscated-user-{number}" for number, name in enumerate(users, 1)}

    def renamed(row: Row) -> Row:
        return {**row, "user": names.get(row["user"], row["user"])}

    document = _each(document, "users", lambda row: {**row, "name": names[row["name"]], "password_hash": ""})
    document = _each(document, "permissions", renamed)
    return _each(document, "topic_permissions", renamed)


def _empty(*sections: str) -> Callable[[Document], Document]:
    return lambda document: {key: [] if key in sections else value for key, value in document.items()}


TRANSFORMATIONS: dict[str, Callable[[Document], Document]] = {
    "strip_cmq_keys_from_policies": _strip,
    "drop_empty_policies": _drop_empty,
    "prepare_for_quorum_queue_migration": _to_quorum,
    "obfuscate_usernames": _obfuscate,
    "exclude_users": _empty("users"),
    "exclude_permissions": _empty("permissions", "topic_permissions"),
    "exclude_runtime_parameters": _empty("parameters"),
    "exclude_policies": _empty("policies"),
    "no_op": lambda document: document,
}
