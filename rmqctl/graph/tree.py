"""The graph as lines of text: virtual host, exchanges, what is bound to them, and the consumers of queues.

Bindings go down a level. An exchange that was shown before is only named again, so that cycles end; alternate exchanges
and dead letters are only named, too.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rmqctl.graph import words
from rmqctl.graph.model import Graph, Kind, Link, Node, Queue
from rmqctl.output.escape import visible


class Line(NamedTuple):
    """`alarming`: somebody holds messages."""

    text: str
    alarming: bool = False


class _Branch(NamedTuple):
    """A line and what hangs below it, made when it is drawn."""

    line: Line
    below: Iterable["_Branch"] = ()
    dashed: bool = False


def lines(graph: Graph) -> list[Line]:
    return [Line(f"virtual host {words.vhost(graph)}"), *_drawn(_Tree(graph).top())]


def _drawn(top: Iterable[_Branch]) -> Iterator[Line]:
    todo = _stacked(top, "")
    while todo:
        branch, before, last = todo.pop()
        dashes = "╌╌" if branch.dashed else "──"
        yield branch.line._replace(text=f"{before}{'└' if last else '├'}{dashes} {branch.line.text}")
        todo += _stacked(branch.below, f"{before}{'    ' if last else '│   '}")


def _stacked(branches: Iterable[_Branch], before: str) -> list[tuple[_Branch, str, bool]]:
    """The last one first, for a stack."""
    return [(branch, before, not number) for number, branch in enumerate(reversed(list(branches)))]


class _Tree:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._shown: set[Node] = set()
        self._links: dict[Node, list[Link]] = defaultdict(list)
        for link in graph.links():
            self._links[link.source].append(link)
        links = (link for links in self._links.values() for link in links)
        self._bound = {
            each.destination for each in links if each.kind is Kind.BINDING and each.source != each.destination
        }

    def top(self) -> Iterator[_Branch]:
        """Exchanges that are bound to none first, then one of each cycle, then the other queues."""
        for node in self._starts():
            yield self._exchange(node, "")
        queues = self._graph.queues
        there = (Node("queue", name) for name, queue in queues.items() if queue.type is not None)
        alone = [node for node in there if node not in self._bound]
        yield from (self._queue(node, "") for node in alone if queues[node.name].bound)
        by_name = [node for node in alone if not queues[node.name].bound]
        if by_name:
            yield _Branch(Line("bound to no exchange but the default one"), (self._queue(node, "") for node in by_name))

    def _starts(self) -> Iterator[Node]:
        exchanges = [Node("exchange", name) for name, each in self._graph.exchanges.items() if each.type is not None]
        reached: set[Node] = set()
        for start in [*(node for node in exchanges if node not in self._bound), *exchanges]:
            if start not in reached:
                yield start
                todo = [start]
                while todo:
                    node = todo.pop()
                    if node not in reached:
                        reached.add(node)
                        todo += [link.destination for link in self._links[node] if link.kind is Kind.BINDING]

    def _exchange(self, node: Node, before: str) -> _Branch:
        seen = node in self._shown
        self._shown.add(node)
        exchange = self._graph.exchanges[node.name]
        told = ["shown elsewhere"] if seen else words.of_exchange(exchange)
        line = Line(f"{before}exchange {words.name(node)} ({words.joined(told)})")
        return _Branch(line, () if seen else map(self._link, self._links[node]))

    def _link(self, link: Link) -> _Branch:
        before = f"{words.joined(words.of_link(link, self._graph))} → "
        if link.kind is not Kind.BINDING:
            return _Branch(Line(f"{before}{self._named(link.destination)}"), dashed=True)
        if link.destination.kind == "exchange":
            return self._exchange(link.destination, before)
        return self._queue(link.destination, before)

    def _named(self, node: Node) -> str:
        there = self._graph.exchanges.get(node.name) if node.kind == "exchange" else self._graph.queues.get(node.name)
        missing = "" if there and there.type is not None else " (does not exist)"
        return f"{node.kind} {words.name(node)}{missing}"

    def _queue(self, node: Node, before: str) -> _Branch:
        """Consumers and dead letters stand where the queue is shown first."""
        seen = node in self._shown
        self._shown.add(node)
        queue = self._graph.queues[node.name]
        line = Line(
            f"{before}queue {words.name(node)} ({words.joined(words.of_queue(queue))})", bool(queue.unacknowledged)
        )
        return _Branch(line, () if seen else self._below(node, queue))

    def _below(self, node: Node, queue: Queue) -> Iterator[_Branch]:
        for consumer in queue.consumers or ():
            tag = visible(str(consumer["consumer_tag"]))
            client = words.consumer_name(consumer)
            who = f"consumer {tag}" + (f" of {client}" if client != tag else "")
            yield _Branch(Line(f"{who} ({words.joined(words.of_consumer(consumer))})", words.holds(consumer)))
        yield from map(self._link, self._links[node])
