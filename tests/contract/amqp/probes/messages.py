"""basic.publish, confirms, transactions, and what queues do to messages: expiry, limits, priorities, dead letters."""

from functools import partial
from typing import Any

from ..client import BODY, CONTENT_HEADER, METHOD, Ended, Probe, frame, header_payload, method_payload
from .receiving import filled
from .registry import add, cases, probe


def publish(confirmed: bool, p: Probe, **fields: Any) -> None:
    """Publishes to a queue of the probe's own, unless told otherwise; says what came of it, and what was queued."""
    c = p.connect()
    if confirmed:
        c.do("confirm.select")
    values: dict[str, Any] = {"exchange": "", "key": p.name(), "body": "hello", **fields}
    p.queue(c)
    c.publish(**values)
    c.sync()
    c.quiet()
    c.fetch(p.name(), 0)


for title, fields in cases(
    {
        "missing exchange": {"exchange": "probe.no-such-exchange"},
        "missing exchange, mandatory": {"exchange": "probe.no-such-exchange", "mandatory": True},
        "unroutable": {"key": "probe.nowhere"},
        "unroutable, mandatory": {
            "key": "probe.nowhere",
            "mandatory": True,
            "headers": {"a": 1},
            "content_type": "text/plain",
        },
        "unroutable, mandatory, amq.fanout": {"exchange": "amq.fanout", "mandatory": True},
        "routable, mandatory": {"mandatory": True},
        "immediate": {"immediate": True},
        "empty body": {"body": ""},
        "user_id of another": {"user_id": "somebody"},
        "user_id right": {"user_id": "guest"},
        "delivery_mode 0": {"delivery_mode": 0},
        "delivery_mode 3": {"delivery_mode": 3},
        "delivery_mode 2": {"delivery_mode": 2},
        "priority 255": {"priority": 255},
        "expiration 'abc'": {"expiration": "abc"},
        "expiration '-1'": {"expiration": "-1"},
        "expiration '0'": {"expiration": "0"},
        "expiration ' 1'": {"expiration": " 1"},
        "expiration '1.5'": {"expiration": "1.5"},
        "expiration '10000000000000'": {"expiration": "10000000000000"},
        "expiration '60000'": {"expiration": "60000"},
        "CC not a list": {"headers": {"CC": "probe.somewhere"}},
        "CC a list of numbers": {"headers": {"CC": [5]}},
        "BCC not a list": {"headers": {"BCC": "probe.somewhere"}},
        "x-death of its own": {"headers": {"x-death": "mine"}},
        "x-delay without the plugin": {"headers": {"x-delay": 5}},
    }
):
    add(f"publish: {title}", partial(publish, False, **fields))
    add(f"publish with confirms: {title}", partial(publish, True, **fields))


@probe("publish: missing exchange, and what was published after it")
def after_missing(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "before")
    c.publish("probe.no-such-exchange", q, "x")
    c.publish("", q, "after")
    c.quiet()
    c.do("channel.open")
    c.fetch(q, 1)


@probe("publish: the exchange is checked when the content is there")
def checked_late(p: Probe) -> None:
    c = p.connect()
    c.send("basic.publish", exchange="probe.no-such-exchange", routing_key="k")
    c.quiet()
    c.send_bytes(frame(CONTENT_HEADER, 1, header_payload(1)) + frame(BODY, 1, b"x"))
    c.quiet()


@probe("publish: body in several frames")
def several_frames(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.send_bytes(frame(METHOD, 1, method_payload("basic.publish", exchange="", routing_key=q)))
    c.send_bytes(
        frame(CONTENT_HEADER, 1, header_payload(3)) + b"".join(frame(BODY, 1, each) for each in (b"a", b"b", b"c"))
    )
    c.sync()
    c.fetch(q, 1)


def copies(p: Probe, **headers: Any) -> None:
    """CC and BCC name further keys; one queue stands for each key."""
    c = p.connect()
    for part in ("to", "cc", "bcc"):
        p.queue(c, part)
    named = {key: [p.name(each) for each in names] for key, names in headers.items()}
    c.publish("", p.name("to"), "hello", headers=named)
    c.sync()
    for part in ("to", "cc", "bcc"):
        c.fetch(p.name(part), int(part == "to" or any(part in names for names in headers.values())))


add("publish: CC", partial(copies, CC=["cc"]))
add("publish: BCC", partial(copies, BCC=["bcc"]))
add("publish: CC and BCC", partial(copies, CC=["cc"], BCC=["bcc"]))
add("publish: CC to the same queue twice", partial(copies, CC=["cc", "cc", "to"]))


@probe("publish: unroutable key, routable CC, mandatory")
def routable_cc(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", "probe.nowhere", "hello", mandatory=True, headers={"CC": [q]})
    c.sync()
    c.fetch(q, 1)


# Confirms


@probe("confirms: one by one")
def confirms(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("confirm.select")
    for _ in range(3):
        c.publish("", q, "hello")
        c.read()


@probe("confirms: persistent to a durable queue")
def confirms_persistent(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("confirm.select")
    c.publish("", q, "hello", delivery_mode=2)
    c.read()


@probe("confirms: to a quorum queue")
def confirms_quorum(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-queue-type": "quorum"})
    c.do("confirm.select")
    c.publish("", q, "hello")
    c.read()


@probe("confirms: counting starts at confirm.select")
def confirms_late(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "before")
    c.do("confirm.select")
    c.publish("", q, "after")
    c.read()


@probe("confirms: counting is the channel's and starts again with it")
def confirms_again(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    for _ in range(2):
        c.do("confirm.select")
        c.publish("", q, "hello")
        c.read()
        c.do("channel.close", reply_code=200)
        c.do("channel.open")


@probe("confirms: return before ack")
def return_before_ack(p: Probe) -> None:
    c = p.connect()
    c.do("confirm.select")
    c.publish("", "probe.nowhere", "one", mandatory=True)
    c.publish("", "probe.nowhere", "two", mandatory=True)
    c.quiet()


@probe("confirms: nack when the queue rejects")
def reject_publish(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    c.do("confirm.select")
    for body in ("1", "2"):
        c.publish("", q, body)
        c.read()
    c.fetch(q, 1)


@probe("confirms: nack when one of two queues rejects")
def reject_one(p: Probe) -> None:
    c = p.connect()
    q, r, x = (
        p.queue(c, arguments={"x-max-length": 0, "x-overflow": "reject-publish"}),
        p.queue(c, "r"),
        p.exchange(c, "fanout"),
    )
    for each in (q, r):
        c.do("queue.bind", queue=each, exchange=x)
    c.do("confirm.select")
    c.publish(x, "", "1")
    c.read()
    c.fetch(r, 1)


@probe("confirms: basic.ack from the client with nothing unacknowledged")
def client_ack(p: Probe) -> None:
    c = p.connect()
    c.do("confirm.select")
    c.send("basic.ack", delivery_tag=1)
    c.read()


# Transactions


@probe("tx: published messages come with the commit")
def tx_commit(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("tx.select")
    c.publish("", q, "1")
    c.publish("", q, "2")
    c.call("basic.get", queue=q)
    c.call("tx.commit")
    c.fetch(q, 2)


@probe("tx: rollback forgets published messages")
def tx_rollback(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("tx.select")
    c.publish("", q, "1")
    c.call("tx.rollback")
    c.call("tx.commit")
    c.fetch(q, 0)


@probe("tx: acks come with the commit")
def tx_ack(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", "2")
    c.do("tx.select")
    c.do("basic.get", queue=q)
    c.send("basic.ack", delivery_tag=1)
    c.call("tx.commit")
    c.do("channel.close", reply_code=200)
    c.do("channel.open")
    c.fetch(q, 1)


@probe("tx: rollback forgets acks, and the message can be acknowledged again")
def tx_ack_rollback(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.do("tx.select")
    c.do("basic.get", queue=q)
    c.send("basic.ack", delivery_tag=1)
    c.call("tx.rollback")
    c.call("basic.get", queue=q)
    c.send("basic.ack", delivery_tag=1)
    c.call("tx.commit")
    c.do("channel.close", reply_code=200)
    c.do("channel.open")
    c.fetch(q, 0)


@probe("tx: a closed channel is a rollback")
def tx_close(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.do("tx.select")
    c.do("basic.get", queue=q)
    c.send("basic.ack", delivery_tag=1)
    c.publish("", q, "2")
    c.do("channel.close", reply_code=200)
    c.do("channel.open")
    c.fetch(q, 1)


@probe("tx: reject waits for the commit")
def tx_reject(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1")
    c.do("tx.select")
    c.do("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=1)
    c.call("basic.get", queue=q)
    c.call("tx.commit")
    c.call("basic.get", queue=q)


@probe("tx: unroutable and mandatory is returned at the commit")
def tx_return(p: Probe) -> None:
    c = p.connect()
    c.do("tx.select")
    c.publish("", "probe.nowhere", "1", mandatory=True)
    c.sync()
    c.quiet()
    c.call("tx.commit")


@probe("tx: missing exchange")
def tx_missing(p: Probe) -> None:
    c = p.connect()
    c.do("tx.select")
    c.publish("probe.no-such-exchange", "k", "1")
    c.sync()
    c.call("tx.commit")


@probe("tx: ack of an unknown tag")
def tx_unknown_tag(p: Probe) -> None:
    c = p.connect()
    c.do("tx.select")
    c.send("basic.ack", delivery_tag=5)
    c.sync()
    c.call("tx.commit")


# Expiry


@probe("expiry: x-message-ttl")
def queue_ttl(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", arguments={"x-message-ttl": 100})
    c.quiet(0.6)
    c.fetch(q, 0)


@probe("expiry: the shorter of the queue's and the message's")
def shorter(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-message-ttl": 100})
    c.publish("", q, "1", expiration="60000")
    c.sync()
    c.quiet(0.6)
    c.fetch(q, 0)


@probe("expiry: x-message-ttl 0 without a consumer")
def ttl_zero(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", arguments={"x-message-ttl": 0})
    c.fetch(q, 0)


@probe("expiry: x-message-ttl 0 with a consumer that is free, and one that is not")
def ttl_zero_consumer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-message-ttl": 0})
    c.do("basic.qos", prefetch_count=1)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.publish("", q, "1")
    c.read()
    c.publish("", q, "2")
    c.sync()
    c.send("basic.ack", delivery_tag=1)
    c.quiet()


@probe("expiry: expiration 0 with a consumer")
def expiration_zero_consumer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.publish("", q, "1", expiration="0")
    c.read()


@probe("expiry: an expired message behind one that is not stays")
def behind(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "long")
    c.publish("", q, "short", expiration="50")
    c.sync()
    c.quiet(0.5)
    c.call("queue.declare", queue=q, passive=True)
    c.fetch(q, 1)


@probe("expiry: an unacknowledged message expires when it is put back")
def unacked_expires(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", arguments={"x-message-ttl": 200})
    c.call("basic.get", queue=q)
    c.quiet(0.6)
    c.send("basic.reject", delivery_tag=1)
    c.sync()
    c.fetch(q, 0)


# Limits


def limited(p: Probe, bodies: tuple[str, ...], arguments: dict[str, Any]) -> None:
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    for body in bodies:
        c.publish("", q, body)
    c.sync()
    c.quiet()
    c.call("queue.declare", queue=q, passive=True)
    c.fetch(q, 0)


LETTERS = ("a", "bb", "ccc", "dddd")
for title, arguments in cases(
    {
        "x-max-length 2": {"x-max-length": 2},
        "x-max-length 0": {"x-max-length": 0},
        "x-max-length-bytes 7": {"x-max-length-bytes": 7},
        "x-max-length-bytes 3": {"x-max-length-bytes": 3},
        "both": {"x-max-length": 3, "x-max-length-bytes": 4},
        "reject-publish": {"x-max-length": 2, "x-overflow": "reject-publish"},
    }
):
    add(f"limits: {title}", partial(limited, bodies=LETTERS, arguments=arguments))


@probe("limits: unacknowledged messages do not count")
def limits_unacked(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", arguments={"x-max-length": 1})
    c.do("basic.get", queue=q)
    c.publish("", q, "2")
    c.sync()
    c.send("basic.reject", delivery_tag=1)
    c.sync()
    c.fetch(q, 1)


@probe("limits: x-max-length 0 with a consumer")
def limits_consumer(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-length": 0})
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.publish("", q, "1")
    c.quiet()


# Priorities


@probe("priorities: order")
def priority_order(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-priority": 5})
    for priority in (1, 3, None, 5, 9, 0, 3):
        c.publish("", q, str(priority), priority=priority)
    c.sync()
    c.fetch(q, 7)


@probe("priorities: put back where it was")
def priority_requeue(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-priority": 5})
    for body in ("1", "5", "1 again", "5 again"):
        c.publish("", q, body, priority=int(body[0]))
    c.sync()
    for _ in range(3):
        c.do("basic.get", queue=q)
    c.send("basic.nack", delivery_tag=3, multiple=True)
    c.sync()
    c.fetch(q, 4)


@probe("priorities: x-max-length drops the head")
def priority_limit(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-max-priority": 5, "x-max-length": 2})
    for body in ("5", "1", "3"):
        c.publish("", q, body, priority=int(body))
    c.sync()
    c.fetch(q, 2)


# Dead letters


def dead_letters(p: Probe, c: Any, **arguments: Any) -> str:
    """A queue whose dead letters go to the queue `dead` by way of the default exchange."""
    p.queue(c, "dead")
    values = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": p.name("dead"), **arguments}
    return p.queue(c, arguments={key: value for key, value in values.items() if value is not None})


@probe("dead letters: rejected")
def dead_rejected(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    c.publish("", q, "1", headers={"mine": 1}, delivery_mode=2, message_id="m")
    c.do("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=1, requeue=False)
    c.fetch(p.name("dead"), 1)


@probe("dead letters: an x-death that a client publishes does not count")
def dead_twice(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    c.publish("", q, "1")
    for number in (1, 3):
        c.do("basic.get", queue=q)
        c.send("basic.nack", delivery_tag=number, requeue=False)
        c.quiet()
        if number == 1:
            headers = c.do("basic.get", queue=p.name("dead"))["headers"]
            c.publish("", q, "1", headers=headers)
            c.sync()
    c.fetch(p.name("dead"), 1)


def dead_expired(p: Probe, message: bool) -> None:
    c = p.connect()
    q = dead_letters(p, c, **({} if message else {"x-message-ttl": 50}))
    c.publish("", q, "1", expiration="50" if message else None)
    c.fetch(p.name("dead"), 1)


add("dead letters: expired by x-message-ttl", partial(dead_expired, message=False))
add("dead letters: expired by expiration, which is taken off", partial(dead_expired, message=True))


@probe("dead letters: x-max-length")
def dead_maxlen(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-max-length": 1})
    for body in ("1", "2", "3"):
        c.publish("", q, body)
    c.fetch(p.name("dead"), 2)
    c.fetch(q, 1)


@probe("dead letters: reject-publish-dlx")
def dead_reject_publish(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-max-length": 1, "x-overflow": "reject-publish-dlx"})
    c.do("confirm.select")
    for body in ("1", "2"):
        c.publish("", q, body)
        c.read()
    c.fetch(p.name("dead"), 1)


@probe("dead letters: reject-publish does not dead-letter")
def dead_not(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-max-length": 1, "x-overflow": "reject-publish"})
    for body in ("1", "2"):
        c.publish("", q, body)
    c.sync()
    c.quiet()
    c.fetch(p.name("dead"), 0)


@probe("dead letters: delivery limit of a quorum queue")
def dead_delivery_limit(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-queue-type": "quorum", "x-delivery-limit": 1})
    c.do("confirm.select")
    c.publish("", q, "1")
    c.read()
    c.do("basic.consume", queue=q, consumer_tag="t")
    for number in (1, 2):
        c.read()
        c.send("basic.reject", delivery_tag=number)
    c.sync()
    c.fetch(p.name("dead"), 1)


@probe("dead letters: the key stays without x-dead-letter-routing-key, CC goes along, BCC does not")
def dead_key(p: Probe) -> None:
    c = p.connect()
    x = p.exchange(c, "topic")
    dead = p.queue(c, "dead")
    c.do("queue.bind", queue=dead, exchange=x, routing_key="#")
    q = p.queue(c, arguments={"x-dead-letter-exchange": x, "x-message-ttl": 0})
    c.publish("", q, "1", headers={"CC": ["cc"], "BCC": ["bcc"]})
    c.fetch(dead, 1)


@probe("dead letters: x-dead-letter-routing-key, and CC")
def dead_key_cc(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-message-ttl": 0})
    c.publish("", q, "1", headers={"CC": ["cc"]})
    c.fetch(p.name("dead"), 1)


@probe("dead letters: exchange that is missing")
def dead_missing(p: Probe) -> None:
    c = p.connect()
    q = filled(p, c, "1", arguments={"x-dead-letter-exchange": "probe.no-such-exchange", "x-message-ttl": 50})
    c.quiet(0.5)
    c.fetch(q, 0)


@probe("dead letters: a circle of expiry ends")
def dead_circle(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": p.name(), "x-message-ttl": 50})
    c.publish("", q, "1")
    c.sync()
    c.quiet(0.6)
    c.fetch(q, 0)


@probe("dead letters: a circle of rejections goes on")
def dead_circle_rejected(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": p.name()})
    c.publish("", q, "1")
    c.do("basic.consume", queue=q, consumer_tag="t")
    for number in (1, 2, 3):
        c.read()
        c.send("basic.reject", delivery_tag=number, requeue=False)
    c.read()


@probe("dead letters: through two queues, the latest first")
def dead_chain(p: Probe) -> None:
    c = p.connect()
    last = p.queue(c, "last")
    for part, to in (("second", last), ("first", p.name("second"))):
        p.queue(c, part, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": to, "x-message-ttl": 50})
    c.publish("", p.name("first"), "1")
    c.fetch(last, 1)


@probe("dead letters: a circle of rejection and expiry counts each")
def dead_retry(p: Probe) -> None:
    c = p.connect()
    retry = p.name("retry")
    q = p.queue(c, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": retry})
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": q, "x-message-ttl": 50}
    p.queue(c, "retry", arguments=arguments)
    c.publish("", q, "1")
    c.do("basic.consume", queue=q, consumer_tag="t")
    for number in (1, 2):
        c.read()
        c.send("basic.reject", delivery_tag=number, requeue=False)
    c.read()


@probe("dead letters: quorum queue, rejected")
def dead_quorum(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c, **{"x-queue-type": "quorum"})
    c.do("confirm.select")
    c.publish("", q, "1")
    c.read()
    c.do("basic.consume", queue=q, consumer_tag="t")
    c.read()
    c.send("basic.reject", delivery_tag=1, requeue=False)
    c.fetch(p.name("dead"), 1)


@probe("dead letters: deleting and purging are no deaths")
def dead_purge(p: Probe) -> None:
    c = p.connect()
    q = dead_letters(p, c)
    c.publish("", q, "1")
    c.call("queue.purge", queue=q)
    c.publish("", q, "2")
    c.call("queue.delete", queue=q)
    c.quiet()
    c.fetch(p.name("dead"), 0)


def close_after(p: Probe) -> None:
    """What was published before a channel is closed is kept."""
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "1")
    try:
        c.call("queue.declare", queue="probe.no-such-queue", passive=True)
    except Ended:
        c.do("channel.open")
        c.fetch(q, 1)


add("publish: before an error of the channel", close_after)
