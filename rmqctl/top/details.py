"""One object with all that the API has about it, and what goes with it: bindings, consumers, who holds its messages."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from textual.content import Content

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.checks import acks
from rmqctl.checks.acks import Finding
from rmqctl.output.answer import fields
from rmqctl.output.escape import visible
from rmqctl.resources import clients
from rmqctl.resources.column import Object
from rmqctl.result import Value
from rmqctl.top import cells, looks
from rmqctl.top.tabs import FINDING, SERIES, Tab

NAMED_HOLDERS = 10
"""So many of those that hold messages are looked up; a queue that has more has another problem."""


class Section(NamedTuple):
    """A heading and lines below it; `alarming`: it stands out."""

    title: str
    lines: Sequence[str]
    alarming: bool = False


def sections(client: Client, tab: Tab, item: Object, findings: Iterable[Finding]) -> list[Section]:
    """Asks for the object. Raises RmqctlError, NotFound when it has gone."""
    about = [finding for finding in findings if _ABOUT[tab.noun](item, finding)] if tab.noun in _ABOUT else []
    return [*_holding(client, about), *_SECTIONS[tab.noun](client, item)]


def drawn(found: Iterable[Section]) -> Content:
    """The sections one below the other."""
    parts: list[Any] = []
    for section in found:
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
    return f"{tab.one} {name!r}" + (f" in virtual host {vhost!r}" if vhost is not None and tab.by_vhost else "")


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
    query = {"columns": ",".join(acks.CONNECTION_FIELDS)}
    names = dict.fromkeys(each.connection for each in findings if each.connection)
    found = (client.request("GET", path("connections", name), query, accept=(404,)) for name in names)
    return [answer.body for answer in found if answer.status == 200 and isinstance(answer.body, dict)]


def _of_queue(client: Client, item: Object) -> Iterator[Section]:
    where = ("queues", str(item["vhost"]), str(item["name"]))
    found = _get(client, where, f"queue {item['name']!r} in virtual host {item['vhost']!r}")
    yield _all_fields(found, "consumer_details")
    yield Section("consumers", [_consumer(row) for row in found.get("consumer_details") or []] or ["none"])
    yield Section("bindings", [_source(row) for row in lists.fetch(client, *where, "bindings")] or ["none"])


def _of_exchange(client: Client, item: Object) -> Iterator[Section]:
    where = ("exchanges", str(item["vhost"]), str(item["name"]) or "amq.default")
    yield _all_fields(_get(client, where, f"exchange {item['name']!r} in virtual host {item['vhost']!r}"))
    if item["name"]:  # every queue is bound to the default exchange
        yield Section(
            "bound to it", [_target(row) for row in lists.fetch(client, *where, "bindings", "source")] or ["none"]
        )
        found = lists.fetch(client, *where, "bindings", "destination")
        yield Section("bound to", [_source(row) for row in found] or ["none"])


def _of_connection(client: Client, item: Object) -> Iterator[Section]:
    where = ("connections", str(item["name"]))
    yield _all_fields(_get(client, where, f"connection {item['name']!r}"))
    channels = lists.fetch(client, *where, "channels", fields=("number", "messages_unacknowledged", "consumer_count"))
    yield Section("channels", [_channel(row) for row in channels] or ["none"])


def _of_channel(client: Client, item: Object) -> Iterator[Section]:
    found = _get(client, ("channels", str(item["name"])), f"channel {item['name']!r}")
    yield _all_fields(found, "consumer_details")
    yield Section("consumers", [_consumer(row) for row in found.get("consumer_details") or []] or ["none"])


def _of_node(client: Client, item: Object) -> Iterator[Section]:
    yield _all_fields(_get(client, ("nodes", str(item["name"])), f"node {item['name']!r}"))


def _of_consumer(_: Client, item: Object) -> Iterator[Section]:
    """There is no path for one: what the list has."""
    yield _all_fields(item, FINDING, SERIES)


_SECTIONS: Mapping[str, Callable[[Client, Object], Iterator[Section]]] = {
    "queues": _of_queue,
    "connections": _of_connection,
    "channels": _of_channel,
    "nodes": _of_node,
    "exchanges": _of_exchange,
    "consumers": _of_consumer,
}

_ABOUT: Mapping[str, Callable[[Object, Finding], bool]] = {
    "queues": lambda item, finding: (item.get("vhost"), item.get("name")) == (finding.vhost, finding.queue),
    "connections": lambda item, finding: item.get("name") == finding.connection,
    "channels": lambda item, finding: item.get("name") == finding.channel,
    "consumers": lambda item, finding: (
        (item.get("consumer_tag"), (item.get("channel_details") or {}).get("name"))
        == (finding.consumer_tag, finding.channel)
    ),
}


def _get(client: Client, where: Sequence[str], named: str) -> dict[str, Any]:
    found = client.get(path(*where), what=named)
    return found if isinstance(found, dict) else {}


def _all_fields(item: Object, *without: str) -> Section:
    found = fields(Value({key: value for key, value in item.items() if key not in without})) or []
    width = max((len(visible(key)) for key, _ in found), default=0)
    return Section("", [f"{visible(key):{width}}  {text}" for key, text in found])


def _source(row: Object) -> str:
    exchange = repr(row["source"]) if row.get("source") else "the default exchange"
    return f"{exchange}, key {row.get('routing_key')!r}{_arguments(row)}"


def _target(row: Object) -> str:
    return f"{row.get('destination_type')} {row.get('destination')!r}, key {row.get('routing_key')!r}{_arguments(row)}"


def _arguments(row: Object) -> str:
    # An object without members comes from Erlang as an empty list.
    return "".join(f", {key}={value}" for key, value in dict(row.get("arguments") or {}).items())


def _consumer(row: Object) -> str:
    of = row.get("channel_details") or {}
    how = f"prefetch {row.get('prefetch_count') or 'unlimited'}" if row.get("ack_required") else "automatic acks"
    queue = (row.get("queue") or {}).get("name")
    return f"{row.get('consumer_tag')!r}, {how}, queue {queue!r}, channel {of.get('name')!r}, user {of.get('user')}"


def _channel(row: Object) -> str:
    unacked, consumers = (cells.count(row.get(name)) for name in ("messages_unacknowledged", "consumer_count"))
    return f"{row.get('number')}: {unacked or '?'} unacknowledged, {consumers or '?'} consumers"
