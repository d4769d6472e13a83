"""The graph of a virtual host, made from the rows of the HTTP API. Pure: no I/O.

What a row does not tell is None, and so is everything of an exchange or a queue that is pointed to and is not there.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from rmqctl.resources import clients
from rmqctl.resources.column import Object, reader


class Kind(Enum):
    """Why messages go along an edge."""

    BINDING = "binding"
    ALTERNATE = "alternate"
    """No binding of the exchange fitted."""
    DEAD_LETTER = "dead-letter"
    """They expired, were rejected or did not fit into the queue."""


class Node(NamedTuple):
    """`kind`: exchange or queue, as in `destination_type` of a binding."""

    kind: str
    name: str


class Exchange(NamedTuple):
    """Rates are messages a second. `type` None: there is no such exchange. `arguments` are those of its declaration.

    `leads`: it has bindings or an alternate exchange, whether or not they are in this part of the graph.
    """

    name: str
    type: str | None = None
    internal: bool = False
    arguments: Mapping[str, Any] = {}
    alternate: str | None = None
    leads: bool = False
    rate_in: float | None = None
    rate_out: float | None = None

    @property
    def routes_as(self) -> str | None:
        """The type that it routes by: the plugin for delayed messages is told one."""
        if self.type == "x-delayed-message":
            return str(self.arguments.get("x-delayed-type"))
        return self.type


class Queue(NamedTuple):
    """`consumers` are as clients.of_consumer makes them; None: unknown. `type` None: there is no such queue.

    `bound`: to an exchange with a name, whether or not that is in this part of the graph.
    """

    name: str
    type: str | None = None
    bound: bool = False
    ready: int | None = None
    unacknowledged: int | None = None
    rate_in: float | None = None
    rate_out: float | None = None
    consumers: tuple[dict[str, Any], ...] | None = None


class Edge(NamedTuple):
    """From an exchange for a binding or an alternate exchange, from a queue for dead letters.

    `key` None: as each message has it (dead letters that keep theirs, alternate exchanges).
    """

    kind: Kind
    source: Node
    destination: Node
    key: str | None = None
    arguments: Mapping[str, Any] = {}


class Link(NamedTuple):
    """All edges of a kind between the same two."""

    kind: Kind
    source: Node
    destination: Node
    edges: tuple[Edge, ...]


class Graph(NamedTuple):
    vhost: str
    exchanges: Mapping[str, Exchange]
    queues: Mapping[str, Queue]
    edges: Sequence[Edge]

    @property
    def nodes(self) -> list[Node]:
        return [Node("exchange", name) for name in self.exchanges] + [Node("queue", name) for name in self.queues]

    def links(self) -> list[Link]:
        """In the order of the names."""
        found: dict[tuple[Node, Node, str], list[Edge]] = defaultdict(list)
        for edge in self.edges:
            found[edge.source, edge.destination, edge.kind.value].append(edge)
        return [
            Link(edges[0].kind, source, destination, tuple(sorted(edges, key=_order)))
            for (source, destination, _), edges in sorted(found.items(), key=lambda item: item[0])
        ]

    def of(self, nodes: Iterable[Node], edges: Iterable[Edge]) -> "Graph":
        """The part with these nodes and these edges."""
        kept = set(nodes)
        return Graph(
            self.vhost,
            {name: each for name, each in self.exchanges.items() if Node("exchange", name) in kept},
            {name: each for name, each in self.queues.items() if Node("queue", name) in kept},
            list(edges),
        )


def _order(edge: Edge) -> tuple[str, str]:
    return edge.key or "", repr(sorted(edge.arguments.items(), key=str))


EXCHANGE_FIELDS = ("name", "vhost", "type", "internal", "arguments", "policy")
QUEUE_FIELDS = ("name", "vhost", "type", "arguments", "effective_policy_definition")
COUNT_FIELDS = ("messages_ready", "messages_unacknowledged")
EXCHANGE_RATES = ("message_stats.publish_in_details.rate", "message_stats.publish_out_details.rate")
QUEUE_RATES = ("message_stats.publish_details.rate", "message_stats.deliver_get_details.rate")
BINDING_FIELDS = ("source", "vhost", "destination", "destination_type", "routing_key", "arguments")
CONSUMER_FIELDS = ("queue", "consumer_tag", "ack_required", "prefetch_count", "channel_details")

_exchange_rates = tuple(map(reader, EXCHANGE_RATES))
_queue_rates = tuple(map(reader, QUEUE_RATES))
_MISSING: Mapping[str, Any] = {}


class Rows(NamedTuple):
    """Answers of the API: GET /api/exchanges, queues, bindings, policies, consumers, channels and connections.

    `consumers` None: the broker does not tell.
    """

    exchanges: Sequence[Object]
    queues: Sequence[Object]
    bindings: Sequence[Object]
    policies: Sequence[Object] = ()
    consumers: Sequence[Object] | None = None
    channels: Sequence[Object] = ()
    connections: Sequence[Object] = ()


def graphs(rows: Rows, vhost: str | None) -> list[Graph]:
    """One for each virtual host, by name. `vhost` is that of rows which do not name one."""
    exchanges, queues, bindings, policies = (
        _by_vhost(each, vhost) for each in (rows.exchanges, rows.queues, rows.bindings, rows.policies)
    )
    consumers = _consumers(rows)
    return [
        _graph(name, Rows(exchanges[name], queues[name], bindings[name], policies[name]), consumers)
        for name in sorted({*exchanges, *queues})
    ]


def _by_vhost(rows: Iterable[Object], vhost: str | None) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = defaultdict(list)
    for row in rows:
        found[str(row.get("vhost", vhost))].append(row)
    return found


_Consumers = Mapping[tuple[str, str], list[dict[str, Any]]] | None


def _consumers(rows: Rows) -> _Consumers:
    """By virtual host and queue."""
    if rows.consumers is None:
        return None
    channels = {str(row.get("name")): row for row in rows.channels}
    connections = {str(row.get("name")): row for row in rows.connections}
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows.consumers:
        queue = row.get("queue") or {}
        found[str(queue.get("vhost")), str(queue.get("name"))].append(clients.of_consumer(row, channels, connections))
    for of_queue in found.values():
        of_queue.sort(key=lambda each: (str(each["client"]), str(each["consumer_tag"]), str(each["channel"])))
    return found


def _graph(vhost: str, rows: Rows, consumers: _Consumers) -> Graph:
    policies = {str(row.get("name")): row.get("definition") or {} for row in rows.policies}
    exchanges = {str(row["name"]): _exchange(row, policies) for row in rows.exchanges if "name" in row}
    queues = {str(row["name"]): _queue(row, vhost, consumers) for row in rows.queues if "name" in row}
    edges = [_binding(row) for row in rows.bindings if row.get("source")]
    edges += [_alternate(exchange) for exchange in exchanges.values() if exchange.alternate is not None]
    edges += [edge for row in rows.queues if "name" in row for edge in _dead_letters(row)]
    for kind, name in {node for edge in edges for node in (edge.source, edge.destination)}:
        if kind == "queue":
            queues.setdefault(name, Queue(name))
        else:
            exchanges.setdefault(name, Exchange(name, None if name else "direct"))
    leading = {edge.source.name for edge in edges if edge.source.kind == "exchange"}
    bound = {edge.destination.name for edge in edges if edge.kind is Kind.BINDING and edge.destination.kind == "queue"}
    if not any(edge.destination == Node("exchange", "") for edge in edges):
        exchanges.pop("", None)  # it leads to every queue
    return Graph(
        vhost,
        {name: each._replace(leads=name in leading or not name) for name, each in sorted(exchanges.items())},
        {name: each._replace(bound=name in bound) for name, each in sorted(queues.items())},
        edges,
    )


def _exchange(row: Object, policies: Mapping[str, Mapping[str, Any]]) -> Exchange:
    arguments = row.get("arguments") or {}
    of_policy = policies.get(str(row.get("policy")), _MISSING)
    rate_in, rate_out = (rate(row) for rate in _exchange_rates)
    return Exchange(
        name=str(row["name"]),
        type=str(row.get("type", "unknown")),
        internal=bool(row.get("internal")),
        arguments=dict(arguments),
        alternate=arguments.get("alternate-exchange", of_policy.get("alternate-exchange")),
        rate_in=rate_in,
        rate_out=rate_out,
    )


def _queue(row: Object, vhost: str, consumers: _Consumers) -> Queue:
    rate_in, rate_out = (rate(row) for rate in _queue_rates)
    name = str(row["name"])
    return Queue(
        name=name,
        type=str(row.get("type") or "classic"),
        ready=row.get("messages_ready"),
        unacknowledged=row.get("messages_unacknowledged"),
        rate_in=rate_in,
        rate_out=rate_out,
        consumers=None if consumers is None else tuple(consumers.get((vhost, name), ())),
    )


def _binding(row: Object) -> Edge:
    destination = Node(str(row.get("destination_type")), str(row.get("destination")))
    arguments = row.get("arguments") or {}
    return Edge(Kind.BINDING, Node("exchange", str(row["source"])), destination, str(row.get("routing_key")), arguments)


def _alternate(exchange: Exchange) -> Edge:
    return Edge(Kind.ALTERNATE, Node("exchange", exchange.name), Node("exchange", str(exchange.alternate)))


def _dead_letters(row: Object) -> list[Edge]:
    """To its dead letter exchange; through the default exchange straight to the queue, when the key is known."""
    own, of_policy = row.get("arguments") or {}, row.get("effective_policy_definition") or {}
    exchange, key = (
        own.get(f"x-dead-letter-{part}", of_policy.get(f"dead-letter-{part}")) for part in ("exchange", "routing-key")
    )
    if exchange is None:
        return []
    to = Node("queue", str(key)) if exchange == "" and key is not None else Node("exchange", str(exchange))
    return [Edge(Kind.DEAD_LETTER, Node("queue", str(row["name"])), to, key)]
