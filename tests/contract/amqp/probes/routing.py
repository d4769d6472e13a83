"""What reaches which queue: exchange types, bindings, alternate exchanges, direct reply-to, permissions."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..client import Probe
from .registry import add, cases, probe


def topic(binding: str, keys: Sequence[str], p: Probe) -> None:
    """Which of the keys the binding matches."""
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "topic")
    c.do("queue.bind", queue=q, exchange=x, routing_key=binding)
    for key in keys:
        c.publish(x, key, key)
    c.sync()
    p.note("matched", [event[1]["body"] for event in taken(c, q)])


def taken(c: Any, q: str) -> list[Any]:
    """The messages of a queue, unrecorded."""
    found: list[Any] = []
    while True:
        c.send("basic.get", queue=q, no_ack=True)
        event = c._next(5)
        if not event[0].endswith("basic.get-ok"):
            return found
        found.append(event)


KEYS = ("", "a", "b", "a.b", "a.", ".a", ".", "..", "a..b", "a.b.c", "a.x.b", "a.x.y.b", "A", "#", "*", "a.#")
for binding in (
    "",
    "#",
    "*",
    "a",
    "a.*",
    "*.a",
    "*.*",
    "a.#",
    "#.a",
    "#.b",
    "a.#.b",
    "a.*.b",
    "#.#",
    "*.#",
    "#.*",
    "a.#.#.b",
    "ab*",
    ".",
):
    add(f"topic: {binding!r}", partial(topic, binding, KEYS))


def headers(arguments: dict[str, Any], p: Probe) -> None:
    """Which of some messages the binding matches."""
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "headers")
    c.do("queue.bind", queue=q, exchange=x, arguments=arguments)
    for title, values in cases(
        {
            "without headers": {},
            "a 1": {"a": 1},
            "a 2": {"a": 2},
            "a '1'": {"a": "1"},
            "a 1.0": {"a": 1.0},
            "a true": {"a": True},
            "a void": {"a": None},
            "a 1 b 2": {"a": 1, "b": 2},
            "a 1 b 3": {"a": 1, "b": 3},
            "b 2": {"b": 2},
            "x-a 1": {"x-a": 1},
            "x-a 2 a 1": {"x-a": 2, "a": 1},
            "x-a 1 a 1": {"x-a": 1, "a": 1},
            "c": {"c": "c"},
        }
    ):
        c.publish(x, "", title, headers=values or None)
    c.sync()
    p.note("matched", [event[1]["body"] for event in taken(c, q)])


for title, arguments in cases(
    {
        "no arguments": {},
        "a 1": {"a": 1},
        "a 1 b 2": {"a": 1, "b": 2},
        "a 1 b 2 all": {"a": 1, "b": 2, "x-match": "all"},
        "a 1 b 2 any": {"a": 1, "b": 2, "x-match": "any"},
        "only all": {"x-match": "all"},
        "only any": {"x-match": "any"},
        "a void": {"a": None},
        "a void any": {"a": None, "x-match": "any"},
        "a 1 x-a 1 all": {"a": 1, "x-a": 1, "x-match": "all"},
        "a 1 x-a 1 any": {"a": 5, "x-a": 1, "x-match": "any"},
        "a 1 x-a 1 all-with-x": {"a": 1, "x-a": 1, "x-match": "all-with-x"},
        "a 5 x-a 1 any-with-x": {"a": 5, "x-a": 1, "x-match": "any-with-x"},
        "a true": {"a": True},
    }
):
    add(f"headers: {title}", partial(headers, arguments))


@probe("routing: a queue bound twice gets one copy")
def bound_twice(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "topic")
    for key in ("a.*", "*.b", "a.b", "#"):
        c.do("queue.bind", queue=q, exchange=x, routing_key=key)
    c.do("queue.bind", queue=q, exchange=x, routing_key="a.b", arguments={"again": 1})
    c.publish(x, "a.b", "once")
    c.sync()
    c.fetch(q, 1)


@probe("routing: through two exchanges to one queue gives one copy, with the first exchange's name")
def two_ways(p: Probe) -> None:
    c = p.connect()
    q, x, y, z = p.queue(c), p.exchange(c, "fanout"), p.exchange(c, "fanout", "y"), p.exchange(c, "fanout", "z")
    for each in (y, z):
        c.do("exchange.bind", destination=each, source=x)
        c.do("queue.bind", queue=q, exchange=each)
    c.publish(x, "k", "once")
    c.sync()
    c.fetch(q, 1)


@probe("routing: a circle of exchanges")
def circle(p: Probe) -> None:
    c = p.connect()
    q, x, y = p.queue(c), p.exchange(c, "fanout"), p.exchange(c, "fanout", "y")
    c.do("exchange.bind", destination=y, source=x)
    c.do("exchange.bind", destination=x, source=y)
    c.do("queue.bind", queue=q, exchange=y)
    c.publish(x, "k", "once")
    c.sync()
    c.fetch(q, 1)


@probe("routing: bindings between exchanges of different types")
def mixed(p: Probe) -> None:
    c = p.connect()
    q, x, y = p.queue(c), p.exchange(c, "topic"), p.exchange(c, "direct", "y")
    c.do("exchange.bind", destination=y, source=x, routing_key="a.#")
    c.do("queue.bind", queue=q, exchange=y, routing_key="a.b")
    for key in ("a.b", "a.c", "b.b"):
        c.publish(x, key, key, mandatory=True)
    c.sync()
    c.fetch(q, 1)


@probe("routing: the default exchange has every queue, and cannot be lost")
def default_exchange(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "by name", mandatory=True)
    c.sync()
    c.fetch(q, 1)


@probe("routing: x-local-random gives one queue")
def local_random(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c, durable=False, exclusive=True), p.exchange(c, "x-local-random")
    c.call("queue.bind", queue=q, exchange=x)
    c.publish(x, "k", "one")
    c.sync()
    c.fetch(q, 1)


def alternate(mandatory: bool, bound: bool, p: Probe) -> None:
    c = p.connect()
    q, y = p.queue(c), p.exchange(c, "fanout", "y")
    x = p.exchange(c, arguments={"alternate-exchange": y})
    if bound:
        c.do("queue.bind", queue=q, exchange=y)
    c.publish(x, "nobody", "astray", mandatory=mandatory)
    c.sync()
    c.quiet()
    c.fetch(q, 0)


add("alternate exchange: takes what is unroutable", partial(alternate, False, True))
add("alternate exchange: mandatory is not returned", partial(alternate, True, True))
add("alternate exchange: mandatory, and unroutable there too", partial(alternate, True, False))


@probe("alternate exchange: missing, mandatory")
def alternate_missing(p: Probe) -> None:
    c = p.connect()
    x = p.exchange(c, arguments={"alternate-exchange": "probe.no-such-exchange"})
    c.publish(x, "nobody", "astray", mandatory=True)
    c.sync()


@probe("alternate exchange: reached from a bound exchange")
def alternate_behind(p: Probe) -> None:
    c = p.connect()
    q, alt = p.queue(c), p.exchange(c, "fanout", "alt")
    x, y = p.exchange(c, "fanout"), p.exchange(c, "direct", "y", arguments={"alternate-exchange": alt})
    c.do("exchange.bind", destination=y, source=x)
    c.do("queue.bind", queue=q, exchange=alt)
    c.publish(x, "nobody", "astray", mandatory=True)
    c.sync()
    c.fetch(q, 1)


# Direct reply-to

REPLY = "amq.rabbitmq.reply-to"


@probe("reply-to: consume without no_ack")
def reply_ack(p: Probe) -> None:
    p.connect().call("basic.consume", queue=REPLY, consumer_tag="t")


@probe("reply-to: consume")
def reply_consume(p: Probe) -> None:
    p.connect().call("basic.consume", queue=REPLY, no_ack=True)


@probe("reply-to: consume twice")
def reply_twice(p: Probe) -> None:
    c = p.connect()
    c.call("basic.consume", queue=REPLY, no_ack=True, consumer_tag="a")
    c.call("basic.consume", queue=REPLY, no_ack=True, consumer_tag="b")


@probe("reply-to: consume exclusively")
def reply_exclusive(p: Probe) -> None:
    p.connect().call("basic.consume", queue=REPLY, no_ack=True, exclusive=True, consumer_tag="a")


@probe("reply-to: cancel and consume again")
def reply_cancel(p: Probe) -> None:
    c = p.connect()
    c.call("basic.consume", queue=REPLY, no_ack=True, consumer_tag="a")
    c.call("basic.cancel", consumer_tag="a")
    c.call("basic.consume", queue=REPLY, no_ack=True, consumer_tag="a")


@probe("reply-to: published without a consumer")
def reply_no_consumer(p: Probe) -> None:
    c = p.connect()
    c.publish("", p.queue(c), "ask", reply_to=REPLY)
    c.read()


@probe("reply-to: asked and answered")
def reply_answered(p: Probe) -> None:
    a, b = p.connect(), p.connect("b: ")
    q = p.queue(a)
    a.call("basic.consume", queue=REPLY, no_ack=True, consumer_tag="t")
    a.publish("", q, "ask", reply_to=REPLY, correlation_id="5")
    a.sync()
    key = b.call("basic.get", queue=q, no_ack=True)["reply_to"]
    b.call("queue.declare", queue=key, passive=True)
    b.publish("", key, "answer", mandatory=True, correlation_id="5")
    a.read()


@probe("reply-to: answered when the one who asked is gone")
def reply_gone(p: Probe) -> None:
    a, b = p.connect(), p.connect("b: ")
    q = p.queue(a)
    a.do("basic.consume", queue=REPLY, no_ack=True, consumer_tag="t")
    a.publish("", q, "ask", reply_to=REPLY)
    a.sync()
    key = b.do("basic.get", queue=q, no_ack=True)["reply_to"]
    a.close()
    b.do("confirm.select")
    b.publish("", key, "answer", mandatory=True)
    b.quiet()
    b.call("queue.declare", queue=key, passive=True)


@probe("reply-to: key that nobody made")
def reply_forged(p: Probe) -> None:
    c = p.connect()
    c.publish("", f"{REPLY}.nonsense", "answer", mandatory=True)
    c.read()


for title, method, fields in (
    ("declare", "queue.declare", {"queue": REPLY}),
    ("declare passively", "queue.declare", {"queue": REPLY, "passive": True}),
    ("declare a key passively", "queue.declare", {"queue": f"{REPLY}.nonsense", "passive": True}),
    ("bind", "queue.bind", {"queue": REPLY, "exchange": "amq.direct"}),
    ("purge", "queue.purge", {"queue": REPLY}),
    ("delete", "queue.delete", {"queue": REPLY}),
    ("get", "basic.get", {"queue": REPLY, "no_ack": True}),
):
    add(f"reply-to: {title}", lambda p, m=method, f=fields: p.connect().call(m, **f))  # type: ignore[misc]


# Permissions

WHO = "probe-limited"


def permitted(method: str, p: Probe, **fields: Any) -> None:
    """A method of a user who may do everything with what is called ours, and nothing with anything else."""
    user = f"{WHO}-{p.title.partition(': ')[2].replace(' ', '-')}"
    own = "^ours.*"
    p.api("PUT", "users", user, body={"password": "x", "tags": ""})
    p.api("PUT", "permissions", "/", user, body={"configure": own, "write": own, "read": own})
    p.queue(p.connect("b: "))
    c = p.connect(user=user, password="x")
    values = {key: p.name() if value == "theirs" else value for key, value in fields.items()}
    if method == "basic.publish":
        c.publish(values["exchange"], values["key"], "x")
        c.sync()
    else:
        c.call(method, **values)


LIMITS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("queue.declare", "queue.declare", {"queue": "theirs", "durable": True}),
    ("queue.declare passive", "queue.declare", {"queue": "theirs", "passive": True}),
    ("queue.declare server-named", "queue.declare", {"queue": "", "exclusive": True}),
    (
        "queue.declare with a dead-letter exchange",
        "queue.declare",
        {"queue": "ours", "exclusive": True, "arguments": {"x-dead-letter-exchange": "amq.direct"}},
    ),
    ("queue.delete", "queue.delete", {"queue": "theirs"}),
    ("queue.purge", "queue.purge", {"queue": "theirs"}),
    ("queue.bind", "queue.bind", {"queue": "theirs", "exchange": "amq.direct"}),
    ("exchange.declare", "exchange.declare", {"exchange": "theirs-x"}),
    ("exchange.declare passive", "exchange.declare", {"exchange": "amq.direct", "passive": True}),
    (
        "exchange.declare with an alternate exchange",
        "exchange.declare",
        {"exchange": "ours-x", "auto_delete": True, "arguments": {"alternate-exchange": "amq.direct"}},
    ),
    ("exchange.delete", "exchange.delete", {"exchange": "theirs-x"}),
    ("exchange.bind", "exchange.bind", {"destination": "amq.direct", "source": "amq.fanout"}),
    ("basic.consume", "basic.consume", {"queue": "theirs"}),
    ("basic.get", "basic.get", {"queue": "theirs"}),
    ("basic.publish", "basic.publish", {"exchange": "amq.direct", "key": "k"}),
    ("basic.publish to the default exchange", "basic.publish", {"exchange": "", "key": "theirs"}),
    ("missing queue", "queue.declare", {"queue": "their-missing", "passive": True}),
    ("missing exchange", "basic.publish", {"exchange": "their-missing", "key": "k"}),
)
for title, method, fields in LIMITS:
    add(f"permission: {title}", partial(permitted, method, **fields), needs_http=True)
