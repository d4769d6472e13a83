"""bench: a small load over AMQP, and its rates and latencies."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Annotated, Any

import typer

from rmqctl.amqp import load
from rmqctl.amqp.load import HEAD, Measured, Plan
from rmqctl.commands.kit import incoming
from rmqctl.commands.kit.incoming import messages
from rmqctl.commands.kit.interrupting import INTERRUPTED, until_interrupted
from rmqctl.errors import AccessRefused, UsageError
from rmqctl.result import Result, Value
from rmqctl.session import Session
from rmqctl.units import seconds
from rmqctl.units import size as size_of

INCOMPLETE = 3
PERCENTILES = (50, 75, 95, 99)


def bench(
    session: Session,
    queue: Annotated[
        str | None,
        typer.Option("--queue", metavar="NAME", help="An idle, empty queue; else a temporary one.", show_default=False),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", min=0.1, metavar="N", help="Messages a second of all producers [no limit]."),
    ] = None,
    size: Annotated[str, typer.Option("--size", metavar="BYTES", help="Of a payload, 16 or more: 100, 4KiB.")] = "1000",
    duration: Annotated[str, typer.Option("--time", metavar="TIME", help="How long to publish: 10s, 1m.")] = "10s",
    confirms: Annotated[bool, typer.Option("--confirms", help="Publisher confirms, and how long they take.")] = False,
    in_flight: Annotated[
        int,
        typer.Option("--in-flight", min=1, metavar="N", help="A producer waits when N messages are unconfirmed."),
    ] = 100,
    prefetch: Annotated[int, typer.Option("--prefetch", min=1, max=65535, metavar="N", help="Of each consumer.")] = 100,
    producers: Annotated[int, typer.Option("--producers", min=1, max=100, metavar="N", help="Channels.")] = 1,
    consumers: Annotated[int, typer.Option("--consumers", min=0, max=100, metavar="N", help="Channels.")] = 1,
    auto_ack: Annotated[bool, typer.Option("--auto-ack", help="Consumers use automatic acknowledgements.")] = False,
    url: incoming.Amqp = None,
) -> Result:
    """Publish and consume for a while over AMQP, and report rates and latencies: for smoke tests and demos.

    Latency is the time from publishing to delivery. Without --rate the queue is
    as full as --in-flight allows, and latencies grow with it. A protected
    context refuses it. Exit code 3 when messages were refused or did not
    arrive.
    """
    if session.settings.protected:
        raise AccessRefused(f"bench: context {session.settings.context!r} is protected")
    if queue is not None and auto_ack:
        raise UsageError("--auto-ack is for the temporary queue: it could not leave messages of others in --queue")
    length = size_of(size)
    if length < HEAD.size:
        raise UsageError(f"--size: a payload has at least {HEAD.size} bytes, its mark and its time")
    plan = Plan(queue, rate, length, seconds(duration), confirms, in_flight, prefetch, producers, consumers, auto_ack)
    measured = Measured()
    with until_interrupted() as stopped, _progress(session, measured):
        load.run(session, url, plan, measured, stopped)
        interrupted = stopped()
    return _told(plan, measured, interrupted)


@contextmanager
def _progress(session: Session, measured: Measured) -> Iterator[None]:
    """A line a second on stderr when a person looks."""
    if not session.wants_hints:
        yield
        return
    over = Event()
    ticker = Thread(target=_tick, args=(session, measured, over.wait), daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()


def _tick(session: Session, measured: Measured, over: Callable[[float], bool]) -> None:
    began, published, consumed, since = time.monotonic(), 0, 0, time.monotonic()
    while not over(1.0):
        now = time.monotonic()
        sent, got = measured.published - published, measured.consumed - consumed
        each = now - since
        session.say(f"{now - began:4.0f} s  {sent / each:8.0f} published/s  {got / each:8.0f} consumed/s")
        published, consumed, since = measured.published, measured.consumed, now


def _told(plan: Plan, measured: Measured, interrupted: bool) -> Result:
    data: dict[str, Any] = {
        "seconds": round(measured.publishing_seconds, 3),
        "published": measured.published,
        "published_per_second": _per_second(measured.published, measured.publishing_seconds),
    }
    if plan.confirms:
        data |= {"confirmed": measured.confirmed, "refused": measured.refused}
    if plan.consumers:
        consumed = measured.consumed
        data |= {"consumed": consumed, "consumed_per_second": _per_second(consumed, measured.consuming_seconds)}
    for name, found in (("confirm_ms", measured.confirm_ns), ("latency_ms", measured.latency_ns)):
        if found:
            data[name] = percentiles(found)
    lines = []
    if measured.refused:
        lines.append(f"the broker refused {messages(measured.refused)} (is the queue full?)")
    if plan.confirms and (missing := measured.published - measured.confirmed - measured.refused):
        lines.append(f"no confirm came for {messages(missing)}")
    if plan.consumers and (missing := measured.published - measured.refused - measured.consumed):
        lines.append(f"{messages(missing)} did not arrive")
    code = INCOMPLETE if lines else 0
    if interrupted:
        lines.append("interrupted")
        code = INTERRUPTED
    return Value(data, messages=tuple(f"rmqctl: {line}" for line in lines), exit_code=code)


def _per_second(count: int, during: float) -> float:
    return round(count / during, 1) if during else 0.0


def percentiles(nanoseconds: Sequence[int]) -> dict[str, float]:
    """Milliseconds: of so many of a hundred it was at most that (nearest rank)."""
    ordered = sorted(nanoseconds)
    ranks = {f"p{share}": -(-len(ordered) * share // 100) - 1 for share in PERCENTILES}
    return {name: round(ordered[rank] / 1e6, 3) for name, rank in {**ranks, "max": len(ordered) - 1}.items()}
