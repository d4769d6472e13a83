"""In which order messages come and come back, and what counts how."""

from functools import partial
from typing import Any

from ..client import Connection, Ended, Probe
from .receiving import filled
from .registry import add, probe
from .routing import taken

Step = tuple[str, dict[str, Any]]
QUORUM = {"x-queue-type": "quorum"}


def bodies(c: Connection, q: str) -> list[Any]:
    return [(event[1]["body"], event[1]["redelivered"]) for event in taken(c, q)]


def put_back(steps: tuple[Step, ...], arguments: dict[str, Any], p: Probe) -> None:
    """Six messages, four of them taken; then the steps, then what is there in which order."""
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    c.do("confirm.select")
    for number in range(1, 7):
        c.publish("", q, str(number), priority=number % 3)
        c.read()
    c.do("channel.open", 2)
    for _ in range(4):
        c.do("basic.get", 2, queue=q)
    for method, fields in steps:
        c.send(method, 2, **fields)
    if steps[-1][0] != "channel.close":
        c.sync(2)
    else:
        c.quiet()
    p.note("order", bodies(c, q))


def nack(tag: int, **fields: Any) -> Step:
    return "basic.nack", {"delivery_tag": tag, **fields}


for kind, arguments in (("classic", {}), ("quorum", QUORUM), ("priority", {"x-max-priority": 2})):
    for title, steps in {
        "3, 1": (nack(3), nack(1)),
        "up to 3, then 4": (nack(3, multiple=True), nack(4)),
        "4, then up to 3": (nack(4), nack(3, multiple=True)),
        "all": (nack(0, multiple=True),),
        "by recover": (("basic.recover", {"requeue": True}),),
        "2 acknowledged, then all": (("basic.ack", {"delivery_tag": 2}), nack(0, multiple=True)),
        "by closing the channel": (("channel.close", {"reply_code": 200}),),
    }.items():
        add(f"put back, {kind}: {title}", partial(put_back, steps, arguments))


@probe("put back: a free consumer gets it before what is behind")
def put_back_consumer(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    c.do("basic.qos", prefetch_count=2)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read(2)
    c.send("basic.nack", delivery_tag=2)
    c.read()
    c.send("basic.nack", delivery_tag=1)
    c.read()
    c.send("basic.ack", delivery_tag=3)
    c.quiet()


@probe("put back: above the limit of a queue that refuses")
def put_back_refusing(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    c.do("confirm.select")
    c.publish("", q, "1")
    c.read()
    c.do("basic.get", queue=q)
    c.publish("", q, "2")
    c.read()
    c.send("basic.nack", delivery_tag=1)
    c.sync()
    p.note("left", bodies(c, q))


@probe("put back: goes to the other consumer")
def other_consumer(p: Probe) -> None:
    a, b = p.connect(), p.connect("b: ")
    q = filled(p, a, "1")
    a.do("basic.qos", prefetch_count=1)
    a.do("basic.consume", queue=q, consumer_tag="a")
    a.read()
    b.do("basic.consume", queue=q, consumer_tag="b")
    a.close()
    b.read()


@probe("consumers: turns of three, one leaves, one comes")
def turns(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    for name in "abc":
        c.do("basic.consume", queue=q, consumer_tag=name, no_ack=True)
    order = []
    for number in range(12):
        if number == 4:
            c.do("basic.cancel", consumer_tag="b")
        if number == 8:
            c.do("basic.consume", queue=q, consumer_tag="d", no_ack=True)
        c.publish("", q, str(number))
        order.append(c._next(5)[1]["consumer_tag"])
    p.note("order", order)


@probe("consumers: turns when one is full")
def turns_full(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.consume", queue=q, consumer_tag="narrow")
    c.do("basic.qos", prefetch_count=3)
    c.do("basic.consume", queue=q, consumer_tag="wide")
    order = []
    for number in range(4):
        c.publish("", q, str(number))
        order.append(c._next(5)[1]["consumer_tag"])
    p.note("order", order)
    c.publish("", q, "waits")
    c.sync()
    c.send("basic.ack", delivery_tag=1)
    c.read()


@probe("consumers: priorities of several, each with its prefetch")
def priorities(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.qos", prefetch_count=2)
    for name, priority in (("low", -1), ("none", None), ("high", 10), ("high too", 10)):
        arguments = {} if priority is None else {"x-priority": priority}
        c.do("basic.consume", queue=q, consumer_tag=name, arguments=arguments)
    order = []
    for number in range(8):
        c.publish("", q, str(number))
        order.append(c._next(5)[1]["consumer_tag"])
    p.note("order", order)


SAC: dict[str, Any] = {"x-single-active-consumer": True}
for kind, arguments in (("classic", SAC), ("quorum", {**SAC, **QUORUM})):

    @probe(f"single active, {kind}: basic.get")
    def sac_get(p: Probe, arguments: dict[str, Any] = arguments) -> None:
        c = p.connect()
        q = filled(p, c, "1", arguments=arguments)
        c.do("basic.consume", queue=q, consumer_tag="a", no_ack=True)
        c.read()
        c.call("basic.get", queue=q)

    @probe(f"single active, {kind}: one of higher priority comes")
    def sac_higher(p: Probe, arguments: dict[str, Any] = arguments) -> None:
        c = p.connect()
        q = p.queue(c, arguments=arguments)
        c.do("basic.consume", queue=q, consumer_tag="a", arguments={"x-priority": 1})
        c.publish("", q, "1")
        c.read()
        c.do("basic.consume", queue=q, consumer_tag="b", arguments={"x-priority": 5})
        c.publish("", q, "2")
        c.quiet()
        c.send("basic.ack", delivery_tag=1)
        c.quiet()
        c.publish("", q, "3")
        c.quiet()

    @probe(f"single active, {kind}: what the cancelled one holds")
    def sac_holds(p: Probe, arguments: dict[str, Any] = arguments) -> None:
        c = p.connect()
        q = p.queue(c, arguments=arguments)
        for name in "ab":
            c.do("basic.consume", queue=q, consumer_tag=name)
        c.publish("", q, "1")
        c.read()
        c.do("basic.cancel", consumer_tag="a")
        c.publish("", q, "2")
        c.read()
        c.send("basic.nack", delivery_tag=1)
        c.read()

    @probe(f"single active, {kind}: exclusive consumer")
    def sac_exclusive(p: Probe, arguments: dict[str, Any] = arguments) -> None:
        c = p.connect()
        q = p.queue(c, arguments=arguments)
        c.do("basic.consume", queue=q, consumer_tag="a")
        c.call("basic.consume", queue=q, consumer_tag="b", exclusive=True)


def priority_values(values: tuple[Any, ...], largest: int, p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-priority": largest})
    for number, priority in enumerate(values):
        c.publish("", q, f"{number}: {priority}", priority=priority)
    c.sync()
    p.note("order", bodies(c, q))


for title, values, largest in (
    ("0 to 255 of 255", (0, 255, 128, None, 254), 255),
    ("above the largest", (5, 6, 255, 4, 5), 5),
    ("of a queue with one", (1, 0, None, 2), 1),
    ("of a queue with 0", (3, 1, 0), 0),
):
    add(f"priorities: {title}", partial(priority_values, values, largest))


@probe("priorities: a consumer with prefetch 1 gets the highest each time")
def priority_consumer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-priority": 5})
    for priority in (1, 5, 3, 4):
        c.publish("", q, str(priority), priority=priority)
    c.sync()
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.consume", queue=q, consumer_tag="t")
    for number in range(1, 5):
        c.read()
        c.send("basic.ack", delivery_tag=number)


@probe("priorities: expiry behind one of lower priority")
def priority_expiry(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-priority": 5})
    c.publish("", q, "low and short", priority=1, expiration="50")
    c.publish("", q, "high", priority=5)
    c.sync()
    c.quiet(0.5)
    c.call("queue.declare", queue=q, passive=True)
    p.note("order", bodies(c, q))


# Quorum queues


@probe("quorum: counts of a passive declare, a purge and a delete")
def quorum_counts(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=QUORUM)
    c.do("confirm.select")
    for number in range(3):
        c.publish("", q, str(number))
        c.read()
    c.do("basic.get", queue=q)
    c.call("queue.purge", queue=q)
    c.send("basic.nack", delivery_tag=1)
    c.sync()
    c.publish("", q, "more")
    c.read()
    c.call("queue.delete", queue=q)


@probe("quorum: delivery counts after nack, close and recover")
def quorum_delivery_counts(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=QUORUM)
    c.do("confirm.select")
    c.publish("", q, "x")
    c.read()
    c.call("basic.get", queue=q)
    c.send("basic.nack", delivery_tag=1)
    c.sync()
    c.quiet(0.5)
    c.call("basic.get", queue=q)
    c.do("channel.close", reply_code=200)
    c.do("channel.open")
    c.quiet(0.5)
    c.call("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=1)
    c.sync()
    c.quiet(0.5)
    c.call("basic.get", queue=q)


@probe("quorum: expiration")
def quorum_expiration(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=QUORUM)
    c.do("confirm.select")
    c.publish("", q, "short", expiration="50")
    c.read()
    c.publish("", q, "long")
    c.read()
    c.quiet(0.6)
    p.note("order", bodies(c, q))


# Settling


def settle(steps: tuple[Step, ...], mode: str, p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    if mode:
        c.do(f"{mode}.select")
    for _ in range(3):
        c.do("basic.get", queue=q)
    for method, fields in steps:
        c.send(method, **fields)
    c.sync()
    if mode == "tx":
        c.call("tx.commit")
    c.quiet()
    p.note("left", bodies(c, q))


ACK2: Step = ("basic.ack", {"delivery_tag": 2})
for title, mode, settling in (
    ("an ack, then a nack of the same, in a transaction", "tx", (ACK2, nack(2))),
    ("a nack, then a rollback", "tx", (nack(2), ("tx.rollback", {}))),
    ("multiple twice in a transaction", "tx", (nack(2, multiple=True), nack(3, multiple=True))),
    ("tag 0 multiple in a transaction", "tx", (("basic.ack", {"delivery_tag": 0, "multiple": True}),)),
    ("the largest tag", "", (("basic.ack", {"delivery_tag": 2**63 - 1}),)),
    ("tag 0 of nack, multiple, without requeue", "", (nack(0, multiple=True, requeue=False),)),
    ("tag 0 of nack", "", (nack(0),)),
    ("nack of an unknown tag, multiple", "", (nack(99, multiple=True),)),
    ("in confirm mode", "confirm", (ACK2, nack(3, multiple=True))),
):
    add(f"settling once more: {title}", partial(settle, settling, mode))


@probe("settling once more: basic.nack from a client in confirm mode for what it published")
def nack_published(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("confirm.select")
    c.publish("", q, "x")
    c.read()
    c.send("basic.nack", delivery_tag=1)
    c.read()


@probe("cancel: an exclusive consumer, then another")
def cancel_exclusive(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="a", exclusive=True)
    c.call("basic.cancel", consumer_tag="a")
    c.call("basic.consume", queue=q, consumer_tag="b", exclusive=True)


@probe("cancel: exclusive while another of the channel consumes")
def exclusive_while(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="a")
    c.call("basic.consume", queue=q, consumer_tag="b", exclusive=True)


@probe("cancel: a tag of another channel")
def cancel_elsewhere(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("channel.open", 2)
    c.do("basic.consume", 2, queue=q, consumer_tag="a")
    c.call("basic.cancel", consumer_tag="a")
    c.publish("", q, "x")
    c.read()


@probe("cancel: the tag in use on another connection")
def tag_elsewhere(p: Probe) -> None:
    a, b = p.connect(), p.connect("b: ")
    q = p.queue(a)
    a.call("basic.consume", queue=q, consumer_tag="t")
    b.call("basic.consume", queue=q, consumer_tag="t")


@probe("cancel: empty tag")
def cancel_empty(p: Probe) -> None:
    p.connect().call("basic.cancel", consumer_tag="")


@probe("qos: prefetch 1 after deliveries, for consumers to come")
def qos_later(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.consume", queue=q, consumer_tag="a")
    c.read()
    c.do("basic.qos", prefetch_count=0)
    c.do("basic.consume", queue=q, consumer_tag="b")
    c.read(2)


@probe("qos: prefetch_size with global")
def qos_size(p: Probe) -> None:
    p.connect().call("basic.qos", prefetch_size=5, prefetch_count=1, global_=True)


@probe("expiry: a queue that is used by basic.get lives on")
def expires_get(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-expires": 400})
    for _ in range(4):
        c.quiet(0.2)
        c.do("basic.get", queue=q)
    c.call("queue.declare", queue=q, passive=True)


@probe("expiry: a queue that is declared again lives on")
def expires_declare(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-expires": 400})
    for _ in range(4):
        c.quiet(0.2)
        c.do("queue.declare", queue=q, durable=True, arguments={"x-expires": 400})
    c.call("queue.declare", queue=q, passive=True)


@probe("expiry: a consumer is told when its queue goes with another's exclusive connection")
def exclusive_consumer(p: Probe) -> None:
    a = p.connect()
    q = p.queue(a, exclusive=True, durable=False)
    a.do("basic.consume", queue=q, consumer_tag="t")
    a.do("channel.open", 2)
    a.do("queue.delete", 2, queue=q)
    a.quiet()


@probe("transaction: user_id of another")
def tx_user_id(p: Probe) -> None:
    c = p.connect()
    c.do("tx.select")
    c.publish("", "nowhere", "x", user_id="somebody")
    c.sync()


@probe("transaction: a queue that refuses")
def tx_refused(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    c.do("tx.select")
    c.publish("", q, "x")
    c.call("tx.commit")
    c.call("tx.commit")


@probe("transaction: the exchange is deleted before the commit")
def tx_exchange_gone(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "fanout")
    c.do("queue.bind", queue=q, exchange=x)
    c.do("tx.select")
    c.publish(x, "k", "x", mandatory=True)
    c.do("exchange.delete", exchange=x)
    c.call("tx.commit")
    p.note("left", bodies(c, q))


@probe("transaction: the binding is made after the publish")
def tx_binding_later(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "fanout")
    c.do("tx.select")
    c.publish(x, "k", "x", mandatory=True)
    c.do("queue.bind", queue=q, exchange=x)
    c.call("tx.commit")
    p.note("left", bodies(c, q))


@probe("confirms: nowait of confirm.select in a transaction")
def confirm_in_tx(p: Probe) -> None:
    c = p.connect()
    c.do("tx.select")
    c.send("confirm.select", nowait=True)
    c.read()


@probe("confirms: a publish that fails is not confirmed, and the others are")
def confirm_failed(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("confirm.select")
    c.publish("", q, "1")
    c.read()
    try:
        c.publish("probe.no-such-exchange", q, "2")
        c.publish("", q, "3")
        c.quiet()
    except Ended:
        pass
    c.do("channel.open")
    p.note("left", bodies(c, q))
