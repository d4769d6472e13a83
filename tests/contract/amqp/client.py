"""A raw, blocking AMQP 0-9-1 client: it sends anything, however wrong, and records whatever comes back.

What comes back is a list of events that can be written as JSON. The first item says what came ("queue.declare-ok",
"basic.deliver", "socket closed", "nothing"), with "@2" behind it on another channel than 1, and "b: " before it on
another connection than the first.
"""

import contextlib
import datetime
import json
import re
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
from pamqp import base, commands

Event = list[Any]

HEADER = b"AMQP\x00\x00\x09\x01"
METHOD, CONTENT_HEADER, BODY, HEARTBEAT = 1, 2, 3, 8
FRAME_END = b"\xce"
SECONDS_FOR_AN_ANSWER = 8.0
CAPABILITIES = {
    "authentication_failure_close": True,
    "basic.nack": True,
    "connection.blocked": True,
    "consumer_cancel_notify": True,
    "exchange_exchange_bindings": True,
    "publisher_confirms": True,
}
CONTENT = ("basic.deliver", "basic.get-ok", "basic.return")
EMPTY: dict[str, Any] = {"shortstr": "", "longstr": "", "table": {}}
# What a broker makes up: names, keys and places differ from one run to the next.
MADE_UP = (
    (re.compile(r"(amq\.(?:gen|ctag|rabbitmq\.reply-to)[-.])[A-Za-z0-9_+/=.-]+"), r"\1*"),
    (re.compile(r"<\d+\.\d+\.\d+>"), "<pid>"),
    (re.compile(r"\b127\.0\.0\.1:\d+"), "<address>"),
    (re.compile(r"\brmqctl-\w+-\d+@localhost"), "<node>"),
)


def _wire_name(pamqp_name: str) -> str:
    """Basic.GetOk is basic.get-ok on the wire and in the specification."""
    kind, method = pamqp_name.split(".")
    return f"{kind.lower()}.{re.sub(r'(?<=[a-z])(?=[A-Z])', '-', method).lower()}"


KNOWN: dict[int, Any] = dict(commands.INDEX_MAPPING)
METHODS: dict[str, type[base.Frame]] = {_wire_name(each.name): each for each in KNOWN.values()}


class Ended(Exception):
    """The probe cannot go on: its channel or connection is closed, or the broker is silent."""


@dataclass(frozen=True)
class Broker:
    """Where a broker is; without the address of its HTTP API, the probes that need users are left out."""

    host: str
    port: int
    user: str = "guest"
    password: str = "guest"
    http: str | None = None
    silence: float = 0.3

    @classmethod
    def from_url(cls, url: str, http: str | None = None, silence: float = 0.3) -> "Broker":
        parts = urlsplit(url)
        user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
        return cls(parts.hostname or "127.0.0.1", parts.port or 5672, user, password, http, silence)

    def api(self, method: str, *path: str, body: object = None) -> httpx.Response:
        """One request to the HTTP API; the segments of the path are encoded here."""
        assert self.http is not None
        url = "/".join([f"{self.http}/api", *(quote(each, safe="") for each in path)])
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, url, json=body)


def frame(kind: int, channel: int, payload: bytes, end: bytes = FRAME_END) -> bytes:
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + end


def method_payload(name: str, **fields: Any) -> bytes:
    """The payload of a method frame; pamqp's own checks of the values are switched off."""
    kind = METHODS[name]
    # pamqp warns that recover-async is deprecated when it makes one: this is the way around.
    method = kind.__new__(kind) if name == "basic.recover-async" else kind()
    for key in method.__slots__:
        if getattr(method, key, None) is None:
            setattr(method, key, EMPTY.get(method.amqp_type(key), 0))
    for key, value in fields.items():
        assert key in method.__slots__, f"{name} has no {key}"
        setattr(method, key, value)
    method.validate = lambda: None  # type: ignore[method-assign]
    return struct.pack(">I", method.index) + method.marshal()


def header_payload(size: int, class_id: int = 60, **properties: Any) -> bytes:
    values = commands.Basic.Properties()
    for key, value in properties.items():
        setattr(values, key, value)
    return struct.pack(">HHQ", class_id, 0, size) + values.marshal()


def plain(value: Any) -> Any:
    """A value as JSON has it, without what the broker made up."""
    if isinstance(value, dict):
        return {
            str(key): "<time>" if isinstance(each, datetime.datetime) else plain(each) for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bytes | bytearray):
        value = bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        for pattern, mask in MADE_UP:
            value = pattern.sub(mask, value)
        return value
    return value if value is None or isinstance(value, bool | int | float) else str(value)


class Connection:
    """One connection of a probe. `call` and `read` record what comes back, `do` only what was not expected."""

    def __init__(self, broker: Broker, events: list[Event], label: str = "") -> None:
        self.broker = broker
        self.events = events
        self.label = label
        self.answer_closes = True
        self.closed = False
        self.raw_fields: dict[str, Any] = {}
        self._buffer = b""
        self._settled: dict[int, set[int]] = {}
        self._pushed_back: list[tuple[int, int, bytes]] = []
        self._sock = socket.create_connection((broker.host, broker.port), timeout=SECONDS_FOR_AN_ANSWER)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # Sending

    def send_bytes(self, data: bytes) -> None:
        """A broker that has hung up already is noticed by the next read."""
        with contextlib.suppress(OSError):
            self._sock.settimeout(SECONDS_FOR_AN_ANSWER)
            self._sock.sendall(data)

    def send(self, name: str, channel: int = 1, **fields: Any) -> None:
        self.send_bytes(frame(METHOD, channel, method_payload(name, **fields)))

    def publish(
        self,
        exchange: str,
        key: str,
        body: str | bytes = "",
        channel: int = 1,
        mandatory: bool = False,
        immediate: bool = False,
        **properties: Any,
    ) -> None:
        data = body.encode() if isinstance(body, str) else body
        arguments = {"exchange": exchange, "routing_key": key, "mandatory": mandatory, "immediate": immediate}
        parts = frame(METHOD, channel, method_payload("basic.publish", **arguments))
        parts += frame(CONTENT_HEADER, channel, header_payload(len(data), **properties))
        if data:
            parts += frame(BODY, channel, data)
        self.send_bytes(parts)

    # Receiving

    def _fill(self, size: int, deadline: float) -> bool:
        """Whether so many bytes came in time. Raises EOFError when the broker has hung up."""
        while len(self._buffer) < size:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._sock.settimeout(left)
            try:
                more = self._sock.recv(65536)
            except TimeoutError:
                return False
            except OSError:
                more = b""
            if not more:
                raise EOFError
            self._buffer += more
        return True

    def _frame(self, deadline: float) -> tuple[int, int, bytes] | None:
        if self._pushed_back:
            return self._pushed_back.pop(0)
        if not self._fill(8, deadline):
            return None
        if self._buffer.startswith(b"AMQP"):
            found, self._buffer = self._buffer[:8], self._buffer[8:]
            return 0, 0, found
        kind, channel, size = struct.unpack(">BHI", self._buffer[:7])
        if not self._fill(size + 8, deadline):
            return None
        payload, end = self._buffer[7 : 7 + size], self._buffer[7 + size : 8 + size]
        assert end == FRAME_END, f"the broker's frame ends with {end!r}"
        self._buffer = self._buffer[8 + size :]
        return kind, channel, payload

    def _content(self, channel: int, deadline: float) -> dict[str, Any]:
        """The properties and the body that follow a method on this channel."""
        others: list[tuple[int, int, bytes]] = []
        size, body, properties = -1, b"", commands.Basic.Properties()
        while size != len(body):
            found = self._frame(deadline)
            assert found is not None, "content is incomplete"
            kind, on, payload = found
            if on != channel:
                others.append(found)
            elif kind == CONTENT_HEADER:
                size, flags = struct.unpack(">QH", payload[4:14])
                properties.unmarshal(flags, payload[14:])
            else:
                body += payload
        self._pushed_back[:0] = others
        self.raw_fields.update(reply_to=properties.reply_to, headers=properties.headers)
        values = {key: value for key, value in properties if value not in (None, "")}
        return {**({"properties": plain(values)} if values else {}), "body": plain(body)}

    def _next(self, seconds: float) -> Event:
        """The next event, not recorded yet."""
        deadline = time.monotonic() + seconds
        try:
            found = self._frame(deadline)
        except EOFError:
            self.closed = True
            return [f"{self.label}socket closed"]
        if found is None:
            return ["nothing"]
        kind, channel, payload = found
        suffix = "" if channel in (0, 1) else f"@{channel}"
        if kind == 0:
            return [f"{self.label}protocol header", list(payload)]
        if kind == HEARTBEAT:
            return [f"{self.label}heartbeat{suffix}"]
        assert kind == METHOD, f"a stray frame of type {kind}"
        index = struct.unpack(">I", payload[:4])[0]
        if index not in KNOWN:
            return [f"{self.label}method {index >> 16}.{index & 0xFFFF}{suffix}"]
        method = KNOWN[index]()
        method.unmarshal(payload[4:])
        name = _wire_name(method.name)
        self.raw_fields = fields = dict(method)
        event: Event = [f"{self.label}{name}{suffix}"]
        if name in ("channel.close", "connection.close"):
            event += [fields["reply_code"], plain(fields["reply_text"]), fields["class_id"], fields["method_id"]]
            if self.answer_closes:
                self.send(f"{name}-ok", channel)
            return event
        if name == "connection.start":
            return event  # whose fields name the broker and its place; a probe of its own looks into them
        if name == "connection.close-ok":
            self.closed = True  # who hangs up first is of no interest
        if name == "channel.open-ok":
            self._settled[channel] = set()
        if name in ("basic.ack", "basic.nack"):
            return [*event, self._newly_settled(channel, fields["delivery_tag"], fields["multiple"])]
        if name in CONTENT:
            fields = {**fields, **self._content(channel, deadline + SECONDS_FOR_AN_ANSWER)}
        if fields:
            event.append(plain(fields))
        return event

    def _newly_settled(self, channel: int, tag: int, multiple: bool) -> list[int]:
        """The numbers of the published messages: whether two of them share a frame is up to the broker."""
        settled = self._settled.setdefault(channel, set())
        new = sorted(set(range(1, tag + 1) if multiple else {tag}) - settled)
        settled.update(new)
        return new

    def read(self, count: int = 1, seconds: float = SECONDS_FOR_AN_ANSWER) -> list[Event]:
        """The next events, recorded; ends the probe when something closes or nothing comes."""
        found = []
        for _ in range(count):
            event = self._next(seconds)
            found.append(event)
            self.record(event)
        return found

    def record(self, event: Event) -> None:
        self.events.append(event)
        kind = event[0].removeprefix(self.label).partition("@")[0]
        if kind == "connection.close" and self.answer_closes:
            self.events.append(self._next(SECONDS_FOR_AN_ANSWER))
        if kind in ("connection.close", "channel.close", "socket closed", "nothing"):
            raise Ended

    def _answer(self, name: str, channel: int, record: bool) -> dict[str, Any]:
        expected = f"{self.label}{name}-ok" + ("" if channel in (0, 1) else f"@{channel}")
        while True:
            event = self._next(SECONDS_FOR_AN_ANSWER)
            done = event[0] == expected or event[0].startswith(f"{self.label}basic.get-empty")
            fields = dict(self.raw_fields)
            if record or not done:
                self.record(event)
            if done:
                return fields

    def call(self, name: str, channel: int = 1, **fields: Any) -> dict[str, Any]:
        """Sends a method and records everything up to its answer, whose fields are returned as they came."""
        self.send(name, channel, **fields)
        return self._answer(name, channel, record=True)

    def do(self, name: str, channel: int = 1, **fields: Any) -> dict[str, Any]:
        """A step on the way to what is probed: its answer is recorded only if it is not the expected one."""
        self.send(name, channel, **fields)
        return self._answer(name, channel, record=False)

    def sync(self, channel: int = 1) -> None:
        """Waits until the channel has handled everything that was sent on it."""
        self.do("exchange.declare", channel, exchange="amq.direct", passive=True)

    def quiet(self, seconds: float | None = None) -> None:
        """Records whatever else comes until the broker has been silent for a while."""
        while not self.closed:
            event = self._next(seconds or self.broker.silence)
            if event == ["nothing"]:
                return
            try:
                self.record(event)
            except Ended:
                if self.closed or not event[0].startswith(f"{self.label}channel"):
                    return

    def fetch(self, queue: str, count: int, channel: int = 1, seconds: float = SECONDS_FOR_AN_ANSWER) -> None:
        """Takes and records so many messages, which may be late, and what basic.get says after the last."""
        deadline = time.monotonic() + seconds
        while True:
            self.send("basic.get", channel, queue=queue, no_ack=True)
            event = self._next(SECONDS_FOR_AN_ANSWER)
            empty = event[0].removeprefix(self.label).startswith("basic.get-empty")
            if empty and count > 0 and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            if not empty and isinstance(event[-1], dict):
                # The tag grows with each attempt, and later messages may or may not be there yet.
                event[-1] = {k: v for k, v in event[-1].items() if k not in ("delivery_tag", "message_count")}
            self.record(event)
            count -= 1
            if empty:
                return

    # The handshake

    def open(
        self,
        user: str | None = None,
        password: str | None = None,
        vhost: str = "/",
        capabilities: dict[str, bool] | None = None,
        channel: bool = True,
        **tune: int,
    ) -> "Connection":
        self.send_bytes(HEADER)
        self.expect("connection.start")
        self.authenticate(user, password, capabilities)
        proposed = self.expect("connection.tune")
        self.send("connection.tune-ok", 0, **{**proposed, "heartbeat": 0, **tune})
        self.do("connection.open", 0, virtual_host=vhost)
        if channel:
            self.do("channel.open")
        return self

    def authenticate(
        self,
        user: str | None = None,
        password: str | None = None,
        capabilities: dict[str, bool] | None = None,
        mechanism: str = "PLAIN",
        response: str | None = None,
    ) -> None:
        user, password = user or self.broker.user, password or self.broker.password
        self.send(
            "connection.start-ok",
            0,
            client_properties={"capabilities": CAPABILITIES if capabilities is None else capabilities},
            mechanism=mechanism,
            response=f"\0{user}\0{password}" if response is None else response,
        )

    def expect(self, name: str) -> dict[str, Any]:
        event = self._next(SECONDS_FOR_AN_ANSWER)
        if event[0] != f"{self.label}{name}":
            self.record(event)
            raise Ended
        return self.raw_fields

    def close(self) -> None:
        """Leaves politely, if there is still a connection to leave."""
        if not self.closed:
            self.send("connection.close", 0, reply_code=200)
            for _ in range(200):
                if self._next(2)[0].removeprefix(self.label) in ("connection.close-ok", "nothing", "socket closed"):
                    break
        self.drop()

    def drop(self) -> None:
        """Hangs up without a word."""
        self.closed = True
        self._sock.close()


@dataclass
class Probe:
    """What a probe works with: connections, names of its own, and the record of what came back."""

    title: str
    broker: Broker
    events: list[Event] = field(default_factory=list)
    _connections: list[Connection] = field(default_factory=list)
    _names: list[str] = field(default_factory=list)
    _undo: list[tuple[str, ...]] = field(default_factory=list)
    _cleaner: Connection | None = None

    def raw(self, label: str = "") -> Connection:
        """A connection on which nothing has been said yet."""
        self._connections.append(Connection(self.broker, self.events, label))
        return self._connections[-1]

    def connect(self, label: str = "", **how: Any) -> Connection:
        """A connection with channel 1 open."""
        return self.raw(label).open(**how)

    def name(self, part: str = "q") -> str:
        """A name for a queue or an exchange of this probe's own; nothing of that name exists before or after."""
        name = f"probe.{zlib.crc32(self.title.encode()):08x}.{part}"
        if name not in self._names:
            self._names.append(name)
            self._delete(name)
        return name

    def queue(self, connection: Connection, part: str = "q", channel: int = 1, **fields: Any) -> str:
        """A durable queue, declared without a trace in the record."""
        connection.do("queue.declare", channel, **{"queue": self.name(part), "durable": True, **fields})
        return self.name(part)

    def exchange(self, connection: Connection, kind: str = "direct", part: str = "x", **fields: Any) -> str:
        """A durable exchange, declared without a trace in the record."""
        values = {"exchange": self.name(part), "exchange_type": kind, "durable": True, **fields}
        connection.do("exchange.declare", **values)
        return self.name(part)

    def api(self, method: str, *path: str, body: object = None) -> None:
        """A request to the HTTP API; what a PUT makes is deleted when the probe is over."""
        if method == "PUT":
            self._undo.append(path)
        answer = self.broker.api(method, *path, body=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"

    def note(self, *event: Any) -> None:
        """Records something that the probe found out by itself."""
        self.events.append(plain(list(event)))

    def outcome(self) -> list[Event]:
        """The events, in which the probe's own names are as in the steps: <q> is the queue "q"."""
        text = json.dumps(self.events)
        for name in self._names:
            text = text.replace(name, f"<{name.rpartition('.')[2]}>")
        found: list[Event] = json.loads(text)
        return found

    def _delete(self, name: str) -> None:
        if self._cleaner is None:
            self._cleaner = Connection(self.broker, []).open(channel=False)
        for method, fields in (("queue.delete", {"queue": name}), ("exchange.delete", {"exchange": name})):
            with contextlib.suppress(Ended):
                self._cleaner.do("channel.open", 1)
                self._cleaner.do(method, 1, **fields)
                self._cleaner.do("channel.close", 1)

    def finish(self) -> None:
        """Waits for late events, and leaves nothing behind."""
        for connection in self._connections:
            connection.quiet()

    def clean(self) -> None:
        for connection in self._connections:
            connection.close()
        for name in self._names:
            self._delete(name)
        for path in reversed(self._undo):
            self.broker.api("DELETE", *path)
        if self._cleaner is not None:
            self._cleaner.close()


@dataclass(frozen=True)
class Registered:
    """One probe: its title, what it does, what it needs beside an AMQP port, and what the answer is worth.

    An `accident` is an answer that RabbitMQ did not mean to give: any answer that closes is as good. What is
    `left out` is not promised by a broker that is not RabbitMQ.
    """

    title: str
    steps: Callable[[Probe], None]
    needs_http: bool = False
    accident: bool = False
    left_out: bool = False


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    with contextlib.suppress(Ended):
        yield


def run(registered: Registered, broker: Broker) -> list[Event]:
    """Everything that came back while the steps of one probe were taken."""
    probe = Probe(registered.title, broker)
    try:
        with _ending():
            registered.steps(probe)
        probe.finish()
    finally:
        probe.clean()
    return probe.outcome()
