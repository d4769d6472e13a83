"""A broker for the live view, played by made-up answers, and ways to look at the view in a test."""

import asyncio
import io
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from rmqctl.session import Session
from rmqctl.settings import resolve
from rmqctl.top.app import Surroundings, Top
from rmqctl.top.source import Source

from ..conftest import Broker

PEER = "10.0.0.1:5000 -> 10.0.0.2:5672"
CHANNEL = f"{PEER} (1)"
EVIL = "[red]x[/]\x1b[2J"
DETAILS = {
    "name": CHANNEL,
    "connection_name": PEER,
    "number": 1,
    "user": "worker",
    "peer_host": "10.0.0.1",
    "peer_port": 5000,
}


def queue(name: str, ready: int = 0, unacknowledged: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "vhost": "/", "type": "classic", "state": "running", "messages_ready": ready,
        "messages_unacknowledged": unacknowledged, "messages": ready + unacknowledged, "consumers": 1,
        "message_stats": {"publish_details": {"rate": 2.5}, "ack_details": {"rate": 0.0}},
        "messages_details": {"rate": -1.0}, **more,
    }  # fmt: skip


QUEUES = [queue("orders", 3), queue("task_queue", 1, 2), queue(EVIL, 1), queue("mail")]
CONNECTION = {
    "name": PEER, "user": "worker", "vhost": "/", "state": "running", "channels": 1,
    "client_properties": {"connection_name": "forgetful", "product": "Pika", "version": "1.3"},
}  # fmt: skip
FORGETFUL = {
    "name": CHANNEL, "number": 1, "vhost": "/", "user": "worker", "consumer_count": 1, "prefetch_count": 2,
    "messages_unacknowledged": 2, "idle_since": "2026-01-02T03:04:05.000+00:00",
    "connection_details": {"name": PEER, "peer_host": "10.0.0.1", "peer_port": 5000},
}  # fmt: skip
CONSUMER = {
    "queue": {"name": "task_queue", "vhost": "/"}, "consumer_tag": "tag 1", "ack_required": True, "prefetch_count": 2,
    "channel_details": DETAILS,
}  # fmt: skip
OVERVIEW = {
    "cluster_name": "rabbit@here", "rabbitmq_version": "4.3.6", "disable_stats": False,
    "object_totals": {"queues": 4, "connections": 1, "channels": 1, "consumers": 1, "exchanges": 7},
    "queue_totals": {"messages_ready": 5, "messages_unacknowledged": 2},
    "message_stats": {"publish_details": {"rate": 12.0}, "ack_details": {"rate": 0.0}},
}  # fmt: skip
NODE = {"name": "rabbit@here", "running": True, "mem_alarm": False, "disk_free_alarm": False, "mem_used": 1 << 27}
ANSWERS: Mapping[str, Any] = {
    "GET /api/whoami": {"name": "guest", "tags": ["administrator"]},
    "GET /api/overview": OVERVIEW,
    "GET /api/nodes": [NODE],
    "GET /api/queues": QUEUES,
    "GET /api/connections": [CONNECTION],
    "GET /api/channels": [FORGETFUL],
    "GET /api/consumers": [CONSUMER],
    "GET /api/exchanges": [
        {"name": "", "vhost": "/", "type": "direct"},
        {"name": "logs", "vhost": "/", "type": "fanout"},
    ],
}


def played(**more: Any) -> Broker:
    return Broker({**ANSWERS, **more})


def source(broker: Broker, vhost: str | None = None, clock: Callable[[], float] = time.monotonic) -> Source:
    session = Session(io.StringIO(), io.StringIO(), io.StringIO(), {}, broker.transport)
    session = session._replace(settings=resolve({"password": "guest"}, {}, lambda: Path("nowhere")))
    return Source(session.client, vhost, clock)


def looked_at(
    broker: Broker,
    look: Callable[[Pilot[int], Top], Coroutine[Any, Any, None]],
    *,
    size: tuple[int, int] = (80, 24),
    interval: float = 0.2,
    **around: Any,
) -> None:
    """Runs the view without a terminal while `look` presses keys."""

    async def run() -> None:
        app = Top(source(broker), interval, Surroundings(**around))
        try:
            async with app.run_test(size=size) as pilot:
                await look(pilot, app)
        finally:
            # Its last request is under way, perhaps.
            await asyncio.to_thread(app._poller._thread.join)

    asyncio.run(run())


def screen(app: Top) -> list[str]:
    """The lines as they are on the screen, without spaces at their ends."""
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


def text(app: Top) -> str:
    return "\n".join(screen(app))


async def until(pilot: Pilot[int], condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("\n" + text(pilot.app))  # type: ignore[arg-type]
        await pilot.pause(0.02)
