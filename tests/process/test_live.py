"""The view of the embedded broker, with live clients."""

import asyncio
import io
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pika
from textual.pilot import Pilot

from rmqctl.demo.embedded import EmbeddedBroker
from rmqctl.session import Session
from rmqctl.settings import resolve
from rmqctl.top.app import Surroundings, Top
from rmqctl.top.source import Source

from ..unit.top.played import screen, text, until

NAME = "a b/ü [red]"
SECONDS = 60.0


def looked_at(
    broker: EmbeddedBroker, look: Callable[[Pilot[int], Top], Coroutine[Any, Any, None]], **around: Any
) -> None:
    session = Session(io.StringIO(), io.StringIO(), io.StringIO(), {})
    session = session._replace(settings=resolve({"url": broker.url}, {}, lambda: Path("nowhere")))

    async def run() -> None:
        source = Source(session.client, None)
        source.open()
        app = Top(source, 0.2, Surroundings(**around))
        try:
            async with app.run_test(size=(110, 30)) as pilot:
                await look(pilot, app)
        finally:
            # Its last request is under way, perhaps.
            await asyncio.to_thread(app._poller._thread.join)

    try:
        asyncio.run(run())
    finally:
        session.client.close()


def test_a_forgetful_consumer_is_named_and_closed_and_its_queue_purged_and_deleted() -> None:
    with EmbeddedBroker() as broker, pika.BlockingConnection(pika.URLParameters(broker.amqp_url)) as connection:
        forgetful = forget(broker)
        channel = connection.channel()

        async def look(pilot: Pilot[int], app: Top) -> None:
            await until(pilot, lambda: NAME in text(app) and "stuck" in text(app), SECONDS)
            await pilot.press("enter")
            await until(pilot, lambda: "stuck: consumer 'forgetful'" in text(app), SECONDS)
            await pilot.press("escape", "2", "/", *"forgetful", "enter")
            await until(pilot, lambda: "stuck" in text(app), SECONDS)
            await pilot.press("c", "y")
            await until(pilot, lambda: "was closed" in screen(app)[-1], SECONDS)
            await pilot.press("1")
            await until(pilot, lambda: "no ack forgotten" in text(app), SECONDS)
            await pilot.press("p", "y")
            await until(pilot, lambda: "was purged of 3 ready messages" in screen(app)[-1], SECONDS)
            assert ready(channel) == 0
            await pilot.press("d", "y")
            await until(pilot, lambda: "was deleted with" in screen(app)[-1], SECONDS)
            await until(pilot, lambda: NAME not in "\n".join(screen(app)[:-1]), SECONDS)

        looked_at(broker, look)
        assert not is_open(forgetful)


def test_a_read_only_context_leaves_it_as_it_is() -> None:
    with EmbeddedBroker() as broker, pika.BlockingConnection(pika.URLParameters(broker.amqp_url)) as connection:
        channel = connection.channel()
        fill(channel)

        async def look(pilot: Pilot[int], app: Top) -> None:
            await until(pilot, lambda: NAME in text(app), SECONDS)
            await pilot.press("p", "y", "d", "y")
            assert "context 'prod' is read-only" in screen(app)[-1]

        looked_at(broker, look, context="prod", read_only=True)
        assert ready(channel) == 3


def test_a_broker_that_restarts() -> None:
    with EmbeddedBroker() as broker:

        async def look(pilot: Pilot[int], app: Top) -> None:
            await until(pilot, lambda: "1/1 nodes up" in text(app), SECONDS)
            await asyncio.to_thread(broker._stop)
            await until(pilot, lambda: "not reachable since" in text(app), SECONDS)
            await asyncio.to_thread(broker._start)
            await until(pilot, lambda: "not reachable" not in text(app), SECONDS)

        looked_at(broker, look)


def fill(channel: Any) -> None:
    channel.queue_declare(NAME, durable=True)
    channel.confirm_delivery()
    for _ in range(3):
        channel.basic_publish("", NAME, b"x")


def forget(broker: EmbeddedBroker) -> Any:
    parameters = pika.URLParameters(broker.amqp_url)
    parameters.client_properties = {"connection_name": "forgetful"}
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    fill(channel)
    channel.basic_qos(prefetch_count=1)
    got: list[Any] = []
    channel.basic_consume(NAME, lambda *delivery: got.append(delivery), consumer_tag="forgetful")
    while not got:
        connection.process_data_events(time_limit=1)
    return connection


def is_open(connection: Any) -> bool:
    try:
        connection.process_data_events(time_limit=1)
    except pika.exceptions.AMQPError:
        return False
    return bool(connection.is_open)


def ready(channel: Any) -> int:
    return int(channel.queue_declare(NAME, passive=True).method.message_count)
