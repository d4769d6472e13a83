"""What has to be done so that a broker has the definitions of a document."""

from collections.abc import Collection, Sequence
from itertools import groupby
from json import dumps
from typing import Any, NamedTuple

from rmqctl.topology.documents import IDENTITY, Document, masked
from rmqctl.topology.items import FIXED, Field, Items, Key, default_types, differing, items

CREATE = "create"
CHANGE = "change"
RECREATE = "needs recreation"
DELETE = "delete"


class Change(NamedTuple):
    """One step. `wanted` is empty for DELETE, `there` for CREATE; `fields` are what differs."""

    action: str
    key: Key
    there: dict[str, Any]
    wanted: dict[str, Any]
    fields: Sequence[Field] = ()

    @property
    def details(self) -> str:
        return "; ".join(f"{each.path}: {shown(each.a)} -> {shown(each.b)}" for each in self.fields)


def shown(value: Any) -> str:
    """A value for a person, without secrets."""
    if value is None:
        return "nothing"
    value = masked(value)
    return value if isinstance(value, str) and value else dumps(value, ensure_ascii=False)


def plan(
    document: Document, live: Document, vhost: str | None = None, *, prune: bool = False, keep: str | None = None
) -> list[Change]:
    """The steps in the order in which they can be done: what is created or changed first, deletes last and reversed.

    `prune` deletes what the document does not have, in those sections that it has; where it lists no virtual hosts, only
    in `vhost` or those that it names. The user `keep` (who is logged in) and what is in a virtual host that goes are left alone.
    """
    there = items(live, vhost or "/")
    wanted = items(document, vhost or "/", default_types(live))
    within = {vhost, *(key.vhost for key in wanted)}
    changes = [change for key in sorted(wanted, key=lambda key: key.place) if (change := _change(key, there, wanted))]
    if prune:
        surplus = [key for key in there if key not in wanted and _is_pruned(key, document, within, keep)]
        going = {key.name[0] for key in surplus if key.kind == "vhost"}
        surplus = [key for key in surplus if key.vhost not in going]
        order = sorted(surplus, key=lambda key: key.place, reverse=True)
        changes += [Change(DELETE, key, there[key], {}) for key in order]
    return changes


def _change(key: Key, there: Items, wanted: Items) -> Change | None:
    if key not in there:
        return Change(CREATE, key, {}, wanted[key])
    fields = differing(there[key], wanted[key], stated=True)
    if not fields:
        return None
    return Change(RECREATE if key.kind in FIXED else CHANGE, key, there[key], wanted[key], fields)


def _is_pruned(key: Key, document: Document, within: Collection[str | None], keep: str | None) -> bool:
    if key.section not in document:
        return False
    if keep is not None and key.kind in ("user", "permissions", "topic_permissions") and key.name[0] == keep:
        return False
    return not key.vhost or "vhosts" in document or key.vhost in within


def stages(changes: Sequence[Change]) -> list[list[Change]]:
    """The steps in groups: those of one can be done side by side."""
    return [list(group) for _, group in groupby(changes, key=lambda each: (each.action == DELETE, each.key.kind))]


def sections_of(document: Document) -> list[str]:
    return [section for section in IDENTITY if section in document]


class Difference(NamedTuple):
    """An item that only one side has (the other is None), or both with fields that differ."""

    key: Key
    a: dict[str, Any] | None
    b: dict[str, Any] | None
    fields: Sequence[Field]


def differences(a: Document, b: Document, vhost: str) -> list[Difference]:
    """What differs between two documents, in the sections that both have."""
    both = set(sections_of(a)) & set(sections_of(b))
    one, other = items(a, vhost), items(b, vhost)
    found = []
    for key in sorted({*one, *other}, key=lambda key: key.place):
        left, right = one.get(key), other.get(key)
        if key.section not in both:
            continue
        fields = differing(left, right) if left is not None and right is not None else []
        if fields or left is None or right is None:
            found.append(Difference(key, left, right, fields))
    return found
