"""`topology [NAME]`: who is bound to what, as a tree, a picture or data, and which way a message would go."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from rmqctl.api import lists, queues
from rmqctl.api.answering import statistics_off
from rmqctl.api.client import Client
from rmqctl.commands.kit.outgoing import headers_of
from rmqctl.errors import NotFound, UsageError
from rmqctl.graph import data, model, selection, words
from rmqctl.graph import trace as tracing
from rmqctl.graph.model import Edge, Graph, Node
from rmqctl.graph.trace import Trace
from rmqctl.naming import closest
from rmqctl.resources.clients import CHANNEL_FIELDS, CONNECTION_FIELDS
from rmqctl.resources.patterns import compiled
from rmqctl.result import Result, Rows, Value
from rmqctl.session import Session
from rmqctl.terms import AmqpTable

PICTURES = ("dot", "mermaid", "svg")
"""A module of rmqctl.graph each: `draw(graphs) -> str`."""

UNROUTABLE = 65
"""The exit code when no queue gets the message, as that of publish."""

UNTOLD = 3
"""When it cannot be told whether one does."""


def topology(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Exchange or queue: what leads to it and follows.", show_default=False),
    ] = None,
    focus: Annotated[
        str | None,
        typer.Option("--focus", metavar="NAME", help="Only what is near an exchange or a queue.", show_default=False),
    ] = None,
    depth: Annotated[int, typer.Option("--depth", min=0, metavar="N", help="How many hops away, for --focus.")] = 1,
    match: Annotated[
        str | None,
        typer.Option(
            "--match", metavar="REGEX", help="Only names that match, and what connects them.", show_default=False
        ),
    ] = None,
    trace: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--trace", metavar="EXCHANGE KEY", help="Show which queues a message would reach.", show_default=False
        ),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="NAME=VALUE", help="NAME:=JSON for other types; repeatable; for --trace."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Exchanges amq.* without bindings too.")] = False,
    all_vhosts: Annotated[bool, typer.Option("--all-vhosts", help="Every virtual host.")] = False,
) -> Result:
    """Show who is bound to what: exchanges, bindings, queues and their consumers, dead letters and alternate exchanges.

    Formats besides the usual ones: dot (Graphviz), mermaid, svg. Those of lists (csv, tsv, jsonl and so on) have a row for
    each binding, alternate exchange and dead letter exchange.

    --trace shows which queues a message with that key would reach, and by which bindings; "" is the default exchange. Exit
    code 65 when it reaches none, 3 when only the broker knows (exchange types of plugins).
    """
    if header and trace is None:
        raise UsageError("--header goes with --trace")
    if trace is not None:
        if name is not None or focus is not None or match is not None or all_vhosts:
            raise UsageError(
                "--trace is about one virtual host and all of it: no NAME, --focus, --match or --all-vhosts"
            )
        return _trace(session, *trace, headers_of(header or []))
    select = _selection(name, focus, depth, match, everything)
    rows, messages = _rows(session.client, None if all_vhosts else session.vhost)
    found = model.graphs(rows, session.vhost)
    graphs = [part for graph in found if (part := select(graph)) is not None]
    wanted = name if name is not None else focus
    if wanted is not None and not graphs:
        raise _unknown(session, ("exchange", "queue"), wanted, found, all_vhosts)
    return _answer(session, graphs, messages)


# What is shown of it

_Select = Callable[[Graph], Graph | None]


def _selection(name: str | None, focus: str | None, depth: int, match: str | None, everything: bool) -> _Select:
    """None for a virtual host that has nothing of that name."""
    if sum(each is not None for each in (name, focus, match)) > 1:
        raise UsageError("one of NAME, --focus and --match")
    if name is not None:
        return lambda graph: selection.line(graph, found) if (found := selection.named(graph, name)) else None
    if focus is not None:
        return lambda graph: selection.around(graph, found, depth) if (found := selection.named(graph, focus)) else None
    if match is not None:
        pattern = compiled(match)
        return lambda graph: selection.matching(graph, pattern)
    return (lambda graph: graph) if everything else selection.without_idle


def _unknown(session: Session, kinds: Sequence[str], name: str, graphs: Sequence[Graph], all_vhosts: bool) -> NotFound:
    known = [node.name for graph in graphs for node in graph.nodes if node.kind in kinds]
    close = closest(name, known)
    hint = f"; did you mean {close!r}?" if close else ""
    where = "any virtual host" if all_vhosts else f"virtual host {session.vhost!r}"
    return NotFound(f"there is no {' or '.join(kinds)} {name!r} in {where}{hint} ({session.client.endpoint.url})")


# What is asked of the broker


def _rows(client: Client, vhost: str | None) -> tuple[model.Rows, tuple[str, ...]]:
    """Everything, and lines about what the broker does not tell."""
    found = _definitions(client, vhost, model.EXCHANGE_RATES)
    fields = (*model.QUEUE_FIELDS, *model.COUNT_FIELDS, *model.QUEUE_RATES)
    queue_rows = queues.fetch(client, vhost, fields, totals=True, statistics=True).rows
    consumers = lists.of_vhost(client, "consumers", vhost, fields=model.CONSUMER_FIELDS)
    found = found._replace(queues=queue_rows, consumers=consumers)
    if not consumers:
        off = statistics_off(client, "consumers") if queue_rows else ()
        return (found._replace(consumers=None) if off else found), off
    channels = lists.of_clients(client, "channels", vhost, fields=CHANNEL_FIELDS)
    connections = lists.of_clients(client, "connections", vhost, fields=CONNECTION_FIELDS)
    return found._replace(channels=channels, connections=connections), ()


def _definitions(client: Client, vhost: str | None, statistics: Sequence[str] = ()) -> model.Rows:
    """Exchanges, bindings, and the policies if an exchange has one."""
    exchanges = lists.of_vhost(client, "exchanges", vhost, fields=(*model.EXCHANGE_FIELDS, *statistics))
    bindings = lists.of_vhost(client, "bindings", vhost, fields=model.BINDING_FIELDS)
    policies = lists.of_vhost(client, "policies", vhost) if any(row.get("policy") for row in exchanges) else []
    return model.Rows(exchanges, [], bindings, policies)


# How it is printed


def _answer(session: Session, graphs: Sequence[Graph], messages: tuple[str, ...]) -> Result:
    form = session.format
    if form.name in PICTURES:
        return Value(None, _picture(form.name, graphs), messages)
    if form.prose:
        from rmqctl.graph import tree

        lines = [line for graph in graphs for line in tree.lines(graph)]
        alarming = frozenset(number for number, line in enumerate(lines) if line.alarming)
        return Value(None, "\n".join(line.text for line in lines), messages, alarming=alarming)
    if form.nested:
        return Value(data.of_graphs(graphs), messages=messages)
    edges = [(graph.vhost, edge) for graph in graphs for link in graph.links() for edge in link.edges]
    return _edges(session, edges)._replace(messages=messages)


def _picture(formatter: str, graphs: Sequence[Graph]) -> str:
    text: str = import_module(f"rmqctl.graph.{formatter}").draw(graphs)
    return text


def _edges(session: Session, edges: Sequence[tuple[str, Edge]]) -> Rows:
    rows = [data.of_edge(vhost, edge) for vhost, edge in edges]
    if not session.format.native:
        rows = [{**row, "arguments": AmqpTable(row["arguments"])} for row in rows]
    return Rows(data.EDGE_COLUMNS, [tuple(row.values()) for row in rows])


# The way of a message


def _trace(session: Session, exchange: str, key: str, headers: Mapping[str, Any]) -> Result:
    exchange = "" if exchange == "amq.default" else exchange
    client, vhost = session.client, session.vhost
    names = queues.fetch(client, vhost, model.QUEUE_FIELDS, totals=False, statistics=False).rows
    (graph,) = model.graphs(_definitions(client, vhost)._replace(queues=names), vhost)
    start = graph.exchanges.get(exchange)
    if exchange and (start is None or start.type is None):
        raise _unknown(session, ("exchange",), exchange, [graph], False)
    found = tracing.trace(graph, exchange, tracing.message(key, headers))
    messages = (
        [f"note: exchange {exchange!r} is internal: clients cannot publish to it"] if start and start.internal else []
    )
    messages += [
        f"note: exchange {each.name!r} has type {each.type}: only the broker can tell which of its bindings fit"
        for each in found.untold
    ]
    code = 0 if found.paths else UNTOLD if found.untold else UNROUTABLE
    return _way(session, graph, exchange, key, headers, found)._replace(messages=tuple(messages), exit_code=code)


def _way(
    session: Session, graph: Graph, exchange: str, key: str, headers: Mapping[str, Any], found: Trace
) -> Value | Rows:
    form = session.format
    if form.name in PICTURES:
        nodes = {
            Node("exchange", exchange),
            *(node for edge in found.edges for node in (edge.source, edge.destination)),
        }
        return Value(None, _picture(form.name, [graph.of(nodes, found.edges)]))
    if form.prose:
        return Value(None, "\n".join(_in_words(graph, exchange, key, found)))
    if form.nested:
        return Value(data.of_trace(graph.vhost, exchange, key, headers, found))
    return _edges(session, [(graph.vhost, edge) for edge in found.edges])


def _in_words(graph: Graph, exchange: str, key: str, found: Trace) -> list[str]:
    lines = []
    for queue, paths in found.paths.items():
        lines.append(f"queue {words.name(Node('queue', queue))}")
        lines += [f"  {_path(graph, path)}" for path in paths]
    if not found.paths:
        where = f"exchange {words.name(Node('exchange', exchange))} with key {key!r} in virtual host {graph.vhost!r}"
        lines.append(f"{where}: " + ("it cannot be told" if found.untold else "reaches no queue"))
    return lines


def _path(graph: Graph, path: Sequence[Edge]) -> str:
    hops = [
        f"-[{words.of_edge(edge, graph)}]-> {edge.destination.kind} {words.name(edge.destination)}" for edge in path
    ]
    return " ".join([f"exchange {words.name(path[0].source)}", *hops])
