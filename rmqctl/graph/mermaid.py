"""The graph as a flowchart of Mermaid (https://mermaid.js.org/syntax/flowchart.html), which many wikis and forges draw."""

import re
from collections.abc import Iterable, Iterator, Sequence

from rmqctl.graph import words
from rmqctl.graph.model import Graph, Kind, Node, Queue
from rmqctl.graph.picture import consumers, identifiers

_ARROWS = {Kind.BINDING: "-->", Kind.ALTERNATE: "-.->", Kind.DEAD_LETTER: "-.->"}
_CLASSES = """
  classDef exchange fill:#e8f0fe,stroke:#3c64b1,color:#111
  classDef unused fill:#e8f0fe,stroke:#3c64b1,color:#111,stroke-dasharray:4 3
  classDef queue fill:#e6f4ea,stroke:#2e7d4f,color:#111
  classDef holding fill:#fff3c4,stroke:#a06a00,color:#111
  classDef consumer fill:#f1f3f4,stroke:#5f6368,color:#111"""[1:]


def draw(graphs: Sequence[Graph]) -> str:
    lines = (line for number, graph in enumerate(graphs, 1) for line in _subgraph(graph, number))
    return "\n".join(["flowchart LR", *lines, _CLASSES])


def _subgraph(graph: Graph, number: int) -> Iterator[str]:
    names = identifiers(graph, f"v{number}_")
    yield f"  subgraph v{number} [{_quoted([f'virtual host {words.vhost(graph)}'])}]"
    for name, exchange in graph.exchanges.items():
        node = Node("exchange", name)
        label = _quoted([words.name(node), words.joined(words.of_exchange(exchange))])
        yield f"    {names[node]}([{label}]):::{'exchange' if exchange.leads else 'unused'}"
    for name, queue in graph.queues.items():
        yield from _queue(names[Node("queue", name)], queue)
    for link in graph.links():
        label = _quoted(words.of_link(link, graph))
        yield f"    {names[link.source]} {_ARROWS[link.kind]}|{label}| {names[link.destination]}"
    yield "  end"


def _queue(name: str, queue: Queue) -> Iterator[str]:
    label = _quoted([words.name(Node("queue", queue.name)), words.joined(words.of_queue(queue))])
    yield f"    {name}[({label})]:::{'holding' if queue.unacknowledged else 'queue'}"
    for number, each in enumerate(consumers(queue), 1):
        label = _quoted([each.title, words.joined(each.facts)])
        yield f"    {name}c{number}[{label}]:::{'holding' if each.holds else 'consumer'}"
        yield f"    {name} --> {name}c{number}"


_SPECIAL = re.compile(r"[^\w ,/=:.'()-]|(?<![^\W_])_|_(?![^\W_])|^[-.\d]")
"""Everything that Mermaid, Markdown or HTML might read as more than itself; a digit or a dash may begin a list,
and an underscore within a word is nothing more."""


def _quoted(lines: Iterable[str]) -> str:
    return '"' + "<br/>".join(_SPECIAL.sub(_code, line) for line in lines if line) + '"'


def _code(match: re.Match[str]) -> str:
    """As Mermaid's entity code."""
    return f"#{ord(match[0])};" if match[0].isascii() else match[0]
