"""A message's content header and field tables as bytes (AMQP 0-9-1 specification, sections 4.2.5.5 and 4.2.6.1).

A content header stays the bytes that it was: class, weight, body size, flags and properties. A property is decoded when
somebody asks for it.
"""

import struct
from collections.abc import Mapping
from datetime import datetime
from struct import Struct
from typing import Any

from pamqp import decode, encode

from rmqctl.broker.core.errors import Reason, Refusal

_LONG = Struct(">I")
_SHORT = Struct(">H")
_LONGLONG = Struct(">Q")

MALFORMED = (ValueError, IndexError, KeyError, struct.error, TypeError, OverflowError, RecursionError)
"""What pamqp raises on bytes that are no such thing."""


def malformed() -> Refusal:
    """Content that cannot be understood: RabbitMQ's own process ends, and with it the connection."""
    return Refusal(Reason.INTERNAL_ERROR, "")


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
        items = b"".join(map(field, value))
        return b"A" + _LONG.pack(len(items)) + items
    return bytes(encode.encode_table_value(value))


def table(values: Mapping[str, Any]) -> bytes:
    return raw_table({name: field(value) for name, value in values.items()})


def raw_table(items: Mapping[str, bytes]) -> bytes:
    """A table of values that are encoded already, each with its type."""
    data = b"".join(short_string(name) + value for name, value in items.items())
    return _LONG.pack(len(data)) + data


def content_header(size: int, flags_and_properties: bytes) -> bytes:
    """The payload of a content header frame of class basic."""
    return b"\x00\x3c\x00\x00" + _LONGLONG.pack(size) + flags_and_properties


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
        try:
            return decode.field_table(data)[1]
        except MALFORMED:
            raise malformed() from None
    if name in _SIZES:
        return int.from_bytes(data, "big")
    return data[1:].decode("utf-8", "surrogateescape")


def encode_property(name: str, value: Any) -> bytes:
    if name == "headers":
        return table(value)
    if name in _SIZES:
        return int(value).to_bytes(_SIZES[name], "big")
    return short_string(str(value))


def split_table(data: bytes) -> dict[str, bytes]:
    """The encoded fields of a table, each with its type, by name."""
    found: dict[str, bytes] = {}
    end, position = 4 + int.from_bytes(data[:4], "big"), 4
    if end > len(data):
        raise malformed()
    try:
        while position < end:
            start = position + 1 + data[position]
            name = data[position + 1 : start].decode("utf-8", "surrogateescape")
            position = start + decode.embedded_value(data[start:end])[0]
            found.setdefault(name, data[start:position])
    except MALFORMED:
        raise malformed() from None
    return found
