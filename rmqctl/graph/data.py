"""The graph and the way of a message as JSON data."""

from collections.abc import Iterable, Mapping
from typing import Any

from rmqctl.graph.model import Edge, Exchange, Graph, Queue
from rmqctl.graph.trace import Trace

EDGE_COLUMNS = (
    "vhost", "kind", "source_kind", "source_name", "destination_kind", "destination_name", "routing_key", "arguments",
)  # fmt: skip
"""Of the formats of lists, a row for each edge: list_bindings's words."""


def of_graphs(graphs: Iterable[Graph]) -> dict[str, Any]:
    """{"exchanges": [...], "queues": [... "consumers": [...]], "edges": [...]}, each with its virtual host."""
    found: dict[str, list[dict[str, Any]]] = {"exchanges": [], "queues": [], "edges": []}
    for graph in graphs:
        found["exchanges"] += [_exchange(graph.vhost, exchange) for exchange in graph.exchanges.values()]
        found["queues"] += [_queue(graph.vhost, queue) for queue in graph.queues.values()]
        found["edges"] += [of_edge(graph.vhost, edge) for link in graph.links() for edge in link.edges]
    return found


def _exchange(vhost: str, exchange: Exchange) -> dict[str, Any]:
    return {
        "vhost": vhost,
        "name": exchange.name,
        "type": exchange.type,
        "exists": exchange.type is not None,
        "internal": exchange.internal,
        "arguments": dict(exchange.arguments),
        "alternate_exchange": exchange.alternate,
        "has_bindings": exchange.leads,
        "rate_in": exchange.rate_in,
        "rate_out": exchange.rate_out,
    }


def _queue(vhost: str, queue: Queue) -> dict[str, Any]:
    return {
        "vhost": vhost,
        "name": queue.name,
        "type": queue.type,
        "exists": queue.type is not None,
        "is_bound": queue.bound,
        "messages_ready": queue.ready,
        "messages_unacknowledged": queue.unacknowledged,
        "rate_in": queue.rate_in,
        "rate_out": queue.rate_out,
        "consumers": None if queue.consumers is None else list(queue.consumers),
    }


def of_edge(vhost: str, edge: Edge) -> dict[str, Any]:
    cells = (
        vhost, edge.kind.value, *edge.source, *edge.destination, edge.key, dict(edge.arguments),
    )  # fmt: skip
    return dict(zip(EDGE_COLUMNS, cells, strict=True))


def of_trace(vhost: str, exchange: str, key: str, headers: Mapping[str, Any], found: Trace) -> dict[str, Any]:
    """{"queues": [{"name", "paths": [[edge, ...], ...]}, ...]} and what was asked."""
    return {
        "vhost": vhost,
        "exchange": exchange,
        "routing_key": key,
        "headers": dict(headers),
        "queues": [
            {"name": queue, "paths": [[of_edge(vhost, edge) for edge in path] for path in paths]}
            for queue, paths in found.paths.items()
        ],
        "cannot_be_told": [{"exchange": each.name, "type": each.type} for each in found.untold],
    }
