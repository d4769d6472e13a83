"""The graph as an SVG: exchanges, queues and consumers in columns. One file without scripts, for light and dark pages."""

import unicodedata
from collections.abc import Hashable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from rmqctl.graph import words
from rmqctl.graph.layout import Arrow, Box, Place, Point, lay_out
from rmqctl.graph.model import Graph, Link, Node
from rmqctl.graph.picture import consumers

MARGIN = 24.0
HEAD = 46.0
"""Room for the name of the virtual host and the headings of the columns."""

NAME, FACT, LABEL = 7.3, 6.1, 6.1
"""How wide a character of a monospaced font is at 12 and at 10 pixels."""

LONGEST = 34
"""Characters of a name, a label, or a line of facts; what is longer is shortened, and whole in the tooltip."""

_COLORS = (
    (".paper", "fill", "#ffffff", "#0d1117"),
    ("text", "fill", "#1f2328", "#e6edf3"),
    (".fact, .head", "fill", "#57606a", "#b1bac4"),
    (".label", "stroke", "#ffffff", "#0d1117"),
    (".line", "stroke", "#8c959f", "#6e7681"),
    (".tip", "fill", "#57606a", "#9198a1"),
    (".alternate .line", "stroke", "#8250df", "#bc8cff"),
    (".alternate .tip", "fill", "#8250df", "#bc8cff"),
    (".dead-letter .line", "stroke", "#cf222e", "#ff7b72"),
    (".dead-letter .tip", "fill", "#cf222e", "#ff7b72"),
    (".exchange rect", "fill", "#ddf4ff", "#0c2d6b"),
    (".exchange rect", "stroke", "#0969da", "#58a6ff"),
    (".queue rect", "fill", "#dafbe1", "#0f3d1f"),
    (".queue rect", "stroke", "#1a7f37", "#3fb950"),
    (".consumer rect", "fill", "#f6f8fa", "#21262d"),
    (".consumer rect", "stroke", "#6e7781", "#8b949e"),
    (".holding rect", "fill", "#fff1b8", "#4d3800"),
    (".holding rect", "stroke", "#9a6700", "#e3b341"),
)
"""Selector, property, and the colour on light and on dark pages. Programs that know no pages take the first."""

_RULES = (
    (".name", "font-size: 12px; font-weight: bold"),
    (".fact, .label, .head", "font-size: 10px"),
    (".label", "text-anchor: end; stroke-width: 4px; stroke-linejoin: round; paint-order: stroke"),
    (".line", "fill: none; stroke-width: 1.2px"),
    (".alternate .line, .dead-letter .line, .missing rect", "stroke-dasharray: 5 3"),
)


class _Consumer(NamedTuple):
    """A box of consumers of a queue."""

    queue: Node
    number: int


class _Shape(NamedTuple):
    """What is in a box. `classes` say how it looks, `whole` is its tooltip."""

    classes: str
    title: str
    facts: Sequence[str]
    rank: int
    whole: str

    @property
    def box(self) -> Box:
        width = max([_cells(self.title) * NAME, *(_cells(line) * FACT for line in self.facts)])
        return Box(self.rank, width + 24, 26 + 14.0 * len(self.facts))


class _Label(NamedTuple):
    """Of a line: its text and its tooltip."""

    text: str
    whole: str


def draw(graphs: Sequence[Graph]) -> str:
    sheets = [_Sheet(graph) for graph in graphs]
    width = max((sheet.width for sheet in sheets), default=0.0) + 2 * MARGIN
    height = sum(sheet.height for sheet in sheets) + MARGIN * (len(sheets) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="rmqctl-topology" width="{_px(width)}" height="{_px(height)}" '
        f'viewBox="0 0 {_px(width)} {_px(height)}" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace">',
        f"<title>topology of {escape(', '.join(words.vhost(graph) for graph in graphs))}</title>",
        f"<style>{_style()}</style>",
        '<rect class="paper" width="100%" height="100%"/>',
    ]
    y = MARGIN
    for sheet in sheets:
        parts += [f'<g transform="translate({_px(MARGIN)} {_px(y)})">', *sheet.parts(), "</g>"]
        y += sheet.height + MARGIN
    return "\n".join([*parts, "</svg>"])


def _style() -> str:
    light = [_rule(selectors, f"{name}: {color}") for selectors, name, color, _ in _COLORS]
    dark = [_rule(selectors, f"{name}: {color}") for selectors, name, _, color in _COLORS]
    rules = [_rule(selectors, text) for selectors, text in _RULES]
    return "\n".join(["", *light, *rules, "@media (prefers-color-scheme: dark) {", *dark, "}", ""])


def _rule(selectors: str, text: str) -> str:
    """About this picture alone, wherever in a page it stands."""
    scoped = ", ".join(f".rmqctl-topology {selector}" for selector in selectors.split(", "))
    return f"{scoped} {{ {text} }}"


class _Sheet:
    """The picture of one virtual host. Lengths are from its upper left corner."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._links = graph.links()
        self._shapes: dict[Hashable, _Shape] = dict(_shapes(graph, self._links))
        self._labels = [_label(link, graph) for link in self._links]
        arrows = [
            Arrow(link.source, link.destination, _cells(label.text) * LABEL)
            for link, label in zip(self._links, self._labels, strict=True)
        ]
        arrows += [Arrow(id_.queue, id_) for id_ in self._shapes if isinstance(id_, _Consumer)]
        self._layout = lay_out({id_: shape.box for id_, shape in self._shapes.items()}, arrows)
        self._head = f"virtual host {words.vhost(graph)}"
        self.width = max(self._layout.width, len(self._head) * NAME)
        self.height = HEAD + self._layout.height

    def parts(self) -> Iterator[str]:
        yield f'<text class="name" y="12">{escape(self._head)}</text>'
        yield f'<g transform="translate(0 {_px(HEAD)})">'
        yield from self._headings()
        lines = self._layout.lines
        labelled = list(zip(self._links, self._labels, lines, strict=False))
        for link, label, points in labelled:
            level = _levelled(points, _cells(label.text) * LABEL)
            yield _line(level, link.kind.value, backward=self._backward(link))
        for points in lines[len(labelled) :]:
            yield _line(points, "consuming", backward=False)
        for _, label, points in labelled:
            x, y = points[-1]
            yield f'<text class="label" x="{_px(x - 12)}" y="{_px(y - 4)}">{escape(label.text)}{_tooltip(label)}</text>'
        for id_, shape in self._shapes.items():
            yield from _box(shape, self._layout.places[id_])
        yield "</g>"

    def _headings(self) -> Iterator[str]:
        lefts: dict[str, float] = {}
        for id_, shape in self._shapes.items():
            kind = shape.classes.split()[0]
            x = self._layout.places[id_].x
            lefts[kind] = min(x, lefts.get(kind, x))
        for kind, x in lefts.items():
            yield f'<text class="head" x="{_px(x)}" y="-12">{kind}s</text>'

    def _backward(self, link: Link) -> bool:
        """Whether the line leads from right to left."""
        return self._shapes[link.source].rank > self._shapes[link.destination].rank


def _shapes(graph: Graph, links: Sequence[Link]) -> Iterator[tuple[Hashable, _Shape]]:
    ranks = _ranks(graph, links)
    of_queues = max(ranks.values(), default=-1) + 1
    for name, exchange in graph.exchanges.items():
        node = Node("exchange", name)
        missing = "" if exchange.leads else " missing"
        yield node, _shape(f"exchange{missing}", words.name(node), words.of_exchange(exchange), ranks[name])
    for name, queue in graph.queues.items():
        node = Node("queue", name)
        more = " missing" if queue.type is None else " holding" if queue.unacknowledged else ""
        yield node, _shape(f"queue{more}", words.name(node), words.of_queue(queue), of_queues)
    for name, queue in graph.queues.items():
        for number, each in enumerate(consumers(queue)):
            more = " holding" if each.holds else ""
            yield (
                _Consumer(Node("queue", name), number),
                _shape(f"consumer{more}", each.title, each.facts, of_queues + 1),
            )


def _shape(classes: str, title: str, facts: Sequence[str], rank: int) -> _Shape:
    lines: list[str] = []
    for fact in facts:
        if lines and _cells(lines[-1]) + _cells(fact) + 2 <= LONGEST:
            lines[-1] += f", {fact}"
        else:
            lines.append(_shortened(fact))
    return _Shape(classes, _shortened(title), lines, rank, f"{title}: {words.joined(facts)}")


def _ranks(graph: Graph, links: Sequence[Link]) -> dict[str, int]:
    """The column of each exchange: one after all those that lead to it, cycles cut where the fewest do."""
    following: dict[str, list[str]] = {name: [] for name in graph.exchanges}
    missing = dict.fromkeys(graph.exchanges, 0)
    for link in links:
        if link.source.kind == link.destination.kind == "exchange" and link.source != link.destination:
            following[link.source.name].append(link.destination.name)
            missing[link.destination.name] += 1
    least = dict.fromkeys(graph.exchanges, 0)
    ranks: dict[str, int] = {}
    ready = [name for name, count in missing.items() if not count]
    while len(ranks) < len(graph.exchanges):
        if not ready:
            ready = [min((name for name in missing if name not in ranks), key=lambda name: (missing[name], name))]
        name = ready.pop()
        ranks[name] = least[name]
        for other in following[name]:
            missing[other] -= 1
            if other not in ranks:
                least[other] = max(least[other], ranks[name] + 1)
                if not missing[other]:
                    ready.append(other)
    return ranks


def _label(link: Link, graph: Graph) -> _Label:
    whole = words.joined(words.of_link(link, graph))
    return _Label(_shortened(whole), whole)


# The parts of the file


def _box(shape: _Shape, place: Place) -> Iterator[str]:
    corner = {"exchange": 14, "queue": 4}.get(shape.classes.split()[0], 0)
    yield f'<g class="{shape.classes}"><title>{escape(shape.whole)}</title>'
    yield (
        f'<rect x="{_px(place.x)}" y="{_px(place.y)}" width="{_px(place.width)}" height="{_px(place.height)}" rx="{corner}"/>'
    )
    x, y = place.x + 12, place.y + (place.height - 14 * len(shape.facts)) / 2 + 4
    yield f'<text class="name" x="{_px(x)}" y="{_px(y)}">{escape(shape.title)}</text>'
    for number, line in enumerate(shape.facts, 1):
        yield f'<text class="fact" x="{_px(x)}" y="{_px(y + 14 * number)}">{escape(line)}</text>'
    yield "</g>"


def _line(points: Sequence[Point], kind: str, *, backward: bool) -> str:
    """The line with its arrow, which leads to the last point, or `backward` to the first."""
    (x, y), tip = points[0 if backward else -1], -8 if not backward else 8
    path = _path(points)
    return (
        f'<g class="{kind}"><path class="line" d="{path}"/>'
        f'<path class="tip" d="M{_px(x + tip)} {_px(y - 4)}L{_px(x)} {_px(y)}L{_px(x + tip)} {_px(y + 4)}z"/></g>'
    )


def _levelled(points: Sequence[Point], room: float) -> Sequence[Point]:
    """With an even end, on which a label can stand."""
    x, y = points[-1]
    return points if points[0][0] == x else [*points[:-1], (x - room - 14, y), (x, y)]


def _path(points: Sequence[Point]) -> str:
    (x, y), *rest = points
    path = f"M{_px(x)} {_px(y)}"
    for to_x, to_y in rest:
        # Both ends on the same side of a column: out to the left and back.
        bend, other = (x - 40, to_x - 40) if to_x == x else ((x + to_x) / 2, (x + to_x) / 2)
        path += f"C{_px(bend)} {_px(y)} {_px(other)} {_px(to_y)} {_px(to_x)} {_px(to_y)}"
        x, y = to_x, to_y
    return path


def _tooltip(label: _Label) -> str:
    return "" if label.text == label.whole else f"<title>{escape(label.whole)}</title>"


def _px(length: float) -> str:
    return f"{length:.1f}".removesuffix(".0")


def _cells(text: str) -> int:
    """How many places of a monospaced font it takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _shortened(text: str) -> str:
    """Its beginning and its end."""
    if _cells(text) <= LONGEST:
        return text
    end = LONGEST // 3
    head = text[: LONGEST - end - 1]
    while _cells(head) > LONGEST - end - 1:
        head = head[:-1]
    tail = text[-end:]
    while _cells(tail) > end:
        tail = tail[1:]
    return f"{head}…{tail}"
