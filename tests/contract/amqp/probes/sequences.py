"""What comes first when one action causes several frames.

Several frames of the client go out in one write where the title says so. How many messages one basic.ack confirms is
up to the broker: confirmations that follow each other are recorded as one.
"""

from functools import partial
from typing import Any

from ..client import BODY, CONTENT_HEADER, METHOD, Connection, Event, Probe, frame, header_payload, method_payload
from .messages import dead_letters
from .receiving import filled
from .registry import add, cases, probe

QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}
SAC: dict[str, Any] = {"x-single-active-consumer": True}
PERSISTENT = {"delivery_mode": 2}
OK = {"reply_code": 200}


def method(name: str, channel: int = 1, **fields: Any) -> bytes:
    """The frame of a method."""
    return frame(METHOD, channel, method_payload(name, **fields))


def message(key: str, body: str, exchange: str = "", mandatory: bool = False, channel: int = 1, **more: Any) -> bytes:
    """The frames of a publish."""
    return (
        method("basic.publish", channel, exchange=exchange, routing_key=key, mandatory=mandatory)
        + frame(CONTENT_HEADER, channel, header_payload(len(body), **more))
        + frame(BODY, channel, body.encode())
    )


def merged(events: list[Event]) -> list[Event]:
    """Confirmations that follow each other on a channel are one event."""
    found: list[Event] = []
    for event in events:
        if found and event[0] == found[-1][0] and event[0].startswith(("basic.ack", "basic.nack")):
            found[-1] = [event[0], sorted(found[-1][1] + event[1])]
        else:
            found.append(event)
    return found


def told(p: Probe, c: Connection, seconds: float | None = None) -> None:
    """Records all that comes until the broker is silent, confirmations merged."""
    start = len(p.events)
    try:
        c.quiet(seconds)
    finally:
        p.events[start:] = merged(p.events[start:])


def by_channel(p: Probe, c: Connection, seconds: float | None = None) -> None:
    """Records all that comes, channel by channel: the channels of a connection do not wait for each other."""
    start = len(p.events)
    told(p, c, seconds)
    p.events[start:] = sorted(p.events[start:], key=lambda event: event[0].partition("@")[2])


def together(p: Probe, c: Connection, *frames: bytes) -> None:
    """One write. The first frame keeps the channel busy for a moment: when that is done, all the others are there."""
    busy = method("exchange.declare", exchange=p.name("busy"), exchange_type="fanout", durable=True)
    c.send_bytes(busy + b"".join(frames))


def consumers(c: Connection, queue: str, *tags: str, channel: int = 1, **fields: Any) -> None:
    for tag in tags:
        c.do("basic.consume", channel, queue=queue, consumer_tag=tag, **fields)


# The queue goes while it is consumed


def delete(
    p: Probe, tags: str = "a", nowait: bool = False, able: bool = True, again: bool = False, **queue: Any
) -> None:
    """Deletes a queue on the channel that consumes it. With `again`, more follows in the same write."""
    c = p.connect(capabilities=None if able else {})
    q = p.queue(c, **queue)
    consumers(c, q, *tags)
    more = method("queue.declare", queue=q, durable=True, passive=True) if again else b""
    c.send_bytes(method("queue.delete", queue=q, nowait=nowait) + more)
    told(p, c)


for title, how in cases(
    {
        "one consumer": {},
        "two consumers": {"tags": "ab"},
        "five consumers": {"tags": "dbeac"},
        "one consumer, nowait": {"nowait": True},
        "one consumer, without the capability": {"able": False},
        "two consumers, nowait, and declared passively in the same write": {
            "tags": "ab",
            "nowait": True,
            "again": True,
        },
        "one consumer, and declared passively in the same write": {"again": True},
        "auto-delete": {"auto_delete": True},
        "exclusive": {"exclusive": True},
        "quorum": {"arguments": QUORUM},
        "quorum, two consumers": {"tags": "ab", "arguments": QUORUM},
        "quorum, nowait": {"nowait": True, "arguments": QUORUM},
        "single active consumer": {"tags": "ab", "arguments": SAC},
    }
):
    add(f"sequence, queue deleted by its consumer: {title}", partial(delete, **how))


def delete_with_messages(p: Probe, arguments: dict[str, Any]) -> None:
    """Two messages are with the consumer, and one is on the queue."""
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    c.do("confirm.select")
    for body in "123":
        c.publish("", q, body)
        c.expect("basic.ack")
    c.do("basic.qos", prefetch_count=2)
    consumers(c, q, "a")
    c.read(2)
    c.send("queue.delete", queue=q)
    told(p, c)
    c.send("basic.ack", delivery_tag=1)
    c.send("basic.nack", delivery_tag=2)
    c.sync()
    told(p, c)
    c.send("basic.ack", delivery_tag=1)
    told(p, c)


add("sequence, queue deleted by its consumer: unacknowledged messages", partial(delete_with_messages, arguments={}))
add("sequence, queue deleted by its consumer: unacknowledged, quorum", partial(delete_with_messages, arguments=QUORUM))


@probe("sequence, queue deleted by its consumer: others on another channel")
def delete_other_channel(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("channel.open", 2)
    consumers(c, q, "a", "b")
    consumers(c, q, "c", "d", channel=2)
    c.send("queue.delete", queue=q)
    by_channel(p, c)


@probe("sequence, queue deleted: consumers on another channel only")
def delete_only_other(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("channel.open", 2)
    consumers(c, q, "a", "b", channel=2)
    c.send("queue.delete", queue=q)
    by_channel(p, c)
    c.send("basic.cancel", 2, consumer_tag="a")
    by_channel(p, c)


@probe("sequence, queue deleted by its consumer: cancelled in the same write")
def delete_then_cancel(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    consumers(c, q, "a", "b")
    c.send_bytes(method("queue.delete", queue=q) + method("basic.cancel", consumer_tag="a"))
    told(p, c)


@probe("sequence, queue deleted by its consumer: declared again in the same write")
def delete_then_declare(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    consumers(c, q, "a")
    c.send_bytes(method("queue.delete", queue=q) + method("queue.declare", queue=q, durable=True))
    told(p, c)


@probe("sequence, queue deleted by its consumer: two queues in one write")
def delete_two(p: Probe) -> None:
    c = p.connect()
    q, r = p.queue(c), p.queue(c, "r")
    consumers(c, q, "a")
    consumers(c, r, "b")
    c.send_bytes(method("queue.delete", queue=q) + method("queue.delete", queue=r))
    told(p, c)


@probe("sequence, queue deleted by its consumer: the exchange goes with its last binding")
def delete_exchange_too(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "fanout", auto_delete=True)
    c.do("queue.bind", queue=q, exchange=x)
    consumers(c, q, "a")
    c.send_bytes(method("queue.delete", queue=q) + method("exchange.declare", exchange=x, passive=True))
    told(p, c)


def deleted_over_http(p: Probe, arguments: dict[str, Any]) -> None:
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    c.do("confirm.select")
    for body in "123":
        c.publish("", q, body)
        c.expect("basic.ack")
    c.do("basic.qos", prefetch_count=1)
    consumers(c, q, "a", "b")
    c.quiet()
    p.broker.api("DELETE", "queues", "/", q)
    c.read()
    told(p, c)
    c.send("basic.ack", delivery_tag=2, multiple=True)
    c.sync()
    c.publish("", q, "4", mandatory=True)
    told(p, c)


for title, arguments in (("classic", {}), ("quorum", QUORUM)):
    steps = partial(deleted_over_http, arguments=arguments)
    add(f"sequence, queue deleted over HTTP: two consumers, unacknowledged messages, {title}", steps, needs_http=True)


def place_deleted(p: Probe, tags: str) -> None:
    """The virtual host is deleted while its queues are consumed and one message is unacknowledged."""
    where = p.name("vhost")
    p.broker.api("DELETE", "vhosts", where)
    p.api("PUT", "vhosts", where)
    p.broker.api("PUT", "permissions", where, "guest", body={"configure": ".*", "write": ".*", "read": ".*"})
    c = p.connect(vhost=where)
    q = p.queue(c)
    for tag in tags:
        consumers(c, q, tag)
    c.publish("", q, "1")
    c.read(len(tags[:1]))
    p.broker.api("DELETE", "vhosts", where)
    told(p, c, 2.0)
    # RabbitMQ gives one reason or the other.
    p.events[:] = [
        [each.replace("is down", "is deleted") if isinstance(each, str) else each for each in event]
        for event in p.events
    ]


add("sequence, virtual host deleted: nobody consumes", partial(place_deleted, tags=""), needs_http=True)
add("sequence, virtual host deleted: one consumer", partial(place_deleted, tags="a"), needs_http=True)
add("sequence, virtual host deleted: two consumers", partial(place_deleted, tags="ab"), needs_http=True)


@probe("sequence, user deleted: one consumer of an exclusive queue, a message unacknowledged", needs_http=True)
def consumer_deleted(p: Probe) -> None:
    name = p.name("user")
    p.api("PUT", "users", name, body={"password": "x", "tags": ""})
    p.broker.api("PUT", "permissions", "/", name, body={"configure": ".*", "write": ".*", "read": ".*"})
    c = p.connect(user=name, password="x")
    q = p.queue(c, exclusive=True)
    consumers(c, q, "a")
    c.publish("", q, "1")
    c.read()
    p.broker.api("DELETE", "users", name)
    c.read()
    told(p, c, 2.0)


# The last consumer of an auto-delete queue goes

Step = tuple[str, dict[str, Any]]


def last_cancelled(then: tuple[Step, ...], at_once: bool, p: Probe) -> None:
    """Two messages are with the consumer of an auto-delete queue when it is cancelled."""
    c = p.connect()
    q = filled(p, c, "1", "2", auto_delete=True)
    consumers(c, q, "a")
    c.read(2)
    frames = [method(name, **{key: q if value == "Q" else value for key, value in each.items()}) for name, each in then]
    if at_once:
        together(p, c, method("basic.cancel", consumer_tag="a"), *frames)
    else:
        c.call("basic.cancel", consumer_tag="a")
        c.send_bytes(b"".join(frames))
    told(p, c)


ACK1, ACK2 = (("basic.ack", {"delivery_tag": number}) for number in (1, 2))
NACK1 = ("basic.nack", {"delivery_tag": 1, "requeue": True})
SELECT: Step = ("confirm.select", {})
AFTER_CANCEL: dict[str, tuple[Step, ...]] = {
    "acknowledged afterwards": (ACK1, ACK2, SELECT),
    "put back afterwards": (NACK1, SELECT),
    "recovered afterwards": (("basic.recover", {"requeue": True}),),
    "declared passively": (("queue.declare", {"queue": "Q", "durable": True, "passive": True}),),
    "deleted": (("queue.delete", {"queue": "Q"}),),
    "cancelled again": (("basic.cancel", {"consumer_tag": "a"}),),
    "consumed again": (("basic.consume", {"queue": "Q", "consumer_tag": "b"}),),
}
for title, then in AFTER_CANCEL.items():
    add(f"sequence, last consumer cancelled: {title}", partial(last_cancelled, then, False))
    add(f"sequence, last consumer cancelled: {title}, in one write", partial(last_cancelled, then, True))


@probe("sequence, last consumer cancelled: all acknowledged before, in one write")
def last_acknowledged(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", auto_delete=True)
    consumers(c, q, "a")
    c.read()
    together(p, c, method("basic.ack", delivery_tag=1), method("basic.cancel", consumer_tag="a"), method(SELECT[0]))
    told(p, c)
    c.call("queue.declare", queue=q, passive=True)


@probe("sequence, last consumer cancelled: nowait")
def last_nowait(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, auto_delete=True)
    consumers(c, q, "a")
    c.send("basic.cancel", consumer_tag="a", nowait=True)
    told(p, c)
    c.call("queue.declare", queue=q, passive=True)


@probe("sequence, last consumer cancelled: another is on a second channel")
def last_of_two(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, auto_delete=True)
    c.do("channel.open", 2)
    consumers(c, q, "a")
    consumers(c, q, "b", channel=2)
    c.call("basic.cancel", consumer_tag="a")
    c.call("queue.declare", queue=q, passive=True)
    c.call("basic.cancel", 2, consumer_tag="b")
    c.call("queue.declare", queue=q, passive=True)


@probe("sequence, last consumer cancelled: the exchange goes with the queue")
def last_and_exchange(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c, auto_delete=True), p.exchange(c, auto_delete=True)
    c.do("queue.bind", queue=q, exchange=x)
    consumers(c, q, "a")
    c.call("basic.cancel", consumer_tag="a")
    c.quiet()
    c.call("exchange.declare", exchange=x, passive=True)


@probe("sequence, last consumer's channel closed: unacknowledged messages, the queue is gone")
def last_channel_closed(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", auto_delete=True)
    c.do("channel.open", 2)
    consumers(c, q, "a", channel=2)
    c.read()
    c.call("channel.close", 2, **OK)
    c.quiet()
    c.call("queue.declare", queue=q, passive=True)


# Exchanges


@probe("sequence, exchange deleted: publishes before it and after it in one write, confirmed")
def exchange_deleted(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "fanout")
    c.do("queue.bind", queue=q, exchange=x)
    c.do("confirm.select")
    c.publish(x, "", "1")
    c.read()
    c.send_bytes(method("exchange.delete", exchange=x) + message("", "2", x) + message("", "3", x))
    told(p, c)


@probe("sequence, exchange deleted: an exchange bound to it goes too")
def exchange_chain(p: Probe) -> None:
    c = p.connect()
    x, y = p.exchange(c, "fanout", auto_delete=True), p.exchange(c, "fanout", "y")
    c.do("exchange.bind", destination=y, source=x)
    frames = method("exchange.delete", exchange=y) + method("exchange.declare", exchange=x, passive=True)
    c.send_bytes(frames)
    told(p, c)


# A channel or a connection closes


@probe("sequence, channel closed: what it held goes to a consumer on another channel")
def closed_redelivers(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2")
    consumers(c, q, "a")
    c.read(2)
    c.do("channel.open", 2)
    consumers(c, q, "b", channel=2)
    c.send("channel.close", **OK)
    by_channel(p, c)


@probe("sequence, channel fails: what it held goes to a consumer on another channel")
def failed_redelivers(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2")
    consumers(c, q, "a")
    c.read(2)
    c.do("channel.open", 2)
    consumers(c, q, "b", channel=2)
    c.send("queue.declare", queue="probe.no-such-queue", passive=True)
    by_channel(p, c)


@probe("sequence, channel closed: more in the same write")
def closed_more(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.send_bytes(method("channel.close", **OK) + method("queue.delete", queue=q) + message(q, "1"))
    told(p, c)
    c.do("channel.open")
    c.call("queue.declare", queue=q, passive=True)


@probe("sequence, channel closed twice in one write")
def closed_twice(p: Probe) -> None:
    c = p.connect()
    c.send_bytes(method("channel.close", **OK) * 2)
    told(p, c)


@probe("sequence, connection closed: more in the same write")
def hung_up_more(p: Probe) -> None:
    c, d = p.connect(), p.connect("b: ")
    q = p.queue(c)
    c.send_bytes(method("connection.close", 0, **OK) + method("queue.delete", queue=q) + message(q, "1"))
    told(p, c)
    d.call("queue.declare", queue=q, passive=True)


def fails(p: Probe, last: bytes, arguments: dict[str, Any], **more: Any) -> None:
    """Three publishes that are confirmed, and then what fails or closes."""
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    c.do("confirm.select")
    together(p, c, *(message(q, str(number), **more) for number in range(3)), last)
    told(p, c)


UNKNOWN = method("queue.declare", queue="probe.no-such-queue", passive=True)
for kind, arguments, more in (
    ("persistent", {}, PERSISTENT),
    ("quorum", QUORUM, {}),
):
    for title, last in (
        ("a missing queue", UNKNOWN),
        ("a publish to a missing exchange", message("", "x", "probe.no-such-exchange")),
        ("an unknown delivery tag", method("basic.ack", delivery_tag=9)),
        ("an error of the connection", method("basic.qos", 7)),
        ("the channel closed", method("channel.close", **OK)),
        ("the connection closed", method("connection.close", 0, **OK)),
        ("another declared", method("exchange.declare", exchange="amq.direct", passive=True)),
    ):
        steps = partial(fails, last=last, arguments=arguments, **more)
        add(f"sequence, unconfirmed publishes, {kind}, then {title}", steps)


@probe("sequence, unroutable publishes, then a missing queue, in one write")
def unroutable_fails(p: Probe) -> None:
    c = p.connect()
    c.do("confirm.select")
    c.send_bytes(message("probe.nowhere", "1") + message("probe.nowhere", "2", mandatory=True) + UNKNOWN)
    told(p, c)


@probe("sequence, unroutable publishes, then the channel closed, in one write")
def unroutable_closed(p: Probe) -> None:
    c = p.connect()
    c.do("confirm.select")
    c.send_bytes(
        message("probe.nowhere", "1") + message("probe.nowhere", "2", mandatory=True) + method("channel.close", **OK)
    )
    told(p, c)


# Confirms and returns


def mixed(p: Probe, keys: str, confirmed: bool, arguments: dict[str, Any], **more: Any) -> None:
    """Mandatory messages in one write: q is a queue, and n is nowhere."""
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    if confirmed:
        c.do("confirm.select")
    where = {"q": q, "n": "probe.nowhere"}
    together(p, c, *(message(where[key], str(number), mandatory=True, **more) for number, key in enumerate(keys)))
    told(p, c)


for kind, arguments, more in (("transient", {}, {}), ("persistent", {}, PERSISTENT), ("quorum", QUORUM, {})):
    # What a queue has in memory only may be confirmed at any time.
    for keys in ("n", "nn", "nq") if kind == "transient" else ("n", "nn", "nq", "qn", "qnq", "nqnq"):
        steps = partial(mixed, keys=keys, confirmed=True, arguments=arguments, **more)
        add(f"sequence, mandatory and confirmed, {kind}: {keys}", steps)
add("sequence, mandatory: nqn", partial(mixed, keys="nqn", confirmed=False, arguments={}))


@probe("sequence, mandatory and confirmed: unroutable, then declared in the same write")
def unroutable_declared(p: Probe) -> None:
    c = p.connect()
    c.do("confirm.select")
    unroutable = message("probe.nowhere", "1", mandatory=True)
    c.send_bytes(unroutable * 2 + method("exchange.declare", exchange="amq.direct", passive=True) + unroutable)
    told(p, c)


def refused(p: Probe, arguments: dict[str, Any], keys: str) -> None:
    """Mandatory messages to a full queue that refuses them: q is the queue, and n is nowhere."""
    c = p.connect()
    q = p.queue(c, arguments={"x-max-length": 1, "x-overflow": "reject-publish", **arguments})
    c.do("confirm.select")
    for _ in range(2):  # a quorum queue may be over its limit before it notices
        c.publish("", q, "fill")
        c._next(5)
    c.quiet()
    where = {"q": q, "n": "probe.nowhere"}
    c.send_bytes(b"".join(message(where[key], str(number), mandatory=True) for number, key in enumerate(keys)))
    told(p, c)


for keys in ("q", "qq", "nq"):
    add(f"sequence, mandatory to a full queue: {keys}", partial(refused, arguments={}, keys=keys))
add("sequence, mandatory to a full queue: q, quorum", partial(refused, arguments=QUORUM, keys="q"))


def confirmed_delivery(p: Probe, arguments: dict[str, Any], no_ack: bool, **more: Any) -> None:
    """The consumer is on the channel that publishes."""
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    c.do("confirm.select")
    consumers(c, q, "a", no_ack=no_ack)
    c.publish("", q, "1", **more)
    told(p, c)


# With a message that a classic queue need not write to its disk, either comes first.
for title, arguments, no_ack, more in (
    ("persistent", {}, False, PERSISTENT),
    ("quorum", QUORUM, False, {}),
    ("quorum, no_ack", QUORUM, True, {}),
):
    steps = partial(confirmed_delivery, arguments=arguments, no_ack=no_ack, **more)
    add(f"sequence, confirm and own delivery, {title}", steps)


@probe("sequence, x-max-length: confirmed, and the dead letter is consumed on the same channel")
def full_delivery(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-max-length": 1})
    c.do("confirm.select")
    consumers(c, p.name("dead"), "a")
    for body in "123":
        c.publish("", q, body)
        told(p, c)


# Transactions


def transaction(
    p: Probe, steps: tuple[bytes, ...], consumed: bool = False, waiting: int = 0, own: bool = False
) -> None:
    """The steps in a transaction, all in one write. With `own`, a message to the own queue is among them."""
    c = p.connect()
    q = p.queue(c)
    for number in range(waiting):
        c.publish("", q, f"old {number}")
    c.do("tx.select")
    c.do("basic.qos", prefetch_count=1)
    if consumed:
        consumers(c, q, "a")
        c.read(min(waiting, 1))
    together(p, c, *steps, *([message(q, "new", delivery_mode=2)] if own else []), method("tx.commit"))
    told(p, c)


ROLLBACK = method("tx.rollback")
UNROUTABLE = message("probe.nowhere", "1", mandatory=True)
ACK_ONE, NACK_ONE = method("basic.ack", delivery_tag=1), method("basic.nack", delivery_tag=1, requeue=True)
TRANSACTIONS: dict[str, tuple[tuple[bytes, ...], dict[str, Any]]] = {
    "two unroutable ones": ((UNROUTABLE, UNROUTABLE), {}),
    "delivered to the own consumer": ((), {"consumed": True, "own": True}),
    "an unroutable one, and a delivery": ((UNROUTABLE,), {"consumed": True, "own": True}),
    "an ack that frees the consumer": ((ACK_ONE,), {"consumed": True, "waiting": 2}),
    "an ack that frees the consumer, and a message": ((ACK_ONE,), {"consumed": True, "waiting": 2, "own": True}),
    "a nack that brings it back": ((NACK_ONE,), {"consumed": True, "waiting": 1}),
    "rolled back": ((UNROUTABLE, ROLLBACK), {}),
    "an ack is rolled back": ((ACK_ONE, ROLLBACK), {"consumed": True, "waiting": 2}),
}
for title, (taken_steps, how) in TRANSACTIONS.items():
    add(f"sequence, commit: {title}", partial(transaction, steps=taken_steps, **how))


# Putting back


def returned(p: Probe, tags: str, arguments: dict[str, Any], steps: tuple[Step, ...]) -> None:
    """Three messages are with the consumers of the channel; the steps are one write."""
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    c.do("confirm.select")
    for body in "123":
        c.publish("", q, body)
        c.expect("basic.ack")
    consumers(c, q, "a")
    c.read(3)
    consumers(c, q, *tags)
    together(p, c, *(method(name, **fields) for name, fields in steps))
    told(p, c)


BACK: dict[str, tuple[Step, ...]] = {
    "nack of all": (("basic.nack", {"delivery_tag": 3, "multiple": True, "requeue": True}),),
    "reject one by one": tuple(("basic.reject", {"delivery_tag": n, "requeue": True}) for n in (1, 2, 3)),
    "reject in reverse": tuple(("basic.reject", {"delivery_tag": n, "requeue": True}) for n in (3, 2, 1)),
    "recover": (("basic.recover", {"requeue": True}),),
    "cancel, then nack": (("basic.cancel", {"consumer_tag": "a"}), ("basic.nack", {"multiple": True, "requeue": True})),
    "nack, then cancel": (("basic.nack", {"multiple": True, "requeue": True}), ("basic.cancel", {"consumer_tag": "a"})),
}
for kind, arguments in (("classic", {}), ("quorum", QUORUM)):
    for title, back in BACK.items():
        steps = partial(returned, tags="", arguments=arguments, steps=back)
        add(f"sequence, put back, {kind}, one consumer: {title}", steps)
        steps = partial(returned, tags="b", arguments=arguments, steps=back)
        add(f"sequence, put back, {kind}, two consumers: {title}", steps)


def dead_and_next(p: Probe, count: int, same: bool) -> None:
    """A rejected message goes to a queue that is consumed too, while the next one waits for the same consumer."""
    c = p.connect()
    q = dead_letters(p, c)
    for number in range(count):
        c.publish("", q, str(number))
    c.sync()
    c.do("channel.open", 2)
    consumers(c, p.name("dead"), "dead", channel=1 if same else 2)
    c.do("basic.qos", prefetch_count=1)
    consumers(c, q, "a")
    c.read()
    c.send("basic.reject", delivery_tag=1, requeue=False)
    by_channel(p, c)


add("sequence, dead letter consumed: on the same channel", partial(dead_and_next, count=1, same=True))
add("sequence, dead letter consumed: on the same channel, and the next", partial(dead_and_next, count=2, same=True))
add("sequence, dead letter consumed: on another channel, and the next", partial(dead_and_next, count=2, same=False))


# Expiry


def expired(p: Probe, expiration: str, consumed: bool, held: bool) -> None:
    """A message that expires, with a consumer of its queue or without, which may hold another, and is confirmed."""
    c = p.connect()
    q = dead_letters(p, c)
    c.do("confirm.select")
    consumers(c, p.name("dead"), "dead")
    if consumed:
        c.do("basic.qos", prefetch_count=1)
        consumers(c, q, "a")
    if held:
        c.publish("", q, "held", delivery_mode=2)
        told(p, c)
    c.publish("", q, "short", expiration=expiration, delivery_mode=2 if consumed and not held else 1)
    c.read(1)
    told(p, c, 0.8)


for expiration in ("0", "100"):
    for consumed, held, title in (
        (False, False, "nobody waits"),
        (True, False, "a consumer waits"),
        (True, True, "a consumer is full"),
    ):
        steps = partial(expired, expiration=expiration, consumed=consumed, held=held)
        add(f"sequence, expiration {expiration}, consumed dead letters: {title}", steps)


@probe("sequence, expiration: the head goes while the consumer is full, and then comes the next")
def expired_head(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    c.publish("", q, "1")
    c.publish("", q, "2", expiration="100")
    c.publish("", q, "3")
    c.sync()
    consumers(c, p.name("dead"), "dead")
    c.do("basic.qos", prefetch_count=1)
    consumers(c, q, "a")
    c.read(2)
    c.send("basic.ack", delivery_tag=1)
    told(p, c)


@probe("sequence, expiration: behind the head, and then the head is acknowledged")
def expired_behind(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    for body, expiration in (("1", None), ("2", None), ("3", "50"), ("4", None)):
        c.publish("", q, body, expiration=expiration)
    c.sync()
    consumers(c, p.name("dead"), "dead")
    c.do("basic.qos", prefetch_count=1)
    consumers(c, q, "a")
    c.read()
    told(p, c, 0.5)
    c.send_bytes(method("basic.ack", delivery_tag=1))
    told(p, c)


@probe("sequence, x-expires: what was taken is acknowledged after the queue is gone")
def queue_expired(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", arguments={"x-expires": 300})
    c.do("basic.get", queue=q)
    c.quiet(1.2)
    c.send_bytes(method("basic.ack", delivery_tag=1) + method("queue.declare", queue=q, passive=True))
    told(p, c)


# Consumers come, go and change


@probe("sequence, consume: messages wait")
def waits(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    c.send("basic.consume", queue=q, consumer_tag="a")
    told(p, c)


@probe("sequence, consume: messages wait, quorum")
def waits_quorum(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=QUORUM)
    c.do("confirm.select")
    for body in "123":
        c.publish("", q, body)
        c.expect("basic.ack")
    c.send("basic.consume", queue=q, consumer_tag="a")
    told(p, c)


def consume_and(
    p: Probe, then: tuple[bytes, ...], arguments: dict[str, Any], nowait: bool = False, limit: int = 0
) -> None:
    """Three messages wait; more follows basic.consume in the same write. No frame names the queue."""
    c = p.connect()
    c.do("confirm.select")
    q = p.queue(c, arguments=arguments)
    for body in "123":
        c.publish("", q, body)
        c.expect("basic.ack")
    c.do("basic.qos", prefetch_count=limit)
    together(p, c, method("basic.consume", queue="", consumer_tag="a", nowait=nowait), *then)
    told(p, c)


DIRECT = method("exchange.declare", exchange="amq.direct", passive=True)
CANCEL = method("basic.cancel", consumer_tag="a")
# A cancel in the same write is left out: RabbitMQ 4.3 then forgets basic.consume-ok, and 3.10 hangs up.
AFTER_CONSUME: dict[str, tuple[tuple[bytes, ...], dict[str, Any]]] = {
    "nowait": ((), {"nowait": True}),
    "a declare": ((DIRECT,), {}),
    "nowait, and a declare": ((DIRECT,), {"nowait": True}),
    "another consume": ((method("basic.consume", queue="", consumer_tag="b"),), {}),
    "a purge, prefetch 1": ((method("queue.purge", queue=""),), {"limit": 1}),
    "a get, prefetch 1": ((method("basic.get", queue=""),), {"limit": 1}),
    "a delete": ((method("queue.delete", queue=""),), {}),
}
for kind, arguments in (("classic", {}), ("quorum", QUORUM)):
    for title, (following, how) in AFTER_CONSUME.items():
        steps = partial(consume_and, then=following, arguments=arguments, **how)
        add(f"sequence, consume and, {kind}: {title}", steps)


def acks(p: Probe, frames: tuple[bytes, ...], arguments: dict[str, Any]) -> None:
    """Six messages, two of them with the consumer; the frames are one write."""
    c = p.connect()
    c.do("confirm.select")
    q = p.queue(c, arguments=arguments)
    for body in "123456":
        c.publish("", q, body)
        c.expect("basic.ack")
    c.do("basic.qos", prefetch_count=2)
    consumers(c, q, "a")
    c.read(2)
    together(p, c, *frames)
    told(p, c)


A1, A2 = (method("basic.ack", delivery_tag=n) for n in (1, 2))
ACKS: dict[str, tuple[bytes, ...]] = {
    "one by one": (A1, A2),
    "in reverse": (A2, A1),
    "multiple": (method("basic.ack", delivery_tag=2, multiple=True),),
    "an ack and a put back": (A1, method("basic.nack", delivery_tag=2, requeue=True)),
    "then a cancel": (A1, A2, CANCEL),
    "then a declare": (A1, A2, DIRECT),
    "then a purge": (A1, A2, method("queue.purge", queue="")),
    "then a get": (A1, A2, method("basic.get", queue="")),
    "then a delete": (A1, method("queue.delete", queue="")),
    "then the channel closed": (A1, A2, method("channel.close", **OK)),
    "qos raised, and an ack": (method("basic.qos", prefetch_count=5), A1),
    "cancelled, and then an ack": (CANCEL, A1),
}
for kind, arguments in (("classic", {}), ("quorum", QUORUM)):
    for title, following in ACKS.items():
        # Whether a quorum queue has made the next delivery by then is left to chance.
        if kind == "quorum" and title in ("then a purge", "then a get", "then a delete"):
            continue
        add(f"sequence, prefetch 2, {kind}: {title}", partial(acks, frames=following, arguments=arguments))


def active_goes(p: Probe, frames: tuple[bytes, ...], arguments: dict[str, Any], elsewhere: bool = False) -> None:
    """The active consumer of three goes, while it has one message and two wait."""
    c = p.connect()
    c.do("channel.open", 2)
    c.do("confirm.select")
    q = p.queue(c, arguments={**SAC, **arguments})
    for body in "123":
        c.publish("", q, body)
        c.expect("basic.ack")
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.qos", 2, prefetch_count=1)
    consumers(c, q, "a")
    c.read()
    consumers(c, q, "b", "c", channel=2 if elsewhere else 1)
    together(p, c, *frames)
    by_channel(p, c)


for kind, arguments in (("classic", {}), ("quorum", QUORUM)):
    for title, gone, elsewhere in (
        ("cancelled", (CANCEL,), False),
        ("cancelled and acknowledged", (CANCEL, A1), False),
        ("cancelled, the next is on another channel", (CANCEL,), True),
        ("its channel is closed", (method("channel.close", **OK),), True),
        ("cancelled with the next in one write", (CANCEL, method("basic.cancel", consumer_tag="b")), False),
        ("acknowledged and cancelled", (A1, CANCEL), False),
    ):
        steps = partial(active_goes, frames=gone, arguments=arguments, elsewhere=elsewhere)
        add(f"sequence, single active consumer, {kind}: {title}", steps)


@probe("sequence, consumer priorities: five messages in one write")
def priorities(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.qos", prefetch_count=2)
    consumers(c, q, "low", arguments={"x-priority": 1})
    consumers(c, q, "high", arguments={"x-priority": 5})
    c.send_bytes(b"".join(message(q, str(number)) for number in range(5)))
    told(p, c)
    together(p, c, method("basic.cancel", consumer_tag="high"), A1)
    told(p, c)
    c.send_bytes(method("basic.ack", delivery_tag=3))
    told(p, c)


# Several things in one write


def one_write(p: Probe, frames: tuple[bytes, ...], arguments: dict[str, Any]) -> None:
    """The frames, behind a declare of the queue that they name by the empty name. !1 publishes to it."""
    c = p.connect()
    c.send_bytes(
        method("queue.declare", queue=p.name(), durable=True, arguments=arguments)
        + b"".join(
            message(p.name(), each[1:].decode(), delivery_mode=2) if each.startswith(b"!") else each for each in frames
        )
    )
    told(p, c)


CONSUME = method("basic.consume", queue="", consumer_tag="a")
DELETE = method("queue.delete", queue="")
GET = method("basic.get", queue="")
PURGE = method("queue.purge", queue="")
for kind, arguments in (("classic", {}), ("quorum", QUORUM)):
    for title, written in {
        "publish, delete": (b"!1", DELETE),
        "publish, get": (b"!1", GET),
        "publish, get, publish, get": (b"!1", GET, b"!2", GET),
        "publish, purge": (b"!1", PURGE),
        "publish, get, ack, get": (b"!1", GET, A1, GET),
        "publish, get, nack, get": (b"!1", GET, method("basic.nack", delivery_tag=1), GET),
        "confirm, publish, get": (method("confirm.select"), b"!1", GET),
        "confirm, publish, delete": (method("confirm.select"), b"!1", DELETE),
        "confirm, publish, purge": (method("confirm.select"), b"!1", PURGE),
        "confirm, publish, declare": (method("confirm.select"), b"!1", DIRECT),
        "consume, delete": (CONSUME, DELETE),
        "consume, publish": (CONSUME, b"!1"),
        "consume, publish, delete": (CONSUME, b"!1", DELETE),
        "consume, publish, purge": (CONSUME, b"!1", PURGE),
        "confirm, consume, publish": (method("confirm.select"), CONSUME, b"!1"),
        "publish, consume": (b"!1", CONSUME),
        "get of nothing": (GET,),
        "publish, delete, publish mandatory": (b"!1", DELETE, UNROUTABLE),
    }.items():
        # A quorum queue takes a publish later than what is called right after it.
        if kind == "quorum" and "publish, " in title and not title.endswith("consume"):
            continue
        add(f"sequence, declare and, {kind}: {title}", partial(one_write, frames=written, arguments=arguments))


def purged(p: Probe, arguments: dict[str, Any]) -> None:
    """A consumer holds one message, and two wait."""
    c = p.connect()
    c.do("confirm.select")
    q = p.queue(c, arguments=arguments)
    for body in "123":
        c.publish("", q, body)
        c.expect("basic.ack")
    c.do("basic.qos", prefetch_count=1)
    consumers(c, q, "a")
    c.read()
    c.send_bytes(method("queue.purge", queue=q) + message(q, "4"))
    told(p, c)
    c.send("basic.ack", delivery_tag=1)
    told(p, c)


add("sequence, purge: classic, and a publish", partial(purged, arguments={}))
add("sequence, purge: quorum, and a publish", partial(purged, arguments=QUORUM))
