"""Where a message would go: the bindings that it takes from an exchange on, and the queues at their ends.

Followed are bindings and alternate exchanges; what a queue does with the message later (dead letters) is not.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from rmqctl.graph.model import Edge, Exchange, Graph, Kind, Node
from rmqctl.matching import Topics, headers_match

WAYS = 5
"""So many ways to an exchange are told; there may be more of them than anybody reads."""


class Message(NamedTuple):
    """What routing looks at. `keys`: the routing key, and those of the headers CC and BCC."""

    keys: Sequence[str]
    headers: Mapping[str, Any]


class Trace(NamedTuple):
    """`paths`: each queue that gets the message, with the ways to it. `edges`: all that the message takes.

    `untold`: exchanges that it comes to and whose type only the broker understands.
    """

    paths: Mapping[str, list[tuple[Edge, ...]]]
    edges: Sequence[Edge]
    untold: Sequence[Exchange]


def message(key: str, headers: Mapping[str, Any]) -> Message:
    """https://www.rabbitmq.com/docs/sender-selected has CC and BCC."""
    more = [each for name in ("CC", "BCC") if isinstance(headers.get(name), list) for each in headers[name]]
    return Message([key, *map(str, more)], headers)


def trace(graph: Graph, exchange: str, sent: Message) -> Trace:
    """The way of a message that is published to an exchange of the graph, or to the default one ("")."""
    outgoing: dict[str, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        if edge.source.kind == "exchange":
            outgoing[edge.source.name].append(edge)
    taken: dict[str, list[Edge]] = {}
    untold: list[Exchange] = []
    todo = [exchange]
    while todo:
        name = todo.pop()
        if name in taken:
            continue
        at = graph.exchanges.get(name, Exchange(name))
        found = _taken(at, outgoing[name], sent) if name else _by_name(graph, sent)
        if found is None and at.type is not None:
            untold.append(at)
        taken[name] = found or []
        todo += [edge.destination.name for edge in taken[name] if edge.destination.kind == "exchange"]
    return Trace(_ways(exchange, taken), [edge for edges in taken.values() for edge in edges], untold)


def _by_name(graph: Graph, sent: Message) -> list[Edge]:
    """The default exchange has a binding for each queue, which nobody spells out."""
    default = Node("exchange", "")
    queues = (Node("queue", key) for key in dict.fromkeys(sent.keys) if key in graph.queues)
    return [Edge(Kind.BINDING, default, queue, queue.name) for queue in queues]


def _taken(exchange: Exchange, edges: Sequence[Edge], sent: Message) -> list[Edge] | None:
    """The edges on which the message leaves the exchange; None when nobody but the broker knows."""
    fits = _FITTING.get(str(exchange.routes_as))
    if fits is None:
        return None
    found = fits([edge for edge in edges if edge.kind is Kind.BINDING], sent)
    return found or [edge for edge in edges if edge.kind is Kind.ALTERNATE]


def _direct(bindings: Sequence[Edge], sent: Message) -> list[Edge]:
    return [binding for binding in bindings if binding.key in sent.keys]


def _fanout(bindings: Sequence[Edge], sent: Message) -> list[Edge]:  # noqa: ARG001
    return list(bindings)


def _topic(bindings: Sequence[Edge], sent: Message) -> list[Edge]:
    topics: Topics[int] = Topics()
    for number, binding in enumerate(bindings):
        topics.add(binding.key or "", number)
    found = {number for key in sent.keys for number in topics.match(key)}
    return [bindings[number] for number in sorted(found)]


def _headers(bindings: Sequence[Edge], sent: Message) -> list[Edge]:
    return [binding for binding in bindings if headers_match(_with_void(binding.arguments), sent.headers)]


def _with_void(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """An argument without a value comes as Erlang's name for it, not to be told from the text of that name."""
    return {name: None if value == "undefined" else value for name, value in arguments.items()}


_FITTING: Mapping[str, Callable[[Sequence[Edge], Message], list[Edge]]] = {
    "direct": _direct,
    "fanout": _fanout,
    "topic": _topic,
    "headers": _headers,
}


def _ways(start: str, taken: Mapping[str, Sequence[Edge]]) -> dict[str, list[tuple[Edge, ...]]]:
    """Each queue with the ways to it, the shortest first, by its name. No way goes through an exchange twice."""
    found: dict[str, list[tuple[Edge, ...]]] = defaultdict(list)
    arrivals: dict[str, int] = defaultdict(int)
    todo: deque[tuple[str, tuple[Edge, ...]]] = deque([(start, ())])
    while todo:
        name, way = todo.popleft()
        arrivals[name] += 1
        if arrivals[name] > WAYS:
            continue
        passed = {start, *(edge.destination.name for edge in way)}
        for edge in taken.get(name, ()):
            if edge.destination.kind == "queue":
                found[edge.destination.name].append((*way, edge))
            elif edge.destination.name not in passed:
                todo.append((edge.destination.name, (*way, edge)))
    return dict(sorted(found.items()))
