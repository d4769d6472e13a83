"""The view at the keyboard, without a terminal: Textual's pilot presses the keys, and the screen is read as text."""

import threading
import time
from typing import Any

import httpx
import pytest
from textual.pilot import Pilot

from rmqctl.top.app import Top
from rmqctl.top.dialogs import Confirm, Help
from rmqctl.top.tabs import TABS

from ..conftest import NOT_FOUND, Broker
from .played import CHANNEL, EVIL, NODE, OVERVIEW, PEER, QUEUES, looked_at, played, queue, screen, text, until

Look = Pilot[int]


def rows(app: Top) -> list[str]:
    """The first words of the table's lines."""
    lines = screen(app)
    heading = next(at for at, line in enumerate(lines) if line.startswith(("name", "queue  ")))
    return [line.split()[0] for line in lines[heading + 1 : -1] if line]


def words(app: Top) -> str:
    """What a dialog says, without its frame and line ends."""
    return " ".join(text(app).replace("│", " ").split())


async def ready(pilot: Look, app: Top) -> None:
    await until(pilot, lambda: "orders" in text(app) and app.focused is not None)


def test_the_first_screen_has_what_matters_at_80_by_24() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await until(pilot, lambda: "stuck" in text(app))
        lines = screen(app)
        assert len(lines) == 24
        assert lines[0].startswith("rabbit@here  RabbitMQ 4.3.6  http://localhost:15672")
        assert lines[1].startswith("ready     5  unacked     2")
        assert lines[1].endswith("1 connections  1 channels  4 queues  1 consumers")
        assert lines[2].startswith("publish/s    12 █")
        assert lines[3] == "1/1 nodes up   no alarms   1 client forgets the ack of 2 messages"
        assert lines[5].split() == [
            "name",
            "ready",
            "unacked",
            "trend",
            "in/s",
            "out/s",
            "ack/s",
            "cons",
            "eta",
            "acks",
        ]
        assert lines[6].split()[:3] == ["orders", "3", "0"]
        assert lines[6].split()[-4:] == ["2.5", "0", "1", "3s"]
        assert lines[7].split()[-1] == "stuck"
        assert lines[-1] == "Enter open  / filter  m messages  n publish  p purge  d delete  ? keys  q quit"

    looked_at(played(), look)


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (140, 40)])
def test_it_fits_and_every_tab_shows_its_rows(size: tuple[int, int]) -> None:
    async def look(pilot: Look, app: Top) -> None:
        for key, word in enumerate(("orders", "10.0.0.1", "10.0.0.1", "rabbit@here", "(default)", "task_queue"), 1):
            await pilot.press(str(key))
            await until(pilot, lambda word=word: word in "\n".join(screen(app)[4:]))
            assert all(len(line) <= size[0] for line in screen(app))
        await pilot.press("tab")
        await until(pilot, lambda: "orders" in text(app))

    looked_at(played(), look, size=size)


def test_wide_terminals_show_more() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        assert {"type", "state", "total"} <= set(screen(app)[5].replace("▼", " ").split())

    looked_at(played(), look, size=(140, 40))


def test_names_are_no_markup_and_cannot_move_the_cursor() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        assert r"[red]x[/]\x1b[2J" in text(app)
        await pilot.press("/", *"red", "enter", "enter")
        await until(pilot, lambda: "classic" in text(app))
        assert r"queue '[red]x[/]\x1b[2J' in virtual host '/'" in text(app)
        await pilot.press("d")
        assert r"Delete queue '[red]x[/]\x1b[2J'" in text(app)

    broker = played(**{"GET /api/queues/%2F/%5Bred%5Dx%5B%2F%5D%1B%5B2J": {**queue(EVIL, 1), "policy": "[b]p"}})
    broker.answers["GET /api/queues/%2F/%5Bred%5Dx%5B%2F%5D%1B%5B2J/bindings"] = []
    looked_at(broker, look)


def test_long_and_wide_names_keep_the_columns_in_their_places() -> None:
    names = ["ü" * 127, "漢字" * 40, "a b/ü", "x" * 255]

    async def look(pilot: Look, app: Top) -> None:
        await until(pilot, lambda: "a b/ü" in text(app))
        lines = list(app.screen._compositor.render_strips())[6:10]
        assert [line.cell_length for line in lines] == [80] * 4
        assert sum("…" in line.text for line in lines) == 3

    looked_at(played(**{"GET /api/queues": [queue(name, 1) for name in names]}), look)


def test_sort_and_reverse() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        assert rows(app) == ["orders", "task_queue", r"[red]x[/]\x1b[2J", "mail"]
        await pilot.press("r")
        assert rows(app) == ["mail", r"[red]x[/]\x1b[2J", "orders", "task_queue"]
        for _ in range(20):
            await pilot.press(">")
            if "ready▼" in text(app):
                break
        assert rows(app)[0] == "orders"
        await pilot.press("<")
        await pilot.press("s")
        assert "ready▼" in text(app)

    looked_at(played(), look)


def test_filter_as_it_is_typed_by_name_and_by_expression() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("/", *"ask")
        assert rows(app)[0] == "task_queue"
        await pilot.press("enter")
        assert screen(app)[-1] == "1 of 4 match ask  Esc all"
        await pilot.press("escape")
        assert len(rows(app)) == 4
        await pilot.press("/")
        app._entry.value = "=ready > 2 and durable = null"
        await pilot.press("enter")
        assert rows(app) == ["orders"]
        await pilot.press("/", "end", "=", "enter")
        await until(pilot, lambda: "expected" in words(app))
        await pilot.press("escape")
        await until(pilot, lambda: len(rows(app)) == 4)

    looked_at(played(), look)


def test_the_cursor_follows_its_object_and_stays_at_the_top_when_it_is_there() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("down")
        broker.answers["GET /api/queues"] = [queue("new", 99), *QUEUES]
        await until(pilot, lambda: "new" in rows(app))
        assert cursor(app) == "task_queue"
        await pilot.press("home")
        broker.answers["GET /api/queues"] = [queue("newer", 999), *QUEUES]
        await until(pilot, lambda: "newer" in rows(app))
        assert cursor(app) == "newer"
        await pilot.press("end")
        assert cursor(app) == "mail"
        broker.answers["GET /api/queues"] = QUEUES[:2]
        await until(pilot, lambda: len(rows(app)) == 2)
        assert cursor(app) == "task_queue"
        broker.answers["GET /api/queues"] = []
        await until(pilot, lambda: rows(app) == [])
        await pilot.press("enter", "p", "down")
        assert len(app.screen_stack) == 1

    broker = played()
    looked_at(broker, look)


def cursor(app: Top) -> Any:
    return (app._grid.item or {}).get("name")


def test_many_rows_scroll_with_the_cursor() -> None:
    many = [queue(f"q{number:05}") for number in range(10_000)]

    async def look(pilot: Look, app: Top) -> None:
        await until(pilot, lambda: "q00000" in text(app))
        await pilot.press("pagedown")
        assert cursor(app) == "q00017"
        await until(pilot, lambda: rows(app)[-1] == "q00017")
        await pilot.press("end")
        await until(pilot, lambda: rows(app)[-1] == "q09999")
        await pilot.press("pageup", "home")
        await until(pilot, lambda: rows(app)[0] == "q00000")

    looked_at(played(**{"GET /api/queues": many}), look, interval=5)


def test_enter_opens_and_escape_goes_back() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await until(pilot, lambda: "stuck" in text(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "holds messages without acknowledging" in text(app))
        assert screen(app)[4] == "queue 'task_queue' in virtual host '/'"
        assert "stuck: consumer 'tag 1', channel 1" in text(app)
        await pilot.press("end")
        await until(pilot, lambda: "the default exchange, key 'task_queue'" in text(app))
        await pilot.press("escape")
        assert cursor(app) == "task_queue"
        assert "1 Queues" in screen(app)[4]

    looked_at(with_task_queue(), look)


def with_task_queue() -> Broker:
    where = "GET /api/queues/%2F/task_queue"
    binding = {"source": "", "routing_key": "task_queue", "arguments": []}
    connection = httpx.Response(404, json=NOT_FOUND)
    return played(**{where: QUEUES[1], f"{where}/bindings": [binding], "GET localhost": connection})


def test_an_object_that_goes_while_it_is_open_is_closed_with_a_word() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "bindings" in text(app))
        broker.answers["GET /api/queues/%2F/task_queue"] = httpx.Response(404, json=NOT_FOUND)
        await until(pilot, lambda: "queue 'task_queue' in virtual host '/' has gone" in screen(app)[-1])
        await until(pilot, lambda: "orders" in text(app))

    broker = with_task_queue()
    looked_at(broker, look, size=(80, 60))


# Changes


def test_purge_asks_first_and_tells_what_it_did() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("p")
        assert isinstance(app.screen, Confirm)
        question = (
            "Purge queue 'orders' in virtual host '/'? It loses 3 ready messages and keeps 0 unacknowledged messages."
        )
        assert question in words(app)
        await pilot.press("n")
        assert screen(app)[-1] == "nothing was done"
        await pilot.press("p", "y")
        await until(
            pilot, lambda: "queue 'orders' in virtual host '/' was purged of 3 ready messages" in screen(app)[-1]
        )

    broker = played(**{"DELETE /api/queues/%2F/orders/contents": httpx.Response(204)})
    looked_at(broker, look)
    assert [target for target in broker.asked if target.startswith("DELETE")] == [
        "DELETE /api/queues/%2F/orders/contents"
    ]


def test_delete_that_the_broker_refuses() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("d")
        assert "Delete queue 'orders' in virtual host '/' with 3 messages and 1 consumer?" in words(app)
        await pilot.press("y")
        await until(pilot, lambda: "in use by somebody else" in words(app))

    refused = httpx.Response(400, json={"error": "bad_request", "reason": "in use by somebody else"})
    looked_at(played(**{"DELETE /api/queues/%2F/orders": refused}), look)


@pytest.mark.parametrize("key", ["2", "3", "6"])
def test_close_is_about_the_connection(key: str) -> None:
    async def look(pilot: Look, app: Top) -> None:
        await pilot.press(key)
        await until(pilot, lambda: "worker" in text(app))
        await pilot.press("c")
        assert f"Close connection '{PEER}' of user 'worker' in virtual host '/' with" in words(app)
        await pilot.press("y")
        await until(pilot, lambda: screen(app)[-1] == f"connection '{PEER}' was closed")

    broker = played(**{"DELETE /api/connections/10.0.0.1%3A5000%20-%3E%2010.0.0.2%3A5672": httpx.Response(204)})
    looked_at(broker, look)


def test_an_open_queue_is_changed_by_what_is_true_now() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: "bindings" in text(app))
        broker.answers["GET /api/queues/%2F/task_queue"] = {**QUEUES[1], "messages": 77, "consumers": 2}
        await until(pilot, lambda: "77" in text(app))
        await pilot.press("d")
        assert "with 77 messages and 2 consumers?" in words(app)
        broker.answers["GET /api/queues/%2F/task_queue"] = httpx.Response(404, json=NOT_FOUND)
        await pilot.press("y")
        await until(pilot, lambda: "1 Queues" in text(app))
        assert "was deleted with 77 messages" in screen(app)[-1]

    broker = with_task_queue()
    broker.answers["DELETE /api/queues/%2F/task_queue"] = httpx.Response(204)
    looked_at(broker, look, size=(80, 90))


def test_keys_that_do_not_go_with_the_tab_or_the_queue() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("c")
        assert screen(app)[-1] == "close goes with connections, channels and consumers"
        await pilot.press("p")
        assert "is a stream, which cannot be purged" in screen(app)[-1]
        await pilot.press("4")
        await until(pilot, lambda: "rabbit@here" in rows(app))
        await pilot.press("d")
        assert screen(app)[-1] == "delete goes with queues"

    looked_at(played(**{"GET /api/queues": [queue("orders", 1, type="stream")]}), look)


def test_a_read_only_context_changes_nothing() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        assert "purge" not in screen(app)[-1]
        for key in "pdc":
            await pilot.press(key, "y")
            assert screen(app)[-1] == "context 'prod' is read-only: nothing can be changed"

    broker = played()
    looked_at(broker, look, context="prod", read_only=True)
    assert all(target.startswith("GET") for target in broker.asked)


def test_a_protected_context_wants_the_virtual_host_typed() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press("p", "y", "enter")
        await until(pilot, lambda: screen(app)[-1] == "nothing was done")
        await pilot.press("p")
        assert "The context is protected: type '/' to go on" in text(app)
        await pilot.press("slash", "enter")
        await until(pilot, lambda: "was purged" in screen(app)[-1])

    broker = played(**{"DELETE /api/queues/%2F/orders/contents": httpx.Response(204)})
    looked_at(broker, look, context="prod", protected=True)
    assert len([target for target in broker.asked if target.startswith("DELETE")]) == 1


# When not all is well


def test_a_broker_that_goes_away_leaves_its_last_numbers_and_comes_back() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        healthy = broker.answers["GET /api/overview"]
        broker.answers["GET /api/overview"] = httpx.ConnectError("refused")
        await until(pilot, lambda: "not reachable since" in text(app))
        since = text(app).partition("not reachable since ")[2][:8]
        assert "retrying: http://localhost:15672" in words(app)
        assert "orders" in text(app)
        assert all(style.dim for style in styles(app, "orders"))
        asked = len(broker.requests)
        await until(pilot, lambda: len(broker.requests) > asked + 5)
        assert f"not reachable since {since}" in text(app)
        broker.answers["GET /api/overview"] = healthy
        await until(pilot, lambda: "not reachable" not in text(app))
        assert not any(style.dim for style in styles(app, "orders"))

    broker = played()
    looked_at(broker, look)


def styles(app: Top, name: str) -> list[Any]:
    line = next(strip for strip in app.screen._compositor.render_strips() if strip.text.startswith(name))
    return [segment.style for segment in line if segment.text.strip()]


def test_an_answer_of_an_unheard_of_shape_does_not_end_the_view() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        broker.answers["GET /api/nodes"] = 5
        await until(pilot, lambda: "no good answer since" in text(app) and "promises a list" in words(app))
        broker.answers["GET /api/nodes"] = [NODE]
        await until(pilot, lambda: "promises a list" not in text(app))

    broker = played()
    looked_at(broker, look)


def test_a_slow_broker_is_left_in_peace_and_the_head_says_what_an_answer_took() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await until(pilot, lambda: "took 0.1 s" in screen(app)[0])

    def slow(_: httpx.Request) -> Any:
        time.sleep(0.1)
        return OVERVIEW

    looked_at(played(**{"GET /api/overview": slow}), look, interval=0.01)


def test_a_request_that_hangs_is_told_and_keeps_nobody_from_leaving() -> None:
    hung = threading.Event()

    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        broker.answers["GET /api/overview"] = hang
        await until(pilot, lambda: "no answer since" in text(app) and all(style.dim for style in styles(app, "orders")))
        await pilot.press("2", "1", "q")
        await until(pilot, lambda: not app.is_running)
        assert app.return_value == 0
        hung.set()

    def hang(_: httpx.Request) -> Any:
        hung.wait(60)
        return OVERVIEW

    broker = played()
    looked_at(broker, look)


def test_alarms_partitions_and_nodes_that_are_down() -> None:
    nodes = [
        {"name": "rabbit@a", "running": True, "mem_alarm": True, "disk_free_alarm": True},
        {"name": "rabbit@b", "running": False},
        {"name": "rabbit@c", "running": True, "partitions": ["rabbit@b"]},
    ]

    async def look(pilot: Look, app: Top) -> None:
        await until(pilot, lambda: "nodes up" in text(app))
        assert screen(app)[3].startswith("2/3 nodes up   ALARM memory rabbit@a, disk rabbit@a, partition rabbit@c")

    looked_at(played(**{"GET /api/nodes": nodes}), look, size=(120, 24))


def test_statistics_off() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await until(pilot, lambda: "statistics are off on the broker" in text(app) and "orders" in text(app))
        assert "publish/s     ?" in text(app)

    plain = [{key: row[key] for key in ("name", "vhost", "type", "messages", "messages_ready")} for row in QUEUES]
    overview = {key: OVERVIEW[key] for key in ("cluster_name", "rabbitmq_version", "object_totals")}
    looked_at(played(**{"GET /api/overview": {**overview, "disable_stats": True}, "GET /api/queues": plain}), look)


def test_help_names_all_keys() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        assert "purge the queue" in text(app)
        await pilot.press("escape", "f1", "q")
        assert not isinstance(app.screen, Help)

    looked_at(played(), look)


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        (("q",), 0),
        (("ctrl+c",), 130),
        (("p", "ctrl+c"), 130),
        (("question_mark", "ctrl+c"), 130),
        (("slash", "q", "ctrl+c"), 130),
    ],
)
def test_the_end(keys: tuple[str, ...], code: int) -> None:
    async def look(pilot: Look, app: Top) -> None:
        await ready(pilot, app)
        await pilot.press(*keys)
        await until(pilot, lambda: not app.is_running)
        assert app.return_value == code

    looked_at(played(), look)


def test_without_colours() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await until(pilot, lambda: "stuck" in text(app))
        assert "stuck" in text(app)
        shot = app.export_screenshot()
        assert "#cc555a" not in shot.lower()

    looked_at(played(), look, color=False)


def test_every_channel_and_tab_has_a_word_in_the_help() -> None:
    async def look(pilot: Look, app: Top) -> None:
        await pilot.press("3")
        await until(pilot, lambda: "stuck" in text(app))
        assert CHANNEL[:15] in text(app)
        await pilot.press("question_mark")
        assert ", ".join(tab.noun for tab in TABS) in text(app)

    looked_at(played(), look)
