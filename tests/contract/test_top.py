"""The live view names who forgets, on every broker, and its keys do what they say."""

import asyncio
import contextlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pika
import pytest
from textual.pilot import Pilot

from rmqctl.session import Session
from rmqctl.settings import resolve
from rmqctl.top.app import Surroundings, Top
from rmqctl.top.source import Source

from .brokers import rmqctl
from .conftest import Place

VHOST = "top a b/\u00e9"
NAME = "a b/\u00fc [red]%2F"
QUORUM = "quorum"
SECONDS = 60.0


@pytest.fixture
def vhost(place: Place) -> Iterator[str]:
    assert rmqctl("declare", "vhost", VHOST, url=place.http).exit == 0
    assert rmqctl("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*", url=place.http).exit == 0
    yield VHOST
    assert rmqctl("delete", "vhost", VHOST, "--yes", url=place.http).exit == 0


def test_who_forgets_is_named_and_closed_and_the_queue_purged_and_deleted(place: Place, vhost: str) -> None:
    async def look(pilot: Pilot[int], app: Top) -> None:
        def seen(*words: str) -> Callable[[], bool]:
            return lambda: all(word in " ".join(text(app).split()) for word in words)

        await until(pilot, seen(NAME, "stuck", "2 clients forget the ack of 2 messages"))
        assert text(app).count("stuck") == 2
        for key in range(2, 7):
            await pilot.press(str(key))
            await until(pilot, lambda: bool(app._rows))
            await pilot.press("enter")
            await until(pilot, lambda: len(text(app).splitlines()) > 8 and "..." not in text(app).splitlines())
            await pilot.press("escape")
        await pilot.press("1", "/", *"red", "enter")
        await until(pilot, lambda: text(app).count("stuck") == 1)
        await pilot.press("enter")
        await until(pilot, seen("stuck: consumer 'forgets classic'", "which calls itself 'forgets classic'"))
        await pilot.press("escape", "2", "/", *"classic", "enter")
        await until(pilot, seen("1 of 2 match classic"))
        await pilot.press("c", "y")
        await until(pilot, seen("was closed"))
        await pilot.press("1")
        await until(pilot, seen("1 client forgets the ack of 1 message"))
        await until(pilot, lambda: (app._grid.item or {}).get("messages_ready") == 3)
        await pilot.press("p", "y")
        await until(pilot, seen("was purged of 3 ready messages"))
        await pilot.press("d", "y")
        await until(pilot, seen("was deleted with"))
        await pilot.press("escape")
        await until(pilot, lambda: [row["name"] for row in app._rows] == [QUORUM])

    with contextlib.ExitStack() as stack:
        forget(place, stack, NAME, "forgets classic")
        forget(place, stack, QUORUM, "forgets quorum", {"x-queue-type": "quorum"})
        looked_at(place, look)


def forget(
    place: Place, stack: contextlib.ExitStack, queue: str, name: str, arguments: dict[str, Any] | None = None
) -> None:
    """Three messages, one of which a consumer gets and never acknowledges."""
    parameters = pika.URLParameters(f"{place.amqp}/{quote(VHOST, safe='')}")
    parameters.client_properties = {"connection_name": name}
    # It may be closed while nobody looks after it.
    parameters.heartbeat = 0
    connection = pika.BlockingConnection(parameters)
    stack.callback(close, connection)
    channel = connection.channel()
    channel.queue_declare(queue, durable=True, arguments=arguments)
    for _ in range(3):
        channel.basic_publish("", queue, b"x")
    channel.basic_qos(prefetch_count=1)
    channel.basic_consume(queue, lambda *_: None, consumer_tag=name)
    connection.process_data_events(time_limit=0)


def close(connection: Any) -> None:
    with contextlib.suppress(pika.exceptions.AMQPError):
        connection.close()


def looked_at(place: Place, look: Any) -> None:
    session = Session(io.StringIO(), io.StringIO(), io.StringIO(), {})
    session = session._replace(settings=resolve({"url": place.http}, {}, lambda: Path("nowhere")))

    async def run() -> None:
        source = Source(session.client, VHOST)
        source.open()
        app = Top(source, 0.5, Surroundings())
        try:
            async with app.run_test(size=(120, 30)) as pilot:
                await look(pilot, app)
        finally:
            # Its last request is under way, perhaps.
            await asyncio.to_thread(app._poller._thread.join)

    try:
        asyncio.run(run())
    finally:
        session.client.close()


def text(app: Top) -> str:
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("\n" + text(pilot.app))  # type: ignore[arg-type]
        await pilot.pause(0.05)
