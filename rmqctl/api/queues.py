"""GET /api/queues, in the cheapest form that has what is wanted.

Three forms: `disable_stats=true` (definitions), the same with `enable_queue_totals=true` (exact counts at once, from the
queues themselves), and the plain form (statistics, up to about 8 seconds old and several times dearer).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from rmqctl.api import lists, objects
from rmqctl.api.client import Client
from rmqctl.api.failures import reason_of
from rmqctl.api.paths import path
from rmqctl.errors import DataError
from rmqctl.naming import named
from rmqctl.record import Record

Row = dict[str, Any]

_DEFINITIONS = {"disable_stats": "true"}
_TOTALS = {"disable_stats": "true", "enable_queue_totals": "true"}
_COUNTS = frozenset(("messages", "messages_ready", "messages_unacknowledged"))

# An MQTT client's queue for messages of QoS 0, which go straight to the client; named in two ways.
_HOLDING_NOTHING = ("MQTT QoS 0", "rabbit_mqtt_qos0_queue")

AGES = (
    "Counts of messages are of this moment (a quorum queue renews its own every 5 seconds); "
    "other counts and rates are statistics, up to 8 seconds old."
)
"""Of what `newest` tells."""

_ALIVE = ("running", "live")
# Up to so many queues without counts are asked one by one rather than by the statistics of all.
_FEW = 20


class Queues(Record):
    """The rows, and how many of them the broker had no counts for."""

    rows: list[Row]
    silent: int = 0


def fetch(client: Client, vhost: str | None, fields: Iterable[str], *, totals: bool, statistics: bool) -> Queues:
    """All queues of a vhost, or of all vhosts (None), each with `name`, `vhost` and the wanted fields that it has.

    `totals`: a wanted field is a message count; `statistics`: one is in the statistics database only.
    """
    wanted = {"name", *fields}
    if vhost is None:
        wanted.add("vhost")
    if statistics:
        rows = _list(client, vhost, {}, wanted)
        if totals:
            _overlay(rows, _list(client, vhost, _TOTALS, {"name", "vhost", "type", *(wanted & _COUNTS)}), vhost)
        return Queues(rows)
    if not totals:
        return Queues(_list(client, vhost, _DEFINITIONS, wanted))
    total = _total(client)
    rows = _list(client, vhost, _TOTALS, wanted)
    _fill_counts(client, vhost, rows, wanted & _COUNTS)
    # More queues than rows: they are in other vhosts, or the list is short of some.
    short = total() > len(rows) and (vhost is None or _count(client, vhost) > len(rows))
    left_out = _left_out(client, vhost, rows, wanted) if short else []
    return Queues(rows + left_out, sum(_lacks_counts(row, wanted) for row in left_out))


def get(client: Client, vhost: str, name: str, *fields: str, statistics: bool = True) -> Row:
    """GET /api/queues/VHOST/NAME, or the fields of it that are asked for. Raises NotFound."""
    query = {} if statistics else _DEFINITIONS
    return objects.fetch(client, "queues", vhost, name, fields=fields, query=query, what=named("queue", name, vhost))


def find(client: Client, vhost: str, name: str, *fields: str) -> Row | None:
    """As `get`, None when there is no such queue."""
    return objects.find(client, "queues", vhost, name, fields=fields, what=named("queue", name, vhost))


def counts_now(client: Client, vhost: str, name: str) -> Row:
    """The counts of messages of a queue at this moment: GET /api/queues/VHOST, a page of that queue alone.

    A quorum queue renews its own every 5 s. Without those that are unknown: a stream has them in its statistics only.
    """
    page = {"page": "1", "page_size": "1", "use_regex": "true", "name": f"^{re.escape(name)}$"}
    query = {**_TOTALS, **page}
    rows = objects.fetch(client, "queues", vhost, fields=sorted(_COUNTS), query=query, what=_vhost(vhost)).get("items")
    one = rows[0] if rows else {}
    return {field: count for field in sorted(_COUNTS) if (count := one.get(field)) is not None}


def newest(client: Client, vhost: str, name: str, *fields: str) -> Row:
    """As `get`, with the counts of messages of this moment; `AGES` tells people how old what is. Raises NotFound."""
    return get(client, vhost, name, *fields) | counts_now(client, vhost, name)


def messages(client: Client, vhost: str, name: str) -> int | None:
    """Ready and unacknowledged messages of a queue at this moment, None when they are unknown."""
    count = counts_now(client, vhost, name).get("messages")
    if count is None:
        count = get(client, vhost, name, "messages").get("messages")
    return int(count) if count is not None else None


def bindings(client: Client, vhost: str, name: str) -> list[Row]:
    """GET /api/queues/VHOST/NAME/bindings: those to the queue. Raises NotFound."""
    return lists.fetch(client, "queues", vhost, name, "bindings", what=named("queue", name, vhost))


def deliveries(client: Client, vhost: str, name: str) -> list[Row]:
    """GET /api/queues/VHOST/NAME/unacked: each delivery without an acknowledgement, as LavinMQ and the embedded broker list
    them. Raises NotFound or DataError of a broker that does not."""
    return lists.fetch(client, "queues", vhost, name, "unacked")


def act(client: Client, vhost: str, name: str, action: str) -> None:
    """POST /api/queues/VHOST/NAME/actions: `sync` or `cancel_sync`, of mirrored queues."""
    where, what = path("queues", vhost, name, "actions"), named("queue", name, vhost)
    client.request("POST", where, body={"action": action}, what=what)


def counts(client: Client, vhost: str | None, fields: Iterable[str]) -> list[Row]:
    """Exact counts as often as one likes: a single request, and no queue that the broker has none for at once (streams)."""
    rows = _list(client, vhost, _TOTALS, {"name", "vhost", *fields})
    return [{"vhost": vhost, **row} for row in rows]


def closely(client: Client, vhost: str, name: str, seconds: int = 60, every: int = 5) -> Row:
    """One queue's `consumers`, and as `held` what the broker remembers: pairs of a second and the messages unacknowledged then.

    A broker that remembers nothing has no pairs. Raises NotFound.
    """
    field = "messages_unacknowledged_details"
    query = {"lengths_age": str(seconds), "lengths_incr": str(every), "columns": f"consumers,{field}"}
    row = objects.fetch(client, "queues", vhost, name, query=query, what=named("queue", name, vhost))
    details = row.get(field) or {}
    pairs = ((each.get("timestamp"), each.get("sample")) for each in details.get("samples") or [])
    held = sorted((moment / 1000, held) for moment, held in pairs if isinstance(moment, int) and isinstance(held, int))
    return {"vhost": vhost, "name": name, "consumers": row.get("consumers"), "held": held}


def history(client: Client, vhost: str, name: str, seconds: int = 300, every: int = 5) -> dict[str, list[float]]:
    """What the broker remembers of one queue, the oldest first: `messages`, and per second `publish` and `deliver_get`.

    A broker that remembers nothing has empty lists. Raises NotFound.
    """
    span = {
        f"{kind}_{of}": str(value)
        for kind in ("lengths", "msg_rates")
        for of, value in (("age", seconds), ("incr", every))
    }
    query = {**span, "columns": "messages_details,message_stats"}
    row = objects.fetch(client, "queues", vhost, name, query=query, what=named("queue", name, vhost))
    found = {"messages": [count for _, count in _samples(row.get("messages_details"))]}
    for statistic in ("publish", "deliver_get"):
        totals = _samples((row.get("message_stats") or {}).get(f"{statistic}_details"))
        found[statistic] = [
            max(0.0, (later - earlier) * 1000 / (end - start)) for (start, earlier), (end, later) in pairwise(totals)
        ]
    return found


def _samples(details: Any) -> list[tuple[int, float]]:
    """Milliseconds and values, the oldest first."""
    pairs = ((each.get("timestamp"), each.get("sample")) for each in (details or {}).get("samples") or [])
    known = {
        moment: float(value) for moment, value in pairs if isinstance(moment, int) and isinstance(value, int | float)
    }
    return sorted(known.items())


def purge(client: Client, vhost: str, name: str) -> None:
    """DELETE /api/queues/VHOST/NAME/contents: the ready messages. Raises NotFound, DataError for a stream."""
    client.request("DELETE", path("queues", vhost, name, "contents"), what=named("queue", name, vhost))


class NotDeleted(DataError):
    """The broker keeps the queue, for this reason."""

    def __init__(self, what: str, reason: str, url: str) -> None:
        super().__init__(f"{what}: {reason} ({url})")
        self.reason = reason


def delete(
    client: Client, vhost: str, name: str, *, if_empty: bool = False, if_unused: bool = False, noun: str = "queue"
) -> None:
    """DELETE /api/queues/VHOST/NAME. `noun` is how errors call it. Raises NotFound, and NotDeleted when a condition is not met.

    4.x fails with 500 instead when the condition is not met by a queue whose name is not ASCII.
    """
    what = named(noun, name, vhost)
    query = {flag: "true" for flag, given in (("if-empty", if_empty), ("if-unused", if_unused)) if given}
    accept = (400, 500) if query else (400,)
    answer = client.request("DELETE", path("queues", vhost, name), query, what=what, accept=accept)
    if answer.status >= 400:
        reason = reason_of(answer.body) or f"not empty, or in use (HTTP {answer.status})"
        raise NotDeleted(what, reason, client.endpoint.url)


def _list(client: Client, vhost: str | None, form: Mapping[str, str], fields: Iterable[str]) -> list[Row]:
    query = {**form, "columns": ",".join(sorted(fields))}
    where = _vhost(vhost) if vhost is not None else "the queues"
    return lists.fetch(client, "queues", *([vhost] if vhost is not None else []), query=query, what=where)


def _vhost(name: str) -> str:
    return named("virtual host", name)


def _by_name(rows: Sequence[Row], vhost: str | None) -> dict[tuple[Any, Any], Row]:
    return {(row.get("vhost", vhost), row["name"]): row for row in rows}


def _overlay(rows: Sequence[Row], fresh: Sequence[Row], vhost: str | None) -> None:
    """Exact counts instead of the statistics', which lag behind."""
    exact = _by_name(fresh, vhost)
    for name, row in _by_name(rows, vhost).items():
        if found := exact.get(name):
            row.update(_counts_of(found))


def _counts_of(queue: Mapping[str, Any]) -> Row:
    """The counts that are known of a queue. One that holds nothing has none, which rabbitmqctl prints as 0 messages."""
    counts = {name: queue[name] for name in _COUNTS if queue.get(name) is not None}
    return {"messages": 0, **counts} if queue.get("type") in _HOLDING_NOTHING else counts


def _fill_counts(client: Client, vhost: str | None, rows: Sequence[Row], counts: Iterable[str]) -> None:
    """Streams have no totals: their counts come from the statistics."""
    names = sorted(counts)
    lacking = [row for row in rows if row.get(names[0]) is None]
    if not lacking:
        return
    if len(lacking) > _FEW:
        fresh = _list(client, vhost, {}, {"name", "vhost", "type", *names})
        _overlay(lacking, fresh, vhost)
        return
    for row in lacking:
        one = find(client, str(row.get("vhost", vhost)), str(row["name"]), *names, "type")
        if one is not None:  # else it was deleted meanwhile
            row.update(_counts_of(one))


def _left_out(client: Client, vhost: str | None, rows: Sequence[Row], fields: set[str]) -> list[Row]:
    """The queues that the totals form leaves out without a word: those whose process or node is down, or that are new."""
    known = _by_name(rows, vhost)
    everything = _by_name(_list(client, vhost, _DEFINITIONS, {"state", *fields} - _COUNTS), vhost)
    missing = [row for name, row in everything.items() if name not in known]
    _fill_counts(client, vhost, [row for row in missing if row.get("state") in _ALIVE], fields & _COUNTS)
    return missing


def _lacks_counts(row: Row, fields: set[str]) -> bool:
    return any(row.get(count) is None for count in fields & _COUNTS)


def _total(client: Client) -> Callable[[], int]:
    """Asks, beside the list itself, how many queues the user may see in all vhosts: a cheap question at any size."""
    overview = client.get_ahead(
        path("overview"), {**_DEFINITIONS, "columns": "object_totals.queues"}, what="the overview"
    )
    return lambda: int(((overview() or {}).get("object_totals") or {}).get("queues") or 0)


def _count(client: Client, vhost: str) -> int:
    query = {"page": "1", "page_size": "1", "columns": "name", **_DEFINITIONS}
    page = objects.fetch(client, "queues", vhost, query=query, what=_vhost(vhost))
    return int(page.get("total_count") or 0)
