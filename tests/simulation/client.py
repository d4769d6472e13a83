"""A client at the level of bytes: what it says as bytes, and what it hears as methods with their contents."""

import struct
from typing import Any, NamedTuple

from pamqp import base, body, commands, decode, frame, header

GREETING = b"AMQP\x00\x00\x09\x01"
CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
}
_FRAME = struct.Struct(">BHI")
_DELIVER = b"\x00\x3c\x00\x3c"
_ACK = b"\x00\x3c\x00\x50"
_METHOD, _HEADER, _BODY = 1, 2, 3
_PROPERTIES = (
    ("content_type", 0x8000, "s"),
    ("content_encoding", 0x4000, "s"),
    ("headers", 0x2000, "F"),
    ("delivery_mode", 0x1000, "b"),
    ("priority", 0x0800, "b"),
    ("correlation_id", 0x0400, "s"),
    ("reply_to", 0x0200, "s"),
    ("expiration", 0x0100, "s"),
    ("message_id", 0x0080, "s"),
)
_KNOWN_FLAGS = sum(flag for _, flag, _ in _PROPERTIES)


class Said(NamedTuple):
    """A method that a client sends, with its content when it has one."""

    channel: int
    method: base.Frame
    properties: dict[str, Any] | None = None
    body: bytes = b""

    def encoded(self) -> bytes:
        data: bytes = frame.marshal(self.method, self.channel)
        if self.properties is not None:
            head = header.ContentHeader(0, len(self.body), commands.Basic.Properties(**self.properties))
            data += frame.marshal(head, self.channel)
            if self.body:
                data += frame.marshal(body.ContentBody(self.body), self.channel)
        return data


class Heard(NamedTuple):
    """A method that the broker has sent, with its content when it has one."""

    channel: int
    method: Any
    properties: dict[str, Any] | None = None
    body: bytes = b""

    def __str__(self) -> str:
        fields = {name: value for name, value in self.method if value not in (None, "", {}, False)}
        content = f" {self.body.decode()} {self.properties}" if self.properties is not None else ""
        return f"{self.channel} {self.method.name} {fields}{content}"


def start(user: str, channels: int = 0) -> bytes:
    """All that a client says until its connection is open, without waiting for an answer."""
    properties: Any = {"capabilities": CAPABILITIES}
    said = commands.Connection.StartOk(properties, "PLAIN", f"\0{user}\0{user}", "en_US")
    tuned = commands.Connection.TuneOk(channels or 2047, 131072, 0)
    return GREETING + b"".join(frame.marshal(each, 0) for each in (said, tuned, commands.Connection.Open("/")))


class Ears:
    """Puts together what a connection hears."""

    def __init__(self) -> None:
        self._rest = b""
        self._method: tuple[int, Any] | None = None
        self._properties: dict[str, Any] = {}
        self._size = 0
        self._body = b""

    def hear(self, data: bytes) -> list[Heard]:
        data = self._rest + data
        found: list[Heard] = []
        position, end = 0, len(data)
        while end - position >= 8:
            kind, channel, size = _FRAME.unpack_from(data, position)
            stop = position + 7 + size
            if stop >= end:
                break
            assert data[stop] == 0xCE, "a frame does not end where it should"
            self._frame(kind, channel, data[position + 7 : stop], found)
            position = stop + 1
        self._rest = data[position:]
        return found

    def _frame(self, kind: int, channel: int, payload: bytes, found: list[Heard]) -> None:
        if kind == _METHOD:
            method = _method(payload)
            if method.name in ("Basic.Deliver", "Basic.GetOk", "Basic.Return"):
                self._method = channel, method
            else:
                found.append(Heard(channel, method))
        elif kind == _HEADER:
            self._size = int.from_bytes(payload[4:12], "big")
            self._properties = _properties(payload)
            self._body = b""
            if not self._size:
                self._whole(found)
        elif kind == _BODY:
            self._body += payload
            if len(self._body) >= self._size:
                self._whole(found)

    def _whole(self, found: list[Heard]) -> None:
        assert self._method is not None, "content without a method"
        found.append(Heard(self._method[0], self._method[1], self._properties, self._body))
        self._method = None


def _method(payload: bytes) -> Any:
    if payload[:4] == _ACK:
        return commands.Basic.Ack(int.from_bytes(payload[4:12], "big"), payload[12] == 1)
    found: Any = commands.INDEX_MAPPING[int.from_bytes(payload[:4], "big")]()
    found.unmarshal(payload[4:])
    return found


def _properties(payload: bytes) -> dict[str, Any]:
    flags = int.from_bytes(payload[12:14], "big")
    if flags & ~_KNOWN_FLAGS:
        head = header.ContentHeader()
        head.unmarshal(payload)
        return {name: value for name, value in head.properties if value is not None}
    found: dict[str, Any] = {}
    position = 14
    for name, flag, kind in _PROPERTIES:
        if not flags & flag:
            continue
        if kind == "b":
            found[name] = payload[position]
            position += 1
        elif kind == "s":
            end = position + 1 + payload[position]
            found[name] = payload[position + 1 : end].decode()
            position = end
        else:
            used, found[name] = decode.field_table(payload[position:])
            position += used
    return found
