"""Records behave as the named tuples that they stand for."""

import pytest

from rmqctl.record import Record
from rmqctl.settings import Credentials, Endpoint


class Point(Record):
    x: int
    y: int = 2


class Other(Record):
    x: int
    y: int = 2


def test_fields_by_place_by_name_and_by_default() -> None:
    assert (Point(1).x, Point(1).y) == (1, 2)
    assert Point(1, 2) == Point(x=1) == Point(1, y=2)
    assert Point(1, 3) != Point(1)
    assert Other(1) != Point(1)


def test_equal_records_are_one_key() -> None:
    assert {Point(1): "a"} | {Point(1, 2): "b"} == {Point(1): "b"}
    assert hash(Endpoint("http", "h", 1)) == hash(Endpoint("http", "h", 1, ""))


def test_replace_copies() -> None:
    point = Point(1)
    assert point._replace(y=5) == Point(1, 5)
    assert point == Point(1)


def test_repr_names_the_fields_and_no_secret() -> None:
    assert repr(Point(1)) == "Point(x=1, y=2)"
    assert repr(Credentials("u", "secret")) == "Credentials(u)"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Point(),  # type: ignore[call-arg]
        lambda: Point(1, 2, 3),  # type: ignore[call-arg]
        lambda: Point(1, z=3),  # type: ignore[call-arg]
        lambda: Point(z=3),  # type: ignore[call-arg]
        lambda: Point(1, x=3),  # type: ignore[misc]
        lambda: Point(1)._replace(z=1),
    ],
)
def test_wrong_fields_are_a_type_error(wrong) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError):
        wrong()
