"""The short hand-written codec against pamqp, both ways."""

import string
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, decode, frame, header

from rmqctl.broker.amqp import frames
from rmqctl.broker.amqp.errors import AmqpError, HangUp, error_of
from rmqctl.broker.core import content
from rmqctl.broker.core.errors import Refusal

CHANNELS = st.integers(1, 65535)
TAGS = st.integers(0, 2**63 - 1)
# pamqp cuts the keys of tables after 128 bytes.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# What pamqp lets through; RabbitMQ takes any.
EXCHANGES = st.text(string.ascii_letters + string.digits + "-_.:@#,/+ ", max_size=60)
BODIES = st.binary(max_size=5000)


class Message:
    def __init__(self, route: bytes, head: bytes, text: bytes) -> None:
        self.route, self.header, self.body = route, head, text


def unmarshalled(data: bytes) -> list[tuple[int, Any]]:
    found = []
    while data:
        size, channel, each = frame.unmarshal(data)
        found.append((channel, each))
        data = data[size:]
    return found


@given(CHANNELS, NAMES, TAGS, st.booleans(), EXCHANGES, NAMES, BODIES, st.integers(4096, 131072))
def test_deliver(
    channel: int, tag: str, number: int, redelivered: bool, exchange: str, key: str, text: bytes, frame_max: int
) -> None:
    properties = commands.Basic.Properties(content_type="text/plain", delivery_mode=2, headers={"a": 1})
    head = header.ContentHeader(0, len(text), properties)
    route = content.short_string(exchange) + content.short_string(key)
    ours = frames.deliver(
        channel, frames.deliver_prefix(tag), number, redelivered, Message(route, head.marshal(), text), frame_max
    )
    method = commands.Basic.Deliver(tag, number, redelivered, exchange, key)
    theirs = frame.marshal(method, channel) + frame.marshal(head, channel)
    for start in range(0, len(text), frame_max - 8):
        theirs += frame.marshal(body.ContentBody(text[start : start + frame_max - 8]), channel)
    assert ours == theirs


@given(EXCHANGES, NAMES, st.booleans(), st.booleans())
def test_publish(exchange: str, key: str, mandatory: bool, immediate: bool) -> None:
    method = commands.Basic.Publish(0, exchange, key, mandatory, immediate)
    payload = frame.marshal(method, 1)[7:-1]
    if immediate:
        assert refusal(frames.publish, payload) == 540
        return
    found_exchange, found_key, bits, route = frames.publish(payload)
    assert (found_exchange, found_key, bits & 1, bits >> 1) == (exchange, key, mandatory, 0)
    assert route == content.short_string(exchange) + content.short_string(key)


@given(TAGS, st.booleans(), CHANNELS)
def test_ack(number: int, multiple: bool, channel: int) -> None:
    theirs = frame.marshal(commands.Basic.Ack(number, multiple), channel)
    assert frames.acknowledgement(theirs[7:-1]) == (number, multiple)
    assert frames.ack(channel, number, multiple) == theirs


@given(CHANNELS, BODIES, st.integers(0, 40), st.integers(0, 5000))
def test_a_message_that_is_there_whole_is_taken_and_no_other(channel: int, text: bytes, before: int, cut: int) -> None:
    head = header.ContentHeader(0, len(text), commands.Basic.Properties(priority=3))
    whole = frame.marshal(head, channel) + (frame.marshal(body.ContentBody(text), channel) if text else b"")
    data = bytes(before) + whole + b"\x08"
    assert frames.whole_content(data, before, channel, 131072) == (head.marshal(), text, before + len(whole))
    assert frames.whole_content(data, before, channel + 1, 131072) is None
    assert frames.whole_content(data[: before + min(cut, len(whole) - 1)], before, channel, 131072) is None


VALUES = st.recursive(
    st.one_of(
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
        st.binary(max_size=20).filter(lambda data: not _is_text(data)),
        st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0, tzinfo=UTC)),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=4)),
    max_leaves=12,
)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.dictionaries(st.text(string.ascii_letters, max_size=20), VALUES, max_size=6))
def test_tables_come_back(values: dict[str, Any]) -> None:
    assert decode.field_table(content.table(values))[1] == values
    assert list(content.split_table(content.table(values))) == list(values)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "content_type": NAMES,
            "headers": st.dictionaries(NAMES, st.text(string.ascii_letters), max_size=1),
            "delivery_mode": st.sampled_from([1, 2]),
            "priority": st.integers(0, 255),
            "correlation_id": NAMES,
            "expiration": st.integers(0, 10**9).map(str),
            "message_id": NAMES,
            "user_id": NAMES,
        },
    )
)
def test_properties(values: dict[str, Any]) -> None:
    """pamqp leaves out a property that is empty."""
    values = {name: value for name, value in values.items() if value not in ("", {})}
    theirs = header.ContentHeader(0, 7, commands.Basic.Properties(**values)).marshal()
    split = content.split_properties(theirs)
    assert {name: content.decode_property(name, data) for name, data in split.items()} == values
    assert content.join_properties(split, 7) == theirs
    assert {name: content.encode_property(name, value) for name, value in values.items()} == split


@pytest.mark.filterwarnings("ignore:This command is deprecated")
@given(st.binary(max_size=200), st.sampled_from(sorted(commands.INDEX_MAPPING)))
def test_garbage_is_refused_in_one_of_two_ways(data: bytes, index: int) -> None:
    for decoding in (frames.decode_method, frames.publish, frames.acknowledgement):
        assert refusal(decoding, index.to_bytes(4, "big") + data) in (None, 501)
    for decoding in (content.split_properties, content.split_table):
        assert refusal(decoding, data) in (None, 541)


def refusal(decoding: Callable[[bytes], object], data: bytes) -> int | None:
    """The reply code; None when the bytes are taken, or the client is hung up on."""
    try:
        decoding(data)
    except AmqpError as error:
        return error.code
    except Refusal as refused:
        return error_of(refused).code
    except HangUp:
        return None
    return None


def test_an_unknown_method() -> None:
    with pytest.raises(HangUp):
        frames.decode_method(b"\x00\x63\x00\x01")
