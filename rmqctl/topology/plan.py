"""What has to be done so that a broker has the definitions of a document."""

from collections.abc import Collection, Sequence
from itertools import groupby
from json import dumps
from typing import Any, NamedTuple

from rmqctl.topology import releases
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

    `live` is what a broker has; what its release has not is passed over (`releases.lacking` tells). `prune` deletes what
    the document does not have, in those sections that it has; where it lists no virtual hosts, only in `vhost` or those
    that it names. The user `keep` (who is logged in) and what is in a virtual host that goes are left alone.
    """
    there, wanted = sides(document, live, vhost or "/")
    within = {vhost, *(key.vhost for key in wanted)}
    changes = [change for key in wanted if (change := _change(key, there, wanted))]
    changes.sort(key=_place)
    if prune:
        surplus = [key for key in there if key not in wanted and _is_pruned(key, document, within, keep)]
        going = {key.name[0] for key in surplus if key.kind == "vhost"}
        surplus = [key for key in surplus if key.vhost not in going]
        order = sorted(surplus, key=lambda key: key.place, reverse=True)
        changes += [Change(DELETE, key, there[key], {}) for key in order]
    return changes


def sides(document: Document, live: Document, vhost: str) -> tuple[Items, Items]:
    """What a broker has, and what a document asks of it."""
    release = releases.of(live)
    types = _types(document, live) if releases.has(release, "default_queue_type") else {}
    return items(live, vhost), items(releases.fitting(document, release), vhost, types)


def _types(document: Document, other: Document) -> dict[str, str]:
    """Those of the document itself, and of the other one for virtual hosts that it does not have."""
    return default_types(other) | default_types(document)


def _place(change: Change) -> tuple[bool, tuple[int, str, tuple[str, ...]]]:
    """Limits that are there already hold back what is declared until they are raised; new ones come after it."""
    return change.key.kind != "vhost_limits" or not change.there, change.key.place


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


def differences(a: Document, b: Document, vhost: str, *, live: tuple[bool, bool] = (False, False)) -> list[Difference]:
    """What differs between two documents, in the sections that both have. `live`: which of them a broker has."""
    both = set(sections_of(a)) & set(sections_of(b))
    one, other = _compared(a, b, vhost, live), _compared(b, a, vhost, live[::-1])
    found = []
    for key in sorted({*one, *other}, key=lambda key: key.place):
        left, right = one.get(key), other.get(key)
        if key.section not in both:
            continue
        fields = differing(left, right) if left is not None and right is not None else []
        if fields or left is None or right is None:
            found.append(Difference(key, left, right, fields))
    return found


def _compared(document: Document, other: Document, vhost: str, live: tuple[bool, bool]) -> Items:
    """The items of one side; `live` is about it and the other."""
    this_lives, other_lives = live
    if this_lives:
        return items(document, vhost)
    return sides(document, other, vhost)[1] if other_lives else items(document, vhost, _types(document, other))
