"""Which row is which a round later."""

from hypothesis import given
from hypothesis import strategies as st

from rmqctl.watch.changes import GONE, NEW, compare, difference

NAMED = ("name", "messages")


def marks(columns: tuple[str, ...], old: list[tuple[object, ...]], new: list[tuple[object, ...]]) -> list[object]:
    return [(row.cells, row.before, row.mark) for row in compare(columns, old, new)]


def test_rows_are_told_apart_by_name_wherever_they_stand() -> None:
    old = [("a", 1), ("b", 2)]
    assert marks(NAMED, old, [("b", 3), ("a", 1)]) == [(("b", 3), ("b", 2), ""), (("a", 1), ("a", 1), "")]


def test_what_is_gone_stays_where_it_was_for_once() -> None:
    old = [("a", 1), ("b", 2), ("c", 3), ("d", 4)]
    new = [("b", 2), ("n", 0)]
    assert marks(NAMED, old, new) == [
        (("a", 1), None, GONE),
        (("b", 2), ("b", 2), ""),
        (("c", 3), None, GONE),
        (("d", 4), None, GONE),
        (("n", 0), None, NEW),
    ]
    assert marks(NAMED, new, new) == [(row, row, "") for row in new]


def test_equal_names_in_two_virtual_hosts_are_two_rows() -> None:
    columns = ("vhost", "name", "messages")
    assert marks(columns, [("x", "q", 1), ("y", "q", 2)], [("y", "q", 5)]) == [
        (("x", "q", 1), None, GONE),
        (("y", "q", 5), ("y", "q", 2), ""),
    ]


def test_a_changing_column_does_not_make_another_row() -> None:
    (row,) = compare(("state", "name"), [("running", "q")], [("idle", "q")])
    assert (row.before, row.mark) == (("running", "q"), "")


def test_without_a_name_rows_are_taken_in_their_order_while_their_number_stays() -> None:
    columns = ("messages", "state")
    old = [(1, "running"), (2, "idle")]
    assert [row.before for row in compare(columns, old, [(3, "running"), (2, "idle")])] == old
    assert marks(columns, old, [(2, "idle")]) == [((2, "idle"), None, "")]
    assert marks(columns, [], old) == [(row, None, NEW) for row in old]


def test_twins_are_not_compared_when_one_of_them_is_gone() -> None:
    columns = ("user", "channels")
    old = [("guest", 1), ("guest", 2), ("admin", 3)]
    assert marks(columns, old, [("guest", 9), ("admin", 4)]) == [
        (("guest", 9), None, ""),
        (("admin", 4), ("admin", 3), ""),
    ]


ROWS = st.lists(st.tuples(st.sampled_from("abcde"), st.integers()), max_size=8)


@given(ROWS, ROWS)
def test_every_new_row_is_there_in_its_order_and_every_name_that_went_is_told(
    old: list[tuple[object, ...]], new: list[tuple[object, ...]]
) -> None:
    found = compare(NAMED, old, new)
    assert [row.cells for row in found if row.mark != GONE] == new
    names = {row[0] for row in new}
    assert sorted(map(repr, (row.cells for row in found if row.mark == GONE))) == sorted(
        repr(row) for row in old if row[0] not in names
    )


def test_differences() -> None:
    assert difference(3, 15) == "+12"
    assert difference(3, 3) == ""
    assert difference(15, 3) == "-12"
    assert difference(0.2, 0.5) == "+0.3"
    assert difference(0, 1.5) == "+1.5"
    assert difference(1, 1.0) == ""
    assert difference("running", "idle") == "*"
    assert difference(None, 3) == "*"
    assert difference(3, None) == "*"
    assert difference(True, False) == "*"
    assert difference(["a"], ["a"]) == ""
