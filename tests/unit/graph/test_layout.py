"""The layout: nothing overlaps, lines end at their boxes, and few cross."""

from collections.abc import Hashable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmqctl.graph.layout import SPACE, Arrow, Box, Layout, lay_out

RANKS = st.integers(0, 3)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[Hashable, Box], list[Arrow]]:
    sizes = st.floats(10, 200)
    boxes: dict[Hashable, Box] = {
        number: Box(rank, draw(sizes), draw(sizes))
        for number, rank in enumerate(draw(st.lists(RANKS, min_size=1, max_size=12)))
    }
    ends = st.integers(0, len(boxes) - 1)
    return boxes, draw(st.lists(st.builds(Arrow, ends, ends, st.floats(0, 100)), max_size=20))


@given(graphs())
def test_boxes_stand_in_their_columns_and_do_not_overlap(graph: tuple[dict[Hashable, Box], list[Arrow]]) -> None:
    boxes, arrows = graph
    layout = lay_out(boxes, arrows)
    for rank in {box.rank for box in boxes.values()}:
        column = sorted(
            (layout.places[id_] for id_, box in boxes.items() if box.rank == rank), key=lambda place: place.y
        )
        assert len({place.x for place in column}) == 1
        assert all(above.y + above.height + SPACE <= below.y + 1e-6 for above, below in pairwise(column))
        for place in column:
            assert 0 <= place.x <= layout.width - place.width + 1e-6
            assert -1e-6 <= place.y <= layout.height - place.height + 1e-6
    columns = sorted({(layout.places[id_].x, box.rank) for id_, box in boxes.items()})
    assert [rank for _, rank in columns] == sorted({box.rank for box in boxes.values()})


@given(graphs())
def test_lines_lead_from_box_to_box_with_room_for_their_labels(graph: tuple[dict[Hashable, Box], list[Arrow]]) -> None:
    boxes, arrows = graph
    layout = lay_out(boxes, arrows)
    for arrow, points in zip(arrows, layout.lines, strict=True):
        left, right = sorted((arrow.source, arrow.destination), key=lambda id_: boxes[id_].rank)
        if boxes[left].rank == boxes[right].rank:
            left, right = arrow.source, arrow.destination
            assert points[0][0] == layout.places[left].x
        else:
            assert points[0][0] == pytest.approx(layout.places[left].x + boxes[left].width)
            assert points[-2][0] + arrow.label < points[-1][0]
        for id_, (_, y) in ((left, points[0]), (right, points[-1])):
            assert layout.places[id_].y <= y <= layout.places[id_].y + layout.places[id_].height
        assert points[-1][0] == layout.places[right].x
    labelled = [points[-1] for points in layout.lines]
    assert len(set(labelled)) == len(labelled)


@given(graphs())
def test_the_same_input_gives_the_same_picture(graph: tuple[dict[Hashable, Box], list[Arrow]]) -> None:
    assert lay_out(*graph) == lay_out(*graph)


def crossings(layout: Layout) -> int:
    lines = [(points[0][1], points[-1][1]) for points in layout.lines]
    return sum((a - c) * (b - d) < 0 for at, (a, b) in enumerate(lines) for c, d in lines[at + 1 :])


def test_lines_that_need_not_cross_do_not() -> None:
    boxes: dict[Hashable, Box] = {name: Box(int(name.isupper()), 50, 30) for name in "abcdABCDEFGH"}
    arrows = [Arrow(one, other) for one, other in ("aH", "aC", "bA", "bF", "cB", "cG", "dD", "dE")]
    assert crossings(lay_out(boxes, arrows)) == 0


def test_nothing_at_all() -> None:
    assert lay_out({}, []) == Layout({}, [], 0.0, 0.0)
