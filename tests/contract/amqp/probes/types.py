"""Values of every type that a field table knows (section 4.2.5.5), in arguments and in headers.

The client's own encoder picks the type by the value; here the bytes are written out.
"""

import struct
import time
from functools import partial
from typing import Any

from ..client import CONTENT_HEADER, METHOD, Probe, frame, method_payload
from .registry import add, probe
from .routing import taken

INTEGERS = {"b": ">b", "B": ">B", "s": ">h", "u": ">H", "I": ">i", "i": ">I", "l": ">q", "L": ">q"}


def value(letter: str, content: Any) -> bytes:
    """A value with its type."""
    if letter in INTEGERS:
        data = struct.pack(INTEGERS[letter], content)
    elif letter in "fd":
        data = struct.pack(f">{letter}", content)
    elif letter == "t":
        data = bytes([content])
    elif letter == "T":
        data = struct.pack(">Q", content)
    elif letter == "D":
        data = struct.pack(">BI", *content)
    elif letter == "V":
        data = b""
    else:
        data = struct.pack(">I", len(content)) + content
    return letter.encode() + data


def table(**fields: bytes) -> bytes:
    """A table; in the names, _ stands for -."""
    rows = b"".join(bytes([len(key)]) + key.replace("_", "-").encode() + data for key, data in fields.items())
    return struct.pack(">I", len(rows)) + rows


def with_table(method: str, arguments: bytes, **fields: Any) -> bytes:
    """The payload of a method whose last field is a table."""
    return method_payload(method, **fields)[:-4] + arguments


SAMPLES = {
    "byte": value("b", 5),
    "unsigned byte": value("B", 5),
    "negative byte": value("b", -5),
    "short": value("s", 5),
    "unsigned short": value("u", 5),
    "signed int": value("I", 5),
    "unsigned int": value("i", 5),
    "long": value("l", 5),
    "float": value("f", 5.0),
    "double": value("d", 5.0),
    "decimal": value("D", (0, 5)),
    "timestamp": value("T", 5),
    "boolean": value("t", 1),
    "void": value("V", None),
    "text": value("S", b"5"),
    "binary": value("x", b"5"),
    "table": value("F", b""),
    "array": value("A", value("I", 5)),
}


def declare(method: str, argument: str, sample: bytes, p: Probe, **fields: Any) -> None:
    c = p.connect()
    if method == "exchange.declare":
        fields = {"exchange": p.name("x"), "exchange_type": "direct", "durable": True, **fields}
    elif method == "basic.consume":
        fields = {"queue": p.queue(c), "consumer_tag": "t", **fields}
    else:
        fields = {"queue": p.name(), "durable": True, **fields}
    c.send_bytes(frame(METHOD, 1, with_table(method, table(**{argument.replace("-", "_"): sample}), **fields)))
    c.read()


for title, sample in SAMPLES.items():
    add(f"type: x-message-ttl as {title}", partial(declare, "queue.declare", "x-message-ttl", sample))
for title in ("negative byte", "long", "float", "decimal", "timestamp", "void", "binary", "array"):
    add(f"type: x-priority as {title}", partial(declare, "basic.consume", "x-priority", SAMPLES[title]))
for title in ("void", "binary", "table", "timestamp"):
    for argument in ("x-queue-type", "x-dead-letter-exchange", "x-overflow"):
        add(f"type: {argument} as {title}", partial(declare, "queue.declare", argument, SAMPLES[title]))
    add(
        f"type: alternate-exchange as {title}",
        partial(declare, "exchange.declare", "alternate-exchange", SAMPLES[title]),
    )


def redeclare(first: bytes, second: bytes, p: Probe) -> None:
    c = p.connect()
    for sample in (first, second):
        arguments = table(x_max_length=sample)
        c.send_bytes(frame(METHOD, 1, with_table("queue.declare", arguments, queue=p.name(), durable=True)))
        c.read()


for first, second in (
    ("byte", "long"),
    ("unsigned int", "signed int"),
    ("unsigned byte", "short"),
):
    add(f"type: x-max-length as {first}, then as {second}", partial(redeclare, SAMPLES[first], SAMPLES[second]))
add("type: x-max-length 5, then 6 of another type", partial(redeclare, value("b", 5), value("l", 6)))


def several(kind: str, arguments: tuple[str, ...], p: Probe) -> None:
    c = p.connect()
    values = {each.replace("-", "_"): value("b", -1) for each in arguments}
    rows = table(**values, x_queue_type=value("S", kind.encode()))
    c.send_bytes(frame(METHOD, 1, with_table("queue.declare", rows, queue=p.name(), durable=True)))
    c.read()


for kind, arguments in (
    ("classic", ("x-delivery-limit", "x-max-age", "x-dead-letter-strategy")),
    ("classic", ("x-message-ttl", "x-expires", "x-max-length")),
    ("classic", ("x-max-length", "x-max-priority", "x-overflow")),
    ("quorum", ("x-max-priority", "x-queue-mode", "x-max-age")),
    ("quorum", ("x-max-length", "x-delivery-limit", "x-message-ttl")),
):
    add(f"type: several wrong arguments of {kind}: {', '.join(arguments)}", partial(several, kind, arguments))


@probe("type: an argument twice")
def twice(p: Probe) -> None:
    c = p.connect()
    row = b"\x0dx-message-ttl"
    rows = row + value("I", 100000) + row + value("I", 200000)
    arguments = struct.pack(">I", len(rows)) + rows
    c.send_bytes(frame(METHOD, 1, with_table("queue.declare", arguments, queue=p.name(), durable=True)))
    c.read()
    c.call("queue.declare", queue=p.name(), durable=True, arguments={"x-message-ttl": 200000})


def headers(bound: bytes, p: Probe) -> None:
    """Which of some messages a binding matches that asks for the header h of one type."""
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "headers")
    c.send_bytes(frame(METHOD, 1, with_table("queue.bind", table(h=bound), queue=q, exchange=x)))
    c.read()
    for title, sample in SAMPLES.items():
        rows = table(h=sample)
        c.send_bytes(frame(METHOD, 1, method_payload("basic.publish", exchange=x, routing_key="k")))
        header = struct.pack(">HHQH", 60, 0, len(title), 0x2000) + rows
        c.send_bytes(frame(CONTENT_HEADER, 1, header) + frame(3, 1, title.encode()))
    c.sync()
    p.note("matched", [event[1]["body"] for event in taken(c, q)])


for title, sample in SAMPLES.items():
    add(f"type: headers exchange with a {title}", partial(headers, sample))


@probe("type: every type comes back as it was sent")
def back(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    rows = table(**{title.replace(" ", "_"): sample for title, sample in SAMPLES.items()})
    c.send_bytes(frame(METHOD, 1, method_payload("basic.publish", exchange="", routing_key=q)))
    c.send_bytes(frame(CONTENT_HEADER, 1, struct.pack(">HHQH", 60, 0, 0, 0x2000) + rows))
    c.sync()
    c.send("basic.get", queue=q, no_ack=True)
    c._frame(time.monotonic() + 5)
    found = c._frame(time.monotonic() + 5)
    assert found is not None
    # RabbitMQ sorts them.
    p.note("the bytes", bytes(sorted(found[2][14:])) == bytes(sorted(rows)))


@probe("type: every type comes back from a dead letter")
def dead(p: Probe) -> None:
    c = p.connect()
    dead_queue = p.queue(c, "dead")
    q = p.queue(
        c,
        arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead_queue, "x-message-ttl": 0},
    )
    rows = table(**{title.replace(" ", "_"): sample for title, sample in SAMPLES.items()})
    c.send_bytes(frame(METHOD, 1, method_payload("basic.publish", exchange="", routing_key=q)))
    c.send_bytes(frame(CONTENT_HEADER, 1, struct.pack(">HHQH", 60, 0, 0, 0x2000) + rows))
    c.sync()
    c.fetch(dead_queue, 1)
