"""Ways through the view: the mouse, virtual hosts, columns, from an object to another and back, and messages."""

import json
from typing import Any

import httpx
import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList

from rmqctl.output.escape import visible
from rmqctl.top.app import Top
from rmqctl.top.dialogs import Columns, Messages, Publish

from ..conftest import NOT_FOUND, Broker
from .played import CHANNEL, CONNECTION, EVIL, FORGETFUL, PEER, QUEUES, looked_at, played, queue, screen, text, until
from .test_app import cursor, ready, rows, with_task_queue, words

Look = Pilot[int]
PEER_PATH = "GET /api/connections/10.0.0.1%3A5000%20-%3E%2010.0.0.2%3A5672"
GET = "POST /api/queues/%2F/orders/get"
ORDERS = "GET /api/queues/%2F/orders"


def line_of(app: Top, start: str) -> int:
    return next(at for at, line in enumerate(screen(app)) if line.startswith(start))


# The mouse


def test_a_click_on_a_row_opens_it_and_one_on_its_name_goes_back() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.click(offset=(3, line_of(app, "task_queue")))
        await until(pilot, lambda: "bindings" in text(app))
        assert screen(app)[4] == "queue 'task_queue' in virtual host '/'"
        await pilot.click(offset=(3, 4))
        await until(pilot, lambda: "1 Queues" in screen(app)[4])
        assert cursor(app) == "task_queue"
        await pilot.click(offset=(3, 20))  # below the rows
        assert "1 Queues" in screen(app)[4]

    looked_at(with_task_queue(), look, size=(80, 60))


def test_a_click_on_a_heading_sorts_by_it_and_the_next_one_the_other_way_round() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        at = line_of(app, "name")
        x = screen(app)[at].index("unacked")
        await pilot.click(offset=(x, at))
        assert "unacked▼" in screen(app)[at]
        assert rows(app)[0] == "task_queue"
        await pilot.click(offset=(x, at))
        assert "unacked▲" in screen(app)[at]
        await pilot.click(offset=(screen(app)[at].index("trend"), at))  # no order
        assert "unacked▲" in screen(app)[at]

    looked_at(played(), look)


def test_a_click_on_a_tab_chooses_it_and_the_wheel_moves_the_cursor() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await until(pilot, lambda: "q00" in text(app))
        app._grid._wheel(Wheel(), 3)  # type: ignore[arg-type]
        assert cursor(app) == "q03"
        app._grid._wheel(Wheel(), -9)  # type: ignore[arg-type]
        assert cursor(app) == "q00"
        await pilot.click(offset=(screen(app)[4].index("4 Nodes") + 2, 4))
        await until(pilot, lambda: "rabbit@here" in rows(app))

    class Wheel:
        def stop(self) -> None: ...
        def prevent_default(self) -> None: ...

    looked_at(played(**{"GET /api/queues": [queue(f"q{number:02}") for number in range(40)]}), look)


# Virtual hosts


def test_the_colon_goes_to_a_virtual_host_and_completes_its_name() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("colon")
        assert screen(app)[-1] == "Enter go there  Tab complete  Esc close"
        await until(pilot, lambda: bool(app._vhosts))
        await pilot.press(*"sho")
        await until(pilot, lambda: app._vhost_entry._suggestion == "shop")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "sold" in text(app))
        assert "vhost shop" in screen(app)[0]
        assert "orders" not in text(app)
        await pilot.press("colon", "enter")
        await ready(pilot, app)

    looked_at(with_shop(), look)


def test_a_virtual_host_that_is_not_there_is_a_line() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("colon")
        await until(pilot, lambda: bool(app._vhosts))
        await pilot.press(*"shpo", "enter")
        await until(pilot, lambda: "did you mean 'shop'?" in words(app))
        assert "virtual host 'shpo' does not exist" in words(app)
        await pilot.press("escape")
        assert not app._vhost_entry.display
        assert "orders" in text(app)

    looked_at(with_shop(), look)


def with_shop() -> Broker:
    return played(
        **{
            "GET /api/vhosts": [{"name": "/"}, {"name": "shop"}],
            "GET /api/vhosts/shop": {"name": "shop", "messages": 4},
            "GET /api/vhosts/shpo": httpx.Response(404, json=NOT_FOUND),
            "GET /api/queues/shop": [queue("sold", 4)],
            "GET /api/vhosts/shop/channels": [],
        }
    )


# Columns


def test_columns_are_chosen_per_tab_and_kept() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("f")
        assert isinstance(app.screen, Columns)
        assert "✓ ready" in text(app)
        await pilot.press("end", "space")
        assert "✓ policy" in text(app)
        await pilot.press("home", *["down"] * names(app).index("ready"), "space")
        assert "✓ ready" not in text(app)
        await pilot.press("enter")
        heading = screen(app)[5]
        assert "policy" in heading
        assert "ready" not in heading
        await pilot.press("2", "1")
        await ready(pilot, app)
        assert "policy" in screen(app)[5]
        await pilot.press("f")
        await pilot.click(OptionList, offset=(4, 0))
        assert "✓ vhost" in text(app)
        await pilot.press("escape")
        assert "policy" in screen(app)[5]
        await pilot.press("2")
        await until(pilot, lambda: "client" in screen(app)[5])

    looked_at(played(), look)


def names(app: Top) -> list[str]:
    return [field.name for field in app._view.tab.fields[1:]]


# A bad filter


def test_a_bad_filter_says_so_while_it_is_typed() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("/", *"[red")
        assert "not a regular expression (unterminated character set" in words(app)
        assert rows(app)[:-1] == [visible(EVIL)]  # the very characters; the last line is the filter's
        await pilot.press("escape", "/")
        app._entry.value = "=ready >"
        await until(pilot, lambda: "expected" in screen(app)[-1])
        app._entry.value = "=reddy > 1"
        await until(pilot, lambda: "reddy" in screen(app)[-1])
        app._entry.value = "=ready > 1"
        await until(pilot, lambda: screen(app)[-1].startswith("1 of 4 match"))

    looked_at(played(), look)


# Charts


def test_the_chart_of_an_open_queue_has_what_the_broker_remembers() -> None:
    samples = [{"timestamp": 1000 * second, "sample": second * 2} for second in range(60, 0, -5)]
    remembered = {
        **QUEUES[0],
        "messages_details": {"samples": samples},
        "message_stats": {"publish_details": {"rate": 2.5, "samples": samples}},
    }

    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: "most 120" in text(app))
        lines = screen(app)
        top = line_of(app, "messages 3")
        assert lines[top + 1].rstrip().endswith("█")
        assert len(lines[top + 4]) > 70
        assert "in/s 2.5  most 2" in text(app)

    looked_at(played(**{ORDERS: remembered, f"{ORDERS}/bindings": []}), look)


def test_sparklines_take_the_room_of_a_wide_terminal() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await until(pilot, lambda: screen(app)[2].count("█") > 12)
        await until(pilot, lambda: screen(app)[line_of(app, "orders")].count("█") > 10)

    looked_at(played(), look, size=(200, 24), interval=0.05)


# From an object to another


def test_from_a_connection_to_its_channels_to_one_of_them_and_back() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await pilot.press("2")
        await until(pilot, lambda: "forgetful" in text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "channels" in text(app) and "client_properties" in text(app))
        assert "Enter channels" in screen(app)[-1]
        await pilot.press("enter")
        await until(pilot, lambda: screen(app)[4] == f"channels of connection '{PEER}'" and bool(app._rows))
        assert len(rows(app)) == 1
        await pilot.press("enter")
        await until(pilot, lambda: screen(app)[4] == f"channel '{CHANNEL}' in virtual host '/'")
        await pilot.press("escape")
        await until(pilot, lambda: screen(app)[4] == f"channels of connection '{PEER}'")
        await pilot.press("escape")
        await until(pilot, lambda: screen(app)[4].startswith(f"connection '{PEER}'"))
        await pilot.press("escape")
        await until(pilot, lambda: "2 Connections" in screen(app)[4])

    other = {**FORGETFUL, "name": "other (1)"}
    looked_at(with_connection(**{"GET /api/channels": [FORGETFUL, other]}), look)


def test_from_a_consumer_to_its_channel_to_its_connection() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await pilot.press("6")
        await until(pilot, lambda: "tag 1" in text(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "prefetch_count" in text(app))
        await pilot.press("enter")
        await until(pilot, lambda: "client_properties" in text(app))
        await pilot.press("escape", "escape", "escape")
        await until(pilot, lambda: "6 Consumers" in screen(app)[4])

    looked_at(with_connection(), look)


def with_connection(**more: Any) -> Broker:
    channel = "GET /api/channels/10.0.0.1%3A5000%20-%3E%2010.0.0.2%3A5672%20%281%29"
    return played(**{PEER_PATH: CONNECTION, f"{PEER_PATH}/channels": [FORGETFUL], channel: FORGETFUL, **more})


def test_a_connection_that_goes_takes_the_list_of_its_channels_with_it() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await pilot.press("2")
        await until(pilot, lambda: "forgetful" in text(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: bool(app._rows) and "channels of connection" in screen(app)[4])
        for target in (PEER_PATH, f"{PEER_PATH}/channels"):
            broker.answers[target] = httpx.Response(404, json=NOT_FOUND)
        await until(pilot, lambda: "has gone" in screen(app)[-1] and "2 Connections" in screen(app)[4])

    broker = with_connection()
    looked_at(broker, look)


# Messages

MESSAGE = {
    "exchange": "", "routing_key": "orders", "redelivered": False, "payload_bytes": 5, "payload_encoding": "string",
    "payload": "[b]x\x1b", "properties": {"content_type": "text/plain", "headers": {"n": 1}}, "message_count": 2,
}  # fmt: skip


def test_messages_of_a_queue_are_looked_at_and_put_back() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, Messages))
        assert "they are back in the queue, marked as redelivered" in words(app)
        assert "content_type: text/plain" in text(app)
        assert "headers.n: 1" in text(app)
        assert r"[b]x\x1b" in text(app)
        await pilot.press("escape")
        assert "1 Queues" in text(app)

    broker = played(**{ORDERS: QUEUES[0], GET: [MESSAGE]})
    looked_at(broker, look)
    (request,) = [each for each in broker.requests if each.method == "POST"]
    assert json.loads(request.content)["ackmode"] == "ack_requeue_true"


@pytest.mark.parametrize(
    ("row", "around", "word"),
    [
        (queue("orders", 3, type="stream"), {}, "is a stream"),
        (queue("orders", 3, type="quorum", delivery_limit=5), {}, "has a delivery limit of 5"),
        (QUEUES[0], {"context": "prod", "read_only": True}, "context 'prod' is read-only"),
    ],
)
def test_where_a_look_would_cost_something_there_is_none(
    row: dict[str, Any], around: dict[str, Any], word: str
) -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("m")
        await until(pilot, lambda: word in words(app))

    overview = {"rabbitmq_version": "4.2.1"}
    broker = played(**{ORDERS: row, "GET /api/overview?columns=rabbitmq_version": overview})
    looked_at(broker, look, **around)
    assert [each for each in broker.requests if each.method == "POST"] == []


def test_a_message_is_published_to_the_queue() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("n")
        assert isinstance(app.screen, Publish)
        await pilot.press(*"hi q", "enter")
        await until(pilot, lambda: screen(app)[-1] == "published to queue 'orders' in virtual host '/'")
        await pilot.press("n", "escape")
        assert screen(app)[-1] == "nothing was published"

    broker = played(**{"POST /api/exchanges/%2F/amq.default/publish": {"routed": True}})
    looked_at(broker, look)
    (request,) = [each for each in broker.requests if each.method == "POST"]
    body = json.loads(request.content)
    assert (body["routing_key"], body["payload"]) == ("orders", "hi q")


def test_a_message_to_an_exchange_has_a_key_and_an_unroutable_one_is_told() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await pilot.press("5")
        await until(pilot, lambda: "logs" in text(app))
        await pilot.press("end", "n", *"eu", "enter", *"hi", "enter")
        await until(pilot, lambda: "no queue took the message" in words(app))
        assert "exchange 'logs' in virtual host '/' has no route for key 'eu'" in words(app)

    looked_at(played(**{"POST /api/exchanges/%2F/logs/publish": {"routed": False}}), look)


def test_a_read_only_context_publishes_nothing() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("n")
        assert screen(app)[-1] == "context 'prod' is read-only: nothing can be changed"

    broker = played()
    looked_at(broker, look, context="prod", read_only=True)
    assert all(target.startswith("GET") for target in broker.asked)
