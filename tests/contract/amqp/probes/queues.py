"""queue.declare, bind, unbind, purge and delete."""

from functools import partial
from typing import Any

from ..client import Ended, Probe
from .registry import add, cases, probe


def declare(p: Probe, **fields: Any) -> None:
    p.connect().call("queue.declare", **{"queue": p.name(), "durable": True, **fields})


for title, fields in cases(
    {
        "durable": {},
        "transient, not exclusive": {"durable": False},
        "transient, auto-delete": {"durable": False, "auto_delete": True},
        "exclusive": {"durable": False, "exclusive": True},
        "exclusive and durable": {"exclusive": True},
        "passive, missing": {"passive": True},
        "passive, empty name": {"queue": "", "passive": True},
        "reserved name": {"queue": "amq.probe"},
        "reserved name, passive": {"queue": "amq.probe", "passive": True},
        "server-named": {"queue": "", "exclusive": True, "durable": False},
        "name of 255 bytes": {"queue": "x" * 255, "exclusive": True, "durable": False},
        "name with line breaks": {"queue": "probe\nline\r", "exclusive": True, "durable": False},
        "unknown argument": {"arguments": {"x-nonsense": 5}},
        "argument without x-": {"arguments": {"nonsense": [1, {"a": None}]}},
    }
):
    add(f"queue.declare: {title}", partial(declare, **fields))

QUORUM, STREAM = {"x-queue-type": "quorum"}, {"x-queue-type": "stream"}
for argument, values in {
    "x-message-ttl": (0, 1000, -1, "1000", 1.5, True, None, 4294967295, 4294967296, 2**62),
    "x-expires": (1000, 0, -1, "1000", 4294967295, 4294967296),
    "x-max-length": (0, 10, -1, "10", 1.0, True, 2**62),
    "x-max-length-bytes": (0, -1, "10"),
    "x-max-priority": (0, 1, 10, 255, 256, -1, "10"),
    "x-dead-letter-exchange": ("", "probe.no-such-exchange", 5, None),
    "x-dead-letter-routing-key": ("k",),
    "x-dead-letter-strategy": ("at-least-once",),
    "x-overflow": ("drop-head", "reject-publish", "reject-publish-dlx", "nonsense", 5),
    "x-queue-mode": ("lazy", "default", "nonsense", 5),
    "x-queue-version": (1, 2, 3, "2"),
    "x-queue-type": ("classic", "quorum", "stream", "nonsense", "", 5),
    "x-single-active-consumer": (True, False, "true", 1),
    "x-queue-master-locator": ("min-masters", "nonsense"),
    "x-queue-leader-locator": ("client-local", "nonsense", 5),
    "x-delivery-limit": (5,),
    "x-max-age": ("1D",),
    "x-stream-max-segment-size-bytes": (1000,),
    "x-quorum-initial-group-size": (1,),
}.items():
    for value in values:
        add(f"queue.declare: {argument} {value!r}", partial(declare, arguments={argument: value}))

for title, fields in cases(
    {
        "x-dead-letter-routing-key with exchange": {
            "arguments": {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "k"}
        },
        "x-dead-letter-routing-key 5": {"arguments": {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": 5}},
        "quorum, exclusive": {"exclusive": True, "arguments": QUORUM},
        "quorum, transient": {"durable": False, "arguments": QUORUM},
        "quorum, auto-delete": {"auto_delete": True, "arguments": QUORUM},
        "quorum, server-named": {"queue": "", "exclusive": True, "arguments": QUORUM},
        "quorum, x-max-priority": {"arguments": {**QUORUM, "x-max-priority": 5}},
        "quorum, x-delivery-limit 5": {"arguments": {**QUORUM, "x-delivery-limit": 5}},
        "quorum, x-delivery-limit -1": {"arguments": {**QUORUM, "x-delivery-limit": -1}},
        "quorum, x-delivery-limit '5'": {"arguments": {**QUORUM, "x-delivery-limit": "5"}},
        "quorum, x-queue-mode": {"arguments": {**QUORUM, "x-queue-mode": "lazy"}},
        "quorum, x-message-ttl": {"arguments": {**QUORUM, "x-message-ttl": 1000}},
        "quorum, x-overflow reject-publish-dlx": {"arguments": {**QUORUM, "x-overflow": "reject-publish-dlx"}},
        "quorum, x-dead-letter-strategy nonsense": {"arguments": {**QUORUM, "x-dead-letter-strategy": "nonsense"}},
        "quorum, x-max-in-memory-length": {"arguments": {**QUORUM, "x-max-in-memory-length": 5}},
        "stream, transient": {"durable": False, "arguments": STREAM},
        "stream, exclusive": {"exclusive": True, "arguments": STREAM},
        "stream, auto-delete": {"auto_delete": True, "arguments": STREAM},
        "stream, x-message-ttl": {"arguments": {**STREAM, "x-message-ttl": 5}},
        "stream, x-max-age 1D": {"arguments": {**STREAM, "x-max-age": "1D"}},
        "stream, x-max-age nonsense": {"arguments": {**STREAM, "x-max-age": "nonsense"}},
    }
):
    add(f"queue.declare: {title}", partial(declare, **fields))


def redeclare(p: Probe, first: dict[str, Any], second: dict[str, Any]) -> None:
    c = p.connect()
    q = p.queue(c, **first)
    c.call("queue.declare", **{"queue": q, "durable": True, **second})


def arguments(**values: Any) -> dict[str, Any]:
    return {"arguments": {f"x-{key.replace('_', '-')}": value for key, value in values.items()}}


for title, first, second in (
    ("equal", {}, {}),
    ("another durable", {}, {"durable": False}),
    ("another exclusive", {}, {"exclusive": True}),
    ("exclusive, now not", {"exclusive": True}, {}),
    ("another auto_delete", {}, {"auto_delete": True}),
    ("all unequal", {}, {"durable": False, "exclusive": True, "auto_delete": True}),
    ("passive, all unequal", {}, {"passive": True, "durable": False, "exclusive": True, "auto_delete": True}),
    ("x-message-ttl added", {}, arguments(message_ttl=1000)),
    ("x-message-ttl left out", arguments(message_ttl=1000), {}),
    ("x-message-ttl unequal", arguments(message_ttl=1000), arguments(message_ttl=2000)),
    (
        "x-message-ttl equal, of another integer type",
        arguments(message_ttl=100),
        arguments(message_ttl=2**33 - 2**33 + 100),
    ),
    ("x-expires unequal", arguments(expires=100000), arguments(expires=200000)),
    ("x-max-length unequal", arguments(max_length=1), arguments(max_length=2)),
    ("x-max-length left out", arguments(max_length=1), {}),
    ("x-max-length-bytes unequal", arguments(max_length_bytes=1), arguments(max_length_bytes=2)),
    ("x-max-priority unequal", arguments(max_priority=1), arguments(max_priority=2)),
    ("x-max-priority added", {}, arguments(max_priority=2)),
    ("x-dead-letter-exchange unequal", arguments(dead_letter_exchange="a"), arguments(dead_letter_exchange="b")),
    ("x-dead-letter-exchange added", {}, arguments(dead_letter_exchange="b")),
    (
        "x-dead-letter-routing-key unequal",
        arguments(dead_letter_exchange="a", dead_letter_routing_key="a"),
        arguments(dead_letter_exchange="a", dead_letter_routing_key="b"),
    ),
    ("x-overflow unequal", arguments(overflow="drop-head"), arguments(overflow="reject-publish")),
    ("x-overflow added as the default", {}, arguments(overflow="drop-head")),
    ("x-queue-mode unequal", arguments(queue_mode="lazy"), arguments(queue_mode="default")),
    (
        "x-single-active-consumer unequal",
        arguments(single_active_consumer=True),
        arguments(single_active_consumer=False),
    ),
    ("x-single-active-consumer added", {}, arguments(single_active_consumer=True)),
    ("x-queue-type classic added", {}, arguments(queue_type="classic")),
    ("x-queue-type classic left out", arguments(queue_type="classic"), {}),
    ("x-queue-type quorum added", {}, arguments(queue_type="quorum")),
    ("x-queue-type quorum left out", arguments(queue_type="quorum"), {}),
    ("x-queue-type stream added", {}, arguments(queue_type="stream")),
    ("unknown argument added", {}, arguments(nonsense=1)),
    ("unknown argument unequal", arguments(nonsense=1), arguments(nonsense=2)),
    ("invalid and unequal", arguments(message_ttl=1000), arguments(message_ttl=-1)),
):
    add(f"queue.declare again: {title}", partial(redeclare, first=first, second=second))


def of_another(method: str, p: Probe, **fields: Any) -> None:
    """A method on the exclusive queue of another connection."""
    q = p.queue(p.connect(), exclusive=True, durable=False)
    c = p.connect("b: ")
    if method == "basic.publish":
        c.do("confirm.select")
        c.publish("", q, "let in", mandatory=True)
        c.read()
    else:
        c.call(method, queue=q, **fields)


for title, method, fields in (
    ("declared", "queue.declare", {}),
    ("declared as it is", "queue.declare", {"exclusive": True}),
    ("declared passively", "queue.declare", {"passive": True}),
    ("bound", "queue.bind", {"exchange": "amq.direct"}),
    ("unbound", "queue.unbind", {"exchange": "amq.direct"}),
    ("purged", "queue.purge", {}),
    ("deleted", "queue.delete", {}),
    ("consumed", "basic.consume", {}),
    ("got", "basic.get", {}),
    ("published to", "basic.publish", {}),
):
    add(f"exclusive queue of another connection: {title}", partial(of_another, method, **fields))


@probe("queue.declare: counts of messages and consumers")
def counts(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("confirm.select")
    for body in ("one", "two"):
        c.publish("", q, body)
        c.read()
    c.call("queue.declare", queue=q, passive=True)
    c.do("basic.qos", prefetch_count=1)
    c.send("basic.consume", queue=q, consumer_tag="t")
    c.read(2)
    c.call("queue.declare", queue=q, passive=True)


@probe("queue.declare: empty name means a new queue each time")
def new_each_time(p: Probe) -> None:
    c = p.connect()
    names = {c.do("queue.declare", queue="", exclusive=True)["queue"] for _ in range(2)}
    p.note("different names", len(names))


def last_declared(method: str, declared: bool, p: Probe, **fields: Any) -> None:
    """A method with an empty queue name, which means the queue that was declared last on the channel."""
    c = p.connect()
    if declared:
        p.queue(c, "first")
        p.queue(c)
    c.call(method, **{"queue": "", **fields})


for method, fields in cases(
    {
        "queue.bind": {"exchange": "amq.direct", "routing_key": "probe"},
        "queue.unbind": {"exchange": "amq.direct"},
        "queue.purge": {},
        "queue.delete": {},
        "basic.consume": {"consumer_tag": "t"},
        "basic.get": {},
        "queue.declare": {"passive": True},
    }
):
    for declared in (True, False):
        title = "with one declared" if declared else "without one declared"
        add(f"empty queue name: {method} {title}", partial(last_declared, method, declared, **fields))


@probe("empty queue name: after a passive declare")
def last_passive(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    p.queue(c, "other")
    c.do("queue.declare", queue=q, passive=True)
    c.publish("", q, "one")
    c.call("queue.purge", queue="")


@probe("empty queue name: after the queue was deleted")
def last_deleted(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("queue.delete", queue=q)
    c.call("queue.purge", queue="")


@probe("empty queue name: empty key of a binding means the name too")
def empty_key(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c)
    c.do("queue.bind", queue="", exchange=x, routing_key="")
    c.publish(x, q, "by name")
    c.publish(x, "", "by empty key")
    c.sync()
    c.fetch(q, 1)


def bind(method: str, p: Probe, **fields: Any) -> None:
    c = p.connect()
    p.queue(c)
    c.call(method, **{"queue": p.name(), "exchange": "amq.direct", "routing_key": "probe", **fields})


MISSING = {"queue": "probe.no-such-queue", "exchange": "probe.no-such-exchange"}
for method in ("queue.bind", "queue.unbind"):
    for title, fields in cases(
        {
            "missing queue": {"queue": MISSING["queue"]},
            "missing exchange": {"exchange": MISSING["exchange"]},
            "both missing": MISSING,
            "default exchange": {"exchange": ""},
            "headers, x-match nonsense": {"exchange": "amq.headers", "arguments": {"x-match": "nonsense"}},
            "headers, x-match 5": {"exchange": "amq.headers", "arguments": {"x-match": 5}},
            "headers, without x-match": {"exchange": "amq.headers", "arguments": {"a": 1}},
            "topic, odd keys": {"exchange": "amq.topic", "routing_key": "..#.*.x#"},
        }
    ):
        add(f"{method}: {title}", partial(bind, method, **fields))


@probe("queue.unbind: a binding that differs only in its arguments")
def unbind_arguments(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c)
    c.do("queue.bind", queue=q, exchange=x, routing_key="k", arguments={"a": 1})
    c.call("queue.unbind", queue=q, exchange=x, routing_key="k")
    c.publish(x, "k", "still bound", mandatory=True)
    c.sync()
    c.fetch(q, 1)


def on_missing(method: str, p: Probe, **fields: Any) -> None:
    p.connect().call(method, queue=MISSING["queue"], **fields)


for method in ("queue.purge", "queue.delete", "basic.consume", "basic.get"):
    add(f"missing queue: {method}", partial(on_missing, method))
add("missing queue: queue.delete if-unused", partial(on_missing, "queue.delete", if_unused=True))
add("missing queue: queue.delete if-empty", partial(on_missing, "queue.delete", if_empty=True))


@probe("queue.purge: says how many; unacknowledged messages stay")
def purge(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    for body in ("one", "two", "three"):
        c.publish("", q, body)
    c.call("basic.get", queue=q)
    c.call("queue.purge", queue=q)
    c.send("basic.nack", delivery_tag=1)
    c.sync()
    c.fetch(q, 1)


@probe("queue.bind: twice, unbound once")
def bound_twice(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c)
    c.call("queue.bind", queue=q, exchange=x, routing_key="k")
    c.call("queue.bind", queue=q, exchange=x, routing_key="k")
    c.call("queue.unbind", queue=q, exchange=x, routing_key="k")
    c.publish(x, "k", "gone", mandatory=True)
    c.read()


@probe("queue.declare: server-named, declared again by its name")
def server_named_again(p: Probe) -> None:
    c = p.connect()
    name = c.do("queue.declare", queue="", exclusive=True)["queue"]
    c.call("queue.declare", queue=name, exclusive=True)
    c.call("queue.declare", queue=name, passive=True)


@probe("queue.declare: exclusive, declared again as it is")
def exclusive_again(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, exclusive=True)
    c.call("queue.declare", queue=q, exclusive=True, durable=True)


@probe("error text: longer than 255 bytes")
def long_text(p: Probe) -> None:
    p.connect().call("queue.declare", queue="x" * 250, passive=True)


@probe("queue.delete: says how many messages")
def delete_count(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "one")
    c.publish("", q, "two")
    c.call("queue.delete", queue=q)


@probe("queue.delete: if-unused with a consumer")
def delete_if_unused(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q)
    c.call("queue.delete", queue=q, if_unused=True)


@probe("queue.delete: if-empty with messages")
def delete_if_empty(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "one")
    c.call("queue.delete", queue=q, if_empty=True)


@probe("queue.delete: if-empty with an unacknowledged message")
def delete_if_empty_unacked(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "one")
    c.do("basic.get", queue=q)
    c.call("queue.delete", queue=q, if_empty=True)


@probe("queue.delete: if-unused and if-empty with both")
def delete_if_both(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "one")
    c.publish("", q, "two")
    c.do("basic.qos", prefetch_count=1)
    c.send("basic.consume", queue=q, consumer_tag="t")
    c.read(2)
    c.call("queue.delete", queue=q, if_empty=True, if_unused=True)


@probe("queue.delete: quorum, if-unused")
def delete_quorum_if_unused(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=QUORUM)
    c.call("queue.delete", queue=q, if_unused=True)


@probe("queue.delete: quorum, if-empty")
def delete_quorum_if_empty(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments=QUORUM)
    c.call("queue.delete", queue=q, if_empty=True)


@probe("queue: exclusive goes with its connection")
def exclusive_goes(p: Probe) -> None:
    a, b = p.connect(), p.connect("b: ")
    q = p.queue(a, exclusive=True, durable=False)
    a.close()
    b.call("queue.declare", queue=q, passive=True)


@probe("queue: exclusive outlives its channel")
def exclusive_stays(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, exclusive=True, durable=False)
    c.do("channel.close", reply_code=200)
    c.do("channel.open")
    c.call("queue.declare", queue=q, passive=True)


@probe("queue: auto-delete goes with its last consumer")
def auto_delete(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, auto_delete=True)
    for tag in ("one", "two"):
        c.do("basic.consume", queue=q, consumer_tag=tag)
    c.do("basic.cancel", consumer_tag="one")
    c.call("queue.declare", queue=q, passive=True)
    c.do("basic.cancel", consumer_tag="two")
    c.call("queue.declare", queue=q, passive=True)


@probe("queue: auto-delete stays while it has had no consumer")
def auto_delete_stays(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, auto_delete=True)
    c.do("basic.get", queue=q)
    c.do("channel.close", reply_code=200)
    c.do("channel.open")
    c.call("queue.declare", queue=q, passive=True)


@probe("queue: x-expires")
def expires(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-expires": 200})
    try:
        c.fetch(q, 1, seconds=0.1)
        for _ in range(50):
            c.quiet(0.6)
            c.do("queue.declare", queue=q, passive=True)
    except Ended:
        return


@probe("queue: x-expires does not run while there is a consumer")
def expires_consumer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-expires": 200})
    c.do("basic.consume", queue=q)
    c.quiet(0.8)
    c.call("queue.declare", queue=q, passive=True)
