"""Dead letters once more: their headers in odd cases, and where they go."""

from functools import partial
from typing import Any

from ..client import Connection, Probe
from .messages import dead_letters
from .registry import add, probe


def reject(c: Connection, q: str, tag: int = 1, **fields: Any) -> None:
    c.do("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=tag, requeue=False)
    c.sync()


def die(arguments: dict[str, Any], p: Probe, **properties: Any) -> None:
    """A message with odd properties is rejected."""
    c = p.connect()
    q = dead_letters(p, c, **arguments)
    c.publish("", q, "x", **properties)
    c.sync()
    reject(c, q)
    c.fetch(p.name("dead"), 1)


for title, properties in {
    "with an expiration": {"expiration": "100000"},
    "with a priority": {"priority": 5},
    "with a reply_to": {"reply_to": "somebody", "correlation_id": "c"},
    "with headers of the broker's names": {
        "headers": {"x-first-death-queue": "mine", "x-last-death-reason": 5, "x-death": []}
    },
    "with an x-death of a client": {
        "headers": {
            "x-death": [{"queue": "q", "reason": "rejected", "count": 3, "exchange": "", "routing-keys": ["a"]}]
        }
    },
    "with an x-death that is a table": {"headers": {"x-death": {"a": 1}}},
    "with an empty table of headers": {"headers": {}},
    "with a CC that is empty": {"headers": {"CC": []}},
    "with a BCC and a header": {"headers": {"BCC": ["probe.nowhere"], "a": 1}},
    "with x-delivery-count": {"headers": {"x-delivery-count": 7}},
}.items():
    add(f"death: {title}", partial(die, {}, **properties))
add("death: from a priority queue", partial(die, {"x-max-priority": 5}, priority=9))
add("death: at-least-once falls back", partial(die, {"x-dead-letter-strategy": None, "x-overflow": "reject-publish"}))


@probe("death: a publish that is rejected twice counts twice")
def twice(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    dead = p.name("dead")
    for tag in (1, 3):
        c.publish("", q, "x", headers={"n": tag})
        c.sync()
        reject(c, q, tag)
        c.do("basic.get", queue=dead, no_ack=True)
    p.note("over")


@probe("death: an alternate exchange of the dead-letter exchange")
def alternate(p: Probe) -> None:
    c = p.connect()
    lost, alt = p.queue(c, "lost"), p.exchange(c, "fanout", "alt")
    c.do("queue.bind", queue=lost, exchange=alt)
    x = p.exchange(c, arguments={"alternate-exchange": alt})
    q = p.queue(c, arguments={"x-dead-letter-exchange": x})
    c.publish("", q, "x")
    c.sync()
    reject(c, q)
    c.fetch(lost, 1)


@probe("death: an internal dead-letter exchange")
def internal(p: Probe) -> None:
    c = p.connect()
    dead, x = p.queue(c, "dead"), p.exchange(c, "fanout", internal=True)
    c.do("queue.bind", queue=dead, exchange=x)
    q = p.queue(c, arguments={"x-dead-letter-exchange": x})
    c.publish("", q, "x")
    c.sync()
    reject(c, q)
    c.fetch(dead, 1)


@probe("death: to two queues")
def fanout(p: Probe) -> None:
    c = p.connect()
    one, two, x = p.queue(c, "one"), p.queue(c, "two"), p.exchange(c, "fanout")
    for each in (one, two):
        c.do("queue.bind", queue=each, exchange=x)
    q = p.queue(c, arguments={"x-dead-letter-exchange": x})
    c.publish("", q, "x", headers={"CC": ["cc"]})
    c.sync()
    reject(c, q)
    c.fetch(one, 1)
    c.fetch(two, 1)


@probe("death: several rejected at once keep their order")
def order(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    for number in range(4):
        c.publish("", q, str(number))
    c.sync()
    for _ in range(4):
        c.do("basic.get", queue=q)
    c.send("basic.nack", delivery_tag=4, multiple=True, requeue=False)
    c.sync()
    c.fetch(p.name("dead"), 4)


@probe("death: rejected in a transaction")
def transaction(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    c.publish("", q, "x")
    c.sync()
    c.do("tx.select")
    c.do("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=1, requeue=False)
    c.sync()
    c.fetch(p.name("dead"), 0)
    c.call("tx.commit")
    c.fetch(p.name("dead"), 1)


@probe("death: the dead-letter queue is full and refuses")
def full(p: Probe) -> None:
    c = p.connect()
    dead = p.queue(c, "dead", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    q = p.queue(c, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    c.publish("", q, "x")
    c.sync()
    reject(c, q)
    c.fetch(dead, 0)
    c.fetch(q, 0)


@probe("death: expired twice along a chain with expirations")
def chain(p: Probe) -> None:
    c = p.connect()
    last = p.queue(c, "last")
    middle = p.queue(
        c, "middle", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": last, "x-message-ttl": 30}
    )
    q = p.queue(c, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": middle})
    c.publish("", q, "x", expiration="30")
    c.fetch(last, 1)


@probe("death: the default exchange keeps the key, so a circle of expiry ends")
def own_key(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-dead-letter-exchange": "", "x-message-ttl": 30})
    c.publish("", q, "x")
    c.quiet(0.6)
    c.fetch(q, 0)


@probe("death: max-length with the dead letters going back to the queue")
def circle_of_length(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": p.name(), "x-max-length": 1})
    for number in range(3):
        c.publish("", q, str(number))
    c.sync()
    c.quiet()
    c.fetch(q, 1)


@probe("death: over max-length-bytes")
def length_bytes(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-max-length-bytes": 5})
    for body in ("aaaa", "bbbb", "cccccccc"):
        c.publish("", q, body)
    c.sync()
    c.fetch(p.name("dead"), 3)
    c.fetch(q, 0)


@probe("death: quorum queue over its length")
def quorum_length(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-queue-type": "quorum", "x-max-length": 1})
    c.do("confirm.select")
    for number in range(3):
        c.publish("", q, str(number))
        c.read()
    c.fetch(p.name("dead"), 2)
    c.fetch(q, 1)


@probe("death: quorum queue, expired")
def quorum_expired(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-queue-type": "quorum", "x-message-ttl": 50})
    c.do("confirm.select")
    c.publish("", q, "x", delivery_mode=2)
    c.read()
    c.fetch(p.name("dead"), 1)


@probe("death: quorum queue, at least once")
def quorum_at_least_once(p: Probe) -> None:
    c = p.connect()
    arguments = {"x-queue-type": "quorum", "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    q = dead_letters(p, c, **arguments)
    c.do("confirm.select")
    c.publish("", q, "x", delivery_mode=2)
    c.read()
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read()
    c.send("basic.reject", delivery_tag=1, requeue=False)
    c.fetch(p.name("dead"), 1)


def quorum_deliveries(method: str, p: Probe) -> None:
    """How often a message of a quorum queue comes back when nothing is said about a limit."""
    c = p.connect()
    q = dead_letters(p, c, **{"x-queue-type": "quorum"})
    c.do("confirm.select")
    c.publish("", q, "x")
    c.read()
    c.do("basic.consume", queue=q, consumer_tag="t")
    count = 0
    while count < 30:
        event = c._next(2)
        if event[0] != "basic.deliver":
            break
        count += 1
        if count < 30:
            c.send(method, delivery_tag=count)
    p.note("deliveries", count)
    c.fetch(p.name("dead"), 0)


for method in ("basic.nack", "basic.reject"):
    add(f"death: quorum queue without a limit, {method}", partial(quorum_deliveries, method))


def redelivered(method: str, kind: str, waits: bool, p: Probe) -> None:
    """Whether a dead letter says that it was delivered before, which depends on how it was refused and how it is taken."""
    c = p.connect()
    q = dead_letters(p, c, **{"x-queue-type": kind})
    c.do("confirm.select")
    c.publish("", q, "x")
    c.read()
    c.do("basic.get", queue=q)
    if waits:
        c.do("basic.consume", queue=p.name("dead"), consumer_tag="t", no_ack=True)
    c.send(f"basic.{method}", delivery_tag=1, requeue=False)
    if waits:
        c.read()
    else:
        c.fetch(p.name("dead"), 1)


for method in ("reject", "nack"):
    for kind in ("classic", "quorum"):
        for waits in (True, False):
            title = f"death: redelivered after {method}, {kind}, {'with' if waits else 'without'} a consumer that waits"
            add(title, partial(redelivered, method, kind, waits))
