"""A connection fed with bytes: whole, in any pieces, mutilated, and from clients that say nothing."""

import gc
import logging
import weakref
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands, frame, header, heartbeat
from pamqp.body import ContentBody

from rmqctl.broker.amqp import connection as of_amqp
from rmqctl.broker.core.alarms import DISK, MEMORY
from rmqctl.broker.core.broker import Broker
from rmqctl.broker.core.users import hash_password

from .client import GREETING, Client, Clock, encoded, gathered, handshake, message, new_broker, publish

Basic, Queue, Channel, Connection = commands.Basic, commands.Queue, commands.Channel, commands.Connection
LARGE = bytes(range(256)) * 600  # more than one frame

LARGE_MESSAGE = b"".join(
    (
        encoded(Basic.Publish(routing_key="q")),
        frame.marshal(header.ContentHeader(0, len(LARGE), Basic.Properties(priority=3)), 1),
        frame.marshal(ContentBody(LARGE[:131064]), 1),
        frame.marshal(ContentBody(LARGE[131064:]), 1),
    )
)
CONVERSATION = handshake() + b"".join(
    (
        encoded(Queue.Declare(queue="q")),
        encoded(commands.Confirm.Select()),
        publish(b"first", "q", headers={"a": [1, {"b": "c"}]}, delivery_mode=2),
        publish(b"", "q"),
        publish(b"lost", "nowhere", mandatory=True),
        LARGE_MESSAGE,
        frame.marshal(heartbeat.Heartbeat(), 0),
        encoded(Basic.Qos(prefetch_count=10)),
        encoded(Basic.Consume(queue="q", consumer_tag="c")),
        encoded(Basic.Ack(1)),
        encoded(Basic.Nack(2, requeue=False)),
        encoded(Channel.Open(), 2),
        encoded(Queue.Bind(queue="q", exchange="amq.topic", routing_key="a.#"), 2),
        publish(b"by topic", "a.b", "amq.topic", channel=2),
        encoded(Basic.Reject(3, requeue=True)),
        encoded(Basic.Cancel("c")),
        encoded(Queue.Delete(queue="q"), 2),
        encoded(Channel.Close(200, "", 0, 0), 2),
    )
)


def events(client: Client) -> list[Any]:
    """What was answered. Confirms may be gathered into one that says `multiple`: they are told one by one."""
    answers, confirmed = [], 0
    for channel, each in client.frames():
        if isinstance(each, Basic.Ack):
            last = each.delivery_tag
            answers += [("confirm", number) for number in range(confirmed + 1 if each.multiple else last, last + 1)]
            confirmed = last
        else:
            answers.append((channel, type(each).__name__, contents(each)))
    # A confirm may come before or after what else was answered meanwhile.
    return [each for each in answers if each[0] != "confirm"] + [each for each in answers if each[0] == "confirm"]


def contents(each: Any) -> Any:
    if isinstance(each, header.ContentHeader):
        return each.body_size, dict(each.properties)
    return each.value if isinstance(each, ContentBody) else dict(each)


def said(pieces: list[bytes]) -> list[Any]:
    client = Client(new_broker(), heartbeat=None)
    for piece in pieces:
        client.connection.receive(piece)
    assert client.connection.is_open
    return events(client)


WHOLE = said([CONVERSATION])


def test_the_conversation_says_what_it_should() -> None:
    kinds = [each[1] for each in WHOLE if each[0] != "confirm"]
    assert kinds.count("Deliver") == 5
    assert kinds.count("Return") == 1
    assert kinds[-2:] == ["DeleteOk", "CloseOk"]
    assert [each[1] for each in WHOLE if each[0] == "confirm"] == [1, 2, 3, 4]


@settings(max_examples=60)
@given(st.lists(st.integers(1, len(CONVERSATION) - 1), max_size=30, unique=True).map(sorted))
def test_any_split_of_the_bytes_says_the_same(places: list[int]) -> None:
    ends = [*places, len(CONVERSATION)]
    assert said([CONVERSATION[start:end] for start, end in zip([0, *places], ends, strict=True)]) == WHOLE


def test_byte_by_byte_says_the_same() -> None:
    start = CONVERSATION.index(LARGE[:100])
    head = [CONVERSATION[at : at + 1] for at in range(start)]
    rest = CONVERSATION[start + len(LARGE) + 8 :]
    assert said([*head, CONVERSATION[start : start + len(LARGE) + 8], *(bytes((byte,)) for byte in rest)]) == WHOLE


# ------------------------------------------------------------------------------------------------------- what is wrong


class Mishaps(logging.Handler):
    """Faults of the broker itself: it survives them, and logs them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(record)


def survives(data: bytes, *, after: bytes = b"") -> None:
    """Whatever comes, the connection ends in order or goes on, and nothing of it stays."""
    broker = new_broker()
    mishaps, log = Mishaps(), logging.getLogger("rmqctl.broker")
    log.addHandler(mishaps)
    try:
        other = Client(broker)
        other.declare("other")
        broken = Client(broker, heartbeat=None)
        broken.connection.receive(after + data)
        broken.connection.take()
        broken.connection.lost()
        other.publish(b"still here", "other")
        found = other.get("other", no_ack=True)
    finally:
        log.removeHandler(mishaps)
    assert found is not None
    assert found.body == b"still here"
    assert [record.exc_info for record in mishaps.seen if record.exc_info] == []
    assert list(broker.connections) == [other.connection]
    assert not any(queue.consumers or queue.unacked for queue in broker.vhosts["/"].queues.values())


@settings(max_examples=150)
@given(st.data())
@pytest.mark.filterwarnings("ignore:This command is deprecated")
def test_a_mutilated_conversation_harms_nobody(data: st.DataObject) -> None:
    bytes_ = bytearray(CONVERSATION)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(bytes_) - 1))
        match data.draw(st.sampled_from(["change", "cut", "insert", "repeat"])):
            case "change":
                bytes_[at] = data.draw(st.integers(0, 255))
            case "cut":
                del bytes_[at : at + data.draw(st.integers(1, 40))]
            case "insert":
                bytes_[at:at] = data.draw(st.binary(min_size=1, max_size=20))
            case _:
                bytes_[at:at] = bytes_[at : at + data.draw(st.integers(1, 200))]
    survives(bytes(bytes_))


@settings(max_examples=150)
@given(st.binary(max_size=300), st.booleans())
@pytest.mark.filterwarnings("ignore:This command is deprecated")
def test_garbage_harms_nobody(data: bytes, logged_in: bool) -> None:
    survives(data, after=handshake() if logged_in else b"")


@settings(max_examples=150)
@given(st.integers(0, 9), st.integers(0, 3), st.sampled_from(sorted(commands.INDEX_MAPPING)), st.binary(max_size=60))
@pytest.mark.filterwarnings("ignore:This command is deprecated")
def test_methods_with_any_arguments_harm_nobody(kind: int, channel: int, index: int, rest: bytes) -> None:
    payload = index.to_bytes(4, "big") + rest
    framed = bytes((kind,)) + channel.to_bytes(2, "big") + len(payload).to_bytes(4, "big") + payload + b"\xce"
    survives(framed, after=handshake())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x01\x00\x01\x00\x00\x00\x04\x00\x0a\x00\x0b\x00", 501),  # no end of frame
        (b"\x09\x00\x01\x00\x00\x00\x01\x00\xce", 501),  # no such kind of frame
        (b"\x01\x00\x01\x7f\xff\xff\xff\x00", 501),  # longer than agreed
        (b"\x01\x00\x01\x00\x00\x00\x03\x00\x3c\x00\xce", 501),  # no room for a method
        (b"\x08\x00\x00\x00\x00\x00\x01x\xce", 501),  # a heartbeat with something in it
        (b"\x08\x00\x01\x00\x00\x00\x00\xce", 505),  # a heartbeat on a channel
        (b"\x02\x00\x00\x00\x00\x00\x01x\xce", 505),  # content on the connection's own channel
        (encoded(Basic.Publish()) + frame.marshal(header.ContentHeader(0, 1 << 40, Basic.Properties()), 1), 501),
        (encoded(Basic.Publish()) + message(b"x")[:-9] + frame.marshal(ContentBody(b"xx"), 1), 501),  # too much body
        (frame.marshal(ContentBody(b"x"), 1), 505),  # a body without a method
        (frame.marshal(header.ContentHeader(0, 1, Basic.Properties()), 1), 505),
        (encoded(Basic.Publish()) + encoded(Basic.Ack(1)), 505),  # a method where the header has to be
        (encoded(Basic.Publish()) + message(b"x")[:-9] + encoded(Basic.Ack(1)), 505),  # and where the body has to be
        (encoded(Channel.Open(), 1), 504),  # open already
        (encoded(Basic.Qos(), 5), 504),  # never opened
        (encoded(Connection.TuneOk(), 0), 504),  # long past
        (encoded(Queue.Declare(queue="q"), 0), 504),  # on the connection's own channel
    ],
)
def test_the_connection_is_closed_with_the_code_for_it(data: bytes, code: int) -> None:
    client = Client(new_broker())
    client.connection.receive(data)
    closed = client.closed_by_broker()
    assert closed is not None
    assert closed[0] == code, closed
    assert client.raw(encoded(Connection.CloseOk(), 0)) == []
    assert client.connection.finished


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("pause", [False, True])
def test_a_frame_that_does_not_end_where_it_says(place: int, pause: bool) -> None:
    """Method, header and body, at once or one by one: none of the message arrives."""
    broker = new_broker()
    client = Client(broker)
    client.declare("q")
    frames = [encoded(Basic.Publish(routing_key="q")), message(b"x")[:-9], message(b"x")[-9:]]
    frames[place] = frames[place][:-1] + b"\x00"
    for piece in frames if pause else [b"".join(frames)]:
        client.connection.receive(piece)
    code, text = client.closed_by_broker() or (0, "")
    assert code == 501
    assert text.endswith("{invalid_frame_end_marker,0}")
    assert broker.vhosts["/"].queues["q"].ready.count == 0


@pytest.mark.parametrize(
    "data",
    [
        b"\x01\x00\x01\x00\x00\x00\x04\x00\x63\x00\x01\xce",  # a class that there is not
        b"\x01\x00\x00\x00\x00\x00\x04\x00\x3c\x00\xfa\xce",  # a method that there is not
    ],
)
def test_who_speaks_of_what_there_is_not_is_hung_up_on(data: bytes) -> None:
    client = Client(new_broker())
    assert client.raw(data + encoded(Queue.Declare(queue="q"))) == []
    assert client.connection.finished
    assert "q" not in client.broker.vhosts["/"].queues


@pytest.mark.parametrize("code", [404, 501])
def test_what_comes_after_a_close_is_ignored_until_it_is_answered(code: int) -> None:
    """404 closes the channel, 501 the connection."""
    client = Client(new_broker())
    client.declare("q")
    client.raw(encoded(Queue.Declare(queue="nowhere", passive=True)) if code == 404 else b"\x09\0\1\0\0\0\1\0\xce")
    assert client.raw(publish(b"ignored", "q") + encoded(Queue.Declare(queue="ignored"))) == []
    assert list(client.broker.vhosts["/"].queues) == ["q"]
    assert client.broker.vhosts["/"].queues["q"].ready.count == 0
    if code == 404:
        assert client.raw(encoded(Channel.CloseOk())) == []
        assert isinstance(client.call(Channel.Open()), Channel.OpenOk)
        assert client.declare("q", passive=True).message_count == 0


@pytest.mark.parametrize("greeting", [b"GET / HTTP/1.1\r\n\r\n", b"AMQP\x00\x00\x09\x02", b"AMQP\x00\x01\x00\x00"])
def test_another_protocol_is_told_one_that_is_served(greeting: bytes) -> None:
    client = Client(new_broker(), heartbeat=None)
    client.connection.receive(greeting)
    assert b"".join(client.connection.take()) in (GREETING, b"AMQP\x03\x01\x00\x00")
    assert client.connection.finished


class Carrier:
    """Holds its connection, as what carries bytes to and from a socket does, and is held by it to be woken."""

    def __init__(self, broker: Broker) -> None:
        self.connection = of_amqp.Connection(broker, ("127.0.0.1", 50000), ("127.0.0.1", 5672), self.woken)

    def woken(self) -> None:
        pass


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="idle"),
        pytest.param(encoded(Basic.Publish(routing_key="q"))[:9], id="half a frame"),
        pytest.param(encoded(Basic.Publish(routing_key="q")) + message(b"half")[:-9], id="half a message"),
        pytest.param(b"\x01\x00\x01\x7f\xff\xff\xff\x00", id="closed by the broker"),
        pytest.param(encoded(Queue.Declare(queue="nowhere", passive=True)), id="channel closed by the broker"),
        pytest.param(
            encoded(Queue.Declare(queue="own", exclusive=True)) + encoded(Basic.Consume(queue="own")), id="own queue"
        ),
        pytest.param(publish(b"x", "q") + encoded(Basic.Consume(queue="q")), id="delivery not acknowledged"),
        pytest.param(publish(b"x", "q") + encoded(Basic.Get(queue="q")), id="get not acknowledged"),
        pytest.param(encoded(commands.Tx.Select()) + publish(b"x", "q"), id="transaction not committed"),
        pytest.param(encoded(commands.Confirm.Select()) + publish(b"x", "q"), id="confirms"),
        pytest.param(encoded(Basic.Consume(queue="amq.rabbitmq.reply-to", no_ack=True)), id="direct reply-to"),
        pytest.param(encoded(Connection.Close(200, "", 0, 0), 0), id="closed by the client"),
    ],
)
def test_a_connection_that_is_gone_takes_no_memory_even_until_the_collector_runs(data: bytes) -> None:
    """A broker has millions of messages: the collector that looks for circles among them runs seldom."""
    broker = new_broker()
    Client(broker).declare("q")
    gc.collect()
    gc.disable()
    try:
        carrier = Carrier(broker)
        carrier.connection.receive(handshake(heartbeat=10) + data)
        connection = weakref.ref(carrier.connection)
        carrier.connection.lost()
        del carrier
        assert connection() is None
    finally:
        gc.enable()


def test_a_queue_that_fails_does_not_keep_a_connection_from_ending(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = new_broker()
    client, other = Client(broker), Client(broker)
    for name in ("a", "b"):
        client.declare(name, exclusive=name == "b")
        client.publish(b"x", name)
        client.get(name)
    monkeypatch.setattr(broker.vhosts["/"].queues["a"], "requeue", lambda *_, **__: 1 / 0)
    client.connection.lost()
    assert list(broker.connections) == [other.connection]
    assert set(broker.vhosts["/"].queues) == {"a"}
    assert [each.getMessage() for each in caplog.records] == [
        "cannot return what channel 1 has not acknowledged: ZeroDivisionError: division by zero"
    ]


# ---------------------------------------------------------------------------------------------------------------- time


@pytest.mark.parametrize("header", [b"AMQP\x00\x01\x00\x00", b"AMQP\x03\x01\x00\x00", b"GET / HT", bytes(8)])
def test_another_protocol_is_offered_the_one_that_is_spoken(header: bytes) -> None:
    client = Client(new_broker(), heartbeat=None)
    client.connection.receive(header)
    assert b"".join(client.connection.take()) == GREETING
    assert client.connection.finished


def test_who_is_anonymous_logs_in_as_guest_while_guest_has_its_first_password() -> None:
    broker = new_broker()
    hello = GREETING + encoded(Connection.StartOk({}, "ANONYMOUS", "", "en_US"), 0)
    first, second = Client(broker, heartbeat=None), Client(broker, heartbeat=None)
    first.connection.receive(hello)
    assert isinstance(first.frames()[-1][1], Connection.Tune)
    guest = broker.users["guest"]
    guest.identify(hash_password("another", b"salt"), guest.algorithm, guest.tags)
    second.connection.receive(hello)
    assert [type(each) for _, each in second.frames()] == [Connection.Start]
    assert not second.connection.is_open


def test_a_client_that_still_writes_can_read_what_was_wrong() -> None:
    """As in RabbitMQ: hung up on at once it would lose that."""
    clock = Clock()
    broker = new_broker(clock)
    client = Client(broker)
    client.connection.receive(b"\x03\x00\x01\x00\x10\x00\x00" + bytes(5000))
    closed = client.closed_by_broker()
    assert closed is not None
    assert closed[0] == 501
    client.connection.receive(bytes(100_000))
    assert not client.connection.finished
    clock.now += 3.1
    broker.node.tick()
    assert client.connection.finished


@pytest.mark.parametrize("told", [True, False])
def test_a_wrong_password_is_told_at_once_or_answered_by_silence(told: bool) -> None:
    clock = Clock()
    broker = new_broker(clock)
    client = Client(broker, heartbeat=None)
    properties = {"capabilities": {"authentication_failure_close": True}} if told else {}
    client.connection.receive(GREETING + encoded(Connection.StartOk(properties, "PLAIN", "\0guest\0x", "en_US"), 0))
    assert [type(each) for _, each in client.frames()][1:] == [Connection.Close] * told
    clock.now += 2.9
    broker.node.tick()
    assert not client.connection.finished
    clock.now += 0.2
    broker.node.tick()
    assert client.connection.finished is not told


MALFORMED_HEADERS = {
    "an unknown type": b"\x01aZzz",
    "a name that is too long": b"\x05at",
    "a value that is too long": b"\x01aS\x00\x00\x00\x09ab",
    "something behind it": b"\x01at\x01\x05",
    "an inner table that is too long": b"\x01aF\x00\x00\x00\x09\x01bt\x01",
    "an inner table that is too short": b"\x01aF\x00\x00\x00\x01\x01",
    "an array of unknown things": b"\x01aA\x00\x00\x00\x01Z",
    "an infinite number": b"\x01ad\x7f\xf0" + bytes(6),
    "not a number": b"\x01af\x7f\xc0\x00\x00",
    "nothing of a type": b"\x01a\x00",
}


def with_headers(table: bytes) -> bytes:
    """A publish to the queue q with these headers, encoded."""
    head = b"\x00\x3c\x00\x00" + (1).to_bytes(8, "big") + b"\x20\x00" + len(table).to_bytes(4, "big") + table
    frames = ((2, head), (3, b"x"))
    return encoded(Basic.Publish(routing_key="q")) + b"".join(
        bytes((kind, 0, 1)) + len(data).to_bytes(4, "big") + data + b"\xce" for kind, data in frames
    )


@pytest.mark.parametrize("name", MALFORMED_HEADERS)
def test_headers_that_are_no_table_end_the_publisher(name: str) -> None:
    """As RabbitMQ: nobody else ever gets to see them."""
    broker = new_broker()
    client, other = Client(broker), Client(broker)
    other.declare("q")
    client.connection.receive(with_headers(MALFORMED_HEADERS[name]))
    assert client.closed_by_broker() == (541, "INTERNAL_ERROR")
    assert other.get("q") is None


@pytest.mark.parametrize(
    ("table", "value"),
    [
        (b"\x01aT" + b"\xff" * 8, 2**64 - 1),
        (b"\x01at\x05", True),
        (b"\x01at\x01\x01at\x00", True),
        (b"\x01aL" + bytes(8), 0),
        (b"\x01aV", None),
        (b"\x01aD\x02\x00\x00\x00\x7b", Decimal("1.23")),
        (b"\x01aS\x00\x00\x00\x02\xff\xfe", b"\xff\xfe"),
    ],
)
def test_headers_that_are_odd_and_sound(table: bytes, value: object) -> None:
    broker = new_broker()
    client = Client(broker)
    client.declare("q")
    client.connection.receive(with_headers(table))
    queue = broker.vhosts["/"].queues["q"]
    assert [each.message.headers() for each in queue.messages()] == [{"a": value}]


def test_a_client_that_says_nothing_is_hung_up_on() -> None:
    clock = Clock()
    broker = new_broker(clock)
    silent, speaking = Client(broker, heartbeat=None), Client(broker)
    clock.now += 9
    broker.node.tick()
    assert not silent.connection.finished
    clock.now += 2
    broker.node.tick()
    assert silent.connection.finished
    assert speaking.connection.is_open


def test_heartbeats_are_sent_and_missed() -> None:
    clock = Clock()
    broker = new_broker(clock)
    client = Client(broker, heartbeat=10)
    for _ in range(4):
        clock.now += 5
        broker.node.tick()
        client.connection.receive(frame.marshal(heartbeat.Heartbeat(), 0))
    beats = [each for _, each in client.frames() if isinstance(each, heartbeat.Heartbeat)]
    assert len(beats) == 4, "one in each half of the interval, whether there was one before or not"
    assert client.connection.is_open
    clock.now += 5
    broker.node.tick()
    silent_since = clock.now
    while not client.connection.finished:
        clock.now += 1
        broker.node.tick()
    assert 15 <= clock.now - silent_since <= 25


@pytest.mark.parametrize(("interval", "ends"), [(0, 30), (4, 4), (60, 30)])
@pytest.mark.parametrize("by", ["client", "broker"])
def test_a_client_that_does_not_end_a_closed_connection_is_hung_up_on(interval: int, ends: int, by: str) -> None:
    clock = Clock()
    broker = new_broker(clock)
    client = Client(broker, heartbeat=interval)
    client.frames()
    if by == "client":
        client.raw(encoded(Connection.Close(200, "", 0, 0), 0))
    else:
        client.connection.close("shutdown")
    clock.now += ends - 0.1
    broker.node.tick()
    beats = [each for _, each in client.frames() if isinstance(each, heartbeat.Heartbeat)]
    assert not client.connection.finished
    assert bool(beats) == (0 < interval < 60)
    clock.now += 0.2
    broker.node.tick()
    assert client.connection.finished


def test_publishers_are_told_of_a_memory_alarm() -> None:
    broker = new_broker()
    publisher, consumer = Client(broker), Client(broker)
    publisher.declare("q")
    publisher.publish(b"x", "q")
    for body in (b"x", b"y"):
        broker.alarms.set(MEMORY, True, "test")
        # As in RabbitMQ, one that published before the alarm is not blocked until it publishes again, and that message waits.
        assert publisher.frames() == []
        assert (got := publisher.get("q")) is not None
        assert got.body == body
        assert [each.reason for _, each in publisher.raw(publish(b"y", "q"))] == ["low on memory"]
        assert not publisher.connection.reads
        assert consumer.connection.reads
        assert consumer.get("q") is None
        broker.alarms.set(MEMORY, False, "test")
        assert [type(each) for _, each in publisher.frames()] == [Connection.Unblocked]
        assert publisher.connection.waits
        publisher.connection.receive(b"")
        assert not publisher.connection.waits


def test_an_alarm_lasts_as_long_as_anybody_says_so() -> None:
    broker = new_broker()
    publisher = Client(broker)
    publisher.declare("q")
    broker.alarms.set(MEMORY, True, "one")
    broker.alarms.set(MEMORY, True, "two")
    broker.alarms.set(DISK, True, "one")
    assert [each.reason for _, each in publisher.raw(publish(b"x", "q"))] == ["low on memory & disk"]
    broker.alarms.set(DISK, False, "one")
    broker.alarms.set(MEMORY, False, "one")
    assert broker.alarms.resources == [MEMORY]
    assert publisher.frames() == []
    broker.alarms.set(MEMORY, False, "two")
    assert [type(each) for _, each in publisher.frames()] == [Connection.Unblocked]


def test_deliveries_of_a_large_message_come_in_pieces() -> None:
    client = Client(new_broker())
    client.declare("q")
    client.raw(LARGE_MESSAGE)
    frames = [each for _, each in client.raw(encoded(Basic.Get(queue="q", no_ack=True)))]
    assert [len(each.value) for each in frames if isinstance(each, ContentBody)] == [131064, len(LARGE) - 131064]
    assert gathered(frames)[0].body == LARGE
