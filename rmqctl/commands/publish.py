"""publish: one message over the HTTP API."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from rmqctl.api import messages
from rmqctl.errors import DataError, UsageError
from rmqctl.result import Nothing
from rmqctl.session import Session

_NUMBERS = ("delivery_mode", "priority", "timestamp")
_TEXTS = (
    "content_type", "content_encoding", "correlation_id", "reply_to", "expiration", "message_id", "type", "user_id",
    "app_id", "cluster_id",
)  # fmt: skip


def publish(
    session: Session,
    payload: Annotated[str | None, typer.Argument(metavar="[PAYLOAD]", show_default=False)] = None,
    routing_key: Annotated[str, typer.Option("--routing-key", "-k", metavar="KEY", help="Routing key.")] = "",
    exchange: Annotated[
        str, typer.Option("--exchange", "-e", metavar="NAME", help="Exchange; else the default one, to queue KEY.")
    ] = "",
    file: Annotated[Path | None, typer.Option("--file", metavar="FILE", help="The payload, byte for byte.")] = None,
    property_: Annotated[
        list[str] | None, typer.Option("--property", metavar="NAME=VALUE", help="content_type=text/plain; repeatable.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", metavar="NAME=VALUE", help="NAME:=JSON for other types; repeatable.")
    ] = None,
    persistent: Annotated[bool, typer.Option("--persistent", help="Delivery mode 2: survives a restart.")] = False,
    allow_unroutable: Annotated[
        bool, typer.Option("--allow-unroutable", help="Not an error when no queue takes it.")
    ] = False,
) -> Nothing:
    """Publish a message: POST /api/exchanges/VHOST/NAME/publish. Without PAYLOAD and --file it is read from stdin.

    Exit code 65 when no queue took the message.
    """
    if payload is not None and file is not None:
        raise UsageError("PAYLOAD and --file both give a payload: use one")
    properties = _properties(property_ or [], header or [], persistent)
    content = _content(session, payload, file)
    routed = messages.publish(session.client, session.vhost, exchange, routing_key, content, properties)
    if not routed and not allow_unroutable:
        raise DataError(
            f"no queue took the message: exchange {exchange or 'amq.default'!r} in virtual host {session.vhost!r} has no "
            f"route for key {routing_key!r} ({session.client.endpoint.url}); --allow-unroutable takes that for success"
        )
    session.hint("Published." if routed else "Published; no queue took it.")
    return Nothing()


def _content(session: Session, payload: str | None, file: Path | None) -> bytes:
    if payload is not None:
        return payload.encode(errors="surrogateescape")
    if file is not None:
        try:
            return file.read_bytes()
        except OSError as error:
            raise UsageError(f"--file {file}: {error.strerror}") from None
    binary = getattr(session.stdin, "buffer", None)
    return session.stdin.read().encode() if binary is None else bytes(binary.read())


def _properties(words: list[str], headers: list[str], persistent: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"delivery_mode": 2} if persistent else {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in (*_NUMBERS, *_TEXTS):
            raise UsageError(f"--property: {word!r} is not NAME=VALUE with one of {', '.join((*_NUMBERS, *_TEXTS))}")
        if name in _NUMBERS and not text.isdecimal():
            raise UsageError(f"--property: {name} is a whole number, not {text!r}")
        found[name] = int(text) if name in _NUMBERS else text
    if headers:
        found["headers"] = dict(map(_header, headers))
    return found


def _header(word: str) -> tuple[str, Any]:
    name, equals, text = word.partition("=")
    if not equals:
        raise UsageError(f"--header: {word!r} is neither NAME=VALUE nor NAME:=JSON")
    if not name.endswith(":"):
        return name, text
    try:
        return name[:-1], json.loads(text)
    except ValueError as error:
        raise UsageError(f"--header {name[:-1]}: not JSON: {error}") from None
