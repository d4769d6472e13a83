"""Where the boxes of a picture go: columns from left to right, few crossings, and lines that go around boxes.

The steps are those of Sugiyama, Tagawa and Toda (1981): lines that pass a column get a place in it, the order within
columns follows the neighbours' mean, and so do the coordinates. The same input gives the same picture. Lengths are
pixels, y grows downwards.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

SPACE = 14.0
"""Between two boxes of a column."""

PORT = 17.0
"""Between two lines that reach a box from the left: room for a label on each."""

GAP = 56.0
"""Between two columns, beside the labels."""

SWEEPS = 8

Point = tuple[float, float]


class Box(NamedTuple):
    """`rank` is its column; `height` grows with the lines on its left."""

    rank: int
    width: float
    height: float


class Arrow(NamedTuple):
    """`label`: how wide that is. It stands at the end that is further right."""

    source: Hashable
    destination: Hashable
    label: float = 0.0


class Place(NamedTuple):
    """`x` and `y` of the upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Layout(NamedTuple):
    """`lines` has the points of each arrow from left to right. Two points with the same x: both ends are at left sides."""

    places: Mapping[Hashable, Place]
    lines: Sequence[Sequence[Point]]
    width: float
    height: float


class _Bend(NamedTuple):
    """The place of a line in a column that it passes."""

    arrow: int
    rank: int


def lay_out(boxes: Mapping[Hashable, Box], arrows: Sequence[Arrow]) -> Layout:
    return _Sheet(boxes, arrows).layout()


class _Sheet:
    def __init__(self, boxes: Mapping[Hashable, Box], arrows: Sequence[Arrow]) -> None:
        self.arrows = arrows
        self.chains = [self._chain(boxes, number, arrow) for number, arrow in enumerate(arrows)]
        self.before: dict[Hashable, list[Hashable]] = defaultdict(list)
        self.after: dict[Hashable, list[Hashable]] = defaultdict(list)
        ports: dict[Hashable, int] = defaultdict(int)
        self.boxes = dict(boxes)
        for chain in self.chains:
            self.boxes.update((node, Box(node.rank, 0.0, PORT / 2)) for node in chain if isinstance(node, _Bend))
        for chain in self.chains:
            ports[chain[-1]] += 1
            if self.boxes[chain[0]].rank == self.boxes[chain[-1]].rank:
                ports[chain[0]] += 1
                continue
            for one, other in pairwise(chain):
                self.after[one].append(other)
                self.before[other].append(one)
        for node, count in ports.items():
            box = self.boxes[node]
            self.boxes[node] = box._replace(height=max(box.height, (count + 0.5) * PORT))
        self.columns: list[list[Hashable]] = [
            [] for _ in range(max((box.rank for box in boxes.values()), default=-1) + 1)
        ]
        for node, box in self.boxes.items():
            self.columns[box.rank].append(node)
        self.centres: dict[Hashable, float] = {}

    @staticmethod
    def _chain(boxes: Mapping[Hashable, Box], number: int, arrow: Arrow) -> list[Hashable]:
        """From the left end over its bends to the right end."""
        left, right = arrow.source, arrow.destination
        if boxes[left].rank > boxes[right].rank:
            left, right = right, left
        return [left, *(_Bend(number, rank) for rank in range(boxes[left].rank + 1, boxes[right].rank)), right]

    def layout(self) -> Layout:
        self._order()
        self._stack()
        self._straighten()
        lefts, widths = self._abscissas()
        places = {
            node: Place(lefts[box.rank], self.centres[node] - box.height / 2, box.width, box.height)
            for node, box in self.boxes.items()
        }
        lines = self._lines(places, widths)
        height = max((place.y + place.height for place in places.values()), default=0.0)
        width = lefts[-1] + widths[-1] if lefts else 0.0
        return Layout(places, lines, width, height)

    # The order within the columns

    def _order(self) -> None:
        """The best of what the sweeps to the left and to the right come to."""
        best, fewest = self.columns, self._crossings()
        for _ in range(SWEEPS):
            self.columns = [list(column) for column in self.columns]
            for column in reversed(self.columns[:-1]):
                self._sort(column, self.after)
            for column in self.columns[1:]:
                self._sort(column, self.before)
            if (crossings := self._crossings()) >= fewest:
                break
            best, fewest = self.columns, crossings
        self.columns = best
        for column in self.columns:  # what has no line at all stands below the rest
            column.sort(key=lambda node: not (self.before[node] or self.after[node]))

    def _crossings(self) -> int:
        found = 0
        for here, there in pairwise(self.columns):
            position = {node: at for at, node in enumerate(there)}
            passed: list[int] = []
            for node in here:
                ends = sorted(position[other] for other in self.after[node])
                found += sum(len(passed) - bisect_right(passed, end) for end in ends)
                for end in ends:
                    insort(passed, end)
        return found

    def _sort(self, column: list[Hashable], neighbours: Mapping[Hashable, Sequence[Hashable]]) -> None:
        share = {node: at / len(each) for each in self.columns for at, node in enumerate(each)}
        means = {node: _mean([share[other] for other in neighbours[node]], share[node]) for node in column}
        column.sort(key=means.__getitem__)

    # Their heights

    def _stack(self) -> None:
        for column in self.columns:
            y = 0.0
            for node in column:
                height = self.boxes[node].height
                self.centres[node] = y + height / 2
                y += height + SPACE

    def _straighten(self) -> None:
        """Each box near its neighbours, as far as those above and below let it."""
        both = {node: [*self.before[node], *self.after[node]] for node in self.boxes}
        tallest = max(self.columns, key=lambda column: sum(self.boxes[node].height for node in column), default=[])
        start = self.columns.index(tallest) if tallest else 0
        outwards = [(column, self.before) for column in self.columns[start + 1 :]]
        outwards += [(column, self.after) for column in reversed(self.columns[:start])]
        for column, neighbours in [*outwards, *((column, both) for column in self.columns)]:
            self._settle(column, neighbours)
        top = min((self.centres[node] - box.height / 2 for node, box in self.boxes.items()), default=0.0)
        self.centres = {node: centre - top for node, centre in self.centres.items()}

    def _settle(self, column: Sequence[Hashable], neighbours: Mapping[Hashable, Sequence[Hashable]]) -> None:
        """Least squares with the order kept: boxes that would overlap move together (pool adjacent violators)."""
        offset, previous = 0.0, 0.0
        offsets: list[float] = []
        pools: list[tuple[float, int]] = []  # mean and size
        for node in column:
            height = self.boxes[node].height
            offset += (previous + height) / 2 + SPACE if offsets else 0.0
            previous = height
            offsets.append(offset)
            wanted = _mean([self.centres[other] for other in neighbours[node]], self.centres[node])
            mean, size = wanted - offset, 1
            while pools and pools[-1][0] > mean:
                above, count = pools.pop()
                mean, size = (above * count + mean * size) / (count + size), count + size
            pools.append((mean, size))
        settled = [mean for mean, size in pools for _ in range(size)]
        self.centres.update((node, mean + at) for node, mean, at in zip(column, settled, offsets, strict=True))

    # Columns and lines

    def _abscissas(self) -> tuple[list[float], list[float]]:
        """The left side and the width of each column."""
        widths = [max((self.boxes[node].width for node in column), default=0.0) for column in self.columns]
        rooms = [0.0] * len(self.columns)
        for arrow, chain in zip(self.arrows, self.chains, strict=True):
            rank = self.boxes[chain[-1]].rank
            rooms[rank] = max(rooms[rank], arrow.label)
        lefts: list[float] = []
        x = 0.0
        for rank, width in enumerate(widths):
            # Before the first column there are only the lines from it to itself.
            x += rooms[rank] + (GAP if rank or rooms[rank] else 0.0)
            lefts.append(x)
            x += width
        return lefts, widths

    def _lines(self, places: Mapping[Hashable, Place], widths: Sequence[float]) -> list[list[Point]]:
        starts: dict[Hashable, list[tuple[float, int]]] = defaultdict(list)
        ends: dict[Hashable, list[tuple[float, int]]] = defaultdict(list)
        for number, chain in enumerate(self.chains):
            loop = self.boxes[chain[0]].rank == self.boxes[chain[-1]].rank
            (ends if loop else starts)[chain[0]].append((self.centres[chain[1]], number))
            ends[chain[-1]].append((self.centres[chain[-2]], ~number if loop else number))
        begin = {number: (place.x + place.width, y) for number, place, y in _spread(starts, places)}
        end = {number: (place.x, y) for number, place, y in _spread(ends, places)}
        lines = []
        for number, chain in enumerate(self.chains):
            if number not in begin:
                lines.append([end[number], end[~number]])
                continue
            line = [begin[number]]
            for bend in chain[1:-1]:
                x, y = places[bend].x, self.centres[bend]
                line += [(x, y), (x + widths[self.boxes[bend].rank], y)]
            lines.append([*line, end[number]])
        return lines


def _spread(
    lines: Mapping[Hashable, Sequence[tuple[float, int]]], places: Mapping[Hashable, Place]
) -> list[tuple[int, Place, float]]:
    """Each line of a side with its y, in the order of its other end."""
    found = []
    for node, there in lines.items():
        place = places[node]
        step = min(PORT, place.height / len(there))
        top = place.y + (place.height - step * (len(there) - 1)) / 2
        found += [(number, place, top + step * at) for at, (_, number) in enumerate(sorted(there))]
    return found


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
