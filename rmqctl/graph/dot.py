"""The graph in Graphviz's language (https://graphviz.org/doc/info/lang.html): `rmqctl topology -f dot | dot -Tpng -o x.png`."""

from collections.abc import Iterable, Iterator, Sequence

from rmqctl.graph import words
from rmqctl.graph.model import Graph, Kind, Link, Node, Queue
from rmqctl.graph.picture import consumers, identifiers

_STYLES = {Kind.BINDING: "", Kind.ALTERNATE: ", style=dashed", Kind.DEAD_LETTER: ', style=dashed, color="#b3261e"'}


def draw(graphs: Sequence[Graph]) -> str:
    return "\n".join(
        [
            "digraph topology {",
            "  rankdir=LR;",
            '  node [fontname="sans-serif", fontsize=11, shape=box, style=filled, fillcolor="#e8f0fe"];',
            '  edge [fontname="sans-serif", fontsize=10];',
            *(line for number, graph in enumerate(graphs, 1) for line in _cluster(graph, number)),
            "}",
        ]
    )


def _cluster(graph: Graph, number: int) -> Iterator[str]:
    names = identifiers(graph, f"v{number}_")
    yield f"  subgraph cluster_{number} {{"
    yield f"    label={_quoted([f'virtual host {words.vhost(graph)}'])};"
    for name, exchange in graph.exchanges.items():
        node = Node("exchange", name)
        style = ', style="filled,dashed"' if exchange.type is None or not exchange.leads else ', style="filled,rounded"'
        yield f"    {names[node]} [label={_quoted([words.name(node), words.joined(words.of_exchange(exchange))])}{style}];"
    for name, queue in graph.queues.items():
        yield from _queue(names[Node("queue", name)], queue)
    yield from (f"    {_edge(link, graph, names[link.source], names[link.destination])}" for link in graph.links())
    yield "  }"


def _queue(name: str, queue: Queue) -> Iterator[str]:
    color = "#fff3c4" if queue.unacknowledged else "#e6f4ea"
    label = _quoted([words.name(Node("queue", queue.name)), words.joined(words.of_queue(queue))])
    yield f'    {name} [label={label}, shape=cylinder, fillcolor="{color}"];'
    for number, each in enumerate(consumers(queue), 1):
        color = "#fff3c4" if each.holds else "#f1f3f4"
        label = _quoted([each.title, words.joined(each.facts)])
        yield f'    {name}c{number} [label={label}, shape=component, fillcolor="{color}"];'
        yield f"    {name} -> {name}c{number};"


def _edge(link: Link, graph: Graph, source: str, destination: str) -> str:
    return f"{source} -> {destination} [label={_quoted(words.of_link(link, graph))}{_STYLES[link.kind]}];"


def _quoted(lines: Iterable[str]) -> str:
    r"""A string of lines. Graphviz reads `\n` and entities such as `&amp;` in it."""
    escaped = (line.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines if line)
    return '"' + "\\n".join(escaped) + '"'
