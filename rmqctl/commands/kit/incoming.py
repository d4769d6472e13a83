"""Messages that come, as `get`, `tap` and `consume` show them: columns, rows, blocks for people, bytes."""

from base64 import b64decode
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Annotated, Any, TypeVar

import typer

from rmqctl.amqp.consuming import Consumer
from rmqctl.amqp.delivery import Delivery, text_of
from rmqctl.api import exchanges, looking
from rmqctl.api.looking import Look
from rmqctl.commands.kit.decoding import Decoded, decode, ways_of
from rmqctl.commands.kit.outgoing import NUMBERS, TEXTS
from rmqctl.errors import AccessRefused, NoPath, RmqctlError, TimedOut, Unavailable, UsageError
from rmqctl.naming import closest
from rmqctl.output import TERMINAL, in_words
from rmqctl.output.answer import pairs, plain
from rmqctl.output.escape import visible
from rmqctl.result import Live, Nothing, Rows, Value
from rmqctl.session import Session
from rmqctl.terms import JsonText
from rmqctl.units import seconds

COLUMNS = (
    "exchange", "routing_key", "redelivered", "properties", "payload_bytes", "payload_encoding", "payload",
)  # fmt: skip
_FIELDS = (*(name for name in COLUMNS if name != "payload_encoding"), "headers", *NUMBERS, *TEXTS)
"""What --where can begin a name with: `headers.x-retries`, `priority`."""

LOOK_SECONDS = 0.2
"""How often it looks whether it is to stop."""

Row = dict[str, Any]
Selector = Callable[[Mapping[str, Any]], bool]
Answer = TypeVar("Answer")

PayloadOnly = Annotated[
    bool, typer.Option("--payload-only", help="Write payloads alone, byte for byte, a line end between them.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="End after N messages.")]
IdleTimeout = Annotated[
    str | None,
    typer.Option(
        "--idle-timeout",
        metavar="TIME",
        help="End when no message has come for this long: 500ms, 10s, 1m.",
        show_default=False,
    ),
]
Filter = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="EXPRESSION",
        help="Only messages that match, such as 'routing_key ~ \"^eu\" and headers.n > 3'.",
        show_default=False,
    ),
]
Jsonl = Annotated[bool, typer.Option("--jsonl", help="The same as --formatter jsonl: what publish --jsonl reads.")]
Decode = Annotated[
    str | None,
    typer.Option(
        "--decode",
        metavar="HOW",
        help="Unpack payloads: auto (as their properties say), gzip, deflate, json; gzip,json.",
        show_default=False,
    ),
]
Force = Annotated[
    bool, typer.Option("--force", help="Look even where that could cost a message its place in the queue.")
]
Amqp = Annotated[
    str | None,
    typer.Option(
        "--amqp", metavar="URL", help="Where the broker listens for AMQP [from the HTTP API].", show_default=False
    ),
]


def selector(expression: str | None) -> Selector | None:
    """What --where says about the fields of a message (Delivery.fields). Raises UsageError."""
    if expression is None:
        return None
    from rmqctl.resources.column import reader
    from rmqctl.resources.where import parse

    where = parse(expression, lambda name: name.partition(".")[0] in _FIELDS, lambda name: closest(name, _FIELDS))
    return lambda fields: where.matches(lambda name: reader(name)(fields))


def payload_of(message: Row) -> bytes:
    text = str(message["payload"])
    return b64decode(text) if message.get("payload_encoding") == "base64" else text.encode()


def without_deaths(headers: Row) -> tuple[Row, list[str]]:
    """The headers but for x-death, and what that says in words. A client may have put anything there, which stays then."""
    deaths = headers.get("x-death")
    if not isinstance(deaths, list) or not all(isinstance(death, dict) for death in deaths):
        return headers, []
    return {name: value for name, value in headers.items() if name != "x-death"}, list(map(_in_words, deaths))


def _in_words(death: Row) -> str:
    """One element of x-death, https://www.rabbitmq.com/docs/dlx#effects."""
    keys = death.get("routing-keys")
    keys = keys if isinstance(keys, list) else []
    at = _at(death.get("time"))
    times = "once" if death.get("count") == 1 else f"{death.get('count')} times"
    return (
        f"died {times} in queue {death.get('queue')} ({death.get('reason')}{at}), "
        f"published to exchange {death.get('exchange') or '(default)'} with key {', '.join(map(str, keys))}"
    )


def look_of(session: Session, url: str | None, queue: str) -> Look:
    """What looking at the messages of a queue over AMQP costs. Raises NotFound.

    Without a kind when the HTTP API does not tell it, and is not needed for the AMQP address either.
    """
    return _told(lambda: looking.look(session.client, session.vhost, queue), url) or Look(queue, session.vhost)


def kind_of_exchange(session: Session, url: str | None, name: str) -> str | None:
    """Its type: GET /api/exchanges/VHOST/NAME. Raises NotFound. None when the HTTP API does not tell it."""

    def kind() -> str | None:
        return exchanges.get(session.client, session.vhost, name, "type", statistics=False).get("type")

    return _told(kind, url)


def _told(ask: Callable[[], Answer], url: str | None) -> Answer | None:
    """What the HTTP API says; None when it does not, and the AMQP address is known without it."""
    try:
        return ask()
    except (Unavailable, AccessRefused, TimedOut) as error:
        if url in (None, "auto") and not isinstance(error, NoPath):
            raise
        return None


def _at(when: Any) -> str:
    try:
        return f", {datetime.fromtimestamp(when).astimezone():%Y-%m-%d %H:%M:%S}"
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


@contextmanager
def counted(count: Callable[[], int]) -> Iterator[None]:
    """An error tells how many messages came before it."""
    try:
        yield
    except RmqctlError as error:
        if not count():
            raise
        raise type(error)(f"{error}; {messages(count())} came before") from error


def messages(number: int) -> str:
    return "1 message" if number == 1 else f"{number} messages"


@dataclass
class Shown:
    """What of the command line says which messages are shown, and how. Made by `shown`."""

    session: Session
    idle: float | None
    where: Selector | None
    payload_only: bool
    ways: tuple[str, ...]
    count: int = 0
    """How many were shown."""

    def live(self, parts: Generator[Rows | Value | bytes, None, None], end: Callable[[], Nothing]) -> Live:
        return Live(parts, end, self.session.settings.output.formatter)

    def arriving(
        self, consumer: Consumer, stopped: Callable[[], bool], other: Callable[[Delivery], None]
    ) -> Iterator[tuple[Delivery, Decoded]]:
        """The messages that match, until Ctrl-C or until none came for the idle timeout; the others are given to `other`."""
        last = monotonic()
        pause = LOOK_SECONDS if self.idle is None else min(LOOK_SECONDS, self.idle)
        while not stopped():
            delivery = consumer.next(pause)
            if delivery is not None:
                decoded = decode(self.ways, delivery.properties, delivery.body)
                if self.where is None or self.where(_fields(delivery, decoded)):
                    self.count += 1
                    yield delivery, decoded
                    last = monotonic()
                    continue
                other(delivery)
            if self.idle is not None and monotonic() - last >= self.idle:
                return

    def part(self, delivery: Delivery, decoded: Decoded) -> Rows | Value | bytes:
        """The message in the format in force."""
        if decoded.problem:
            self.session.say(f"rmqctl: message {self.count} could not be decoded: {visible(decoded.problem)}")
        if self.payload_only:
            return decoded.body + b"\n"
        row = _row(delivery, decoded)
        if self.session.format is TERMINAL:
            return Value(row, block(self.count, row), colors=BLOCK_COLORS)
        if not self.session.format.native:
            row["properties"] = JsonText(row["properties"])
            if decoded.json is not None:
                row["payload"] = JsonText(row["payload"])
        return Rows(COLUMNS, [[row[name] for name in COLUMNS]])


def shown(
    session: Session,
    idle_timeout: str | None,
    where: str | None,
    payload_only: bool,
    jsonl: bool,
    decode: str | None,
) -> Shown:
    """Raises UsageError."""
    output = session.settings.output
    if jsonl:
        if payload_only or output.formatter not in (None, "jsonl"):
            raise UsageError(f"--jsonl and {'--payload-only' if payload_only else '--formatter'} exclude each other")
        session = session.in_format("jsonl")
    if not session.format.streams:
        able = in_words(each for each in session.formats.values() if each.streams)
        raise UsageError(f"--formatter {session.format.name}: messages are written as they come: {able}")
    idle = None if idle_timeout is None else seconds(idle_timeout)
    return Shown(session, idle, selector(where), payload_only, ways_of(decode))


def _fields(delivery: Delivery, decoded: Decoded) -> Row:
    fields = delivery._replace(body=decoded.body).fields()
    return fields if decoded.json is None else {**fields, "payload": decoded.json[0]}


def _row(delivery: Delivery, decoded: Decoded) -> Row:
    """As Delivery.row. The properties are those of the payload that is shown: it has no content encoding any more."""
    row = delivery.row()
    if decoded.unpacked:
        row["properties"].pop("content_encoding", None)
        row["payload"], row["payload_encoding"] = text_of(decoded.body)
    if decoded.json is not None:
        row["payload"], row["payload_encoding"] = decoded.json[0], "json"
    return row


BLOCK_COLORS = {"─": 36}
"""Of the first line of a block."""


def block(number: int, row: Row) -> str:
    """A message for people: a line about its way, its properties, and its payload with two spaces before each line."""
    key = f"  key {row['routing_key']}" if row["routing_key"] else ""
    again = "  redelivered" if row["redelivered"] else ""
    lines = [
        f"── {number}  exchange {visible(row['exchange'] or '(default)')}{visible(key)}{again}  {row['payload_bytes']} bytes"
    ]
    properties = dict(row["properties"])
    headers, deaths = without_deaths(properties.pop("headers", None) or {})
    headed = {"headers": headers} if headers else {}
    known = [(visible(name), visible(plain(value))) for name, value in pairs({**properties, **headed})]
    width = max((len(name) for name, _ in known), default=0)
    lines += [f"{name:{width}}  {text}" for name, text in known]
    lines += map(visible, deaths)
    if row["payload_encoding"] == "base64":
        lines.append("payload in base64:")
    return "\n".join([*lines, *_indented(row)])


def _indented(row: Row) -> Iterable[str]:
    if row["payload_encoding"] == "json":
        from json import dumps

        text = dumps(row["payload"], ensure_ascii=False, indent=2)
    else:
        text = row["payload"]
    return [f"  {line}" for line in text.split("\n")] if text else []
