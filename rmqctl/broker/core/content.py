"""A message's content header and field tables as bytes (AMQP 0-9-1 specification, sections 4.2.5.5 and 4.2.6.1).

A content header stays the bytes that it was: class, weight, body size, flags and properties. A property is decoded when
somebody asks for it.
"""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from struct import Struct
from typing import Any, NamedTuple

from pamqp import encode

from rmqctl.broker.core.errors import Reason, Refusal

_LONG = Struct(">I")
_SHORT = Struct(">H")
_LONGLONG = Struct(">Q")

_DEEPEST = 128
"""Tables and arrays within each other."""


def malformed() -> Refusal:
    """Content that cannot be understood: RabbitMQ's own process ends, and with it the connection."""
    return Refusal(Reason.INTERNAL_ERROR, "")


class BadField(Refusal):
    """A field table of which nothing can be made. `unknown`: it has a value of a type that there is not."""

    def __init__(self, *, unknown: bool = False) -> None:
        super().__init__(Reason.INTERNAL_ERROR, "")
        self.unknown = unknown


# --------------------------------------------------------------------------------------------------------------- fields


def short_string(text: str) -> bytes:
    """At most 255 bytes: what is longer is cut."""
    data = text.encode("utf-8", "surrogateescape")[:255]
    return bytes((len(data),)) + data


def long_string(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")
    return _LONG.pack(len(data)) + data


def field(value: Any) -> bytes:
    """A field value with its type (section 4.2.5.5; whole numbers as RabbitMQ's 64-bit signed `l`)."""
    if isinstance(value, bool):
        return b"t\x01" if value else b"t\x00"
    if isinstance(value, int):
        return b"l" + value.to_bytes(8, "big", signed=True)
    if isinstance(value, float):
        return b"d" + encode.double(value)
    if isinstance(value, bytes):
        return b"S" + _LONG.pack(len(value)) + value
    if isinstance(value, str):
        return b"S" + long_string(value)
    if isinstance(value, datetime):
        return b"T" + _LONGLONG.pack(int(value.timestamp()))
    if isinstance(value, Mapping):
        return b"F" + table(value)
    if isinstance(value, list):
        return array(b"".join(map(field, value)))
    return bytes(encode.encode_table_value(value))


def array(items: bytes) -> bytes:
    """A field of values that are encoded already, each with its type."""
    return b"A" + _LONG.pack(len(items)) + items


def array_items(data: bytes) -> bytes:
    """The other way round."""
    return data[5:]


def table(values: Mapping[str, Any]) -> bytes:
    return raw_table({name: field(value) for name, value in values.items()})


def raw_table(items: Mapping[str, bytes]) -> bytes:
    """A table of values that are encoded already, each with its type."""
    data = b"".join(short_string(name) + value for name, value in items.items())
    return _LONG.pack(len(data)) + data


def content_header(size: int, flags_and_properties: bytes) -> bytes:
    """The payload of a content header frame of class basic."""
    return b"\x00\x3c\x00\x00" + _LONGLONG.pack(size) + flags_and_properties


# Letters of field types: numbers, with their layouts. RabbitMQ takes no float that is no number.
_NUMBERS = {ord(letter): Struct(f">{layout}") for letter, layout in zip("bBsuIilLfdT", "bBhHiIqqfdQ", strict=True)}
_FLOATS = b"fd"
_BOOLEAN, _VOID, _DECIMAL, _TIME, _STRING, _BYTES, _TABLE, _ARRAY = b"tVDTSxFA"
_DECIMALS = Struct(">BI")
_FIXED = {letter: number.size for letter, number in _NUMBERS.items()} | {
    _BOOLEAN: 1,
    _VOID: 0,
    _DECIMAL: _DECIMALS.size,
}
"""Sizes of the values that always have the same."""


class Field(NamedTuple):
    """`data` is the encoded value, with its type before it."""

    data: bytes
    value: Any


def fields(data: bytes, position: int = 0) -> dict[str, Field]:
    """Of the table that begins there. Of a name that comes twice the first counts. Raises BadField."""
    try:
        return _fields(data, *_extent(data, position), 0)
    except (IndexError, struct.error):
        raise BadField from None


def decode_table(data: bytes) -> dict[str, Any]:
    """Python values by name. Raises BadField."""
    return {name: field.value for name, field in fields(data).items()}


def split_table(data: bytes) -> dict[str, bytes]:
    """The encoded fields of a table, each with its type, by name; what is in them is not looked at. Raises BadField."""
    found: dict[str, bytes] = {}
    try:
        position, end = _extent(data, 0)
        while position < end:
            start = position + 1 + data[position]
            name = data[position + 1 : start].decode("utf-8", "surrogateescape")
            position = _end(data, start)
            found.setdefault(name, data[start:position])
    except (IndexError, struct.error):
        raise BadField from None
    return found


def _end(data: bytes, position: int) -> int:
    """Where the value ends that begins there with its type."""
    size = _FIXED.get(data[position])
    return _extent(data, position + 1)[1] if size is None else position + 1 + size


def _extent(data: bytes, position: int) -> tuple[int, int]:
    """From where to where what follows a length goes."""
    start = position + 4
    end = start + int(_LONG.unpack_from(data, position)[0])
    if end > len(data):
        raise BadField
    return start, end


def _fields(data: bytes, position: int, end: int, depth: int) -> dict[str, Field]:
    found: dict[str, Field] = {}
    while position < end:
        start = position + 1 + data[position]
        name = data[position + 1 : start].decode("utf-8", "surrogateescape")
        value, position = _value(data, start, depth)
        found.setdefault(name, Field(data[start:position], value))
    if position != end:
        raise BadField
    return found


def _value(data: bytes, position: int, depth: int) -> tuple[Any, int]:
    """A value, and where it ends."""
    letter = data[position]
    position += 1
    if (number := _NUMBERS.get(letter)) is not None:
        value = number.unpack_from(data, position)[0]
        if letter in _FLOATS and not isfinite(value):
            raise BadField
        return _time(value) if letter == _TIME else value, position + number.size
    if letter == _BOOLEAN:
        return data[position] != 0, position + 1
    if letter == _VOID:
        return None, position
    if letter == _DECIMAL:
        places, digits = _DECIMALS.unpack_from(data, position)
        return Decimal(digits).scaleb(-places), position + _DECIMALS.size
    if letter not in (_STRING, _BYTES, _TABLE, _ARRAY):
        raise BadField(unknown=True)
    start, end = _extent(data, position)
    if letter == _STRING:
        return _text(data[start:end]), end
    if letter == _BYTES:
        return bytearray(data[start:end]), end
    if depth == _DEEPEST:
        raise BadField
    if letter == _TABLE:
        return {name: field.value for name, field in _fields(data, start, end, depth + 1).items()}, end
    return _items(data, start, end, depth + 1), end


def _items(data: bytes, position: int, end: int, depth: int) -> list[Any]:
    found = []
    while position < end:
        value, position = _value(data, position, depth)
        found.append(value)
    if position != end:
        raise BadField
    return found


def _time(seconds: int) -> Any:
    """The number itself where Python's calendar ends."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return seconds


def _text(data: bytes) -> Any:
    """A long string need not be text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


# ----------------------------------------------------------------------------------------------------------- properties


# Properties of class basic in the order of their flags, from bit 15 down (specification, section 1.8, class basic).
PROPERTIES = (
    "content_type",
    "content_encoding",
    "headers",
    "delivery_mode",
    "priority",
    "correlation_id",
    "reply_to",
    "expiration",
    "message_id",
    "timestamp",
    "type",
    "user_id",
    "app_id",
    "cluster_id",
)
FLAGS = {name: 1 << (15 - place) for place, name in enumerate(PROPERTIES)}
_SIZES = {"delivery_mode": 1, "priority": 1, "timestamp": 8}


def split_properties(header: bytes) -> dict[str, bytes]:
    """The encoded value of each property that a content header has, by name, in order."""
    flags = int.from_bytes(header[12:14], "big")
    position, found = 14, {}
    for name, flag in FLAGS.items():
        if not flags & flag:
            continue
        size = _SIZES.get(name, 0)
        if name == "headers":
            size = 4 + int.from_bytes(header[position : position + 4], "big")
        elif not size:
            size = 1 + (header[position] if position < len(header) else 0)
        if position + size > len(header):
            raise malformed()
        found[name] = header[position : position + size]
        position += size
    if position != len(header):
        raise malformed()
    return found


def join_properties(properties: Mapping[str, bytes], size: int) -> bytes:
    """The content header with these encoded properties: the other way round."""
    flags = sum(FLAGS[name] for name in properties)
    return content_header(size, _SHORT.pack(flags) + b"".join(properties[name] for name in FLAGS if name in properties))


def decode_property(name: str, data: bytes) -> Any:
    """Text, a whole number, or for headers a dict of Python values."""
    if name == "headers":
        return decode_table(data)
    if name in _SIZES:
        return int.from_bytes(data, "big")
    return data[1:].decode("utf-8", "surrogateescape")


def encode_property(name: str, value: Any) -> bytes:
    if name == "headers":
        return table(value)
    if name in _SIZES:
        return int(value).to_bytes(_SIZES[name], "big")
    return short_string(str(value))
