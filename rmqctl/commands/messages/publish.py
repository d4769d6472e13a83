"""publish: one message or many, over the HTTP API one after another, over AMQP with confirms and many on their way."""

import time
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from typing import Annotated, Any

import typer

from rmqctl.amqp import publishing as amqp
from rmqctl.api import messages as api
from rmqctl.commands.kit import outgoing
from rmqctl.commands.kit.interrupting import INTERRUPTED, until_interrupted
from rmqctl.commands.kit.outgoing import Outgoing, Target
from rmqctl.commands.kit.progress import bar
from rmqctl.errors import AccessRefused, DataError, RmqctlError, UsageError
from rmqctl.result import Nothing, Result, Value
from rmqctl.session import Session

PARTLY = 3
"""The exit code when some messages were published and some were not."""


def _text(flag: str, metavar: str, text: str) -> Any:
    return typer.Option(flag, metavar=metavar, help=text, show_default=False)


def publish(
    session: Session,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PAYLOAD]", help="rabbitmqadmin's routing_key=KEY payload=TEXT are understood too."),
    ] = None,
    routing_key: Annotated[
        str | None, typer.Option("--routing-key", "-k", metavar="KEY", help="Routing key.", show_default=False)
    ] = None,
    exchange: Annotated[
        str | None,
        typer.Option("--exchange", "-e", metavar="NAME", help="Exchange; else the default one, to queue KEY."),
    ] = None,
    file: Annotated[Path | None, _text("--file", "FILE", "The payload, byte for byte, or the lines; -: stdin.")] = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="A message for each line of --file or standard input.")
    ] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="A message for each line of JSON, as get --formatter jsonl prints them.")
    ] = False,
    from_: Annotated[Path | None, _text("--from", "DIR", "The messages that get --dump wrote there.")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, metavar="N", help="Number of times.")] = None,
    property_: Annotated[
        list[str] | None, typer.Option("--property", metavar="NAME=VALUE", help="content_type=text/plain; repeatable.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="NAME=VALUE", help="NAME:=JSON for other types; repeatable.")
    ] = None,
    content_type: Annotated[str | None, _text("--content-type", "TYPE", "Such as application/json.")] = None,
    content_encoding: Annotated[str | None, _text("--content-encoding", "NAME", "Such as gzip.")] = None,
    delivery_mode: Annotated[int | None, typer.Option("--delivery-mode", min=1, max=2, help="2: persistent.")] = None,
    persistent: Annotated[bool, typer.Option("--persistent", help="Delivery mode 2: survives a restart.")] = False,
    priority: Annotated[int | None, typer.Option("--priority", min=0, max=255, help="Its priority.")] = None,
    correlation_id: Annotated[str | None, _text("--correlation-id", "ID", "What it is about.")] = None,
    reply_to: Annotated[str | None, _text("--reply-to", "QUEUE", "Where an answer goes.")] = None,
    expiration: Annotated[str | None, _text("--expiration", "TIME", "How long it lives: 500ms, 60s, 1h.")] = None,
    message_id: Annotated[str | None, _text("--message-id", "ID", "Its identifier.")] = None,
    timestamp: Annotated[int | None, _text("--timestamp", "SECONDS", "When it was made, since 1970.")] = None,
    type_: Annotated[str | None, _text("--type", "NAME", "What kind of message it is.")] = None,
    user_id: Annotated[str | None, _text("--user-id", "USER", "Who published it: the broker checks it.")] = None,
    app_id: Annotated[str | None, _text("--app-id", "NAME", "The program that made it.")] = None,
    allow_unroutable: Annotated[
        bool, typer.Option("--allow-unroutable", help="Accept that no queue takes it.")
    ] = False,
    url: Annotated[
        str | None,
        _text("--amqp", "URL", "Over AMQP with publisher confirms: amqp(s)://HOST[:PORT], or auto."),
    ] = None,
) -> Result:
    """Publish messages: POST /api/exchanges/VHOST/NAME/publish, or AMQP with --amqp, which is for many.

    Without PAYLOAD, --file, --lines, --jsonl and --from one payload is read from standard input. Exit code 65 when no queue
    took a message, 3 when that is so for some of them.
    """
    options = {
        "content_type": content_type,
        "content_encoding": content_encoding,
        "delivery_mode": 2 if persistent else delivery_mode,
        "priority": priority,
        "correlation_id": correlation_id,
        "reply_to": reply_to,
        "expiration": expiration,
        "message_id": message_id,
        "timestamp": timestamp,
        "type": type_,
        "user_id": user_id,
        "app_id": app_id,
    }
    properties = outgoing.properties_of(property_ or [], header or [], options)
    stdin = file is not None and str(file) == "-"
    sources = {"PAYLOAD": words, "--file": file if not (lines or jsonl) else None, "--lines": lines, "--jsonl": jsonl}
    if len(named := [name for name, source in {**sources, "--from": from_}.items() if source]) > 1:
        raise UsageError(f"{' and '.join(named)} both give a payload: use one")
    file = None if stdin else file
    target = Target(exchange, routing_key)
    total: int | None = None
    if lines:
        found = outgoing.lines(session, file, target, properties)
    elif jsonl:
        found = outgoing.json_lines(session, file, target, properties)
    elif from_ is not None:
        files = outgoing.dumped(from_)
        found, total = outgoing.from_files(files, target, properties), len(files)
    else:
        message = _one(session, words or [], file, target, properties)
        if count is None and url is None:
            return _publish_one(session, message, allow_unroutable)
        found, total = repeat(message, count or 1), count or 1
    if count is not None and (lines or jsonl or from_ is not None):
        raise UsageError("--count is for one payload")
    return _publish_all(session, iter(found), total, url, allow_unroutable)


def _one(session: Session, words: list[str], file: Path | None, target: Target, properties: dict[str, Any]) -> Outgoing:
    if target == Target(None, None) and (named := outgoing.of_rabbitmqadmin(words)) is not None:
        message = outgoing.message_of(named, b"" if "payload" in named else session.read_stdin_bytes())
        return message._replace(properties={**message.properties, **properties})
    if len(words) > 1:
        raise UsageError(f"one PAYLOAD is wanted, not {len(words)}: quote it, or use --lines")
    if words:
        payload = words[0].encode(errors="surrogateescape")
    elif file is not None:
        try:
            payload = file.read_bytes()
        except OSError as error:
            raise UsageError(f"--file {file}: {error.strerror}") from None
    else:
        payload = session.read_stdin_bytes()
    return Outgoing(*target.of("", ""), payload, properties)


def _publish_one(session: Session, message: Outgoing, allow_unroutable: bool) -> Nothing:
    routed = api.publish(session.client, session.vhost, *message)
    if not routed and not allow_unroutable:
        raise DataError(f"{_unroutable(session, message)}; use --allow-unroutable to accept that")
    session.hint("Published." if routed else "Published; no queue took it.")
    return Nothing()


def _unroutable(session: Session, message: Outgoing) -> str:
    return (
        f"no queue took the message: exchange {message.exchange or 'amq.default'!r} in virtual host {session.vhost!r} has no "
        f"route for key {message.routing_key!r} ({session.client.endpoint.url})"
    )


# Many


def _publish_all(
    session: Session, messages: Iterator[Outgoing], total: int | None, url: str | None, allow_unroutable: bool
) -> Result:
    tally = amqp.Tally()
    error: RmqctlError | None = None
    started = time.monotonic()
    with until_interrupted() as stopped, bar(session, "Publishing", total) as advance:
        try:
            if url is None:
                _over_http(session, messages, tally, advance, stopped)
            else:
                amqp.publish(session, url, messages, tally, advance, stopped)
        except RmqctlError as caught:
            error = caught
        interrupted = stopped()
    return _report(session, tally, error, interrupted, allow_unroutable, time.monotonic() - started)


def _over_http(
    session: Session,
    messages: Iterator[Outgoing],
    tally: amqp.Tally,
    advance: Callable[[], None],
    stopped: Callable[[], bool],
) -> None:
    """One after another, so that the order is kept."""
    for message in messages:
        if stopped():
            return
        if api.publish(session.client, session.vhost, *message):
            tally.routed += 1
        else:
            tally.returned(message.exchange, message.routing_key)
        advance()


def _report(
    session: Session,
    tally: amqp.Tally,
    error: RmqctlError | None,
    interrupted: bool,
    allow_unroutable: bool,
    seconds: float,
) -> Result:
    published = tally.routed + tally.unroutable
    bad = tally.refused + tally.unconfirmed + (0 if allow_unroutable else tally.unroutable)
    lines = []
    if tally.unroutable and not allow_unroutable:
        where = "; the first: exchange {!r}, key {!r}".format(*tally.first_returned)
        lines.append(f"no queue took {tally.unroutable} of {_messages(published)}{where}")
    if tally.refused:
        lines.append(f"the broker refused {_messages(tally.refused)} (is the queue full?)")
    refusal = tally.unconfirmed == 1 and isinstance(error, DataError | AccessRefused)  # which was the answer to it
    if tally.unconfirmed and not refusal:
        lines.append(f"no answer came to {_messages(tally.unconfirmed)}: whether the broker has them is not known")
    if error is not None:
        if not published:
            raise type(error)("; ".join([str(error), *lines])) from error
        lines.append(f"stopped after {_messages(published)}: {error}")
    if interrupted:
        lines.append(f"interrupted: {_messages(published)} published")
    if not lines:
        session.hint(f"Published {_messages(published)} in {seconds:.1f} s ({published / max(seconds, 0.001):.0f}/s).")
    code = INTERRUPTED if interrupted else 0
    if not code and (bad or error is not None):
        code = PARTLY if tally.routed else DataError.exit_code
    messages = tuple(f"rmqctl: {line}" for line in lines)
    if session.settings.output.formatter is None:
        return Nothing(messages, code)
    data = {
        "published": published,
        "routed": tally.routed,
        "unroutable": tally.unroutable,
        "refused": tally.refused,
        "unconfirmed": tally.unconfirmed,
    }
    return Value(data, messages=messages, exit_code=code)


def _messages(number: int) -> str:
    return "1 message" if number == 1 else f"{number} messages"
