"""What a release of RabbitMQ does not know of a document."""

from rmqctl.resources.column import Release, release
from rmqctl.topology.documents import Document, Row

SINCE: dict[str, Release] = {"default_queue_type": (3, 11), "protected_from_deletion": (4, 1)}
"""Metadata of virtual hosts, by the first release that knows them."""

POLICIES_BY_TYPE: Release = (3, 12)
"""The first release whose policies can be about a type of queue."""

MIRRORING = (
    "ha-mode", "ha-params", "ha-promote-on-shutdown", "ha-promote-on-failure", "ha-sync-mode", "ha-sync-batch-size",
)  # fmt: skip
"""Settings of policies that mirror classic queues."""

GONE: dict[str, Release] = dict.fromkeys((*MIRRORING, "queue-master-locator"), (4, 0))
"""Settings of policies, by the first release that refuses them."""

_NOTHING = (None, "undefined", False)


def of(document: Document) -> Release:
    """The release that exported a document; () when it does not say."""
    return release(str(document.get("rabbitmq_version") or document.get("rabbit_version") or ""))


def has(release: Release, field: str) -> bool:
    """Whether that release has the field; one that does not say which it is has all."""
    return not release or release >= SINCE[field]


def spelled(number: Release) -> str:
    return ".".join(map(str, number))


def lacking(document: Document, live: Release) -> list[tuple[str, str]]:
    """Virtual host and field of what the document has and that release has not."""
    return [
        (row["name"], field)
        for row in document.get("vhosts", [])
        for field in _unknown(live)
        if {**row, **(row.get("metadata") or {})}.get(field) not in _NOTHING
    ]


def fitting(document: Document, live: Release) -> Document:
    """Without what that release has not."""
    unknown = _unknown(live)
    if not unknown or "vhosts" not in document:
        return document
    return {**document, "vhosts": [_without(row, unknown) for row in document["vhosts"]]}


def _unknown(live: Release) -> list[str]:
    return [field for field in SINCE if not has(live, field)]


def _without(row: Row, fields: list[str]) -> Row:
    kept = {key: value for key, value in row.items() if key not in fields}
    if isinstance(kept.get("metadata"), dict):
        kept["metadata"] = {key: value for key, value in kept["metadata"].items() if key not in fields}
    return kept
