"""Corners: combinations that are rare, and values at the ends of their ranges."""

from functools import partial
from typing import Any

from ..client import Ended, Probe
from .policies import user, vhost
from .receiving import filled
from .registry import add, probe
from .routing import taken

REPLY = "amq.rabbitmq.reply-to"


def bodies(c: Any, q: str, channel: int = 1) -> list[Any]:
    return [event[1]["body"] for event in taken(c, q)]


def expiration(text: str, p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "x", expiration=text)
    c.sync()
    c.call("queue.declare", queue=q, passive=True)


for text in ("+60000", "60000 ", "0060000", "1e9", "", "315360000000", "315360000001", "-0", "0x10"):
    add(f"corner: expiration {text!r}", partial(expiration, text))


def call(method: str, p: Probe, **fields: Any) -> None:
    c = p.connect()
    names = {"q": p.queue(c), "x": p.exchange(c), "own": p.name("own")}
    c.call(
        method, **{key: names.get(value, value) if isinstance(value, str) else value for key, value in fields.items()}
    )


CONSUME: dict[str, Any] = {"queue": "q", "consumer_tag": "t"}
OWN: dict[str, Any] = {"queue": "own", "exclusive": True}
for title, method, fields in (
    ("bind to amq.default by name", "queue.bind", {"queue": "q", "exchange": "amq.default"}),
    ("declare amq.default passively", "exchange.declare", {"exchange": "amq.default", "passive": True}),
    ("delete amq.default", "exchange.delete", {"exchange": "amq.default"}),
    ("bind a queue to amq.rabbitmq.trace", "queue.bind", {"queue": "q", "exchange": "amq.rabbitmq.trace"}),
    ("bind an exchange to amq.rabbitmq.trace", "exchange.bind", {"destination": "amq.rabbitmq.trace", "source": "x"}),
    ("consume with a tag of 255 bytes", "basic.consume", {"queue": "q", "consumer_tag": "t" * 255}),
    ("consume with the tag of the broker's kind", "basic.consume", {"queue": "q", "consumer_tag": "amq.ctag-mine"}),
    ("consume, x-priority 2^31", "basic.consume", {**CONSUME, "arguments": {"x-priority": 2**31}}),
    ("consume, x-priority void", "basic.consume", {**CONSUME, "arguments": {"x-priority": None}}),
    ("consume, x-cancel-on-ha-failover", "basic.consume", {**CONSUME, "arguments": {"x-cancel-on-ha-failover": 5}}),
    ("consume, x-stream-filter", "basic.consume", {**CONSUME, "arguments": {"x-stream-filter": "a"}}),
    ("exchange type with a space", "exchange.declare", {"exchange": "other", "exchange_type": "direct "}),
    (
        "exchange x-delayed-message",
        "exchange.declare",
        {"exchange": "other", "exchange_type": "x-delayed-message", "arguments": {"x-delayed-type": "direct"}},
    ),
    (
        "consume, x-stream-match-unfiltered",
        "basic.consume",
        {**CONSUME, "arguments": {"x-stream-match-unfiltered": True}},
    ),
    (
        "exchange passive with an empty type",
        "exchange.declare",
        {"exchange": "x", "exchange_type": "", "passive": True},
    ),
    (
        "queue passive with arguments that differ",
        "queue.declare",
        {"queue": "q", "passive": True, "arguments": {"x-message-ttl": 5}},
    ),
    ("queue passive, exclusive, of one's own", "queue.declare", {"queue": "q", "passive": True, "exclusive": True}),
    (
        "queue: x-queue-type classic, x-queue-mode lazy",
        "queue.declare",
        {**OWN, "arguments": {"x-queue-type": "classic", "x-queue-mode": "lazy"}},
    ),
    ("queue: x-overflow without a limit", "queue.declare", {**OWN, "arguments": {"x-overflow": "reject-publish"}}),
    (
        "queue: x-dead-letter-strategy on a classic one",
        "queue.declare",
        {**OWN, "arguments": {"x-dead-letter-strategy": "nonsense"}},
    ),
    (
        "queue: reject-publish-dlx without an exchange",
        "queue.declare",
        {**OWN, "arguments": {"x-overflow": "reject-publish-dlx"}},
    ),
    ("queue: x-expires of ten years", "queue.declare", {**OWN, "arguments": {"x-expires": 315360000000}}),
    ("queue: x-expires of more", "queue.declare", {**OWN, "arguments": {"x-expires": 315360000001}}),
    (
        "queue: x-message-ttl of more than ten years",
        "queue.declare",
        {**OWN, "arguments": {"x-message-ttl": 315360000001}},
    ),
    ("queue: name of spaces", "queue.declare", {"queue": "  ", "exclusive": True}),
    ("queue: amq.gen- of one's own", "queue.declare", {"queue": "amq.gen-mine", "exclusive": True}),
    ("unbind the default binding", "queue.unbind", {"queue": "q", "exchange": "", "routing_key": "q"}),
    ("delete a queue by a wrong case", "queue.delete", {"queue": "Q-of-no-one"}),
    ("confirm.select with nowait false twice", "confirm.select", {}),
    ("qos of 65536", "basic.qos", {"prefetch_count": 65535, "prefetch_size": 1}),
):
    add(f"corner: {title}", partial(call, method, **fields))


def publish(p: Probe, exchange: str, key: str, **fields: Any) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("confirm.select")
    c.publish(exchange, q if key == "q" else key, "x", **fields)
    c.read()
    c.quiet()
    p.note("left", bodies(c, q))


for title, exchange, key, fields in (
    ("publish to amq.default by name", "amq.default", "q", {}),
    ("publish to amq.rabbitmq.trace", "amq.rabbitmq.trace", "q", {}),
    ("publish to amq.rabbitmq.log", "amq.rabbitmq.log", "q", {}),
    ("publish with a key of 255 bytes", "", "k" * 255, {"mandatory": True}),
    ("publish, mandatory and immediate", "", "q", {"mandatory": True, "immediate": True}),
    ("publish, BCC alone", "", "q", {"headers": {"BCC": []}}),
    ("publish, CC void", "", "q", {"headers": {"CC": None}}),
    ("publish, CC of a table", "", "q", {"headers": {"CC": [{"a": 1}]}}),
    ("publish, CC empty text", "", "nowhere", {"headers": {"CC": [""]}, "mandatory": True}),
    ("publish, BCC a number", "", "q", {"headers": {"BCC": 5}}),
    ("publish, lower-case cc", "", "nowhere", {"headers": {"cc": ["probe"]}, "mandatory": True}),
    ("publish, reply_to of another's", "", "q", {"reply_to": f"{REPLY}.nonsense"}),
    ("publish to the reply-to itself", "", REPLY, {"mandatory": True}),
    ("publish, user_id empty", "", "q", {"user_id": ""}),
    ("publish, delivery_mode 255", "", "q", {"delivery_mode": 255}),
):
    add(f"corner: {title}", partial(publish, exchange=exchange, key=key, **fields))


@probe("corner: reply-to, asked from another channel than it is consumed on")
def reply_elsewhere(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("channel.open", 2)
    c.do("basic.consume", 2, queue=REPLY, no_ack=True, consumer_tag="t")
    c.publish("", q, "x", reply_to=REPLY)
    c.read()


@probe("corner: reply-to, answered twice and after a cancel")
def reply_late(p: Probe) -> None:
    a, b = p.connect(), p.connect("b: ")
    q = p.queue(a)
    a.do("basic.consume", queue=REPLY, no_ack=True, consumer_tag="t")
    a.publish("", q, "ask", reply_to=REPLY)
    a.sync()
    key = b.do("basic.get", queue=q, no_ack=True)["reply_to"]
    for body in ("one", "two"):
        b.publish("", key, body, mandatory=True)
        a.read()
    a.do("basic.cancel", consumer_tag="t")
    b.publish("", key, "three", mandatory=True)
    b.quiet()


@probe("corner: reply-to, the tag used by another consumer")
def reply_tag(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=REPLY, no_ack=True, consumer_tag="t")
    c.call("basic.consume", queue=q, consumer_tag="t")


@probe("corner: reply-to, with the tag of another consumer")
def tag_reply(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.call("basic.consume", queue=REPLY, no_ack=True, consumer_tag="t")
    c.call("basic.cancel", consumer_tag="t")
    c.publish("", q, "x")
    c.quiet()


def passive(permissions: tuple[str, str, str], method: str, p: Probe) -> None:
    """A passive declare of a user with these permissions: configure, write and read."""
    name = user(p)
    owner = p.connect("b: ")
    q, x = p.queue(owner), p.exchange(owner)
    body = dict(zip(("configure", "write", "read"), permissions, strict=True))
    p.broker.api("PUT", "permissions", "/", name, body=body)
    names = {"queue": q} if method == "queue.declare" else {"exchange": x}
    p.connect(user=name, password="x").call(method, passive=True, **names)


for method in ("queue.declare", "exchange.declare"):
    for permissions in ((".*", "^$", "^$"), ("^$", ".*", "^$"), ("^$", "^$", ".*"), ("^$", "^$", "^$")):
        title = f"corner: {method} passive with {', '.join(permissions)}"
        add(title, partial(passive, permissions, method), needs_http=True)


@probe("corner: alternate exchanges in a circle")
def alternate_circle(p: Probe) -> None:
    c = p.connect()
    x = p.exchange(c, arguments={"alternate-exchange": p.name("y")})
    p.exchange(c, part="y", arguments={"alternate-exchange": x})
    c.publish(x, "k", "x", mandatory=True)
    c.read()


@probe("corner: alternate exchange that is internal")
def alternate_internal(p: Probe) -> None:
    c = p.connect()
    q, y = p.queue(c), p.exchange(c, "fanout", "y", internal=True)
    x = p.exchange(c, arguments={"alternate-exchange": y})
    c.do("queue.bind", queue=q, exchange=y)
    c.publish(x, "k", "x", mandatory=True)
    c.sync()
    p.note("left", bodies(c, q))


@probe("corner: alternate exchange of an exchange that routes to an exchange without bindings")
def alternate_not(p: Probe) -> None:
    c = p.connect()
    q, y, z = p.queue(c), p.exchange(c, "fanout", "y"), p.exchange(c, "fanout", "z")
    x = p.exchange(c, "fanout", arguments={"alternate-exchange": y})
    c.do("queue.bind", queue=q, exchange=y)
    c.do("exchange.bind", destination=z, source=x)
    c.publish(x, "k", "x", mandatory=True)
    c.sync()
    c.quiet()
    p.note("left", bodies(c, q))


@probe("corner: an exchange in use as an alternate, deleted if-unused")
def alternate_used(p: Probe) -> None:
    c = p.connect()
    y = p.exchange(c, part="y")
    p.exchange(c, arguments={"alternate-exchange": y})
    c.call("exchange.delete", exchange=y, if_unused=True)


@probe("corner: an exchange with only an exchange bound, deleted if-unused")
def exchange_used(p: Probe) -> None:
    c = p.connect()
    x, y = p.exchange(c), p.exchange(c, part="y")
    c.do("exchange.bind", destination=y, source=x)
    c.call("exchange.delete", exchange=x, if_unused=True)


@probe("corner: auto-delete queue with a consumer whose channel is closed")
def auto_delete_channel(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, auto_delete=True)
    c.do("channel.open", 2)
    c.do("basic.consume", 2, queue=q)
    c.do("channel.close", 2, reply_code=200)
    c.call("queue.declare", queue=q, passive=True)


@probe("corner: auto-delete queue, declared again after its consumer is gone")
def auto_delete_again(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, auto_delete=True)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.do("basic.cancel", consumer_tag="t")
    c.call("queue.declare", queue=q, durable=True, auto_delete=True)


@probe("corner: purge leaves what a consumer holds, and delete counts only what is ready")
def delete_ready(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2", "3")
    c.do("basic.get", queue=q)
    c.call("queue.delete", queue=q)
    c.send("basic.ack", delivery_tag=1)
    c.sync()


@probe("corner: acknowledged after the queue was deleted, multiple")
def ack_deleted(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2")
    for _ in range(2):
        c.do("basic.get", queue=q)
    c.do("queue.delete", queue=q)
    c.send("basic.nack", delivery_tag=2, multiple=True)
    c.sync()
    c.send("basic.ack", delivery_tag=1)
    c.sync()


@probe("corner: expiry of what is put back counts from its publishing")
def ttl_back(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", arguments={"x-message-ttl": 600})
    c.do("basic.get", queue=q)
    c.quiet(0.3)
    c.send("basic.nack", delivery_tag=1)
    c.sync()
    c.quiet(0.8)
    p.note("left", bodies(c, q))


@probe("corner: expired ones do not count for the prefetch of a consumer that comes")
def ttl_consumer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "short", expiration="30")
    c.publish("", q, "long", expiration="100000")
    c.sync()
    c.quiet(0.3)
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read()


@probe("corner: the default queue type of the virtual host", needs_http=True)
def default_type(p: Probe) -> None:
    where = vhost(p)
    p.broker.api("PUT", "vhosts", where, body={"default_queue_type": "quorum"})
    c = p.connect(vhost=where)
    c.call("queue.declare", queue="d", durable=True)
    c.call("queue.declare", queue="d", durable=True, arguments={"x-queue-type": "quorum"})
    c.call("queue.declare", queue="e", exclusive=True)
    c.call("queue.declare", queue="t", auto_delete=True, durable=True)
    c.call("queue.declare", queue="d", durable=True, arguments={"x-queue-type": "classic"})


@probe("corner: exclusive queue with a consumer of its own, deleted by if-unused")
def exclusive_unused(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, exclusive=True, durable=False)
    c.do("basic.consume", queue=q)
    c.call("queue.delete", queue=q, if_unused=True)


@probe("corner: bound with a table of every kind, and unbound with the same")
def odd_arguments(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, "headers")
    arguments = {"a": {"b": [1, None, True, {"c": 1.5}]}, "x-match": "any"}
    c.call("queue.bind", queue=q, exchange=x, arguments=arguments)
    c.publish(x, "", "nested", headers={"a": {"b": [1, None, True, {"c": 1.5}]}})
    c.publish(x, "", "other", headers={"a": {"b": [1, None, True, {"c": 1.6}]}})
    c.sync()
    p.note("matched", bodies(c, q))
    c.call("queue.unbind", queue=q, exchange=x, arguments=arguments)
    c.publish(x, "", "gone", headers={"a": {"b": [1, None, True, {"c": 1.5}]}}, mandatory=True)
    c.read()


@probe("corner: a message to two queues, one of which refuses, mandatory")
def refused_one(p: Probe) -> None:
    c = p.connect()
    q, r, x = (
        p.queue(c, arguments={"x-max-length": 0, "x-overflow": "reject-publish"}),
        p.queue(c, "r"),
        p.exchange(c, "fanout"),
    )
    for each in (q, r):
        c.do("queue.bind", queue=each, exchange=x)
    c.do("confirm.select")
    for _ in range(3):
        c.publish(x, "", "x", mandatory=True)
        c.read()
    p.note("left", len(bodies(c, r)))


@probe("corner: read permission is enough to get and to purge", needs_http=True)
def only_read(p: Probe) -> None:
    name = user(p)
    owner = p.connect("b: ")
    q = filled(p, owner, "1", "2")
    p.broker.api("PUT", "permissions", "/", name, body={"configure": "^$", "write": "^$", "read": ".*"})
    c = p.connect(user=name, password="x")
    c.call("basic.get", queue=q, no_ack=True)
    c.call("queue.purge", queue=q)
    c.call("queue.declare", queue=q, passive=True)


@probe("corner: write permission is enough to publish, not to bind", needs_http=True)
def only_write(p: Probe) -> None:
    name = user(p)
    q = p.queue(p.connect("b: "))
    p.broker.api("PUT", "permissions", "/", name, body={"configure": "^$", "write": ".*", "read": "^$"})
    c = p.connect(user=name, password="x")
    c.publish("", q, "x")
    c.sync()
    c.call("queue.bind", queue=q, exchange="amq.direct")


@probe("corner: server-named queue without configure permission for amq.gen", needs_http=True)
def no_generated(p: Probe) -> None:
    name = user(p)
    p.broker.api("PUT", "permissions", "/", name, body={"configure": "^mine", "write": ".*", "read": ".*"})
    p.connect(user=name, password="x").call("queue.declare", queue="", exclusive=True)


@probe("corner: closed with unsettled confirms, and what was published is there")
def close_unconfirmed(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("confirm.select")
    for number in range(5):
        c.publish("", q, str(number), delivery_mode=2)
    c.send("channel.close", reply_code=200)
    try:
        while c._next(5)[0] != "channel.close-ok":
            pass
    except Ended:
        return
    c.do("channel.open")
    p.note("left", bodies(c, q))
