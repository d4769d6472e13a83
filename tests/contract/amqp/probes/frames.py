"""Frames and channels: what is malformed, out of order or on the wrong channel."""

import struct
import time
from functools import partial
from typing import Any

from ..client import BODY, CONTENT_HEADER, HEARTBEAT, METHOD, Ended, Probe, frame, header_payload, method_payload
from .registry import add, probe

PUBLISH = method_payload("basic.publish", exchange="", routing_key="nowhere")


def raw(*frames: bytes, channel: bool = True) -> Any:
    """Sends the bytes and reads what they lead to; sends a method that is in order if they lead to nothing."""

    def steps(p: Probe) -> None:
        c = p.connect(channel=channel)
        c.send_bytes(b"".join(frames))
        c.quiet()
        if not c.closed:
            c.call("channel.open", 7)

    return steps


for title, steps in {
    "method on a channel that is not open": raw(frame(METHOD, 5, method_payload("basic.qos"))),
    "heartbeat on channel 0": raw(frame(HEARTBEAT, 0, b"")),
    "heartbeat on channel 1": raw(frame(HEARTBEAT, 1, b"")),
    "heartbeat with a payload": raw(frame(HEARTBEAT, 0, b"x")),
    "unknown frame type": raw(frame(4, 1, b"x")),
    "unknown frame type 9 on channel 0": raw(frame(9, 0, b"")),
    "wrong frame end": raw(frame(METHOD, 1, method_payload("basic.qos"), b"\x00")),
    "larger than frame_max": raw(frame(METHOD, 1, b"\0\x3c\0\x0a" + bytes(140000))),
    "method frame without a payload": raw(frame(METHOD, 1, b"")),
    "unknown class": raw(frame(METHOD, 1, struct.pack(">HH", 99, 10))),
    "unknown class on channel 0": raw(frame(METHOD, 0, struct.pack(">HH", 99, 10))),
    "unknown method of a known class": raw(frame(METHOD, 1, struct.pack(">HH", 60, 250))),
    "method of the access class": raw(frame(METHOD, 1, struct.pack(">HH", 30, 10) + b"\x01/\x1f")),
    "truncated arguments": raw(frame(METHOD, 1, method_payload("queue.declare", queue="abc")[:8])),
    "truncated table": raw(frame(METHOD, 1, method_payload("queue.declare", queue="abc")[:-2])),
    "surplus arguments": raw(frame(METHOD, 1, method_payload("basic.qos") + b"surplus")),
    "unknown type in a table": raw(
        frame(METHOD, 1, method_payload("queue.declare", queue="abc")[:-4] + b"\0\0\0\x04\x01aZ\0")
    ),
    "basic method on channel 0": raw(frame(METHOD, 0, method_payload("basic.qos"))),
    "channel.open on channel 0": raw(frame(METHOD, 0, method_payload("channel.open"))),
    "body on channel 0": raw(frame(BODY, 0, b"x")),
    "connection.open on channel 1": raw(frame(METHOD, 1, method_payload("connection.open"))),
    "method that only a broker sends": raw(frame(METHOD, 1, method_payload("basic.qos-ok"))),
    "basic.deliver from the client": raw(
        frame(METHOD, 1, method_payload("basic.deliver", consumer_tag="x", delivery_tag=1, exchange="", routing_key=""))
    ),
    "header without a method": raw(frame(CONTENT_HEADER, 1, header_payload(1))),
    "body without a method": raw(frame(BODY, 1, b"x")),
    "body without a header": raw(frame(METHOD, 1, PUBLISH) + frame(BODY, 1, b"x")),
    "method instead of a header": raw(frame(METHOD, 1, PUBLISH) + frame(METHOD, 1, method_payload("basic.qos"))),
    "method instead of a body": raw(
        frame(METHOD, 1, PUBLISH),
        frame(CONTENT_HEADER, 1, header_payload(5)),
        frame(METHOD, 1, method_payload("basic.qos")),
    ),
    "header of another class": raw(frame(METHOD, 1, PUBLISH) + frame(CONTENT_HEADER, 1, header_payload(0, 50))),
    "header twice": raw(frame(METHOD, 1, PUBLISH) + 2 * frame(CONTENT_HEADER, 1, header_payload(3))),
    "header with a weight": raw(
        frame(METHOD, 1, PUBLISH) + frame(CONTENT_HEADER, 1, struct.pack(">HHQH", 60, 1, 0, 0))
    ),
    "truncated header": raw(frame(METHOD, 1, PUBLISH) + frame(CONTENT_HEADER, 1, header_payload(0)[:6])),
    "truncated properties": raw(
        frame(METHOD, 1, PUBLISH) + frame(CONTENT_HEADER, 1, struct.pack(">HHQH", 60, 0, 0, 0x8000) + b"\x09abc")
    ),
    "header on another channel": raw(
        frame(METHOD, 3, method_payload("channel.open")),
        frame(METHOD, 1, PUBLISH),
        frame(CONTENT_HEADER, 3, header_payload(0)),
    ),
    "content of two channels interleaved": raw(
        frame(METHOD, 3, method_payload("channel.open")),
        frame(METHOD, 1, PUBLISH) + frame(METHOD, 3, PUBLISH),
        frame(CONTENT_HEADER, 1, header_payload(1)) + frame(CONTENT_HEADER, 3, header_payload(1)),
        frame(BODY, 3, b"x") + frame(BODY, 1, b"x"),
    ),
    "body longer than declared": raw(
        frame(METHOD, 1, PUBLISH) + frame(CONTENT_HEADER, 1, header_payload(3)) + frame(BODY, 1, b"abcdef")
    ),
    "body after an empty message": raw(
        frame(METHOD, 1, PUBLISH) + frame(CONTENT_HEADER, 1, header_payload(0)) + frame(BODY, 1, b"abc")
    ),
    "empty body frames": raw(
        frame(METHOD, 1, PUBLISH),
        frame(CONTENT_HEADER, 1, header_payload(2)),
        frame(BODY, 1, b"") + frame(BODY, 1, b"a") + frame(BODY, 1, b"") + frame(BODY, 1, b"b"),
    ),
    "message larger than the broker allows": raw(
        frame(METHOD, 1, PUBLISH) + frame(CONTENT_HEADER, 1, header_payload(600 * 1024 * 1024))
    ),
    "protocol header again": raw(b"AMQP\x00\x00\x09\x01"),
}.items():
    add(f"frame: {title}", steps)


@probe("frame: one byte at a time")
def bytewise(p: Probe) -> None:
    c = p.connect()
    for byte in frame(METHOD, 1, method_payload("basic.qos", prefetch_count=3)):
        c.send_bytes(bytes([byte]))
    c.read()


@probe("frame: larger than the negotiated 8192")
def larger_than_negotiated(p: Probe) -> None:
    c = p.connect(frame_max=8192)
    for size in (8184, 8185, 8192, 8193, 16384, 131000):
        c.publish("", "nowhere", b"x" * size)
        c.sync()
        p.note("taken", size)


@probe("frame: a long body comes in frames of the negotiated size")
def body_frames(p: Probe) -> None:
    c = p.connect(frame_max=8192)
    q = p.queue(c)
    c.send_bytes(frame(METHOD, 1, method_payload("basic.publish", exchange="", routing_key=q)))
    c.send_bytes(frame(CONTENT_HEADER, 1, header_payload(20000)))
    c.send_bytes(frame(BODY, 1, b"x" * 8000) + frame(BODY, 1, b"x" * 8000) + frame(BODY, 1, b"x" * 4000))
    c.sync()
    c.send("basic.get", queue=q, no_ack=True)
    sizes: list[int] = []
    while sum(sizes) < 20000:
        found = c._frame(time.monotonic() + 10)
        assert found is not None
        if found[0] == BODY:
            sizes.append(len(found[2]))
    p.note("body frames", sizes)


@probe("channel: number above channel_max")
def above_channel_max(p: Probe) -> None:
    c = p.connect(channel_max=10)
    c.call("channel.open", 10)
    c.call("channel.open", 11)


@probe("channel: more than channel_max")
def more_than_channel_max(p: Probe) -> None:
    c = p.connect(channel_max=2)
    c.call("channel.open", 2)
    c.call("channel.open", 3)


@probe("channel: opened twice")
def opened_twice(p: Probe) -> None:
    p.connect().call("channel.open")


@probe("channel: closed and opened again")
def closed_and_opened(p: Probe) -> None:
    c = p.connect()
    c.call("channel.close", reply_code=200)
    c.call("channel.open")


@probe("channel: closed, then used")
def closed_then_used(p: Probe) -> None:
    c = p.connect()
    c.do("channel.close", reply_code=200)
    c.call("basic.qos")


@probe("channel: closed twice")
def closed_twice(p: Probe) -> None:
    c = p.connect()
    c.do("channel.close", reply_code=200)
    c.call("channel.close", reply_code=200)


@probe("channel: close-ok out of the blue")
def stray_close_ok(p: Probe) -> None:
    c = p.connect()
    c.send("channel.close-ok")
    c.quiet()
    if not c.closed:
        c.call("basic.qos")


@probe("channel: open-ok from the client")
def stray_open_ok(p: Probe) -> None:
    c = p.connect()
    c.send("channel.open-ok")
    c.read()


@probe("channel: after an error, methods before close-ok are ignored")
def ignored_until_close_ok(p: Probe) -> None:
    c = p.connect()
    c.answer_closes = False
    q = p.name()
    try:
        c.call("queue.declare", queue=q, passive=True)
    except Ended:
        c.send("queue.declare", queue=q, durable=True)
        c.publish("", q, "ignored")
        c.quiet()
        c.send("channel.close-ok")
        c.call("channel.open")
        c.call("queue.declare", queue=q, passive=True)


@probe("channel: after an error, opened again before close-ok")
def opened_before_close_ok(p: Probe) -> None:
    c = p.connect()
    c.answer_closes = False
    try:
        c.call("queue.declare", queue=p.name(), passive=True)
    except Ended:
        c.answer_closes = True
        c.send("channel.open")
        c.quiet()
        if not c.closed:
            c.send("channel.close-ok")
            c.call("channel.open")


@probe("channel: after an error, closed by the client too")
def closed_before_close_ok(p: Probe) -> None:
    c = p.connect()
    c.answer_closes = False
    try:
        c.call("queue.declare", queue=p.name(), passive=True)
    except Ended:
        c.call("channel.close", reply_code=200)
        c.send("channel.close-ok")
        c.call("channel.open")


@probe("channel: after an error, others go on")
def others_go_on(p: Probe) -> None:
    c = p.connect()
    c.do("channel.open", 2)
    try:
        c.call("queue.declare", queue=p.name(), passive=True)
    except Ended:
        c.call("basic.qos", 2)
        c.call("channel.open", 1)


def flow(active: bool, p: Probe) -> None:
    p.connect().call("channel.flow", active=active)


add("channel: flow true", partial(flow, True))
add("channel: flow false", partial(flow, False))


@probe("method: nowait has no answer")
def nowait(p: Probe) -> None:
    c = p.connect()
    q, x = p.name(), p.name("x")
    c.send("queue.declare", queue=q, durable=True, nowait=True)
    c.send("exchange.declare", exchange=x, nowait=True)
    c.send("queue.bind", queue=q, exchange=x, nowait=True)
    c.send("basic.consume", queue=q, consumer_tag="t", nowait=True)
    c.send("basic.cancel", consumer_tag="t", nowait=True)
    c.send("queue.purge", queue=q, nowait=True)
    c.send("confirm.select", nowait=True)
    c.send("queue.delete", queue=q, nowait=True)
    c.send("exchange.delete", exchange=x, nowait=True)
    c.call("basic.qos")


@probe("method: nowait has an error")
def nowait_error(p: Probe) -> None:
    c = p.connect()
    c.send("queue.declare", queue=p.name(), passive=True, nowait=True)
    c.read()


@probe("method: access ticket is ignored")
def ticket(p: Probe) -> None:
    c = p.connect()
    c.call("queue.declare", ticket=99, queue=p.name(), durable=True)
