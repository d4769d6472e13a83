"""Parts of a graph: what leads to something and follows from it, its neighbourhood, what matches."""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from rmqctl.graph.model import Graph, Node

_Steps = Mapping[Node, list[Node]]


def named(graph: Graph, name: str) -> list[Node]:
    """The exchange and the queue of that name."""
    return [node for node in graph.nodes if node.name == name]


def line(graph: Graph, nodes: Iterable[Node]) -> Graph:
    """Everything that leads to the nodes, and everything that follows from them."""
    forth, back = _steps(graph)
    start = set(nodes)
    return _induced(graph, set(_reached(start, forth)) | set(_reached(start, back)))


def around(graph: Graph, nodes: Iterable[Node], depth: int) -> Graph:
    """Everything that is at most so many hops away, whatever their direction."""
    forth, back = _steps(graph)
    both = {node: forth.get(node, []) + back.get(node, []) for node in graph.nodes}
    return _induced(graph, {node for node, hops in _reached(nodes, both).items() if hops <= depth})


def matching(graph: Graph, pattern: re.Pattern[str]) -> Graph:
    """The nodes whose names match, with all their edges, and what lies on the way from one to another."""
    forth, back = _steps(graph)
    found = {node for node in graph.nodes if pattern.search(node.name)}
    between = set(_reached(found, forth)) & set(_reached(found, back))
    edges = [
        edge
        for edge in graph.edges
        if edge.source in found or edge.destination in found or (edge.source in between and edge.destination in between)
    ]
    return graph.of({*found, *(node for edge in edges for node in (edge.source, edge.destination))}, edges)


def without_idle(graph: Graph) -> Graph:
    """Without the exchanges that every virtual host has, where nothing is bound to them."""
    used = {node for edge in graph.edges for node in (edge.source, edge.destination)}
    kept = [node for node in graph.nodes if node in used or node.kind == "queue" or not node.name.startswith("amq.")]
    return graph.of(kept, graph.edges)


def _steps(graph: Graph) -> tuple[_Steps, _Steps]:
    forth: dict[Node, list[Node]] = defaultdict(list)
    back: dict[Node, list[Node]] = defaultdict(list)
    for edge in graph.edges:
        forth[edge.source].append(edge.destination)
        back[edge.destination].append(edge.source)
    return forth, back


def _reached(start: Iterable[Node], steps: _Steps) -> dict[Node, int]:
    """Every node that can be reached, with the number of hops."""
    hops = dict.fromkeys(start, 0)
    todo = deque(hops)
    while todo:
        node = todo.popleft()
        for following in steps.get(node, ()):
            if following not in hops:
                hops[following] = hops[node] + 1
                todo.append(following)
    return hops


def _induced(graph: Graph, nodes: set[Node]) -> Graph:
    return graph.of(nodes, [edge for edge in graph.edges if edge.source in nodes and edge.destination in nodes])
