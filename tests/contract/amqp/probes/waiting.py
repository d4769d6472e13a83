"""Messages that wait: when they expire, who may take them, when there is room for more; and declarations that agree."""

import time
from functools import partial
from typing import Any

from ..client import METHOD, Connection, Probe, frame
from .messages import dead_letters
from .queues import arguments
from .quorum import QUORUM, SAC, rest
from .registry import add, probe
from .routing import taken as messages_of
from .types import table, value, with_table

KINDS: dict[str, dict[str, Any]] = {"classic": {}, "quorum": QUORUM}
# Milliseconds that a message lives, and seconds after which it is surely gone.
SHORT, LONGER = "100", 0.4


def behind(p: Probe, c: Connection, kind: str) -> str:
    """A queue with a message that lives on, one behind it that has expired, and one behind that."""
    q = dead_letters(p, c, **KINDS[kind])
    c.do("confirm.select")
    for body, more in (("first", {}), ("short", {"expiration": SHORT}), ("last", {})):
        c.publish("", q, body, **more)
        assert c._next(5)[0] == "basic.ack"
    time.sleep(LONGER)
    return q


def dead(p: Probe, c: Connection) -> None:
    """What has been dead-lettered."""
    c.do("channel.open", 9)
    c.fetch(p.name("dead"), 1, channel=9, seconds=2)


def taken(how: str, kind: str, p: Probe) -> None:
    """The head goes, and what has expired behind it."""
    c = p.connect()
    q = behind(p, c, kind)
    if how == "a consumer with prefetch 1":
        c.do("basic.qos", prefetch_count=1)
        c.send("basic.consume", queue=q, consumer_tag="t")
        c.read(2)
    else:
        c.call("basic.get", queue=q, no_ack=how == "basic.get without acknowledgement")
    if how == "basic.get and ack":
        c.send("basic.ack", delivery_tag=1)
    if how == "basic.get and reject":
        c.send("basic.reject", delivery_tag=1)
    if how == "basic.get and nack":
        c.send("basic.nack", delivery_tag=1, requeue=True)
    dead(p, c)
    c.call("queue.declare", queue=q, passive=True)


for kind in KINDS:
    for how in (
        "a consumer with prefetch 1",
        "basic.get and ack",
        "basic.get without acknowledgement",
        "basic.get and reject",
        "basic.get and nack",
    ):
        add(f"expiry behind the head, {kind}: {how}", partial(taken, how, kind))


@probe("expiry behind the head: the head is dropped above a limit")
def dropped(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-max-length": 2})
    c.publish("", q, "first")
    c.publish("", q, "short", expiration=SHORT)
    c.sync()
    time.sleep(LONGER)
    c.publish("", q, "last")
    c.do("channel.open", 9)
    c.fetch(p.name("dead"), 2, channel=9)
    c.call("queue.declare", queue=q, passive=True)


@probe("expiry behind the head: it comes back, and the one before it is acknowledged")
def came_back(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    c.publish("", q, "first")
    c.publish("", q, "short", expiration=SHORT)
    c.sync()
    for _ in range(2):
        c.do("basic.get", queue=q)
    c.send("basic.nack", delivery_tag=2, requeue=True)
    c.send("basic.ack", delivery_tag=1)
    dead(p, c)
    c.call("queue.declare", queue=q, passive=True)


@probe("queue.declare: passive, and x-expires starts again")
def used(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-expires": 2000})
    for _ in range(3):
        time.sleep(1)
        c.do("queue.declare", queue=q, passive=True)
    c.call("queue.declare", queue=q, passive=True)


# --------------------------------------------------------------------------------------------- limits of whole channels


def acknowledge_each(c: Connection, count: int) -> list[str]:
    """Who gets what, when each is acknowledged before the next one can come."""
    found = []
    for _ in range(count):
        event = c._next(5)
        found.append(f"{event[1]['consumer_tag']}: {event[1]['body']}")
        c.send("basic.ack", delivery_tag=event[1]["delivery_tag"])
    return found


@probe("basic.qos: global, shared by two consumers of a queue")
def shared(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.qos", prefetch_count=1, global_=True)
    for name in "ab":
        c.do("basic.consume", queue=q, consumer_tag=name)
    for number in range(6):
        c.publish("", q, str(number))
    got = acknowledge_each(c, 6)
    p.note("each has some", sorted({each[0] for each in got}))


@probe("basic.qos: global, shared by consumers of three queues")
def shared_by_queues(p: Probe) -> None:
    c = p.connect()
    c.do("basic.qos", prefetch_count=1, global_=True)
    for name in "abc":
        q = p.queue(c, name)
        for number in range(30):
            c.publish("", q, str(number))
        c.sync()
    for name in "abc":
        c.send("basic.consume", queue=p.name(name), consumer_tag=name, nowait=True)
    got = acknowledge_each(c, 60)
    p.note("each has some", sorted({each[0] for each in got}))
    c.drop()


@probe("basic.qos: global, and a consumer that acknowledges nothing")
def without_acknowledgement(p: Probe) -> None:
    c = p.connect()
    q, other = p.queue(c), p.queue(c, "other")
    c.do("basic.qos", prefetch_count=1, global_=True)
    c.do("basic.consume", queue=q, consumer_tag="a")
    c.publish("", q, "1")
    c.read()
    c.do("basic.consume", queue=other, consumer_tag="b", no_ack=True)
    for number in range(3):
        c.publish("", other, f"without {number}")
    c.quiet()
    p.note("acknowledged")
    c.send("basic.ack", delivery_tag=1)
    c.quiet()


# ------------------------------------------------------------------------------------------------------- quorum queues


def takes_over(settle: str, p: Probe) -> None:
    """A consumer of higher priority comes while the active one holds two messages."""
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, **SAC})
    c.do("basic.consume", queue=q, consumer_tag="low")
    for body in "12":
        c.publish("", q, body)
        c.read()
    c.do("basic.consume", queue=q, consumer_tag="high", arguments={"x-priority": 5})
    c.publish("", q, "3")
    rest(c)
    if settle == "cancel":
        c.do("basic.cancel", consumer_tag="low")
        rest(c)
        return
    for tag in (1, 2):
        p.note(f"{settle} {tag}")
        if settle == "ack":
            c.send("basic.ack", delivery_tag=tag)
        elif settle == "reject":
            c.send("basic.reject", delivery_tag=tag)
        else:
            c.send("basic.nack", delivery_tag=tag, requeue=True)
        c.sync()
        rest(c)
    p.note("another is published")
    c.publish("", q, "4")
    rest(c)


for settle in ("ack", "reject", "nack", "cancel"):
    add(f"quorum: single active, a higher one waits: {settle}", partial(takes_over, settle))


@probe("quorum: single active, a still higher one comes while one waits")
def still_higher(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, **SAC})
    c.do("basic.consume", queue=q, consumer_tag="low")
    c.publish("", q, "1")
    c.read()
    for name, priority in (("high", 5), ("highest", 9)):
        c.do("basic.consume", queue=q, consumer_tag=name, arguments={"x-priority": priority})
    c.publish("", q, "2")
    rest(c)
    c.send("basic.ack", delivery_tag=1)
    rest(c)


@probe("quorum: single active, the higher one that waits goes again")
def goes_again(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, **SAC})
    c.do("basic.consume", queue=q, consumer_tag="low")
    c.publish("", q, "1")
    c.read()
    c.do("basic.consume", queue=q, consumer_tag="high", arguments={"x-priority": 5})
    c.do("basic.cancel", consumer_tag="high")
    c.publish("", q, "2")
    rest(c)
    p.note("acknowledged")
    c.send("basic.ack", delivery_tag=1)
    rest(c)


@probe("quorum: single active, the one that gave way is the first of its priority again")
def gave_way(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, **SAC})
    for name in ("first", "second"):
        c.do("basic.consume", queue=q, consumer_tag=name)
    c.do("basic.consume", queue=q, consumer_tag="high", arguments={"x-priority": 5})
    c.do("basic.cancel", consumer_tag="high")
    c.publish("", q, "1")
    rest(c)


def lengths(p: Probe, c: Connection, q: str, bodies: tuple[str, ...], **properties: Any) -> None:
    c.do("confirm.select")
    for body in bodies:
        c.publish("", q, body, **properties)
        c.read()
    c.quiet(0.2)
    c.call("queue.declare", queue=q, passive=True)
    left = []
    while True:
        c.send("basic.get", queue=q, no_ack=True)
        event = c._next(5)
        if event[0] != "basic.get-ok":
            break
        left.append(event[1]["body"])
    p.note("left", left)


def bytes_limit(overflow: str, limit: int, bodies: tuple[str, ...], kind: str, p: Probe, **properties: Any) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**KINDS[kind], "x-max-length-bytes": limit, "x-overflow": overflow})
    lengths(p, c, q, bodies, **properties)


for kind in KINDS:
    for limit, bodies in (
        (10, ("aaaaa", "bbbbb", "ccccc")),
        (9, ("aaaaa", "bbbbb")),
        (12, ("aaaaa", "bbbbb")),
        (13, ("aaaaa", "bbbbb")),
        (14, ("aaaaa", "bbbbb")),
        (20, ("aaaaa", "bbbbb", "ccccc", "ddddd")),
        (0, ("", "b")),
        (5, ("aaaaa", "", "b")),
    ):
        title = f"x-max-length-bytes {limit}, {kind}: {', '.join(map(str, map(len, bodies)))}"
        add(title, partial(bytes_limit, "drop-head", limit, bodies, kind))
    for more in ({"delivery_mode": 2}, {"content_type": "text/plain"}, {"headers": {"a": "b"}}, {"headers": {"a": 1}}):
        title = f"x-max-length-bytes 30, {kind}: with {more}"
        add(title, partial(bytes_limit, "drop-head", 30, ("aaaaa", "bbbbb", "ccccc", "ddddd"), kind, **more))
    title = f"x-max-length-bytes 10, {kind}: reject-publish"
    add(title, partial(bytes_limit, "reject-publish", 10, ("aaaaa", "bbbbb", "ccccc"), kind))


def rejects_to_dlx(p: Probe) -> None:
    """reject-publish-dlx of a queue with x-max-length 1."""
    c = p.connect()
    q = dead_letters(p, c, **{**QUORUM, "x-max-length": 1, "x-overflow": "reject-publish-dlx"})
    lengths(p, c, q, ("1", "2"))
    c.fetch(p.name("dead"), 1, seconds=2)


add("quorum: reject-publish-dlx", rejects_to_dlx)


def recovered(method: str, p: Probe) -> None:
    """What a channel had from a quorum queue, by basic.get and by a consumer, after basic.recover."""
    c = p.connect()
    q = p.queue(c, arguments=QUORUM)
    c.do("confirm.select")
    for body in "123":
        c.publish("", q, body)
        assert c._next(5)[0] == "basic.ack"
    for _ in range(2):
        c.do("basic.get", queue=q)
    if method == "basic.recover":
        c.call(method, requeue=True)
    else:
        c.send(method, requeue=True)
        c.sync()
    c.quiet()
    c.call("queue.declare", queue=q, passive=True)
    p.note("what was had is acknowledged")
    c.send("basic.ack", delivery_tag=2, multiple=True)
    c.quiet()


for method in ("basic.recover", "basic.recover-async"):
    add(f"quorum: {method}, and what is left", partial(recovered, method))


def come_back(how: str, kind: str, p: Probe) -> None:
    """In which order messages come back that two consumers and basic.get had, or are dead-lettered."""
    c, b = p.connect(), p.connect("b: ")
    q = dead_letters(p, c, **KINDS[kind])
    c.do("confirm.select")
    for body in "12345678":
        c.publish("", q, body)
        assert c._next(5)[0] == "basic.ack"
    b.do("basic.qos", prefetch_count=2)
    for tag in "za":
        b.send("basic.consume", queue=q, consumer_tag=tag, nowait=True)
        assert [b._next(5)[0] for _ in range(2)] == ["b: basic.deliver"] * 2
    b.do("basic.get", queue=q)
    for tag in "za":
        b.do("basic.cancel", consumer_tag=tag)
    if how == "a transaction":
        b.do("tx.select")
        for number in range(1, 6):
            b.send("basic.nack", delivery_tag=number, requeue=True)
        b.do("tx.commit")
    elif how == "basic.recover":
        b.do(how, requeue=True)
    elif how == "channel.close":
        b.do(how, reply_code=200)
    elif how == "hanging up":
        b.drop()
    else:
        b.send("basic.nack", delivery_tag=0, multiple=True, requeue=how == "basic.nack")
        b.sync()
    time.sleep(LONGER)
    p.note("order", [event[1]["body"] for event in messages_of(c, p.name("dead") if how == "rejecting" else q)])


for kind in KINDS:
    for how in ("basic.nack", "rejecting", "basic.recover", "a transaction", "channel.close", "hanging up"):
        add(f"put back by {how}, {kind}: of two consumers and basic.get", partial(come_back, how, kind))


@probe("quorum: basic.recover with a consumer")
def recovered_consumer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=QUORUM)
    c.do("confirm.select")
    for body in "12":
        c.publish("", q, body)
        assert c._next(5)[0] == "basic.ack"
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read(2)
    c.call("basic.recover", requeue=True)
    c.quiet()


# --------------------------------------------------------------------------------------------- declarations that agree


@probe("queue.unbind: an exclusive queue of another connection")
def unbind_of_another(p: Probe) -> None:
    owner, c = p.connect("owner: "), p.connect()
    q = p.queue(owner, exclusive=True, durable=False)
    owner.do("queue.bind", queue=q, exchange="amq.direct", routing_key=q)
    c.call("queue.unbind", queue=q, exchange="amq.direct", routing_key=q)


@probe("queue.unbind: an exclusive queue of another connection, never bound")
def unbind_of_another_unbound(p: Probe) -> None:
    owner, c = p.connect("owner: "), p.connect()
    q = p.queue(owner, exclusive=True, durable=False)
    c.call("queue.unbind", queue=q, exchange="amq.direct", routing_key="never")


@probe("queue.unbind: a queue that is not there")
def unbind_nothing(p: Probe) -> None:
    c = p.connect()
    c.call("queue.unbind", queue=p.name(), exchange="amq.direct", routing_key="never")


@probe("queue.unbind: an exchange that is not there")
def unbind_from_nothing(p: Probe) -> None:
    c = p.connect()
    c.call("queue.unbind", queue=p.queue(c), exchange=p.name("x"), routing_key="never")


TEN = {
    "signed int": value("I", 10),
    "long": value("l", 10),
    "double": value("d", 10.0),
    "float": value("f", 10.0),
    "text": value("S", b"10"),
}
ONE = {"long": value("l", 1), "double": value("d", 1.0), "boolean": value("t", 1)}
ZERO = {"long": value("l", 0), "boolean": value("t", 0), "void": value("V", None)}
TEXT = {"text": value("S", b"ten"), "binary": value("x", b"ten")}


def of_types(argument: str, samples: dict[str, bytes], p: Probe) -> None:
    """A queue is declared with a value of each type, and again with each other one."""
    c = p.connect()
    for first in samples:
        for second in samples:
            agree(p, c, argument, samples[first], samples[second], f"{first}, then {second}")


def agree(p: Probe, c: Connection, argument: str, first: bytes, second: bytes, title: str) -> None:
    name = argument.replace("-", "_")
    for sample in (first, second):
        c.send_bytes(frame(METHOD, 1, with_table("queue.declare", table(**{name: sample}), queue=p.name("q"))))
        event = c._next(5)
        if event[0] != "queue.declare-ok":
            p.note(title, event[1] if len(event) > 1 else event[0], event[2] if len(event) > 2 else "")
            c.do("channel.open")
            break
    else:
        p.note(title, "agrees")
    c.do("queue.delete", queue=p.name("q"))


for argument, samples in (
    ("x-queue-mode", TEN),
    ("x-queue-mode", ONE),
    ("x-queue-mode", ZERO),
    ("x-queue-mode", TEXT),
    ("x-max-length", {name: TEN[name] for name in ("signed int", "long")}),
):
    add(f"types that agree: {argument} as {', '.join(samples)}", partial(of_types, argument, samples))


def redeclare(first: dict[str, Any], second: dict[str, Any], p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, **first)
    c.call("queue.declare", **{"queue": q, "durable": True, **second})


def of_quorum(**values: Any) -> dict[str, Any]:
    return arguments(queue_type="quorum", **values)


for title, before, after in (
    ("x-queue-leader-locator added", arguments(), arguments(queue_leader_locator="client-local")),
    ("x-queue-leader-locator left out", arguments(queue_leader_locator="client-local"), arguments()),
    (
        "x-queue-leader-locator unequal",
        arguments(queue_leader_locator="client-local"),
        arguments(queue_leader_locator="balanced"),
    ),
    (
        "x-queue-leader-locator unequal, quorum",
        of_quorum(queue_leader_locator="client-local"),
        of_quorum(queue_leader_locator="balanced"),
    ),
    ("x-quorum-initial-group-size added", of_quorum(), of_quorum(quorum_initial_group_size=1)),
    ("x-quorum-initial-group-size left out", of_quorum(quorum_initial_group_size=1), of_quorum()),
    (
        "x-quorum-initial-group-size unequal",
        of_quorum(quorum_initial_group_size=1),
        of_quorum(quorum_initial_group_size=3),
    ),
    (
        "x-quorum-target-group-size unequal",
        of_quorum(quorum_target_group_size=1),
        of_quorum(quorum_target_group_size=3),
    ),
    ("x-queue-version unequal", arguments(queue_version=1), arguments(queue_version=2)),
    ("x-queue-version added", arguments(), arguments(queue_version=2)),
    ("x-delivery-limit unequal", of_quorum(delivery_limit=1), of_quorum(delivery_limit=2)),
    ("x-dead-letter-strategy added", of_quorum(), of_quorum(dead_letter_strategy="at-most-once")),
):
    add(f"queue.declare again: {title}", partial(redeclare, before, after))


@probe("exchange.declare again: alternate-exchange as text, then as binary")
def alternate_types(p: Probe) -> None:
    c = p.connect()
    for letter in "Sx":
        sample = table(alternate_exchange=value(letter, b"amq.fanout"))
        fields = {"exchange": p.name("x"), "exchange_type": "direct", "durable": True}
        c.send_bytes(frame(METHOD, 1, with_table("exchange.declare", sample, **fields)))
        c.read()
