"""What people are told of the parts of a graph: the same words in every picture. Names are safe to look at."""

from collections.abc import Iterable, Mapping
from typing import Any

from rmqctl.graph.model import Edge, Exchange, Graph, Kind, Link, Node, Queue
from rmqctl.output.escape import visible
from rmqctl.output.values import compact

DEFAULT = "(default exchange)"


def name(node: Node) -> str:
    return visible(node.name) if node.name or node.kind == "queue" else DEFAULT


def vhost(graph: Graph) -> str:
    return visible(graph.vhost)


def of_exchange(exchange: Exchange) -> list[str]:
    """Its type and what else there is to know."""
    if exchange.type is None:
        return ["does not exist"]
    if not exchange.name:
        return ["every queue by its name"]
    told = [visible(exchange.type), *(["internal"] if exchange.internal else []), *_rates(exchange)]
    return told if exchange.leads else [*told, "no bindings"]


def of_queue(queue: Queue) -> list[str]:
    if queue.type is None:
        return ["does not exist"]
    told = [visible(queue.type)]
    told += [
        f"{count} {what}" for count, what in ((queue.ready, "ready"), (queue.unacknowledged, "unacked")) if count is not None
    ]  # fmt: skip
    told += _rates(queue)
    if queue.consumers == ():
        told.append("no consumers")
    return told


def _rates(node: Exchange | Queue) -> list[str]:
    """Where there is any traffic."""
    return [f"{rate:g}/s {what}" for rate, what in ((node.rate_in, "in"), (node.rate_out, "out")) if rate]


def of_consumer(consumer: Mapping[str, Any]) -> list[str]:
    """What it may hold and what its channel holds."""
    if not consumer["ack_required"]:
        return ["automatic acks"]
    told = [f"prefetch {consumer['prefetch_count'] or 'unlimited'}"]
    if consumer["channel_unacknowledged"] is not None:
        told.append(f"{consumer['channel_unacknowledged']} unacked on its channel")
    return told


def consumer_name(consumer: Mapping[str, Any]) -> str:
    """What the client calls itself, else its connection, else the tag."""
    return visible(str(consumer["client"] or consumer["connection"] or consumer["consumer_tag"]))


def holds(consumer: Mapping[str, Any]) -> bool:
    return bool(consumer["ack_required"] and consumer["channel_unacknowledged"])


def of_link(link: Link, graph: Graph) -> list[str]:
    """One for each edge: the routing key, the arguments, or what it is instead of a binding."""
    return [of_edge(edge, graph) for edge in link.edges]


def of_edge(edge: Edge, graph: Graph) -> str:
    if edge.kind is Kind.ALTERNATE:
        return "otherwise"
    if edge.kind is Kind.DEAD_LETTER:
        kept = edge.key is None or edge.destination.kind == "queue"
        return "dead letters" if kept else f"dead letters, key {key(edge)}"
    told = [] if _says_nothing(edge, graph.exchanges.get(edge.source.name)) else [key(edge)]
    told += [f"{visible(str(name))}={_value(value)}" for name, value in edge.arguments.items()]
    return ", ".join(told) or "all"


def _says_nothing(edge: Edge, source: Exchange | None) -> bool:
    """The key, where it is empty and nobody looks at it: a fanout sends everything, a headers exchange by arguments."""
    kind = source and source.routes_as
    return not edge.key and (kind == "fanout" or (kind == "headers" and bool(edge.arguments)))


def key(edge: Edge) -> str:
    return f"'{visible(edge.key or '')}'"


def _value(value: Any) -> str:
    return visible(value if isinstance(value, str) else compact(value))


def joined(parts: Iterable[str]) -> str:
    return ", ".join(parts)
