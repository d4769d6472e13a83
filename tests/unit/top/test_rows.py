"""Columns, filter and order of the tabs."""

from typing import Any

import pytest

from rmqctl.errors import UsageError
from rmqctl.top.rows import filter_of, shown
from rmqctl.top.tabs import LEAST_NAME, QUEUES_TAB, TABS, fitting

ROWS: list[dict[str, Any]] = [
    {
        "vhost": "/",
        "name": "orders.new",
        "messages_ready": 12,
        "messages_unacknowledged": 0,
        "messages": 12,
        "durable": True,
    },
    {
        "vhost": "/",
        "name": "Orders[old",
        "messages_ready": 0,
        "messages_unacknowledged": 5,
        "messages": 5,
        "durable": False,
    },
    {"vhost": "a b/ü", "name": "mail", "messages": 12, "messages_details": {"rate": -2.0}},
    {"vhost": "/", "name": "no counts"},
]


def kept(text: str, noun: str = "queues", rows: list[dict[str, Any]] = ROWS) -> list[str]:
    tab = next(tab for tab in TABS if tab.noun == noun)
    return [str(row["name"]) for row in shown(rows, tab, filter_of(text, tab), "name", descending=False)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["Orders[old", "mail", "no counts", "orders.new"]),
        ("=", ["Orders[old", "mail", "no counts", "orders.new"]),
        ("orders", ["Orders[old", "orders.new"]),
        ("^orders.n", ["orders.new"]),
        ("orders[o", ["Orders[old"]),
        ("ü", ["mail"]),
        ("=unacked > 0", ["Orders[old"]),
        ("=messages_unacknowledged > 0 or durable", ["Orders[old", "orders.new"]),
        ('=ready < 13 and name ~ "^orders"', ["orders.new"]),
        ("=eta <= 6", ["mail"]),
        ("=not ready > 0", ["Orders[old"]),
    ],
)
def test_filter(text: str, names: list[str]) -> None:
    assert kept(text) == names


@pytest.mark.parametrize("text", ["=ready >", "=nosuch > 1", "=pid = 1"])
def test_a_wrong_expression_is_an_error(text: str) -> None:
    with pytest.raises(UsageError):
        filter_of(text, QUEUES_TAB)


def test_an_expression_asks_for_what_it_reads() -> None:
    found = filter_of("=durable and in > 1", QUEUES_TAB)
    assert found is not None
    assert {"durable", "message_stats.publish_details.rate"} <= found.fields


def test_a_client_is_found_by_what_it_calls_itself() -> None:
    rows = [{"name": "1.2.3.4:5 -> x", "client_properties": {"connection_name": "printer"}}, {"name": "other"}]
    assert kept("print", "connections", rows) == ["1.2.3.4:5 -> x"]


@pytest.mark.parametrize(
    ("order", "descending", "names"),
    [
        ("total", True, ["mail", "orders.new", "Orders[old", "no counts"]),
        ("total", False, ["Orders[old", "mail", "orders.new", "no counts"]),
        ("eta", True, ["mail", "Orders[old", "no counts", "orders.new"]),
    ],
)
def test_order_is_by_the_field_then_by_name_and_the_unknown_come_last(
    order: str, descending: bool, names: list[str]
) -> None:
    assert [row["name"] for row in shown(ROWS, QUEUES_TAB, None, order, descending=descending)] == names


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.noun)
@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_fields_fit_and_the_name_has_what_is_left(tab: Any, width: int) -> None:
    placed = fitting(tab.fields, width)
    assert sum(size + 1 for _, size in placed) - 1 <= width
    assert placed[0][1] >= LEAST_NAME
    assert [field for field, _ in placed] == [field for field in tab.fields if field in dict(placed)]


def test_80_columns_show_what_matters_of_queues() -> None:
    essential = {"name", "ready", "unacked", "in", "out", "ack", "consumers", "eta", "trend", "acks"}
    fields = [field for field in QUEUES_TAB.fields if field.name != "vhost"]
    assert {field.name for field, _ in fitting(fields, 79)} == essential
    with_vhosts = {field.name for field, _ in fitting(QUEUES_TAB.fields, 79)}
    assert {"name", "vhost", "ready", "unacked", "in", "out", "ack", "acks"} <= with_vhosts
    assert {field.name for field, _ in fitting(QUEUES_TAB.fields, 140)} >= essential | {
        "vhost",
        "total",
        "type",
        "state",
    }


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.noun)
def test_every_field_can_be_read_of_an_empty_object(tab: Any) -> None:
    for field in tab.fields:
        assert isinstance(field.show(tab.reader(field)({})), str)
    assert tab.field(tab.order) is not None
