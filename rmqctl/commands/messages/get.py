"""get and peek: messages from the head of a queue, which stay there unless it is said otherwise; streams by offset."""

import contextlib
import errno
import json
import os
import re
from base64 import b64encode
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rmqctl.amqp.connection import connected, putting_back
from rmqctl.amqp.delivery import Delivery
from rmqctl.api import looking
from rmqctl.api import messages as api
from rmqctl.api.looking import Look
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.incoming import BLOCK_COLORS, COLUMNS, Force, PayloadOnly, block, look_of, payload_of
from rmqctl.commands.kit.outgoing import PAYLOAD, PROPERTIES
from rmqctl.errors import RmqctlError, TimedOut, Unavailable, UsageError
from rmqctl.output import TERMINAL
from rmqctl.result import Live, Nothing, Result, Rows, Value
from rmqctl.session import Session
from rmqctl.terms import JsonText

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

FULL = (errno.ENOSPC, errno.EDQUOT)
"""A disk is full, not a word of the command line wrong."""

Row = dict[str, Any]
Count = Annotated[int | None, typer.Option("--count", min=1, metavar="N", help=r"At most N messages \[1].")]


def get(
    session: Session,
    queue: Annotated[
        list[str],
        typer.Argument(
            metavar="QUEUE", help="rabbitmqadmin's queue=NAME count=N are understood too.", show_default=False
        ),
    ],
    count: Count = None,
    requeue: Annotated[bool, typer.Option("--requeue", help="Put them back where they were (the default).")] = False,
    ack: Annotated[bool, typer.Option("--ack", help="Remove them from the queue.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Remove them, to the dead-letter exchange if any.")] = False,
    force: Force = False,
    payload_only: PayloadOnly = False,
    dump: Annotated[
        Path | None,
        typer.Option(
            "--dump",
            metavar="DIR",
            help="Write a file for each, its properties beside it, for publish --from.",
            show_default=False,
        ),
    ] = None,
    offset: Annotated[
        str | None,
        typer.Option(
            "--offset",
            metavar="OFFSET",
            help="Of a stream, over AMQP: first, last, next, a number, a time, or an age such as 1h.",
            show_default=False,
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            "--amqp", metavar="URL", help="Where the broker listens for AMQP [from the HTTP API].", show_default=False
        ),
    ] = None,
    yes: Annotated[bool, Yes] = False,
) -> Result:
    """Get messages from the head of a queue: POST /api/queues/VHOST/QUEUE/get.

    They are put back and marked as redelivered, unless --ack or --reject removes them. Where being put back counts against a
    delivery limit, get refuses without --force. A payload that is not UTF-8 is shown as base64, and payload_encoding says so.
    A message is removed over AMQP, and only after it was written.
    """
    if requeue + ack + reject > 1:
        raise UsageError("--requeue, --ack and --reject exclude each other")
    name, words = _words(queue)
    mode = api.ACK if ack else api.REJECT if reject else words.get("ackmode", api.REQUEUE)
    wanted = count or int(words.get("count", "1"))
    if offset is not None and (ack or reject):
        raise UsageError("--offset: messages of a stream stay; neither --ack nor --reject applies")
    if payload_only and dump is not None:
        raise UsageError("--payload-only and --dump exclude each other")
    if dump is not None:
        _fresh(dump)
    if offset is not None:
        return _result(session, _from_stream(session, name, wanted, _offset(offset), url), dump, payload_only)
    if mode not in api.PUT_BACK:
        what = f"remove messages of queue {name!r} of virtual host {session.vhost!r}"
        confirm_if_protected(session, what, yes=yes, vhost=session.vhost)
    look = _look(session, url, name, mode)
    if look.kind == "stream":
        if mode not in api.PUT_BACK:
            raise Unavailable(f"queue {name!r} is a stream, where messages stay: --offset reads it")
        session.hint("A stream, read from its first message: --offset chooses another one.")
        return _result(session, _from_stream(session, name, wanted, "first", url), dump, payload_only)
    encoding = words.get("encoding", "auto")
    if mode not in api.PUT_BACK:
        if dump is not None:
            return _dump_and_remove(session, name, wanted, mode, dump, url)
        return _take(session, name, wanted, mode, encoding, payload_only, url)
    look.check(force=force, instead="--force looks all the same, get --ack removes what it gets")
    found = api.get(session.client, session.vhost, name, wanted, mode, encoding)
    if found:
        session.hint("The messages are back in the queue, marked as redelivered.")
    told = look.told([look.returns(_headers(each)) for each in found])
    return _result(session, found, dump, payload_only, told)


def _look(session: Session, url: str | None, queue: str, mode: str) -> Look:
    if mode not in api.PUT_BACK:
        return look_of(session, url, queue)
    return looking.look(session.client, session.vhost, queue, rejecting=mode == api.REJECT_AND_REQUEUE)


def peek(
    session: Session,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", show_default=False)],
    count: Count = None,
    force: Force = False,
    payload_only: PayloadOnly = False,
) -> Result:
    """Look at the messages at the head of a queue: as get, they are put back and marked as redelivered.

    Where being put back counts against a delivery limit, peek refuses without --force. rabbitmq-queues peek takes a position
    and leaves no mark; the HTTP API has nothing for that.
    """
    return get(session, [queue], count, force=force, payload_only=payload_only)


_KEYS = ("queue", "count", "ackmode", "encoding", "payload_file", "requeue")
_REQUEUE = {"true": api.REQUEUE, "false": api.ACK}
"""What older releases of rabbitmqadmin said in place of an ackmode."""


def _words(words: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The queue, and what rabbitmqadmin v1's words say. Raises UsageError."""
    found = {key: text for word in words for key, equals, text in [word.partition("=")] if equals and key in _KEYS}
    if "queue" not in found or len(found) != len(words):
        if len(words) != 1:
            raise UsageError(f"one QUEUE is wanted, not {len(words)}")
        return words[0], {}
    choices = {
        "ackmode": (*api.PUT_BACK, api.ACK, api.REJECT),
        "encoding": ("auto", "base64"),
        "requeue": tuple(_REQUEUE),
    }
    for key, known in choices.items():
        if found.get(key, known[0]) not in known:
            raise UsageError(f"{key}={found[key]}: one of {', '.join(known)} is wanted")
    if not found.get("count", "1").isdecimal():
        raise UsageError(f"count={found['count']}: a whole number is wanted")
    if "payload_file" in found:
        raise UsageError("payload_file: use --payload-only > FILE")
    if "requeue" in found:
        found.setdefault("ackmode", _REQUEUE[found["requeue"]])
    return found["queue"], found


# What is printed


def _result(
    session: Session, found: list[Row], dump: Path | None, payload_only: bool, told: Sequence[str] = ()
) -> Result:
    part = _part(session, found, payload_only) if dump is None else _dumped(session, dump, found)
    if isinstance(part, bytes):
        return Live((each for each in (part,)), lambda: Nothing(tuple(told)))
    return part._replace(messages=(*part.messages, *told))


def _headers(message: Row) -> Row:
    return message["properties"].get("headers") or {}


def _part(session: Session, found: list[Row], payload_only: bool) -> Rows | Value | bytes:
    if payload_only:
        return _payloads(session, found)
    if found and session.format is TERMINAL:
        return Value(found, "\n".join(block(number, row) for number, row in enumerate(found, 1)), colors=BLOCK_COLORS)
    native = session.format.native
    rows = [
        [JsonText(row["properties"]) if name == "properties" and not native else row.get(name) for name in COLUMNS]
        for row in found
    ]
    return Rows(COLUMNS, rows, empty="The queue has no messages to get.")


def _payloads(session: Session, found: list[Row]) -> bytes:
    written = b"\n".join(map(payload_of, found))
    return written + b"\n" if found and (len(found) > 1 or session.on_terminal) else written


# Folders


def _fresh(folder: Path) -> None:
    """A folder without messages, made when there is none. Raises UsageError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = next(folder.glob("message-*"), None)
    except OSError as error:
        if error.errno in FULL:
            raise _unwritten(folder, error) from None
        raise UsageError(f"--dump {folder}: {error.strerror}") from None
    if taken is not None:
        raise UsageError(f"--dump {folder}: {taken.name} is there already; give another folder")


def _dumped(session: Session, folder: Path, found: Iterable[Row]) -> Nothing:
    number = 0
    for number, message in enumerate(found, 1):
        _write(folder, number, message)
    session.hint(f"{number} messages are in {folder}; rmqctl publish --from {folder} publishes them again.")
    return Nothing()


def _write(folder: Path, number: int, message: Row) -> None:
    """Both files are on the disk when this returns, or none is left and it raises RmqctlError."""
    beside = {key: message.get(key) for key in ("exchange", "routing_key", "redelivered")}
    text = json.dumps({**beside, "properties": message.get("properties") or {}}, ensure_ascii=False, indent=2)
    contents = {PAYLOAD: payload_of(message), PROPERTIES: f"{text}\n".encode()}
    files = {folder / name.format(number): content for name, content in contents.items()}
    try:
        for path_, content in files.items():
            with path_.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        for path_ in files:
            with contextlib.suppress(OSError):
                path_.unlink()
        raise _unwritten(folder, error) from None


def _unwritten(folder: Path, error: OSError) -> RmqctlError:
    return RmqctlError(f"--dump {folder}: {error.strerror}")


# Over AMQP


def _take(
    session: Session, queue: str, count: int, mode: str, encoding: str, payload_only: bool, url: str | None
) -> Live:
    """Messages leave the queue when they were written: the HTTP API removes them before anybody has their bytes."""

    def parts() -> Generator[Rows | Value | bytes, None, None]:
        with contextlib.ExitStack() as stack:
            try:
                connection = stack.enter_context(connected(session, url))
            except (Unavailable, TimedOut) as error:
                if url is not None:
                    raise
                session.say(f"rmqctl: warning: {error}; the HTTP API removes messages before they are written")
                found = api.get(session.client, session.vhost, queue, count, mode, encoding)
                yield _part(session, found, payload_only)
                return
            channel = connection.channel()
            stack.enter_context(putting_back(channel))
            taken = list(_got(channel, queue, count))
            yield _part(session, [_row(each, encoding) for each in taken], payload_only)
            for delivery in taken:  # when this goes on, they were written
                _settle(channel, delivery, mode)

    return Live(parts(), Nothing)


def _dump_and_remove(session: Session, queue: str, count: int, mode: str, folder: Path, url: str | None) -> Nothing:
    """Each message leaves the queue when its files are on the disk."""
    number = 0
    with connected(session, url) as connection, putting_back(channel := connection.channel()):
        for number, delivery in enumerate(_got(channel, queue, count), 1):
            _write(folder, number, delivery.row())
            _settle(channel, delivery, mode)
    session.hint(
        f"{number} messages were removed and are in {folder}; rmqctl publish --from {folder} publishes them again."
    )
    return Nothing()


def _got(channel: "BlockingChannel", queue: str, count: int) -> Iterator[Delivery]:
    """Messages from the head, unacknowledged."""
    for _ in range(count):
        got, properties, body = channel.basic_get(queue)
        if got is None:
            return
        yield Delivery(got, properties, body or b"")


def _settle(channel: "BlockingChannel", delivery: Delivery, mode: str) -> None:
    if mode == api.ACK:
        channel.basic_ack(delivery.got.delivery_tag)
    else:
        channel.basic_nack(delivery.got.delivery_tag, requeue=False)


def _row(delivery: Delivery, encoding: str) -> Row:
    row = delivery.row()
    if encoding == "base64":
        row |= {"payload": b64encode(delivery.body).decode("ascii"), "payload_encoding": "base64"}
    return row


END_OF_STREAM_SECONDS = 2.0
"""A stream that has nothing for so long is taken to be at its end."""


def _from_stream(session: Session, queue: str, count: int, offset: object, url: str | None) -> list[Row]:
    rows: list[Row] = []
    with connected(session, url) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=min(count, 500))
        arguments = {"x-stream-offset": offset}
        for got, properties, body in channel.consume(
            queue, arguments=arguments, inactivity_timeout=END_OF_STREAM_SECONDS
        ):
            if got is None:
                break
            rows.append(Delivery(got, properties, body).row())
            channel.basic_ack(got.delivery_tag)
            if len(rows) == count:
                break
        # No cancel: pika would give back what is on its way, which the streams of 3.10 refuse. The connection is closed instead.
    return rows


def _offset(text: str) -> object:
    """x-stream-offset: https://www.rabbitmq.com/docs/streams#consuming. Raises UsageError."""
    if text in ("first", "last", "next") or re.fullmatch(r"\d+[YMDhms]", text):
        return text
    if text.isdecimal():
        return int(text)
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise UsageError(
            f"--offset: {text!r} is neither first, last, next, a number, a time such as 2026-01-31T12:00 nor an age such as 1h"
        ) from None
