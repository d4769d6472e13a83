"""AMQP as bytes, encoded by hand: whatever can be said, sound or not (AMQP 0-9-1 specification, section 4.2)."""

import struct
from functools import lru_cache

PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
_END = b"\xce"
_NUMBERS = {"B": ">B", "H": ">H", "I": ">I", "Q": ">Q"}
_FRAME = struct.Struct(">BHI")
# Bytes of the values of each type in a table, of those that have a size of their own.
FIXED = {
    "t": 1,
    "b": 1,
    "B": 1,
    "s": 2,
    "u": 2,
    "I": 4,
    "i": 4,
    "l": 8,
    "L": 8,
    "f": 4,
    "d": 8,
    "D": 5,
    "T": 8,
    "V": 0,
}

Part = int | bytes


def frame(kind: int, channel: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, channel, len(payload)) + payload + _END


@lru_cache(4096)
def method(channel: int, class_id: int, method_id: int, kinds: str = "", *parts: Part) -> bytes:
    """`kinds`: a letter for each part: B H I Q numbers, s a short string, S a long one or a table without its length."""
    return frame(METHOD, channel, struct.pack(">HH", class_id, method_id) + encoded(kinds, *parts))


def encoded(kinds: str, *parts: Part) -> bytes:
    return b"".join(_encoded(kind, part) for kind, part in zip(kinds, parts, strict=True))


def _encoded(kind: str, part: Part) -> bytes:
    if isinstance(part, int):
        return struct.pack(_NUMBERS[kind], part)
    return short(part) if kind == "s" else long(part)


def short(text: bytes) -> bytes:
    return bytes((min(len(text), 255),)) + text[:255]


def long(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def field(name: bytes, value: bytes) -> bytes:
    """Of a table; the value begins with its type."""
    return short(name) + value


@lru_cache
def nested(depth: int, inner: bytes = b"") -> bytes:
    """A table in a table in a table, without the length of the outermost."""
    for _ in range(depth):
        inner = field(b"n", b"F" + long(inner))
    return inner


@lru_cache
def arrays(depth: int, inner: bytes = b"") -> bytes:
    """The value of a field: an array in an array in an array."""
    for _ in range(depth):
        inner = b"A" + long(inner)
    return inner


def cut(data: bytes) -> list[bytes]:
    """Frames, as far as these are some; what is left over comes last, and a protocol header first."""
    found, position = [], 0
    if data[:4] == b"AMQP":
        found, position = [data[:8]], 8
    while len(data) - position >= 8:
        stop = position + 8 + int(_FRAME.unpack_from(data, position)[2])
        if stop > len(data) or data[stop - 1] != _END[0]:
            break
        found.append(data[position:stop])
        position = stop
    return [*found, data[position:]] if position < len(data) else found
