"""One object with all that the API has about it, and what goes with it: bindings, consumers, who holds its messages."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from textual.content import Content

from rmqctl.api import lists, objects
from rmqctl.api.client import Client
from rmqctl.checks import acks
from rmqctl.checks.forgotten import Finding
from rmqctl.naming import named
from rmqctl.output.answer import fields
from rmqctl.output.escape import visible
from rmqctl.resources import clients
from rmqctl.resources.column import Object
from rmqctl.result import Value
from rmqctl.top import cells, chart, looks
from rmqctl.top.chart import Trace
from rmqctl.top.tabs import FINDING, SERIES, Tab

Where = Sequence[str]
"""The parts of a path."""

NAMED_HOLDERS = 10
"""So many of those that hold messages are looked up; a queue that has more has another problem."""


class Section(NamedTuple):
    """A heading and lines below it; `alarming`: it stands out."""

    title: str
    lines: Sequence[str]
    alarming: bool = False


class Opened(NamedTuple):
    """An object as the API has it by itself, and the sections and charts that show it."""

    item: Object
    sections: Sequence[Section]
    traces: Sequence[Trace] = ()


def opened(client: Client, tab: Tab, item: Object, findings: Iterable[Finding]) -> Opened:
    """Asks for the object. Raises RmqctlError, NotFound when it has gone."""
    where = _WHERE[tab.noun](item) if tab.noun in _WHERE else None
    # There is no path for a consumer: what the list has.
    found = item if where is None else objects.fetch(client, *where, what=what(tab, item))
    about = [finding for finding in findings if _ABOUT[tab.noun](item, finding)] if tab.noun in _ABOUT else []
    more = _MORE[tab.noun](client, where, found) if where is not None and tab.noun in _MORE else ()
    return Opened(found, [*_holding(client, about), _all_fields(found), *more])


def drawn(found: Opened, width: int) -> Content:
    """The charts and the sections one below the other."""
    parts: list[Any] = [*chart.drawn(found.traces, width)]
    for section in found.sections:
        style = looks.ALARMING if section.alarming else ""
        if section.title:
            parts.append((f"{section.title}\n", style or looks.STRONG))
        parts += [(f"{visible(line)}\n", style) for line in section.lines]
        parts.append("\n")
    return Content.assemble(*parts)


def what(tab: Tab, item: Object) -> str:
    """The object for people: its kind, name and virtual host."""
    name = item.get("name") if tab.noun != "consumers" else item.get("consumer_tag")
    # The API gives consumers of one queue within an object.
    vhost = (item.get("queue") or {}).get("vhost") if tab.noun == "consumers" else item.get("vhost")
    return named(tab.one, str(name), vhost if tab.by_vhost else None)


def _holding(client: Client, findings: list[Finding]) -> Iterator[Section]:
    if not findings:
        return
    named = acks.with_connections(findings, _connections(client, findings[:NAMED_HOLDERS]))
    lines: list[str] = []
    for each in named:
        tag = f"consumer {each.consumer_tag!r}, " if each.consumer_tag is not None else ""
        since = f", idle since {each.idle_since}" if each.idle_since else ""
        lines += [
            f"{each.kind}: {tag}{clients.in_words(each._asdict())}",
            f"  {each.unacknowledged} unacknowledged{since}; {each.advice}",
        ]
    yield Section("holds messages without acknowledging", lines, alarming=True)


def _connections(client: Client, findings: Iterable[Finding]) -> list[Any]:
    names = dict.fromkeys(each.connection for each in findings if each.connection)
    found = (objects.find(client, "connections", name, fields=acks.CONNECTION_FIELDS) for name in names)
    return [row for row in found if row]


def _of_queue(client: Client, where: Where, found: Object) -> Iterator[Section]:
    yield from _of_channel(client, where, found)
    yield Section("bindings", [_source(row) for row in lists.fetch(client, *where, "bindings")] or ["none"])


def _of_exchange(client: Client, where: Where, found: Object) -> Iterator[Section]:
    if found.get("name"):  # every queue is bound to the default exchange
        targets = lists.fetch(client, *where, "bindings", "source")
        yield Section("bound to it", [_target(row) for row in targets] or ["none"])
        sources = lists.fetch(client, *where, "bindings", "destination")
        yield Section("bound to", [_source(row) for row in sources] or ["none"])


def _of_connection(client: Client, where: Where, _: Object) -> Iterator[Section]:
    channels = lists.fetch(client, *where, "channels", fields=("number", "messages_unacknowledged", "consumer_count"))
    yield Section("channels", [_channel(row) for row in channels] or ["none"])


def _of_channel(_: Client, __: Where, found: Object) -> Iterator[Section]:
    yield Section("consumers", [_consumer(row) for row in found.get("consumer_details") or []] or ["none"])


_WHERE: Mapping[str, Callable[[Object], Where]] = {
    "queues": lambda item: ("queues", str(item["vhost"]), str(item["name"])),
    "connections": lambda item: ("connections", str(item["name"])),
    "channels": lambda item: ("channels", str(item["name"])),
    "nodes": lambda item: ("nodes", str(item["name"])),
    "exchanges": lambda item: ("exchanges", str(item["vhost"]), str(item["name"]) or "amq.default"),
}
_MORE: Mapping[str, Callable[[Client, Where, Object], Iterator[Section]]] = {
    "queues": _of_queue,
    "connections": _of_connection,
    "channels": _of_channel,
    "exchanges": _of_exchange,
}
"""What is shown below an object's fields."""

_ABOUT: Mapping[str, Callable[[Object, Finding], bool]] = {
    "queues": lambda item, finding: (item.get("vhost"), item.get("name")) == (finding.vhost, finding.queue),
    "connections": lambda item, finding: item.get("name") == finding.connection,
    "channels": lambda item, finding: item.get("name") == finding.channel,
    "consumers": lambda item, finding: (
        (item.get("consumer_tag"), (item.get("channel_details") or {}).get("name"))
        == (finding.consumer_tag, finding.channel)
    ),
}


def _all_fields(item: Object) -> Section:
    """But for those that have a section of their own, or are the view's."""
    shown = {key: value for key, value in item.items() if key not in ("consumer_details", FINDING, SERIES)}
    found = fields(Value(shown)) or []
    width = max((len(visible(key)) for key, _ in found), default=0)
    return Section("", [f"{visible(key):{width}}  {text}" for key, text in found])


def _source(row: Object) -> str:
    exchange = repr(row["source"]) if row.get("source") else "the default exchange"
    return f"{exchange}, key {row.get('routing_key')!r}{_arguments(row)}"


def _target(row: Object) -> str:
    return f"{row.get('destination_type')} {row.get('destination')!r}, key {row.get('routing_key')!r}{_arguments(row)}"


def _arguments(row: Object) -> str:
    return "".join(f", {key}={value}" for key, value in (row.get("arguments") or {}).items())


def _consumer(row: Object) -> str:
    of = row.get("channel_details") or {}
    how = f"prefetch {row.get('prefetch_count') or 'unlimited'}" if row.get("ack_required") else "automatic acks"
    queue = (row.get("queue") or {}).get("name")
    return f"{row.get('consumer_tag')!r}, {how}, queue {queue!r}, channel {of.get('name')!r}, user {of.get('user')}"


def _channel(row: Object) -> str:
    unacked, consumers = (cells.count(row.get(name)) for name in ("messages_unacknowledged", "consumer_count"))
    return f"{row.get('number')}: {unacked or '?'} unacknowledged, {consumers or '?'} consumers"
