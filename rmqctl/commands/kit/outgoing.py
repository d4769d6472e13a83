"""What `publish` sends: one payload, lines, lines of JSON as `get --formatter jsonl` prints them, or what `get --dump` wrote."""

import json
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rmqctl.api.looking import ADDED
from rmqctl.errors import DataError, UsageError
from rmqctl.output.values import compact
from rmqctl.session import Session
from rmqctl.units import duration

NUMBERS = ("delivery_mode", "priority", "timestamp")
TEXTS = (
    "content_type", "content_encoding", "correlation_id", "reply_to", "expiration", "message_id", "type", "user_id",
    "app_id", "cluster_id",
)  # fmt: skip
PAYLOAD, PROPERTIES = "message-{:06}", "message-{:06}.json"
"""The two files of a message in a folder; the first is number 1."""


class Outgoing(NamedTuple):
    """One message to publish. `properties` by the names of AMQP 0-9-1, `headers` among them."""

    exchange: str
    routing_key: str
    payload: bytes
    properties: dict[str, Any]


class Target(NamedTuple):
    """Where the command line wants messages; None: as each message says, else the default exchange and an empty key."""

    exchange: str | None
    routing_key: str | None

    def of(self, exchange: str, routing_key: str) -> tuple[str, str]:
        """A key alone means the default exchange, as it does for a single message."""
        if self.routing_key is None:
            return (exchange if self.exchange is None else self.exchange), routing_key
        return self.exchange or "", self.routing_key


def lines(session: Session, file: Path | None, target: Target, properties: dict[str, Any]) -> Iterator[Outgoing]:
    """A message for each line, without its end."""
    for line in _lines(session, file):
        yield Outgoing(*target.of("", ""), line, properties)


def json_lines(session: Session, file: Path | None, target: Target, properties: dict[str, Any]) -> Iterator[Outgoing]:
    """A message for each line of JSON. Raises DataError with the number of a line that is none."""
    for number, line in enumerate(_lines(session, file), 1):
        if line.strip():
            try:
                yield _of_json(json.loads(line), target, properties)
            except (ValueError, DataError) as error:
                raise DataError(f"line {number} is no message: {error}") from None


def dumped(folder: Path) -> list[tuple[Path, Path]]:
    """The files of each message in a folder that `get --dump` wrote. Raises UsageError when there is none."""
    found = [(beside.with_suffix(""), beside) for beside in sorted(folder.glob("message-*.json"))]
    if not found:
        raise UsageError(f"--from {folder}: there are no files message-*.json of `rmqctl get --dump`")
    for payload, _ in found:
        if not payload.is_file():
            raise UsageError(f"--from {folder}: {payload.name} is missing")
    return found


def from_files(files: Iterable[tuple[Path, Path]], target: Target, properties: dict[str, Any]) -> Iterator[Outgoing]:
    for payload, beside in files:
        try:
            message = _of_json({**json.loads(beside.read_bytes()), "payload": ""}, target, properties)
            yield message._replace(payload=payload.read_bytes())
        except OSError as error:
            raise DataError(f"{error.filename}: {error.strerror}") from None
        except (ValueError, DataError) as error:
            raise DataError(f"{beside} is no message: {error}") from None


def _lines(session: Session, file: Path | None) -> Iterator[bytes]:
    if file is None:
        session.claim_stdin()
        if (binary := getattr(session.streams.stdin, "buffer", None)) is None:
            yield from (line.removesuffix("\n").encode() for line in session.streams.stdin)
            return
        # A reader of its own: a thread that still waits for a line must hold no lock that Python wants when it ends.
        with open(binary.fileno(), "rb", closefd=False) as opened:
            yield from (line.removesuffix(b"\n") for line in opened)
        return
    try:
        with file.open("rb") as opened:
            yield from (line.removesuffix(b"\n") for line in opened)
    except OSError as error:
        raise UsageError(f"--file {file}: {error.strerror}") from None


def _of_json(line: Any, target: Target, given: Mapping[str, Any]) -> Outgoing:
    if isinstance(line, dict) and line.get("payload_encoding") == "json":  # of consume --decode json
        line = {**line, "payload": compact(line.get("payload")), "payload_encoding": "string"}
    if not isinstance(line, dict) or not isinstance(line.get("payload"), str):
        raise DataError('an object with a "payload" is wanted')
    try:
        encoded = line.get("payload_encoding", "string") == "base64"
        payload = b64decode(line["payload"], validate=True) if encoded else line["payload"].encode()
    except ValueError:
        raise DataError("its payload is not Base64") from None
    # An object without members comes from Erlang as an empty list.
    own, headers = line.get("properties") or {}, line.get("headers") or {}
    if not isinstance(own, dict) or not isinstance(own.get("headers") or {}, dict) or not isinstance(headers, dict):
        raise DataError("its properties and headers are objects")
    headers = {**(own.get("headers") or {}), **headers}
    # Without what the queue that it was got from says: this is a new message.
    headers = {name: value for name, value in headers.items() if name not in ADDED} | given.get("headers", {})
    properties = {name: value for name, value in {**own, **given}.items() if name != "headers"}
    if headers:
        properties["headers"] = headers
    for name, value in properties.items():
        _check(name, value)
    key = line.get("routing_key", line.get("key", ""))
    return Outgoing(*target.of(str(line.get("exchange", "")), str(key)), payload, properties)


def _check(name: str, value: Any) -> None:
    if name in NUMBERS:
        good = isinstance(value, int) and not isinstance(value, bool)
    else:
        good = isinstance(value, str) if name in TEXTS else name == "headers" and isinstance(value, dict)
    if not good:
        raise DataError(f"property {name!r} is {json.dumps(value)}")


# The words of the command line


def properties_of(words: Sequence[str], headers: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """--property, --header and the options for single properties. Raises UsageError."""
    found = {name: value for name, value in options.items() if value is not None}
    if "expiration" in found:
        found["expiration"] = str(duration(found["expiration"]))
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or name not in (*NUMBERS, *TEXTS):
            raise UsageError(f"--property: {word!r} is not NAME=VALUE with one of {', '.join((*NUMBERS, *TEXTS))}")
        if name in NUMBERS and not text.isdecimal():
            raise UsageError(f"--property: {name} is a whole number, not {text!r}")
        found[name] = int(text) if name in NUMBERS else text
    if headers:
        found["headers"] = headers_of(headers)
    return found


def headers_of(words: Sequence[str]) -> dict[str, Any]:
    """NAME=VALUE and NAME:=JSON. Raises UsageError."""
    return dict(map(_header, words))


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


_KEYS = ("exchange", "routing_key", "payload", "payload_encoding", "properties")


def of_rabbitmqadmin(words: Sequence[str]) -> dict[str, str] | None:
    """`routing_key=q payload=hi`, the words of rabbitmqadmin v1, by key; None when they are not such words."""
    found = {key: text for word in words for key, equals, text in [word.partition("=")] if equals and key in _KEYS}
    return found if "routing_key" in found and len(found) == len(words) else None


def message_of(words: Mapping[str, str], payload: bytes) -> Outgoing:
    """The message that rabbitmqadmin's words tell of; `payload` is what standard input has when they have none."""
    line: dict[str, Any] = {"exchange": words.get("exchange", ""), "routing_key": words["routing_key"]}
    if line["exchange"] == "amq.default":
        line["exchange"] = ""
    try:
        line["properties"] = json.loads(words.get("properties", "{}"))
        if "payload" not in words:
            return _of_json({**line, "payload": ""}, Target(None, None), {})._replace(payload=payload)
        encoding = words.get("payload_encoding", "string")
        return _of_json({**line, "payload": words["payload"], "payload_encoding": encoding}, Target(None, None), {})
    except (ValueError, DataError, AttributeError) as error:
        raise UsageError(f"{' '.join(words)}: {error}") from None
