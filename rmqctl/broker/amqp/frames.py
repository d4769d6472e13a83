"""Frames and their contents as bytes (AMQP 0-9-1 specification, section 4.2).

Publish, deliver and ack are coded by hand, because they are what a busy broker does; what arguments every other method
has is pamqp's to say. Content headers pass as the bytes that they are: see `core.content`.
"""

import struct
from collections.abc import Callable
from struct import Struct
from typing import Any, Protocol

from pamqp import base, commands

from rmqctl.broker.amqp.errors import AmqpError, HangUp
from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.content import BadField, fields, short_string

METHOD, HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
END = b"\xce"
HEARTBEAT_FRAME = b"\x08\x00\x00\x00\x00\x00\x00\xce"
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"

FRAME = Struct(">BHI")
_METHOD_FRAME = Struct(">BHIHH")
_TAG = Struct(">QB")
_ACK = Struct(">BHIHHQBB")
_LONG = Struct(">I")
_SHORT = Struct(">H")
_LONGLONG = Struct(">Q")
_BASIC = 60

# Kinds of arguments: numbers, and how many bytes the size of the others has.
_NUMBERS = {"octet": Struct(">B"), "short": _SHORT, "long": _LONG, "longlong": _LONGLONG}
_SIZE_OF_SIZE = {"shortstr": 1, "longstr": 4, "table": 4}
NOTHING = b"\x00\x00\x00\x00"
PUBLISH = b"\x00\x3c\x00\x28"
ACK = b"\x00\x3c\x00\x50"


class Content(Protocol):
    """A message as it goes over the wire; `route` is exchange and routing key, encoded."""

    @property
    def route(self) -> bytes: ...
    @property
    def header(self) -> bytes: ...
    @property
    def body(self) -> bytes: ...


# ------------------------------------------------------------------------------------------------------------- encoding


def method(channel: int, class_id: int, method_id: int, *arguments: bytes) -> bytes:
    """A method frame, from its encoded arguments."""
    data = b"".join(arguments)
    return _METHOD_FRAME.pack(METHOD, channel, len(data) + 4, class_id, method_id) + data + END


def long(value: int) -> bytes:
    return _LONG.pack(value)


def short(value: int) -> bytes:
    return _SHORT.pack(value)


def longlong(value: int) -> bytes:
    return _LONGLONG.pack(value)


def deliver_prefix(tag: str) -> bytes:
    """What every basic.deliver to a consumer starts with."""
    return b"\x00\x3c\x00\x3c" + short_string(tag)


def content(channel: int, arguments: bytes, header: bytes, body: bytes, frame_max: int) -> bytes:
    """A method with content (deliver, get-ok, return): all its frames. `arguments` start with class and method."""
    size, room = len(body), frame_max - 8
    start = FRAME.pack(METHOD, channel, len(arguments)) + arguments + END + FRAME.pack(HEADER, channel, len(header))
    if not size:
        return start + header + END
    if size <= room or not frame_max:
        return b"".join((start, header, END, FRAME.pack(BODY, channel, size), body, END))
    parts = [start, header, END]
    for position in range(0, size, room):
        piece = body[position : position + room]
        parts += (FRAME.pack(BODY, channel, len(piece)), piece, END)
    return b"".join(parts)


def delivery(prefix: bytes, delivery_tag: int, redelivered: bool, route: bytes) -> bytes:
    """The arguments of basic.deliver and basic.get-ok; `route` is exchange and routing key, encoded."""
    return prefix + _TAG.pack(delivery_tag, redelivered) + route


def deliver(
    channel: int, prefix: bytes, delivery_tag: int, redelivered: bool, message: "Content", frame_max: int
) -> bytes:
    """All frames of a basic.deliver; `prefix` is the consumer's `deliver_prefix`."""
    body, header, route = message.body, message.header, message.route
    size = len(body)
    if not 0 < size <= frame_max - 8:
        return content(channel, delivery(prefix, delivery_tag, redelivered, route), header, body, frame_max)
    return b"".join(
        (
            FRAME.pack(METHOD, channel, len(prefix) + 9 + len(route)),
            prefix,
            _TAG.pack(delivery_tag, redelivered),
            route,
            END,
            FRAME.pack(HEADER, channel, len(header)),
            header,
            END,
            FRAME.pack(BODY, channel, size),
            body,
            END,
        )
    )


def ack(channel: int, delivery_tag: int, multiple: bool) -> bytes:
    return _ACK.pack(METHOD, channel, 13, _BASIC, 80, delivery_tag, multiple, 0xCE)


# ------------------------------------------------------------------------------------------------------------- decoding


Published = tuple[str, str, int, bytes]
_IMMEDIATE = 2
# What was decoded lately: a publisher says the same again and again.
_PUBLISHED: dict[bytes, Published] = {}
_PUBLISHED_AT_MOST = 1000


def publish(payload: bytes) -> Published:
    """Exchange, routing key, bits (1: mandatory) and the encoded exchange and key of a basic.publish.

    Raises AmqpError also for `immediate`, which no broker does any more.
    """
    known = _PUBLISHED.get(payload)
    if known is None:
        known = _decode_publish(payload)
        if len(_PUBLISHED) >= _PUBLISHED_AT_MOST:
            _PUBLISHED.clear()
        _PUBLISHED[payload] = known
    return known


def whole_content(data: bytes, position: int, channel: int, frame_limit: int) -> tuple[bytes, bytes, int] | None:
    """Header and body of a message, and where the next frame begins, when they stand here in one frame each.

    None when they do not, or not all of it has come, or anything is odd: then the frames are to be taken one by one.
    """
    end = len(data)
    if end - position < 22:
        return None
    kind, number, size = FRAME.unpack_from(data, position)
    stop = position + 7 + size
    if kind != HEADER or number != channel or not 14 <= size <= frame_limit or stop >= end or data[stop] != 0xCE:
        return None
    header = data[position + 7 : stop]
    if header[:4] != b"\x00\x3c\x00\x00":
        return None
    size = int.from_bytes(header[4:12], "big")
    if not size:
        return header, b"", stop + 1
    start = stop + 8
    stop = start + size
    if (
        size > frame_limit
        or stop >= end
        or data[stop] != 0xCE
        or FRAME.unpack_from(data, start - 7) != (BODY, channel, size)
    ):
        return None
    return header, data[start:stop], stop + 1


def _decode_publish(payload: bytes) -> Published:
    try:
        middle = 7 + payload[6]
        end = middle + 1 + payload[middle]
        exchange = payload[7:middle].decode("utf-8", "surrogateescape")
        key = payload[middle + 1 : end].decode("utf-8", "surrogateescape")
        bits = payload[end]
    except IndexError:
        raise undecodable(payload) from None
    if end + 1 != len(payload):
        raise undecodable(payload)
    if bits & _IMMEDIATE:
        raise AmqpError(540, "immediate=true")
    return exchange, key, bits, payload[6:end]


def acknowledgement(payload: bytes) -> tuple[int, bool]:
    if len(payload) != 13:
        raise undecodable(payload)
    return int.from_bytes(payload[4:12], "big"), payload[12] & 1 == 1


def decode_method(payload: bytes) -> base.Frame:
    """Any method. Raises a connection error for what is unknown, cut short or too long."""
    index = int.from_bytes(payload[:4], "big")
    kind: Callable[[], base.Frame] | None = commands.INDEX_MAPPING.get(index)
    if kind is None or len(payload) < 4:
        raise HangUp
    found = kind()
    try:
        _read_arguments(found, payload)
    except UnicodeDecodeError:
        raise AmqpError(501, "Malformed UTF-8 in shortstr", blame=NOTHING) from None
    except BadField as error:
        if error.unknown:
            raise HangUp from None
        raise undecodable(payload) from None
    except (IndexError, struct.error):
        raise undecodable(payload) from None
    return found


def arguments_of(method: commands.Basic.Consume | commands.Exchange.Declare | commands.Queue.Declare) -> Arguments:
    """The argument `arguments` of a method that was decoded, with the types that they came with."""
    assert isinstance(method.arguments, Arguments)
    return method.arguments


def _read_arguments(found: base.Frame, payload: bytes) -> None:
    """Sets a method's arguments from its bytes: tables as `Arguments`, so that the types of their values stay known."""
    position, bits = 4, 0
    for name in found.__slots__:
        kind = found.amqp_type(name)
        if kind == "bit":
            setattr(found, name, bool(payload[position] >> bits & 1))
            bits += 1
            continue
        position, bits = position + bool(bits), 0
        if (number := _NUMBERS.get(kind)) is not None:
            value: Any = number.unpack_from(payload, position)[0]
            position += number.size
        else:
            size = _SIZE_OF_SIZE[kind]
            start = position + size
            end = start + int.from_bytes(payload[position:start], "big")
            if end > len(payload):
                raise BadField
            value = _arguments(payload, position) if kind == "table" else _text(kind, payload[start:end])
            position = end
        setattr(found, name, value)
    if position + bool(bits) != len(payload):
        raise BadField


def _arguments(payload: bytes, position: int) -> Arguments:
    found = fields(payload, position)
    return Arguments(
        {name: field.value for name, field in found.items()},
        {name: chr(field.data[0]) for name, field in found.items()},
    )


def _text(kind: str, data: bytes) -> str | bytes:
    """A long string (of SASL) need not be text."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        if kind == "shortstr":
            raise
        return data


def undecodable(payload: bytes) -> AmqpError:
    return AmqpError(501, f"cannot decode <<{','.join(map(str, payload[4:]))}>>")


def octets(data: bytes) -> str:
    """Bytes as Erlang prints them."""
    if data and all(32 <= byte < 127 for byte in data):
        return f'<<"{data.decode()}">>'
    return f"<<{','.join(map(str, data))}>>"


def bad_frame(code: int, kind: int, data: bytes, problem: str = "") -> AmqpError:
    """A frame of which nothing can be made: the connection ends, and no method is to blame."""
    shown = f"all octets = {octets(data)}" if len(data) <= 16 else f"first 16 octets = {octets(data[:16])}"
    return AmqpError(code, f"type {kind}, {shown}{problem and ': ' + problem}", blame=NOTHING)
