"""Quorum queues, where they differ from classic ones."""

from functools import partial
from typing import Any

from ..client import Connection, Probe
from .registry import add, probe
from .routing import taken

QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}


def filled(p: Probe, c: Connection, *priorities: int | None, **arguments: Any) -> str:
    """A quorum queue with messages of these priorities, in confirm mode."""
    q = p.queue(c, arguments={**QUORUM, **arguments})
    c.do("confirm.select")
    for number, priority in enumerate(priorities):
        c.publish("", q, f"{number}: {priority}", priority=priority)
        assert c._next(5)[0] == "basic.ack"
    return q


def order(c: Connection, q: str) -> list[Any]:
    return [(event[1]["body"], event[1]["redelivered"]) for event in taken(c, q)]


def counts(how: str, p: Probe) -> None:
    """What a message that came back twice says of it."""
    c = p.connect()
    q = filled(p, c, None)
    for _ in range(2):
        b = p.connect("b: ")
        if how == "basic.get, nack":
            b.do("basic.get", queue=q)
        else:
            b.send("basic.consume", queue=q, consumer_tag="t")
            b.read(2)
        if how == "channel.close":
            b.call("channel.close", reply_code=200)
        elif how == "hanging up":
            b.drop()
        elif how == "basic.cancel, then channel.close":
            b.do("basic.cancel", consumer_tag="t")
            b.call("channel.close", reply_code=200)
        else:
            b.do("basic.cancel", consumer_tag="t")
            if how == "basic.recover":
                b.call("basic.recover", requeue=True)
            else:
                b.send(f"basic.{how.rpartition(' ')[2]}", delivery_tag=1)
                b.sync()
        c.quiet(0.4)
        b.close()
    c.call("basic.get", queue=q, no_ack=True)


for how in (
    "nack",
    "reject",
    "basic.recover",
    "channel.close",
    "hanging up",
    "basic.cancel, then channel.close",
    "basic.get, nack",
):
    add(f"quorum: counts of a message that came back by {how}", partial(counts, how))


def priorities(values: tuple[int | None, ...], p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, *values)
    p.note("order", order(c, q))


for values in ((30, 31, 32, 33, 255, 31), (None, 4, 3, 5, None, 4), (0, 1, 2, 0, 1, 2)):
    add(f"quorum: priorities {', '.join(map(str, values))}", partial(priorities, values))


@probe("quorum: what came back goes before what has a higher priority")
def back_first(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, 1, 2)
    c.do("channel.open", 2)
    for _ in range(2):
        c.do("basic.get", 2, queue=q)
    c.publish("", q, "later", priority=9)
    c.read()
    c.send("basic.nack", 2, delivery_tag=2)
    c.send("basic.nack", 2, delivery_tag=1)
    c.sync(2)
    p.note("order", order(c, q))


@probe("quorum: put back without priorities, in the order of coming back")
def back_plain(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, None, None, None, None)
    c.do("channel.open", 2)
    for _ in range(3):
        c.do("basic.get", 2, queue=q)
    for tag in (2, 3, 1):
        c.send("basic.nack", 2, delivery_tag=tag)
    c.sync(2)
    p.note("order", order(c, q))


def reject(limit: int, p: Probe, **arguments: Any) -> None:
    """Which of eight publishes are refused."""
    c = p.connect()
    q = filled(p, c, **{"x-max-length": limit, "x-overflow": "reject-publish", **arguments})
    for number in range(8):
        c.publish("", q, str(number))
        c.read()
        c.quiet(0.15)
    c.call("queue.declare", queue=q, passive=True)
    c.do("basic.get", queue=q, no_ack=True)
    c.quiet(0.3)
    c.publish("", q, "again")
    c.read()


for limit in (0, 1, 5):
    add(f"quorum: reject-publish, x-max-length {limit}", partial(reject, limit))


def drop(limit: int, p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, 1, 9, 1, 5, **{"x-max-length": limit})
    p.note("order", order(c, q))


for limit in (0, 2):
    add(f"quorum: drop-head with priorities, x-max-length {limit}", partial(drop, limit))


@probe("quorum: one that comes back may be dropped from the head")
def drop_back(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, None, None, **{"x-max-length": 2})
    c.do("channel.open", 2)
    c.do("basic.get", 2, queue=q)
    c.publish("", q, "third")
    c.read()
    c.send("basic.nack", 2, delivery_tag=1)
    c.sync(2)
    p.note("order", order(c, q))


SAC = {"x-single-active-consumer": True}


def rest(c: Connection) -> None:
    """What comes until nothing does: a message's confirm and its delivery have no order between them, so deliveries first."""
    start = len(c.events)
    c.quiet()
    c.events[start:] = sorted(c.events[start:], key=lambda event: event[0] != "basic.deliver")


@probe("quorum: single active, one of higher priority while the active one holds a message")
def sac_priority(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, **SAC)
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.consume", queue=q, consumer_tag="a", arguments={"x-priority": 1})
    for body in ("1", "2"):
        c.publish("", q, body)
        rest(c)
    c.do("basic.consume", queue=q, consumer_tag="b", arguments={"x-priority": 5})
    rest(c)
    c.send("basic.ack", delivery_tag=1)
    rest(c)
    c.publish("", q, "3")
    rest(c)


@probe("quorum: single active, one of the same priority waits")
def sac_same(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, **SAC)
    for name in ("a", "b"):
        c.do("basic.consume", queue=q, consumer_tag=name, arguments={"x-priority": 1})
    c.publish("", q, "1")
    rest(c)


@probe("quorum: exclusive consumer, then another")
def exclusive(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c)
    c.call("basic.consume", queue=q, consumer_tag="a", exclusive=True)
    c.call("basic.consume", queue=q, consumer_tag="b")


@probe("quorum: exclusive consumer after another")
def exclusive_after(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c)
    c.call("basic.consume", queue=q, consumer_tag="a")
    c.call("basic.consume", queue=q, consumer_tag="b", exclusive=True)


@probe("quorum: x-cancel-on-ha-failover, no_local and no_ack")
def consume_flags(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, None)
    c.send("basic.consume", queue=q, consumer_tag="a", no_local=True, no_ack=True)
    c.quiet()
    c.call("queue.declare", queue=q, passive=True)


@probe("quorum: delivery limit 0")
def no_delivery(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, None, **{"x-delivery-limit": 0})
    c.do("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=1)
    c.sync()
    c.quiet()
    p.note("order", order(c, q))


@probe("quorum: an expired one behind one of higher priority")
def expiry(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c)
    c.publish("", q, "short", priority=1, expiration="50")
    c.read()
    c.publish("", q, "high", priority=9)
    c.read()
    c.quiet(0.6)
    c.call("queue.declare", queue=q, passive=True)
    p.note("order", order(c, q))
