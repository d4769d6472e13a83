"""basic.qos, consume, cancel, get, ack, nack, reject and recover."""

from functools import partial
from typing import Any

from ..client import Connection, Ended, Probe
from .registry import add, probe


def call(method: str, p: Probe, **fields: Any) -> None:
    p.connect().call(method, **fields)


for title, method, fields in (
    ("basic.qos: prefetch_size", "basic.qos", {"prefetch_size": 1}),
    ("basic.qos: 0", "basic.qos", {}),
    ("basic.qos: 65535", "basic.qos", {"prefetch_count": 65535}),
    ("basic.qos: global", "basic.qos", {"prefetch_count": 5, "global_": True}),
    ("basic.cancel: unknown tag", "basic.cancel", {"consumer_tag": "nobody"}),
    ("basic.recover: requeue", "basic.recover", {"requeue": True}),
    ("basic.recover: without requeue", "basic.recover", {"requeue": False}),
    ("confirm.select", "confirm.select", {}),
    ("tx.select", "tx.select", {}),
    ("tx.commit: without select", "tx.commit", {}),
    ("tx.rollback: without select", "tx.rollback", {}),
):
    add(title, partial(call, method, **fields))


def recover_async(requeue: bool, p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "one")
    c.do("basic.get", queue=q)
    c.send("basic.recover-async", requeue=requeue)
    c.quiet()
    if not c.closed:
        c.fetch(q, 1)


add("basic.recover-async: requeue", partial(recover_async, True))
add("basic.recover-async: without requeue", partial(recover_async, False))


def filled(p: Probe, c: Connection, *bodies: str, **fields: Any) -> str:
    """A queue with these messages in it."""
    q = p.queue(c, **fields)
    for body in bodies:
        c.publish("", q, body)
    c.sync()
    return q


def two_selects(first: str, second: str, p: Probe) -> None:
    c = p.connect()
    c.call(first)
    c.call(second)
    c.call(second)


for first, second in (("confirm", "tx"), ("tx", "confirm"), ("tx", "tx"), ("confirm", "confirm")):
    add(f"{first}.select, then {second}.select", partial(two_selects, f"{first}.select", f"{second}.select"))


@probe("basic.qos: limits each consumer")
def qos_each(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3", "4", "5")
    c.do("basic.qos", prefetch_count=2)
    c.do("basic.consume", queue=q, consumer_tag="a")
    c.read(2)
    c.do("basic.consume", queue=q, consumer_tag="b")
    c.read(2)


@probe("basic.qos: global, and two consumers")
def qos_global(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3", "4", "5")
    c.do("basic.qos", prefetch_count=3, global_=True)
    c.do("basic.consume", queue=q, consumer_tag="a")
    c.read(3)
    c.do("basic.consume", queue=q, consumer_tag="b")
    c.quiet()


@probe("basic.qos: a later one does not touch the consumers there are")
def qos_later(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.consume", queue=q, consumer_tag="a")
    c.read()
    c.do("basic.qos", prefetch_count=0)
    c.quiet()


@probe("basic.qos: no_ack consumers are not limited")
def qos_no_ack(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.consume", queue=q, consumer_tag="a", no_ack=True)
    c.read(3)


@probe("basic.qos: basic.get is not limited")
def qos_get(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2")
    c.do("basic.qos", prefetch_count=1)
    c.call("basic.get", queue=q)
    c.call("basic.get", queue=q)


@probe("basic.consume: the order of consume-ok, deliveries and the next answer")
def consume_order(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.call("basic.consume", queue=q, consumer_tag="t")
    c.read()


@probe("basic.consume: the broker makes the tag")
def made_tag(p: Probe) -> None:
    c = p.connect()
    c.call("basic.consume", queue=p.queue(c))


@probe("basic.consume: tag in use")
def tag_in_use(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.call("basic.consume", queue=q, consumer_tag="t")
    c.call("basic.consume", queue=q, consumer_tag="t")


@probe("basic.consume: tag in use on another channel")
def tag_elsewhere(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("channel.open", 2)
    c.call("basic.consume", queue=q, consumer_tag="t")
    c.call("basic.consume", 2, queue=q, consumer_tag="t")


@probe("basic.consume: nowait with an empty tag")
def nowait_tag(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.send("basic.consume", queue=q, nowait=True)
    c.read()


def consume_twice(first: dict[str, Any], second: dict[str, Any], p: Probe, **queue: Any) -> None:
    c = p.connect()
    q = p.queue(c, **queue)
    c.do("channel.open", 2)
    c.call("basic.consume", queue=q, consumer_tag="a", **first)
    c.call("basic.consume", 2, queue=q, consumer_tag="b", **second)


EXCLUSIVE = {"exclusive": True}
add("basic.consume: exclusive after another", partial(consume_twice, {}, EXCLUSIVE))
add("basic.consume: after an exclusive one", partial(consume_twice, EXCLUSIVE, {}))
SAC = {"x-single-active-consumer": True}
add("basic.consume: exclusive of a single active consumer queue", partial(consume_twice, EXCLUSIVE, {}, arguments=SAC))


@probe("basic.consume: exclusive, and basic.get")
def exclusive_get(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="a", exclusive=True)
    c.call("basic.get", queue=q)


@probe("basic.consume: after an exclusive one was cancelled")
def exclusive_cancelled(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="a", exclusive=True)
    c.do("basic.cancel", consumer_tag="a")
    c.call("basic.consume", queue=q, consumer_tag="b")


@probe("basic.consume: no_local is ignored")
def no_local(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.call("basic.consume", queue=q, consumer_tag="a", no_local=True)
    c.publish("", q, "own")
    c.read()


def consume_arguments(arguments: dict[str, Any], p: Probe) -> None:
    c = p.connect()
    c.call("basic.consume", queue=p.queue(c), consumer_tag="t", arguments=arguments)


for name, value in (
    ("x-priority", 5),
    ("x-priority", -5),
    ("x-priority", "5"),
    ("x-priority", 1.5),
    ("x-priority", True),
    ("x-cancel-on-ha-failover", True),
    ("x-cancel-on-ha-failover", "yes"),
    ("x-stream-offset", "first"),
    ("x-nonsense", 5),
):
    add(f"basic.consume: {name} {value!r}", partial(consume_arguments, {name: value}))


@probe("basic.consume: a stream without prefetch")
def stream_no_prefetch(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-queue-type": "stream"})
    c.call("basic.consume", queue=q, consumer_tag="t")


@probe("basic.get: a stream")
def stream_get(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-queue-type": "stream"})
    c.call("basic.get", queue=q)


@probe("basic.cancel: deliveries stay unacknowledged, and can be acknowledged")
def cancel_keeps(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read()
    c.call("basic.cancel", consumer_tag="t")
    c.call("basic.get", queue=q)
    c.send("basic.ack", delivery_tag=1)
    c.sync()


@probe("basic.cancel: the tag can be used again")
def cancel_tag(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.do("basic.cancel", consumer_tag="t")
    c.call("basic.consume", queue=q, consumer_tag="t")


def deleted_queue(capabilities: dict[str, bool] | None, p: Probe) -> None:
    c = p.connect(capabilities=capabilities)
    q = p.queue(c)
    c.do("channel.open", 2)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.do("queue.delete", 2, queue=q)
    c.quiet()
    c.call("basic.cancel", consumer_tag="t")


add("basic.cancel from the broker: the queue was deleted", partial(deleted_queue, None))
add("basic.cancel from the broker: not without the capability", partial(deleted_queue, {}))


@probe("basic.cancel from the broker: on the channel that deleted the queue")
def deleted_queue_here(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.send("queue.delete", queue=q)
    found = sorted(c._next(5) for _ in range(2))
    for event in found:
        c.record(event)


@probe("basic.get: empty")
def get_empty(p: Probe) -> None:
    c = p.connect()
    c.call("basic.get", queue=p.queue(c))


@probe("basic.get: with everything a message can have")
def get_everything(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    headers = {
        "text": "ü",
        "int": 5,
        "long": 2**40,
        "yes": True,
        "void": None,
        "list": [1, "a"],
        "table": {"a": {"b": 1}},
    }
    c.publish(
        "",
        q,
        "body ü",
        content_type="text/plain",
        content_encoding="utf-8",
        headers=headers,
        delivery_mode=2,
        priority=7,
        correlation_id="c",
        reply_to="r",
        expiration="60000",
        message_id="m",
        message_type="t",
        user_id="guest",
        app_id="a",
        cluster_id="c",
    )
    c.call("basic.get", queue=q, no_ack=True)


@probe("basic.get: the count is of what is left")
def get_count(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    c.call("basic.get", queue=q)
    c.call("basic.get", queue=q, no_ack=True)
    c.call("basic.get", queue=q)
    c.call("basic.get", queue=q)


def settle(*steps: tuple[str, dict[str, Any]], messages: int = 3) -> Any:
    """Gets some messages, settles them as told, and says what is left on the queue afterwards."""

    def take(p: Probe) -> None:
        c = p.connect()
        q = filled(p, c, *map(str, range(1, messages + 1)))
        for _ in range(messages):
            c.do("basic.get", queue=q)
        for method, fields in steps:
            c.send(method, **fields)
        c.sync()
        c.quiet()
        for _ in range(messages + 1):
            c.call("basic.get", queue=q, no_ack=True)

    return take


def tag(number: int, **fields: Any) -> dict[str, Any]:
    return {"delivery_tag": number, **fields}


for title, steps in {
    "ack: unknown tag": settle(("basic.ack", tag(99))),
    "ack: unknown tag, multiple": settle(("basic.ack", tag(99, multiple=True))),
    "ack: tag 0": settle(("basic.ack", tag(0))),
    "ack: tag 0, multiple": settle(("basic.ack", tag(0, multiple=True))),
    "ack: tag 0, multiple, with nothing unacknowledged": settle(("basic.ack", tag(0, multiple=True)), messages=0),
    "ack: tag 1 with nothing unacknowledged": settle(("basic.ack", tag(1)), messages=0),
    "ack: tag 1, multiple, with nothing unacknowledged": settle(("basic.ack", tag(1, multiple=True)), messages=0),
    "ack: twice": settle(("basic.ack", tag(2)), ("basic.ack", tag(2))),
    "ack: twice, multiple": settle(("basic.ack", tag(2, multiple=True)), ("basic.ack", tag(2, multiple=True))),
    "ack: multiple up to one that is gone": settle(("basic.ack", tag(2)), ("basic.ack", tag(2, multiple=True))),
    "ack: in reverse": settle(*(("basic.ack", tag(number)) for number in (3, 2, 1))),
    "nack: unknown tag": settle(("basic.nack", tag(99))),
    "nack: requeue": settle(("basic.nack", tag(2))),
    "nack: multiple, requeue": settle(("basic.nack", tag(2, multiple=True))),
    "nack: multiple, without requeue": settle(("basic.nack", tag(2, multiple=True, requeue=False))),
    "nack: tag 0, multiple": settle(("basic.nack", tag(0, multiple=True))),
    "reject: unknown tag": settle(("basic.reject", tag(99))),
    "reject: tag 0": settle(("basic.reject", tag(0))),
    "reject: requeue": settle(("basic.reject", tag(2))),
    "reject: without requeue": settle(("basic.reject", tag(2, requeue=False))),
    "reject: requeue one by one, in reverse": settle(*(("basic.reject", tag(number)) for number in (3, 2, 1))),
    "reject: requeue one by one, in order": settle(*(("basic.reject", tag(number)) for number in (1, 2, 3))),
    "nack: then ack": settle(("basic.nack", tag(1)), ("basic.ack", tag(1))),
    "recover: requeue": settle(("basic.recover-async", {"requeue": True})),
}.items():
    add(f"settling: {title}", steps)


@probe("settling: ack of a message that needs none")
def ack_no_ack(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.do("basic.get", queue=q, no_ack=True)
    c.send("basic.ack", delivery_tag=1)
    c.sync()
    c.quiet()


@probe("settling: ack of a no_ack delivery")
def ack_no_ack_delivery(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.do("basic.consume", queue=q, consumer_tag="t", no_ack=True)
    c.read()
    c.send("basic.ack", delivery_tag=1)
    c.sync()


@probe("settling: ack on another channel")
def ack_elsewhere(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.do("channel.open", 2)
    c.do("basic.get", queue=q)
    c.send("basic.ack", 2, delivery_tag=1)
    c.sync(2)


@probe("settling: delivery tags count over all consumers and gets of a channel")
def tags(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    c.call("basic.get", queue=q)
    c.call("basic.get", queue=q, no_ack=True)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read()


@probe("settling: recover redelivers to the same consumer")
def recover_consumer(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2")
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read(2)
    c.send("basic.recover", requeue=True)
    c.read(3)


@probe("settling: an error puts everything back")
def error_puts_back(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2")
    c.do("basic.get", queue=q)
    c.do("basic.get", queue=q)
    c.send("basic.ack", delivery_tag=1)
    try:
        c.call("queue.declare", queue="probe.no-such-queue", passive=True)
    except Ended:
        c.do("channel.open")
        c.fetch(q, 1)


@probe("redelivered: after a reject")
def redelivered_reject(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read()
    c.send("basic.reject", delivery_tag=1)
    c.read()


@probe("redelivered: after the channel was closed, in order")
def redelivered_channel(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3", "4")
    for _ in range(3):
        c.do("basic.get", queue=q)
    c.do("channel.close", reply_code=200)
    c.do("channel.open")
    c.fetch(q, 4)


@probe("redelivered: after the connection was lost, in order")
def redelivered_connection(p: Probe) -> None:
    a, b = p.connect(), p.connect("b: ")
    q = filled(p, a, "1", "2", "3", "4")
    a.do("basic.consume", queue=q, consumer_tag="t")
    a.read(4)
    a.drop()
    b.fetch(q, 4)


@probe("redelivered: quorum queue counts the deliveries")
def delivery_count(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-queue-type": "quorum"})
    c.do("confirm.select")
    c.publish("", q, "1")
    c.read()
    c.do("basic.consume", queue=q, consumer_tag="t")
    for number in (1, 2):
        c.read()
        c.send("basic.reject", delivery_tag=number)
    c.read()


@probe("basic.qos: global, and a quorum queue")
def qos_global_quorum(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-queue-type": "quorum"})
    c.do("basic.qos", prefetch_count=1, global_=True)
    c.call("basic.consume", queue=q, consumer_tag="t")


@probe("tx.commit: in confirm mode")
def commit_in_confirm_mode(p: Probe) -> None:
    c = p.connect()
    c.do("confirm.select")
    c.call("tx.commit")


@probe("consumers: take turns")
def turns(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    for name in ("a", "b"):
        c.do("basic.consume", queue=q, consumer_tag=name, no_ack=True)
    for body in ("1", "2", "3", "4"):
        c.publish("", q, body)
        c.read()


@probe("consumers: the one of higher priority first, until it is full")
def priorities(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.qos", prefetch_count=1)
    for name, priority in (("low", 1), ("none", None), ("high", 10)):
        arguments = {} if priority is None else {"x-priority": priority}
        c.do("basic.consume", queue=q, consumer_tag=name, arguments=arguments)
    for body in ("1", "2", "3", "4"):
        c.publish("", q, body)
        c.quiet()


@probe("consumers: single active, and the next when it is cancelled")
def single_active(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=SAC)
    for name in ("a", "b", "c"):
        c.do("basic.consume", queue=q, consumer_tag=name)
    for body in ("1", "2"):
        c.publish("", q, body)
        c.read()
    c.do("basic.cancel", consumer_tag="a")
    c.publish("", q, "3")
    c.read()


@probe("consumers: single active, by priority")
def single_active_priority(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=SAC)
    c.do("basic.consume", queue=q, consumer_tag="a")
    c.do("basic.consume", queue=q, consumer_tag="b", arguments={"x-priority": 5})
    c.publish("", q, "1")
    c.read()
    c.do("basic.cancel", consumer_tag="a")
    c.publish("", q, "2")
    c.read()


@probe("consumers: single active, and the next when its channel is closed")
def single_active_channel(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=SAC)
    c.do("channel.open", 2)
    c.do("basic.consume", queue=q, consumer_tag="a")
    c.do("basic.consume", 2, queue=q, consumer_tag="b")
    c.publish("", q, "1")
    c.read()
    c.do("channel.close", reply_code=200)
    c.quiet()
