"""Methods on the wrong channel, at the wrong time, or of the wrong side, and content that is cut in odd ways."""

import struct
import time
from functools import partial
from typing import Any

from ..client import (
    BODY,
    CONTENT_HEADER,
    HEADER,
    METHOD,
    Ended,
    Probe,
    frame,
    header_payload,
    method_payload,
)
from .frames import raw
from .registry import add, probe

FROM_CLIENT = (
    "channel.flow",
    "channel.close",
    "exchange.declare",
    "queue.declare",
    "queue.bind",
    "queue.delete",
    "basic.consume",
    "basic.cancel",
    "basic.get",
    "basic.ack",
    "basic.recover",
    "tx.commit",
    "confirm.select",
)
FROM_BROKER = (
    "channel.flow-ok",
    "exchange.bind-ok",
    "queue.declare-ok",
    "basic.consume-ok",
    "basic.return",
    "basic.get-empty",
    "confirm.select-ok",
)
ON_CHANNEL_0 = ("connection.start", "connection.tune", "connection.open-ok", "connection.unblocked")

for name in FROM_CLIENT:
    add(f"channel: {name} where none is open", raw(frame(METHOD, 9, method_payload(name))))
add(
    "channel: basic.publish where none is open",
    raw(frame(METHOD, 9, method_payload("basic.publish")), frame(CONTENT_HEADER, 9, header_payload(0))),
)
for name in ("queue.declare", "basic.publish", "channel.close"):
    add(f"channel 0: {name}", raw(frame(METHOD, 0, method_payload(name))))
for name in FROM_BROKER:
    add(f"channel: {name} from the client", raw(frame(METHOD, 1, method_payload(name))))
for name in ON_CHANNEL_0:
    add(f"channel 0: {name} from the client", raw(frame(METHOD, 0, method_payload(name))))
for name in ("connection.start-ok", "connection.tune-ok", "connection.close-ok", "connection.update-secret"):
    add(f"channel: {name} on a channel", raw(frame(METHOD, 1, method_payload(name))))


def before(frames: bytes, p: Probe) -> None:
    """Sends frames where connection.start-ok is due."""
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.send_bytes(frames)
    c.read()


for title, frames in {
    "a heartbeat": frame(8, 0, b""),
    "a body": frame(BODY, 0, b"x"),
    "a method of a channel": frame(METHOD, 1, method_payload("basic.qos")),
    "connection.close": frame(METHOD, 0, method_payload("connection.close", reply_code=200)),
    "a frame of 5000 bytes": frame(METHOD, 0, b"\0\x0a\0\x0b" + bytes(5000)),
    "a frame of 200000 bytes": frame(METHOD, 0, b"\0\x0a\0\x0b" + bytes(200000)),
}.items():
    add(f"before start-ok: {title}", partial(before, frames))


def instead_of_tune_ok(frames: bytes, p: Probe) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.authenticate()
    c.expect("connection.tune")
    c.send_bytes(frames)
    c.read()


for title, frames in {
    "a heartbeat": frame(8, 0, b""),
    "connection.close": frame(METHOD, 0, method_payload("connection.close", reply_code=200)),
    "start-ok": frame(METHOD, 0, method_payload("connection.start-ok")),
    "update-secret": frame(METHOD, 0, method_payload("connection.update-secret")),
}.items():
    add(f"before tune-ok: {title}", partial(instead_of_tune_ok, frames))


def start_ok(p: Probe, **fields: Any) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    values = {"client_properties": {}, "mechanism": "PLAIN", "response": "\0guest\0guest", "locale": "en_US", **fields}
    c.send("connection.start-ok", 0, **values)
    c.read()


for title, fields in {
    "another locale": {"locale": "xx_YY"},
    "no mechanism": {"mechanism": ""},
    "PLAIN with more": {"response": "\0guest\0guest\0more"},
    "PLAIN, user of 300 bytes": {"response": "\0" + "u" * 300 + "\0guest"},
    "capabilities that are no table": {"client_properties": {"capabilities": "yes"}},
    "a name of the connection": {"client_properties": {"connection_name": "probe"}},
    "a name of the connection that is a number": {"client_properties": {"connection_name": 5}},
}.items():
    add(f"start-ok: {title}", partial(start_ok, **fields))


def nowait(method: str, p: Probe, **fields: Any) -> None:
    """A method without an answer; what follows shows what it did."""
    c = p.connect()
    p.queue(c)
    values = {key: p.name() if value == "own" else value for key, value in fields.items()}
    c.send(method, nowait=True, **values)
    c.call("queue.declare", queue=p.name(), passive=True)


for title, method, fields in (
    ("exchange.declare", "exchange.declare", {"exchange": "amq.direct", "exchange_type": "direct", "durable": True}),
    ("exchange.declare passive, missing", "exchange.declare", {"exchange": "probe.no-such-exchange", "passive": True}),
    ("exchange.delete", "exchange.delete", {"exchange": "probe.no-such-exchange"}),
    ("exchange.bind, missing", "exchange.bind", {"destination": "amq.direct", "source": "probe.no-such-exchange"}),
    ("exchange.unbind", "exchange.unbind", {"destination": "amq.direct", "source": "amq.fanout"}),
    ("queue.declare passive, missing", "queue.declare", {"queue": "probe.no-such-queue", "passive": True}),
    ("queue.bind", "queue.bind", {"queue": "own", "exchange": "amq.direct", "routing_key": "k"}),
    ("queue.purge", "queue.purge", {"queue": "own"}),
    ("queue.delete", "queue.delete", {"queue": "own"}),
    ("basic.consume", "basic.consume", {"queue": "own", "consumer_tag": "t"}),
    ("basic.consume, missing", "basic.consume", {"queue": "probe.no-such-queue", "consumer_tag": "t"}),
    ("basic.cancel", "basic.cancel", {"consumer_tag": "nobody"}),
    ("confirm.select", "confirm.select", {}),
):
    add(f"nowait: {title}", partial(nowait, method, **fields))


@probe("channel: after an error, frames of content are ignored")
def content_after_error(p: Probe) -> None:
    c = p.connect()
    c.answer_closes = False
    c.send("queue.declare", queue="probe.no-such-queue", passive=True)
    try:
        c.read()
    except Ended:
        c.publish("", "nowhere", "x", mandatory=True)
        c.quiet()
        c.send("channel.close-ok")
        c.call("channel.open")


@probe("channel: closed by the client between a method and its content")
def closed_within_content(p: Probe) -> None:
    c = p.connect()
    c.send("basic.publish", exchange="", routing_key="nowhere")
    c.call("channel.close", reply_code=200)


@probe("channel: closed with a code and a text of the client's")
def closed_with_text(p: Probe) -> None:
    c = p.connect()
    c.call("channel.close", reply_code=999, reply_text="x" * 255, class_id=60, method_id=40)
    c.call("channel.open")


@probe("channel: 65535 where 2047 are allowed")
def highest(p: Probe) -> None:
    p.connect().call("channel.open", 65535)


PUBLISH = method_payload("basic.publish", exchange="", routing_key="nowhere", mandatory=True)


def header_with(flags: bytes, properties: bytes = b"", size: int = 0) -> bytes:
    return frame(CONTENT_HEADER, 1, struct.pack(">HHQ", 60, 0, size) + flags + properties)


for title, rest in {
    "surplus bytes after the properties": header_with(b"\0\0", b"surplus"),
    "flags that nobody has assigned": header_with(b"\0\2"),
    "a second word of flags": header_with(b"\0\1\0\0"),
    "a second word of flags with one set": header_with(b"\0\1\x80\0", b"\1x"),
    "header without flags": frame(CONTENT_HEADER, 1, struct.pack(">HHQ", 60, 0, 0)),
    "a table of headers that is longer than the header": header_with(b"\x20\0", b"\0\0\1\0\1a"),
    "a header with a key of 128 bytes": header_with(b"\x20\0", struct.pack(">I", 131) + b"\x80" + b"k" * 128 + b"t\1"),
    "delivery-mode without its byte": header_with(b"\x10\0"),
}.items():
    add(f"content: {title}", raw(frame(METHOD, 1, PUBLISH), rest))
add(
    "content: two publishes before one header",
    raw(frame(METHOD, 1, PUBLISH), frame(METHOD, 1, PUBLISH), header_with(b"\0\0")),
)
add(
    "content: ack between publish and header",
    raw(frame(METHOD, 1, PUBLISH), frame(METHOD, 1, method_payload("basic.ack", delivery_tag=1))),
)
add(
    "content: heartbeat on channel 0 in between", raw(frame(METHOD, 1, PUBLISH), frame(8, 0, b""), header_with(b"\0\0"))
)
add(
    "content: closing the connection in between",
    raw(frame(METHOD, 1, PUBLISH), frame(METHOD, 0, method_payload("connection.close", reply_code=200))),
)


@probe("content: headers that fill a frame")
def large_headers(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "x", headers={f"h{number}": "v" * 1000 for number in range(100)})
    c.sync()
    c.send("basic.get", queue=q, no_ack=True)
    event = c._next(5)
    p.note("headers", len(event[1]["properties"]["headers"]), event[1]["body"])


@probe("content: headers that do not fit a frame")
def too_large_headers(p: Probe) -> None:
    c = p.connect()
    c.publish("", "nowhere", "x", headers={f"h{number}": "v" * 1000 for number in range(140)})
    c.read()


@probe("content: a message of 16 MiB, and one of a byte more")
def largest(p: Probe) -> None:
    c = p.connect()
    for size in (16 * 1024 * 1024, 16 * 1024 * 1024 + 1):
        c.send("basic.publish", exchange="", routing_key="nowhere")
        c.send_bytes(frame(CONTENT_HEADER, 1, header_payload(size)))
        for start in range(0, size, 131064):
            c.send_bytes(frame(BODY, 1, bytes(min(131064, size - start))))
        c.sync()
        p.note("taken", size)


@probe("names: a queue of 255 bytes of UTF-8")
def long_unicode(p: Probe) -> None:
    c = p.connect()
    c.call("queue.declare", queue="ü" * 127, exclusive=True)
    c.call("queue.declare", queue="ü" * 127, passive=True, exclusive=True)


def odd_name(data: bytes, field: str, p: Probe) -> None:
    """A name that is not UTF-8, in a method that pamqp would not encode."""
    c = p.connect()
    name = bytes([len(data)]) + data
    if field == "queue":
        payload = struct.pack(">HHH", 50, 10, 0) + name + b"\4" + bytes(4)
    elif field == "passive queue":
        payload = struct.pack(">HHH", 50, 10, 0) + name + b"\1" + bytes(4)
    elif field == "exchange":
        payload = struct.pack(">HHH", 40, 10, 0) + name + b"\6direct\4" + bytes(4)
    elif field == "consumer tag":
        payload = struct.pack(">HHH", 60, 20, 0) + b"\0" + name + b"\0" + bytes(4)
        p.queue(c)
    else:
        payload = struct.pack(">HHH", 60, 40, 0) + b"\0" + name + b"\1"
        c.send_bytes(frame(METHOD, 1, payload) + header_with(b"\0\0"))
        frames = [c._frame(time.monotonic() + 5) for _ in range(2)]
        p.note("comes back", frames[0] is not None and data in frames[0][2])
        return
    c.send_bytes(frame(METHOD, 1, payload))
    c.quiet()


for field in ("queue", "passive queue", "exchange", "consumer tag", "routing key"):
    add(f"names: a {field} that is not UTF-8", partial(odd_name, b"probe-\xff\xfe", field))
for field in ("queue", "exchange"):
    add(f"names: a {field} with a NUL", partial(odd_name, b"probe\0nul", field))
