"""tap: copies of the messages that an exchange routes, through a queue of its own."""

from collections.abc import Callable, Generator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from rmqctl.amqp.consuming import consuming
from rmqctl.commands.kit import incoming, outgoing
from rmqctl.commands.kit.incoming import Shown, messages
from rmqctl.commands.kit.interrupting import INTERRUPTED, until_interrupted
from rmqctl.errors import NotFound, UsageError
from rmqctl.result import Nothing, Result, Rows, Value
from rmqctl.session import Session

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

QUEUE_ARGUMENTS = {"x-max-length": 10_000, "x-max-length-bytes": 64 << 20, "x-overflow": "drop-head"}
"""What a tap that is too slow can pile up in the broker."""

EVERYTHING = {"fanout": "", "topic": "#", "headers": "", "x-recent-history": "", "x-event": "#"}
"""By the type of an exchange: the binding key by which all its messages come."""

SHARING = ("x-consistent-hash", "x-modulus-hash", "x-random", "x-local-random")
"""Exchanges that give each message to one of their queues: a tap would take it away from the others."""


class Match(Enum):
    """x-match of a headers exchange."""

    all = "all"
    any = "any"


class Source(NamedTuple):
    """An exchange and the key to bind with; None: all that the exchange routes."""

    exchange: str
    key: str | None


def tap(
    session: Session,
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[EXCHANGE[:KEY]]...",
            help="The last colon separates. Without KEY: all that a topic, fanout or headers exchange routes.",
            show_default=False,
        ),
    ] = None,
    exchange: Annotated[
        str | None, typer.Option("--exchange", "-e", metavar="NAME", help="Exchange, for a name with a colon.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option("--key", "-k", metavar="KEY", help="Binding key for --exchange; repeatable.")
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header", metavar="NAME=VALUE", help="Of a headers exchange; NAME:=JSON for other types; repeatable."
        ),
    ] = None,
    match: Annotated[
        Match, typer.Option("--x-match", help="Whether all headers are wanted, or any of them.")
    ] = Match.all,
    limit: incoming.Limit = None,
    idle_timeout: incoming.IdleTimeout = None,
    where: incoming.Filter = None,
    payload_only: incoming.PayloadOnly = False,
    jsonl: incoming.Jsonl = False,
    decode: incoming.Decode = None,
    url: incoming.Amqp = None,
) -> Result:
    """Copy messages as an exchange routes them, over AMQP; the other queues keep theirs.

    A queue for this connection alone is bound to the exchanges and goes with it. It holds at most 10,000 messages or 64
    MiB: a slow reader loses the oldest. Messages from before the start do not come. Ends with Ctrl-C, --limit or --idle-timeout.
    """
    show = incoming.shown(session, idle_timeout, where, payload_only, jsonl, decode)
    arguments = outgoing.properties_of([], header or [], {}).get("headers", {})
    wanted = _sources(sources or [], exchange, key or [])
    if arguments:
        arguments["x-match"] = match.value
    keys = [(source.exchange, _key(session, source, bool(arguments), url)) for source in wanted]
    dropped, interrupted = 0, False

    def parts() -> Generator[Rows | Value | bytes, None, None]:
        nonlocal dropped, interrupted
        with (
            incoming.counted(lambda: show.count),
            until_interrupted() as stopped,
            consuming(session, url, _bound(keys, arguments), None) as consumer,
        ):
            session.hint(f"Tapping {_told(keys)}; Ctrl-C ends it.")
            for delivery, decoded in show.arriving(consumer, stopped, lambda _: None):
                yield show.part(delivery, decoded)
                dropped = consumer.dropped
                if show.count == limit:
                    break
            interrupted = stopped()

    return show.live(parts(), lambda: _end(session, show, interrupted, dropped))


def _sources(words: Sequence[str], exchange: str | None, keys: Sequence[str]) -> list[Source]:
    """Raises UsageError."""
    if exchange is None and keys:
        raise UsageError("--key goes with --exchange")
    found = [Source(*_split(word)) for word in words]
    if exchange is not None:
        found += [Source(exchange, key) for key in keys] or [Source(exchange, None)]
    if not found:
        raise UsageError("tap which exchange? EXCHANGE:KEY or --exchange NAME is wanted")
    for source in found:
        if source.exchange in ("", "amq.default"):
            raise UsageError(
                "the default exchange takes no binding, so it cannot be tapped: look with peek QUEUE, or use trace_on "
                f"and tap amq.rabbitmq.trace:publish.# or amq.rabbitmq.trace:deliver.{source.key or 'QUEUE'}"
            )
    return found


def _split(word: str) -> tuple[str, str | None]:
    name, colon, key = word.rpartition(":")
    return (name, key) if colon else (word, None)


def _key(session: Session, source: Source, by_headers: bool, url: str | None) -> str:
    """The binding key. Raises UsageError when the exchange needs one, or would share its messages out."""
    try:
        kind = incoming.kind_of_exchange(session, url, source.exchange)
    except NotFound as error:
        if source.key is None:
            raise
        raise NotFound(f"{error}; --exchange takes a name with a colon") from None
    if kind in SHARING:
        raise UsageError(
            f"exchange {source.exchange!r} is of type {kind}: it gives each message to one of its queues, so a tap would "
            "take it from the others"
        )
    if source.key is not None:
        return source.key
    if by_headers:
        return ""
    if kind in EVERYTHING:
        return EVERYTHING[kind]
    what = f"is of type {kind}" if kind else "may be of any type: the HTTP API was not asked or did not tell"
    raise UsageError(
        f"exchange {source.exchange!r} {what}, so keys are needed: {source.exchange}:KEY, as list_bindings shows them"
    )


def _bound(keys: Sequence[tuple[str, str]], arguments: dict[str, Any]) -> "Callable[[BlockingChannel], str]":
    def declare(channel: "BlockingChannel") -> str:
        queue = str(channel.queue_declare("", exclusive=True, auto_delete=True, arguments=QUEUE_ARGUMENTS).method.queue)
        for exchange, key in keys:
            channel.queue_bind(queue, exchange, key, arguments)
        return queue

    return declare


def _told(keys: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"exchange {exchange!r}" + (f" with key {key!r}" if key else "") for exchange, key in keys)


def _end(session: Session, show: Shown, interrupted: bool, dropped: int) -> Nothing:
    lines = [f"rmqctl: {messages(dropped)} missed: they came faster than they could be written"] if dropped else []
    if interrupted:
        return Nothing((*lines, f"rmqctl: interrupted: {messages(show.count)}"), INTERRUPTED)
    session.hint(f"{messages(show.count)}.")
    return Nothing(tuple(lines))
