"""Protocol headers, authentication, tuning, opening and closing a connection."""

from functools import partial
from typing import Any

from ..client import HEADER, Ended, Probe
from .registry import add, cases, probe


def header(data: bytes, p: Probe) -> None:
    c = p.raw()
    c.send_bytes(data)
    c.read()
    c.quiet()


for title, data in {
    "AMQP 0-8": b"AMQP\x01\x01\x08\x00",
    "AMQP 0-9": b"AMQP\x01\x01\x00\x09",
    "AMQP 0-10": b"AMQP\x01\x01\x00\x0a",
    "AMQP 0-9-2": b"AMQP\x00\x00\x09\x02",
    "AMQP 2.0": b"AMQP\x00\x02\x00\x00",
    "AMQP TLS": b"AMQP\x02\x01\x00\x00",
    "HTTP GET": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "garbage": b"\x00\x01\x02\x03\x04\x05\x06\x07",
    "TLS client hello": bytes.fromhex("1603010200010001fc0303") + bytes(32),
}.items():
    add(f"header: {title}", partial(header, data))


@probe("header: half of it, then the rest")
def halves(p: Probe) -> None:
    c = p.raw()
    c.send_bytes(HEADER[:3])
    c.send_bytes(HEADER[3:])
    c.expect("connection.start")
    c.authenticate()
    c.expect("connection.tune")


@probe("start: what the broker says of itself")
def start(p: Probe) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    fields = c.expect("connection.start")
    properties = fields["server_properties"]
    p.note("versions", fields["version_major"], fields["version_minor"])
    p.note("server properties", sorted(properties))
    p.note("capabilities", properties["capabilities"])
    p.note("product", properties["product"])
    p.note("mechanisms", sorted(fields["mechanisms"].split()))
    p.note("locales", fields["locales"])


@probe("tune: what the broker proposes")
def tune(p: Probe) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.authenticate()
    c.read()


def authentication(p: Probe, **how: Any) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.authenticate(**how)
    c.read()


AMQPLAIN_GUEST = "\x05LOGINS\x00\x00\x00\x05guest\x08PASSWORDS\x00\x00\x00\x05guest"
for title, how in cases(
    {
        "unknown mechanism": {"mechanism": "NONSENSE"},
        "mechanism in lower case": {"mechanism": "plain"},
        "unknown mechanism, without the capability": {"mechanism": "NONSENSE", "capabilities": {}},
        "EXTERNAL without TLS": {"mechanism": "EXTERNAL"},
        "ANONYMOUS": {"mechanism": "ANONYMOUS", "response": ""},
        "wrong password": {"password": "wrong"},
        "wrong password, without the capability": {"password": "wrong", "capabilities": {}},
        "unknown user": {"user": "nobody-of-that-name"},
        "unknown user, without the capability": {"user": "nobody-of-that-name", "capabilities": {}},
        "PLAIN, empty response": {"response": ""},
        "PLAIN, without a separator": {"response": "guest"},
        "PLAIN, with an authorization identity": {"response": "someone\0guest\0guest"},
        "PLAIN, empty password": {"response": "\0guest\0"},
        "AMQPLAIN": {"mechanism": "AMQPLAIN", "response": AMQPLAIN_GUEST},
        "AMQPLAIN, wrong password": {"mechanism": "AMQPLAIN", "response": AMQPLAIN_GUEST[:-5] + "wrong"},
        "AMQPLAIN, without a password": {"mechanism": "AMQPLAIN", "response": AMQPLAIN_GUEST[:15]},
        "AMQPLAIN, not a table": {"mechanism": "AMQPLAIN", "response": "\0guest\0guest"},
    }
):
    add(f"start-ok: {title}", partial(authentication, **how))


def tune_ok(p: Probe, **values: int) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.authenticate()
    proposed = c.expect("connection.tune")
    c.send("connection.tune-ok", 0, **{**proposed, "heartbeat": 0, **values})
    c.call("connection.open", 0, virtual_host="/")


for title, values in cases(
    {
        "channel_max 0": {"channel_max": 0},
        "channel_max larger than proposed": {"channel_max": 65535},
        "channel_max 1": {"channel_max": 1},
        "frame_max 0": {"frame_max": 0},
        "frame_max 100": {"frame_max": 100},
        "frame_max 4096": {"frame_max": 4096},
        "frame_max 8191": {"frame_max": 8191},
        "frame_max larger than proposed": {"frame_max": 131073},
        "heartbeat larger than proposed": {"heartbeat": 6000},
    }
):
    add(f"tune-ok: {title}", partial(tune_ok, **values))


@probe("tune-ok: heartbeat 1")
def heartbeat(p: Probe) -> None:
    c = p.connect(heartbeat=1)
    event = c.read(1, seconds=3)[0]
    assert event == ["heartbeat"]
    c.send_bytes(b"\x08\0\0\0\0\0\0\xce")
    c.close()


@probe("tune-ok: heartbeat 1, and the client is silent")
def missed_heartbeats(p: Probe) -> None:
    c = p.connect(heartbeat=1)
    for _ in range(20):
        if c._next(10) != ["heartbeat"]:
            break
    p.note("hung up", c.closed)


def vhost(name: str, p: Probe) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.authenticate()
    proposed = c.expect("connection.tune")
    c.send("connection.tune-ok", 0, **{**proposed, "heartbeat": 0})
    c.call("connection.open", 0, virtual_host=name)


add("open: unknown vhost", partial(vhost, "no such vhost"))
add("open: empty vhost", partial(vhost, ""))
add("open: vhost //", partial(vhost, "//"))


@probe("open: vhost without permission", needs_http=True)
def forbidden(p: Probe) -> None:
    p.api("PUT", "users", "probe-nobody", body={"password": "x", "tags": ""})
    p.raw().open(user="probe-nobody", password="x")


@probe("open: twice")
def open_twice(p: Probe) -> None:
    p.connect().call("connection.open", 0, virtual_host="/")


@probe("open: before tune-ok")
def open_before_tune_ok(p: Probe) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.authenticate()
    c.expect("connection.tune")
    c.call("connection.open", 0, virtual_host="/")


@probe("open: before start-ok")
def open_before_start_ok(p: Probe) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.call("connection.open", 0, virtual_host="/")


@probe("channel.open before connection.open")
def channel_before_open(p: Probe) -> None:
    c = p.raw()
    c.send_bytes(HEADER)
    c.expect("connection.start")
    c.authenticate()
    proposed = c.expect("connection.tune")
    c.send("connection.tune-ok", 0, **{**proposed, "heartbeat": 0})
    c.call("channel.open", 1)


@probe("start-ok twice")
def start_ok_twice(p: Probe) -> None:
    c = p.connect()
    c.authenticate()
    c.read()


@probe("tune-ok twice")
def tune_ok_twice(p: Probe) -> None:
    c = p.connect()
    c.send("connection.tune-ok", 0, channel_max=10, frame_max=8192, heartbeat=0)
    c.read()


@probe("connection.close: answered")
def close(p: Probe) -> None:
    c = p.connect()
    c.call("connection.close", 0, reply_code=200, reply_text="bye")


@probe("connection.close: methods after it are ignored")
def close_and_more(p: Probe) -> None:
    c = p.connect()
    c.send("connection.close", 0, reply_code=200)
    c.send("queue.declare", queue=p.name())
    c.read()


@probe("connection.close: methods after the broker's close are ignored")
def more_after_error(p: Probe) -> None:
    c = p.connect()
    c.answer_closes = False
    c.send("basic.qos", prefetch_size=1)
    try:
        c.read()
    except Ended:
        c.send("queue.declare", queue=p.name())
        c.quiet()
        c.answer_closes = True
        c.send("connection.close-ok", 0)
        c.read()


@probe("connection.close: both sides at once")
def both_close(p: Probe) -> None:
    c = p.connect()
    c.answer_closes = False
    c.send("basic.qos", prefetch_size=1)
    try:
        c.read()
    except Ended:
        c.call("connection.close", 0, reply_code=200)


@probe("connection.close: on another channel than 0")
def close_on_a_channel(p: Probe) -> None:
    c = p.connect()
    c.call("connection.close", 1, reply_code=200)


@probe("connection.close-ok out of the blue")
def stray_close_ok(p: Probe) -> None:
    c = p.connect()
    c.send("connection.close-ok", 0)
    c.read()


@probe("connection.update-secret")
def update_secret(p: Probe) -> None:
    p.connect().call("connection.update-secret", 0, new_secret="guest", reason="why not")


@probe("connection.secure-ok out of the blue")
def stray_secure_ok(p: Probe) -> None:
    c = p.connect()
    c.send("connection.secure-ok", 0, response="x")
    c.read()


@probe("connection.blocked from the client")
def blocked(p: Probe) -> None:
    c = p.connect()
    c.send("connection.blocked", 0, reason="x")
    c.read()


def loopback(p: Probe) -> None:
    """A second connection of the same user is independent of the first one's error."""
    a, b = p.connect(), p.connect("b: ")
    try:
        a.call("basic.qos", prefetch_size=1)
    except Ended:
        b.call("queue.declare", queue=p.name(), durable=True)


add("connection error: another connection goes on", loopback)
