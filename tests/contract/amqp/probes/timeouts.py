"""Quorum queues of RabbitMQ 4.3: deliveries that are not acknowledged in time, and messages that come back after a while."""

import time
from functools import partial
from typing import Any

from ..client import CAPABILITIES, METHOD, Connection, Ended, Probe, frame
from .registry import add, probe
from .routing import taken
from .types import table, value, with_table
from .waiting import QUORUM, SAC

# Milliseconds that a delivery may take, and seconds after which it surely has.
SHORT, LONGER = 1200, 1.9
PAUSE = 0.3
TIMEOUT: dict[str, Any] = {**QUORUM, "x-consumer-timeout": SHORT}


def rest(c: Connection) -> None:
    """What comes at once, deliveries first: nothing is late by then that was not before."""
    start = len(c.events)
    c.quiet(PAUSE)
    c.events[start:] = sorted(c.events[start:], key=lambda event: event[0] != "basic.deliver")


def late(p: Probe, c: Connection, *bodies: str, prefetch: int = 0, **arguments: Any) -> str:
    """A queue whose consumer `t` has messages, and is late with all of them."""
    q = p.queue(c, arguments={**TIMEOUT, **arguments})
    c.do("basic.qos", prefetch_count=prefetch)
    for body in bodies:
        c.publish("", q, body)
    c.sync()
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read(len(bodies) if not prefetch else min(prefetch, len(bodies)))
    time.sleep(LONGER)
    c.quiet(PAUSE)
    return q


def limit(p: Probe, q: str, definition: dict[str, Any]) -> None:
    """A policy for one queue, where the release knows its keys."""
    try:
        p.api("PUT", "policies", "/", q, body={"pattern": f"^{q}$", "definition": definition, "apply-to": "queues"})
    except AssertionError:
        p.note("the policy is refused")
        raise Ended from None


def counted(p: Probe, q: str, c: Connection, channel: int = 1) -> None:
    answer = c.do("queue.declare", channel, queue=q, passive=True)
    p.note("messages and consumers", answer["message_count"], answer["consumer_count"])


def settled(how: str, p: Probe) -> None:
    """What became of the message, and of the consumer once it answers."""
    c = p.connect()
    q = late(p, c, "1")
    counted(p, q, c)
    p.note(how)
    if how == "basic.ack":
        c.send("basic.ack", delivery_tag=1)
    elif how == "basic.ack of all":
        c.send("basic.ack", delivery_tag=0, multiple=True)
    elif how == "basic.reject":
        c.send("basic.reject", delivery_tag=1, requeue=False)
    elif how == "basic.reject, to be put back":
        c.send("basic.reject", delivery_tag=1, requeue=True)
    elif how == "basic.nack":
        c.send("basic.nack", delivery_tag=1, requeue=True)
    elif how == "basic.recover":
        c.call("basic.recover", requeue=True)
    elif how == "basic.cancel-ok":
        c.send("basic.cancel-ok", consumer_tag="t")
    elif how == "basic.cancel-ok, and basic.ack":
        c.send("basic.cancel-ok", consumer_tag="t")
        c.send("basic.ack", delivery_tag=1)
    elif how == "basic.cancel":
        c.call("basic.cancel", consumer_tag="t")
    elif how == "basic.cancel-ok, and basic.consume":
        c.send("basic.cancel-ok", consumer_tag="t")
        c.call("basic.consume", queue=q, consumer_tag="t")
    elif how == "basic.consume":
        c.call("basic.consume", queue=q, consumer_tag="other")
    elif how == "basic.consume with the same tag":
        c.call("basic.consume", queue=q, consumer_tag="t")
    rest(c)
    c.publish("", q, "2")
    rest(c)
    counted(p, q, c)
    if how == "channel.close":
        c.call("channel.close", reply_code=200)
        c.do("channel.open")
        p.note("ready", [(event[1]["body"], event[1].get("properties")) for event in taken(c, q)])
    c.drop()


for how in (
    "nothing",
    "basic.ack",
    "basic.ack of all",
    "basic.reject",
    "basic.reject, to be put back",
    "basic.nack",
    "basic.recover",
    "basic.cancel-ok",
    "basic.cancel-ok, and basic.ack",
    "basic.cancel",
    "basic.cancel-ok, and basic.consume",
    "basic.consume",
    "basic.consume with the same tag",
    "channel.close",
):
    add(f"consumer timeout: {how}", partial(settled, how))


@probe("consumer timeout: the client cannot be told of it")
def cannot_be_told(p: Probe) -> None:
    c = p.connect(capabilities={**CAPABILITIES, "consumer_cancel_notify": False})
    late(p, c, "1")


@probe("consumer timeout: basic.get")
def got(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=TIMEOUT)
    c.publish("", q, "1")
    c.sync()
    c.call("basic.get", queue=q)
    time.sleep(LONGER)
    c.quiet(PAUSE)


@probe("consumer timeout: the message is there again after basic.get")
def got_again(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=TIMEOUT)
    c.publish("", q, "1")
    c.sync()
    c.do("basic.get", queue=q)
    b = p.connect("b: ")
    time.sleep(LONGER)
    b.call("basic.get", queue=q, no_ack=True)


@probe("consumer timeout: cancelled by the client before")
def cancelled(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=TIMEOUT)
    c.publish("", q, "1")
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read()
    c.do("basic.cancel", consumer_tag="t")
    time.sleep(LONGER)
    c.quiet(PAUSE)


@probe("consumer timeout: without acknowledgements")
def without(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=TIMEOUT)
    c.publish("", q, "1")
    c.do("basic.consume", queue=q, consumer_tag="t", no_ack=True)
    c.read()
    time.sleep(LONGER)
    c.quiet(PAUSE)


@probe("consumer timeout: it is full, and answers one by one")
def full(p: Probe) -> None:
    c = p.connect()
    q = late(p, c, "1", "2", "3", prefetch=2)
    counted(p, q, c)
    for tag in (1, 2):
        p.note("acknowledged", tag)
        c.send("basic.ack", delivery_tag=tag)
        rest(c)
    c.drop()


@probe("consumer timeout: one message is late, another is not")
def one_of_two(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=TIMEOUT)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.publish("", q, "1")
    c.read()
    time.sleep(SHORT / 1000 * 0.6)
    c.publish("", q, "2")
    c.read(2)
    p.note("the second is acknowledged")
    c.send("basic.ack", delivery_tag=2)
    rest(c)
    p.note("the first is acknowledged")
    c.send("basic.ack", delivery_tag=1)
    rest(c)
    c.drop()


@probe("consumer timeout: another consumer gets the message")
def another(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=TIMEOUT)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.publish("", q, "1")
    c.read()
    b = p.connect("b: ")
    b.do("basic.consume", queue=q, consumer_tag="u")
    c.read()
    b.read()
    b.send("basic.ack", delivery_tag=1)
    b.sync()
    counted(p, q, c)
    p.note("acknowledged late")
    c.send("basic.ack", delivery_tag=1)
    c.sync()
    for body in "23":
        c.publish("", q, body)
    c.read()
    b.read()
    for each in (b, c):
        each.drop()


@probe("consumer timeout: two consumers of a channel at once")
def at_once(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=TIMEOUT)
    for name in "tu":
        c.do("basic.consume", queue=q, consumer_tag=name)
    for body in "12":
        c.publish("", q, body)
    c.read(2)
    time.sleep(LONGER)
    start = len(c.events)
    c.quiet(PAUSE)
    c.events[start:] = sorted(c.events[start:], key=str)
    counted(p, q, c)


@probe("consumer timeout: of the consumer, before that of the queue")
def of_consumer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, "x-consumer-timeout": 60_000})
    c.publish("", q, "1")
    c.do("basic.consume", queue=q, consumer_tag="t", arguments={"x-consumer-timeout": SHORT})
    c.read()
    time.sleep(LONGER)
    c.quiet(PAUSE)
    counted(p, q, c)


@probe("consumer timeout: a longer one of the consumer")
def longer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=TIMEOUT)
    c.publish("", q, "1")
    c.do("basic.consume", queue=q, consumer_tag="t", arguments={"x-consumer-timeout": 60_000})
    c.read()
    time.sleep(LONGER)
    c.quiet(PAUSE)
    counted(p, q, c)


@probe("consumer timeout: 0")
def zero(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, "x-consumer-timeout": 0})
    c.publish("", q, "1")
    c.sync()
    c.do("basic.consume", queue=q, consumer_tag="t")
    start = len(c.events)
    time.sleep(LONGER)
    c.quiet(PAUSE)
    c.events[start:] = sorted(c.events[start:], key=str)


def by_policy(milliseconds: int, p: Probe) -> None:
    """The smaller one of the policy's and the queue's holds."""
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, "x-consumer-timeout": 2000})
    definition = {"consumer-timeout": milliseconds}
    limit(p, q, definition)
    time.sleep(1)
    c.publish("", q, "1")
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read()
    p.note("after a while")
    c.quiet(1.6)
    p.note("after a longer while")
    c.quiet(0.8)


for title, milliseconds in (("shorter", SHORT), ("longer", 60_000)):
    add(f"consumer timeout: by a policy that is {title}", partial(by_policy, milliseconds), needs_http=True)


@probe("consumer timeout: it does not count for the delivery limit")
def not_counted(p: Probe) -> None:
    c = p.connect()
    q = late(p, c, "1", **{"x-delivery-limit": 0})
    c.do("channel.open", 2)
    c.call("basic.get", 2, queue=q, no_ack=True)


@probe("consumer timeout: single active")
def single_active(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**TIMEOUT, **SAC})
    for name in "tu":
        c.do(
            "basic.consume",
            queue=q,
            consumer_tag=name,
            arguments={"x-consumer-timeout": SHORT * (1 + 9 * (name == "u"))},
        )
    c.publish("", q, "1")
    c.read()
    time.sleep(LONGER)
    rest(c)
    counted(p, q, c)
    p.note("acknowledged late")
    c.send("basic.ack", delivery_tag=1)
    rest(c)
    c.publish("", q, "2")
    rest(c)
    p.note("cancelled")
    c.do("basic.cancel", consumer_tag="u")
    rest(c)
    for tag in (2, 3):
        c.send("basic.ack", delivery_tag=tag)
    c.publish("", q, "3")
    rest(c)
    c.drop()


@probe("consumer timeout: single active, and nobody answers")
def nobody(p: Probe) -> None:
    c = p.connect()
    q = late(p, c, "1", **SAC)
    counted(p, q, c)
    c.publish("", q, "2")
    rest(c)
    c.send("basic.ack", delivery_tag=1)
    rest(c)
    c.drop()


def not_asked(arguments: dict[str, Any], p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.send("basic.cancel-ok", consumer_tag="t")
    c.sync()
    counted(p, q, c)


for title, arguments in (("classic", {}), ("quorum", QUORUM)):
    add(f"basic.cancel-ok that was not asked for: {title}", partial(not_asked, arguments))


def consuming(kind: str, timeout: bytes, p: Probe) -> None:
    """What a consumer may ask for."""
    c = p.connect()
    q = p.queue(c, arguments=QUORUM if kind == "quorum" else {})
    arguments = table(x_consumer_timeout=timeout)
    c.send_bytes(frame(METHOD, 1, with_table("basic.consume", arguments, queue=q, consumer_tag="t")))
    c.read()


for kind in ("classic", "quorum"):
    for title, timeout in {
        "60000": value("I", 60_000),
        "-1": value("I", -1),
        "0": value("l", 0),
        "text": value("S", b"60000"),
        "true": value("t", True),
        "60000.0": value("d", 60000.0),
        "2^62": value("l", 1 << 62),
    }.items():
        add(f"basic.consume: x-consumer-timeout {title}, {kind}", partial(consuming, kind, timeout))


# ------------------------------------------------------------------------------------------------------- delayed retries

DELAY = 500
RETURNS = ("nack", "reject", "basic.recover", "channel.close", "hanging up", "basic.get, nack", "basic.get, reject")


def returned(kind: str | None, how: str, p: Probe) -> None:
    """Whether a message that came back is there at once, and what it says after the delay."""
    c, b = p.connect(), p.connect("b: ")
    more = {} if kind is None else {"x-delayed-retry-type": kind}
    q = p.queue(c, arguments={**QUORUM, "x-delayed-retry-min": DELAY, "x-consumer-timeout": SHORT, **more})
    c.publish("", q, "1")
    c.sync()
    if how.startswith("basic.get"):
        b.do("basic.get", queue=q)
    else:
        b.send("basic.consume", queue=q, consumer_tag="t")
        b.read(2)
        if how != "timeout":
            b.do("basic.cancel", consumer_tag="t")
    if how == "channel.close":
        b.call("channel.close", reply_code=200)
    elif how == "hanging up":
        b.drop()
        time.sleep(0.1)
    elif how == "basic.recover":
        b.call("basic.recover", requeue=True)
    elif how == "timeout":
        b.read()
    else:
        b.send(f"basic.{how.rpartition(' ')[2]}", delivery_tag=1, requeue=True)
        b.sync()
    c.call("basic.get", queue=q, no_ack=True)
    time.sleep(LONGER)
    c.call("basic.get", queue=q, no_ack=True)


for kind in ("all", "failed", "returned"):
    for how in RETURNS:
        add(f"delayed retry, {kind}: {how}", partial(returned, kind, how))
for kind in ("all", "failed", "returned"):
    add(f"delayed retry, {kind}: timeout", partial(returned, kind, "timeout"))
for kind in ("disabled", "nonsense", None):
    add(f"delayed retry, {kind}: reject", partial(returned, kind, "reject"))


def waits(c: Connection, q: str, p: Probe, until: tuple[float, ...]) -> None:
    """A message is got, and put back; whether it is there at these times afterwards."""
    c.do("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=c.raw_fields["delivery_tag"], requeue=True)
    c.sync()
    began = time.monotonic()
    for moment in until:
        time.sleep(max(0, began + moment - time.monotonic()))
        p.note("after", moment, c.do("queue.declare", queue=q, passive=True)["message_count"])


def backoff(arguments: dict[str, Any], p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, "x-delayed-retry-type": "all", **arguments})
    c.publish("", q, "1")
    c.sync()
    for until in ((0.2, 0.7), (0.7, 1.2), (0.7, 1.2, 1.7)):
        waits(c, q, p, until)


for title, arguments in {
    "no maximum": {"x-delayed-retry-min": 400},
    "a maximum": {"x-delayed-retry-min": 400, "x-delayed-retry-max": 1000},
    "a smaller maximum": {"x-delayed-retry-min": 400, "x-delayed-retry-max": 100},
    "no minimum": {"x-delayed-retry-max": 400},
    "a minimum of 0": {"x-delayed-retry-min": 0, "x-delayed-retry-max": 400},
    "a minimum that is text": {"x-delayed-retry-min": "400", "x-delayed-retry-max": 400},
    "a maximum that is text": {"x-delayed-retry-min": 400, "x-delayed-retry-max": "1000"},
    "a maximum of 0": {"x-delayed-retry-min": 400, "x-delayed-retry-max": 0},
}.items():
    add(f"delayed retry: {title}", partial(backoff, arguments))


def fill(c: Connection, q: str, *bodies: str) -> None:
    """Messages that are surely there."""
    c.do("channel.open", 4)
    c.do("confirm.select", 4)
    for body in bodies:
        c.publish("", q, body, 4)
        c._next(5)
    c.do("channel.close", 4, reply_code=200)


def delaying(p: Probe, c: Connection, *bodies: str, delay: int = DELAY, **arguments: Any) -> str:
    """A queue of which all messages wait until they may be delivered again."""
    q = p.queue(c, arguments={**QUORUM, "x-delayed-retry-type": "all", "x-delayed-retry-min": delay, **arguments})
    fill(c, q, *bodies)
    c.do("channel.open", 3)
    for _ in bodies:
        c.do("basic.get", 3, queue=q)
    c.send("basic.nack", 3, delivery_tag=0, multiple=True, requeue=True)
    c.sync(3)
    return q


@probe("delayed retry: what is there is counted")
def delayed_counted(p: Probe) -> None:
    c = p.connect()
    q = delaying(p, c, "1", "2", delay=3000)
    fill(c, q, "3")
    p.note("messages", c.do("queue.declare", queue=q, passive=True)["message_count"])
    c.call("basic.get", queue=q)
    c.call("queue.purge", queue=q)
    c.call("queue.delete", queue=q)


@probe("delayed retry: a queue is deleted")
def delayed_deleted(p: Probe) -> None:
    c = p.connect()
    q = delaying(p, c, "1", "2", delay=3000)
    fill(c, q, "3")
    c.call("queue.delete", queue=q)


@probe("delayed retry: a consumer gets them in their order")
def delayed_consumed(p: Probe) -> None:
    c = p.connect()
    q = delaying(p, c, "1", "2", "3")
    c.do("basic.consume", queue=q, consumer_tag="t", no_ack=True)
    c.publish("", q, "4")
    rest(c)
    c.read(3)


@probe("delayed retry: they come before what waits")
def delayed_first(p: Probe) -> None:
    c = p.connect()
    q = delaying(p, c, "1", "2")
    fill(c, q, "3")
    time.sleep(LONGER)
    p.note("order", [event[1]["body"] for event in taken(c, q)])


@probe("delayed retry: above a limit, the head is dropped")
def delayed_limit(p: Probe) -> None:
    c = p.connect()
    q = delaying(p, c, "1", "2", **{"x-max-length": 2})
    fill(c, q, "3", "4")
    p.note("messages", c.do("queue.declare", queue=q, passive=True)["message_count"])
    time.sleep(LONGER)
    p.note("order", [event[1]["body"] for event in taken(c, q)])


@probe("delayed retry: above a limit of bytes, the head is dropped")
def delayed_bytes(p: Probe) -> None:
    c = p.connect()
    q = delaying(p, c, "1" * 100, "2" * 100, **{"x-max-length-bytes": 320})
    fill(c, q, *(body * 100 for body in "abc"))
    p.note("messages", c.do("queue.declare", queue=q, passive=True)["message_count"])
    time.sleep(LONGER)
    p.note("order", [event[1]["body"][0] for event in taken(c, q)])


@probe("delayed retry: above a limit, publishes are refused")
def delayed_refused(p: Probe) -> None:
    c = p.connect()
    q = delaying(p, c, "1", "2", **{"x-max-length": 2, "x-overflow": "reject-publish"})
    c.do("confirm.select")
    for body in "345":
        c.publish("", q, body)
        c.read()
        c.quiet(0.1)
    time.sleep(LONGER)
    p.note("order", [event[1]["body"] for event in taken(c, q)])


@probe("delayed retry: a message expires meanwhile")
def delayed_expires(p: Probe) -> None:
    c = p.connect()
    p.queue(c, "dead")
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": p.name("dead"), "x-message-ttl": 300}
    delaying(p, c, "1", **dead)
    time.sleep(0.35)
    p.note("when it has expired", c.do("queue.declare", queue=p.name("dead"), passive=True)["message_count"])
    c.fetch(p.name("dead"), 1, seconds=2)


@probe("delayed retry: the delivery limit comes before")
def delayed_delivery_limit(p: Probe) -> None:
    c = p.connect()
    p.queue(c, "dead")
    dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": p.name("dead"), "x-delivery-limit": 0}
    q = p.queue(c, arguments={**QUORUM, "x-delayed-retry-type": "all", "x-delayed-retry-min": DELAY, **dead})
    c.publish("", q, "1")
    c.sync()
    c.do("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=1, requeue=True)
    c.fetch(p.name("dead"), 1, seconds=2)


def delayed_by_policy(policy: dict[str, Any], arguments: dict[str, Any], p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={**QUORUM, **arguments})
    limit(p, q, policy)
    time.sleep(1)
    c.publish("", q, "1")
    c.sync()
    waits(c, q, p, (0.2, 0.7, 1.2))


for title, policy, arguments in (
    ("without arguments", {"delayed-retry-type": "all", "delayed-retry-min": 400}, {}),
    (
        "before the argument's type",
        {"delayed-retry-type": "failed", "delayed-retry-min": 400},
        {"x-delayed-retry-type": "returned"},
    ),
    (
        "of a longer delay than the argument's",
        {"delayed-retry-min": 1000},
        {"x-delayed-retry-type": "all", "x-delayed-retry-min": 400},
    ),
    (
        "that turns it off",
        {"delayed-retry-type": "disabled"},
        {"x-delayed-retry-type": "all", "x-delayed-retry-min": 400},
    ),
):
    add(f"delayed retry: by a policy {title}", partial(delayed_by_policy, policy, arguments), needs_http=True)


@probe("delayed retry: a policy that comes later lets those wait that wait")
def policy_later(p: Probe) -> None:
    c = p.connect()
    q = delaying(p, c, "1", delay=1500)
    definition = {"delayed-retry-type": "disabled"}
    limit(p, q, definition)
    time.sleep(0.5)
    counted(p, q, c)
    time.sleep(1.5)
    counted(p, q, c)
