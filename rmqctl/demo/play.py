"""Starts the demo's broker, and plays on it: a command in the living world, or the scenes."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rmqctl.demo.audience import session_on, transport
from rmqctl.demo.embedded import EmbeddedBroker
from rmqctl.demo.turns import Turn
from rmqctl.demo.world import CALM, World
from rmqctl.session import Session
from rmqctl.signals import ended_by_signals

if TYPE_CHECKING:
    from rmqctl.demo.scenes import Scene


def run_in_world(session: Session, words: Sequence[str]) -> int:
    """Runs a command against the world. Returns its exit code."""
    with ended_by_signals(), EmbeddedBroker() as broker, living_world(broker.amqp_url), transport() as way:
        # Without a log-in in the URL, --user and --password of the command hold; without those it is guest's.
        return session.invoke(words, session_on(broker.page, way, session))


def play(session: Session, names: Sequence[str], *, auto: bool) -> None:
    """Plays the scenes of these names, all when there are none."""
    from rmqctl.demo.scenes import SCENES

    on_terminal = session.on_terminal and session.streams.stdin.isatty()
    auto = auto or not on_terminal
    chosen = [scene for scene in SCENES if not names or scene.name in names]
    with ended_by_signals():
        ports = (0, 0)
        at = 0
        while at < len(chosen):
            # Each scene has a broker of its own, with nothing of the last one on it, on the same ports.
            with TemporaryDirectory(prefix="rmqctl-demo-") as folder, EmbeddedBroker(Path(folder), *ports) as broker:
                ports = (broker.amqp_port, broker.http_port)
                try:
                    auto = _play_scene(session, broker, chosen[at], f"{at + 1}/{len(chosen)}", auto=auto)
                    at += 1
                except Turn as turn:
                    at = max(0, at + turn.scenes)
    if not auto:
        _stay_up(session, *ports)


def _play_scene(session: Session, broker: EmbeddedBroker, scene: "Scene", number: str, *, auto: bool) -> bool:
    """Returns whether the next one is to wait for nobody. Raises Turn."""
    from rmqctl.demo.stage import Stage

    with Stage(session, broker, auto=auto) as stage:
        stage.heading(f"{number}  {scene.title}")
        scene.play(stage)
        stage.pause()
        return stage.auto


def _stay_up(session: Session, amqp_port: int, http_port: int) -> None:
    """Keeps the world up until Ctrl-C."""
    with EmbeddedBroker(None, amqp_port, http_port) as broker, living_world(broker.amqp_url):
        session.say(f"The demo's broker stays up, with a small living world, until Ctrl-C:\n{addresses(broker)}")
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


def addresses(broker: EmbeddedBroker) -> str:
    return (
        f"  page       {broker.page}  (user guest, password guest)\n"
        f"  AMQP       {broker.amqp_url}\n"
        f"  rmqctl     rmqctl --url {broker.url} list_queues"
    )


@contextmanager
def living_world(amqp_url: str, calm: float = CALM) -> Iterator[World]:
    """The world, which lives on in a thread of its own after the calm."""
    world = World(amqp_url)
    stop = threading.Event()
    thread = threading.Thread(target=world.live, args=(stop, calm), daemon=True)
    try:
        world.build()
        thread.start()
        yield world
    finally:
        stop.set()
        if thread.ident is not None:
            thread.join()
        world.close()
