"""What policies, limits, topic permissions and the HTTP API do to AMQP clients."""

from collections.abc import Callable
from functools import partial
from typing import Any

from ..client import Connection, Ended, Probe
from .registry import add, probe
from .routing import taken

Definition = dict[str, Any]


def policy(p: Probe, definition: Definition, kind: str = "policies", **fields: Any) -> None:
    """A policy for everything of this probe's own. What a release does not know yet is noted, and ends the probe."""
    body = {"pattern": f"^{p.name().rpartition('.')[0]}", "definition": definition, "apply-to": "all", **fields}
    path = (kind, "/", f"probe-{p.name().split('.')[1]}-{len(p._undo)}")
    answer = p.broker.api("PUT", *path, body=body)
    if not answer.is_success:
        p.note("refused", answer.status_code)
        raise Ended
    p._undo.append(path)


def lengths(policies: tuple[tuple[str, Definition, dict[str, Any]], ...], arguments: Definition, p: Probe) -> None:
    """Publishes five messages and says which are still there, and which were refused."""
    for kind, definition, fields in policies:
        policy(p, definition, kind, **fields)
    c = p.connect()
    q = p.queue(c, arguments=arguments)
    c.do("confirm.select")
    for number in range(5):
        c.publish("", q, str(number))
        c.read()
    p.note("left", [event[1]["body"] for event in taken(c, q)])


USERS, OPERATORS = "policies", "operator-policies"
for title, policies, arguments in (
    ("max-length", ((USERS, {"max-length": 2}, {}),), {}),
    ("max-length, and a smaller argument", ((USERS, {"max-length": 3}, {}),), {"x-max-length": 1}),
    ("max-length, and a larger argument", ((USERS, {"max-length": 1}, {}),), {"x-max-length": 3}),
    ("overflow", ((USERS, {"max-length": 2, "overflow": "reject-publish"}, {}),), {}),
    (
        "overflow, and another argument",
        ((USERS, {"max-length": 2, "overflow": "reject-publish"}, {}),),
        {"x-overflow": "drop-head"},
    ),
    (
        "overflow drop-head, and an argument reject-publish",
        ((USERS, {"max-length": 2, "overflow": "drop-head"}, {}),),
        {"x-overflow": "reject-publish"},
    ),
    ("an operator's is smaller", ((USERS, {"max-length": 3}, {}), (OPERATORS, {"max-length": 2}, {})), {}),
    ("an operator's is larger", ((USERS, {"max-length": 2}, {}), (OPERATORS, {"max-length": 4}, {})), {}),
    ("an operator's, and an argument", ((OPERATORS, {"max-length": 2}, {}),), {"x-max-length": 4}),
    ("an operator's overflow", ((OPERATORS, {"max-length": 2, "overflow": "reject-publish"}, {}),), {}),
    (
        "the higher priority",
        ((USERS, {"max-length": 1}, {"priority": 1}), (USERS, {"max-length": 3}, {"priority": 5})),
        {},
    ),
    (
        "the higher priority does not add to the lower",
        ((USERS, {"max-length": 1}, {"priority": 1}), (USERS, {"message-ttl": 100000}, {"priority": 5})),
        {},
    ),
    ("for exchanges only", ((USERS, {"alternate-exchange": "amq.fanout"}, {"apply-to": "exchanges"}),), {}),
    ("for classic queues", ((USERS, {"max-length": 2}, {"apply-to": "classic_queues"}),), {}),
    ("for quorum queues", ((USERS, {"max-length": 2}, {"apply-to": "quorum_queues"}),), {}),
    ("of a quorum queue", ((USERS, {"max-length": 2}, {"apply-to": "quorum_queues"}),), {"x-queue-type": "quorum"}),
    ("delivery-limit on a classic queue", ((USERS, {"delivery-limit": 2, "max-length": 2}, {}),), {}),
    ("max-length-bytes", ((USERS, {"max-length-bytes": 2}, {}),), {}),
    ("expires and message-ttl", ((USERS, {"message-ttl": 0, "expires": 100000}, {}),), {}),
    ("message-ttl, and a larger argument", ((USERS, {"message-ttl": 0}, {}),), {"x-message-ttl": 100000}),
    ("message-ttl, and a smaller argument", ((USERS, {"message-ttl": 100000}, {}),), {"x-message-ttl": 0}),
):
    add(f"policy: {title}", partial(lengths, policies, arguments), needs_http=True)


@probe("policy: a limit that comes later drops the head", needs_http=True)
def later(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    for number in range(5):
        c.publish("", q, str(number))
    c.sync()
    policy(p, {"max-length": 2})
    c.quiet(0.5)
    c.call("queue.declare", queue=q, passive=True)
    p.note("left", [event[1]["body"] for event in taken(c, q)])


@probe("policy: a message-ttl that comes later", needs_http=True)
def later_ttl(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.publish("", q, "before")
    c.sync()
    policy(p, {"message-ttl": 100})
    c.quiet(0.3)
    c.publish("", q, "after")
    c.sync()
    c.quiet(0.8)
    p.note("left", [event[1]["body"] for event in taken(c, q)])


@probe("policy: expires", needs_http=True)
def expires(p: Probe) -> None:
    policy(p, {"expires": 200})
    c = p.connect()
    q = p.queue(c)
    c.quiet(1.0)
    c.call("queue.declare", queue=q, passive=True)


def dead(definition: Definition, arguments: Definition, reached: str, p: Probe) -> None:
    """A rejected message, and where it went, which may take it a moment."""
    c = p.connect()
    one, two = p.queue(c, "one"), p.queue(c, "two")
    names = {"one": one, "two": two}
    policy(p, {key: names.get(value, value) for key, value in definition.items()}, pattern=f"^{p.name()}$")
    q = p.queue(c, arguments={key: names.get(value, value) for key, value in arguments.items()})
    c.publish("", q, "x")
    c.sync()
    c.do("basic.get", queue=q)
    c.send("basic.reject", delivery_tag=1, requeue=False)
    c.sync()
    c.fetch(one, int(reached == "one"))
    c.fetch(two, int(reached == "two"))


DLX, KEY = "dead-letter-exchange", "dead-letter-routing-key"
for title, definition, arguments, reached in (
    ("dead letters", {DLX: "", KEY: "one"}, {}, "one"),
    ("dead letters, and an argument", {DLX: "", KEY: "one"}, {f"x-{DLX}": "", f"x-{KEY}": "two"}, "two"),
    ("dead letters, and an argument without a key", {DLX: "", KEY: "one"}, {f"x-{DLX}": "amq.fanout"}, "none"),
    ("dead-letter-routing-key alone, and the exchange as an argument", {KEY: "one"}, {f"x-{DLX}": ""}, "one"),
):
    add(f"policy: {title}", partial(dead, definition, arguments, reached), needs_http=True)


@probe("policy: alternate-exchange", needs_http=True)
def alternate(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c)
    policy(p, {"alternate-exchange": "amq.match"}, pattern=f"^{x}$")
    c.do("queue.bind", queue=q, exchange="amq.match", arguments={"x-match": "all", "probe": p.name()})
    c.publish(x, "nobody", "astray", mandatory=True, headers={"probe": p.name()})
    c.sync()
    c.fetch(q, 0)


@probe("policy: a queue declared again with what the policy says", needs_http=True)
def again(p: Probe) -> None:
    policy(p, {"max-length": 5})
    c = p.connect()
    q = p.queue(c)
    c.call("queue.declare", queue=q, durable=True, arguments={"x-max-length": 5})


@probe("policy: a delivery-limit of a quorum queue", needs_http=True)
def delivery_limit(p: Probe) -> None:
    policy(p, {"delivery-limit": 1})
    c = p.connect()
    q = p.queue(c, arguments={"x-queue-type": "quorum"})
    c.do("confirm.select")
    c.publish("", q, "x")
    c.read()
    c.do("basic.consume", queue=q, consumer_tag="t")
    for number in (1, 2):
        c.read()
        c.send("basic.nack", delivery_tag=number)
    c.quiet()


# Limits


def vhost(p: Probe, **limits: int) -> str:
    """A virtual host of the probe's own with these limits, where guest may do everything."""
    name = f"probe-{p.name().split('.')[1]}"
    p.broker.api("DELETE", "vhosts", name)
    p.api("PUT", "vhosts", name)
    p.broker.api("PUT", "permissions", name, "guest", body={"configure": ".*", "write": ".*", "read": ".*"})
    for limit, number in limits.items():
        p.broker.api("PUT", "vhost-limits", name, limit.replace("_", "-"), body={"value": number})
    return name


def user(p: Probe, tags: str = "", where: str = "/", **limits: int) -> str:
    name = f"probe-{p.name().split('.')[1]}"
    p.api("PUT", "users", name, body={"password": "x", "tags": tags})
    p.broker.api("PUT", "permissions", where, name, body={"configure": ".*", "write": ".*", "read": ".*"})
    for limit, number in limits.items():
        p.broker.api("PUT", "user-limits", name, limit.replace("_", "-"), body={"value": number})
    return name


@probe("limit: connections of a virtual host, 0", needs_http=True)
def no_connections(p: Probe) -> None:
    p.connect(vhost=vhost(p, max_connections=0))


@probe("limit: connections of a virtual host, 1", needs_http=True)
def one_connection(p: Probe) -> None:
    where = vhost(p, max_connections=1)
    p.connect(vhost=where)
    p.connect("b: ", vhost=where)


@probe("limit: queues of a virtual host", needs_http=True)
def queues(p: Probe) -> None:
    c = p.connect(vhost=vhost(p, max_queues=1))
    c.call("queue.declare", queue="one", durable=True)
    c.call("queue.declare", queue="one", durable=True)
    c.call("queue.declare", queue="two", durable=True)


@probe("limit: queues of a virtual host, 0", needs_http=True)
def no_queues(p: Probe) -> None:
    p.connect(vhost=vhost(p, max_queues=0)).call("queue.declare", queue="", exclusive=True)


@probe("limit: queues of a virtual host, negative", needs_http=True)
def any_queues(p: Probe) -> None:
    p.connect(vhost=vhost(p, max_queues=-1)).call("queue.declare", queue="one", durable=True)


@probe("limit: connections of a user, 0", needs_http=True)
def no_user_connections(p: Probe) -> None:
    p.connect(user=user(p, max_connections=0), password="x")


@probe("limit: connections of a user, 1", needs_http=True)
def one_user_connection(p: Probe) -> None:
    name = user(p, max_connections=1)
    p.connect(user=name, password="x")
    p.connect("b: ", user=name, password="x")


@probe("limit: channels of a user", needs_http=True)
def channels(p: Probe) -> None:
    c = p.connect(user=user(p, max_channels=2), password="x")
    c.call("channel.open", 2)
    c.call("channel.open", 3)


@probe("limit: channels of a user, over two connections", needs_http=True)
def channels_together(p: Probe) -> None:
    name = user(p, max_channels=2)
    p.connect(user=name, password="x").call("channel.open", 2)
    p.connect("b: ", user=name, password="x")


# What the HTTP API does under a client's feet


def under(p: Probe, c: Connection, act: Callable[[], Any]) -> None:
    act()
    c.quiet(2.0)


@probe("administration: the user is deleted", needs_http=True)
def user_deleted(p: Probe) -> None:
    name = user(p)
    c = p.connect(user=name, password="x")
    under(p, c, lambda: p.broker.api("DELETE", "users", name))
    if not c.closed:
        c.call("queue.declare", queue=p.name(), durable=True)


@probe("administration: the permissions are cleared", needs_http=True)
def permissions_cleared(p: Probe) -> None:
    name = user(p)
    c = p.connect(user=name, password="x")
    q = p.queue(c)
    p.api("DELETE", "permissions", "/", name)
    c.publish("", q, "x")
    c.sync()


@probe("administration: the permissions are narrowed", needs_http=True)
def permissions_narrowed(p: Probe) -> None:
    name = user(p)
    c = p.connect(user=name, password="x")
    q = p.queue(c)
    c.publish("", q, "x")
    c.sync()
    p.broker.api("PUT", "permissions", "/", name, body={"configure": ".*", "write": "^$", "read": ".*"})
    c.publish("amq.direct", q, "x")
    c.sync()


@probe("administration: the queue is deleted", needs_http=True)
def queue_deleted(p: Probe) -> None:
    c = p.connect()
    q = p.queue(c)
    c.do("basic.consume", queue=q, consumer_tag="t")
    under(p, c, lambda: p.broker.api("DELETE", "queues", "/", q))


@probe("administration: the exchange is deleted", needs_http=True)
def exchange_deleted(p: Probe) -> None:
    c = p.connect()
    x = p.exchange(c)
    c.publish(x, "k", "x")
    c.sync()
    p.api("DELETE", "exchanges", "/", x)
    c.publish(x, "k", "x")
    c.sync()


# Topic permissions


def topics(method: str, limits: dict[str, str], keys: tuple[str, ...], p: Probe, exchange: str = "amq.topic") -> None:
    """One publish or binding after the other until one is refused."""
    name = user(p)
    p.broker.api("PUT", "topic-permissions", "/", name, body={"exchange": "amq.topic", **limits})
    c = p.connect(user=name, password="x")
    q = p.queue(c)
    for key in keys:
        key = key.replace("USER", name)
        if method == "publish":
            c.publish(exchange, key, "x")
            c.sync()
        elif method == "exchange.bind":
            c.do("exchange.bind", destination=p.exchange(c), source=exchange, routing_key=key)
        else:
            c.do(method, queue=q, exchange=exchange, routing_key=key)
        p.note(method, "allowed", key.replace(name, "USER"))


for title, method, limits, keys in (
    ("publish", "publish", {"write": "^a", "read": "^b"}, ("a.b", "b.a")),
    ("bind", "queue.bind", {"write": "^a", "read": "^b"}, ("b.a", "a.b")),
    ("unbind", "queue.unbind", {"write": "^a", "read": "^b"}, ("b.a", "a.b")),
    ("bind an exchange", "exchange.bind", {"write": "^a", "read": "^b"}, ("b.a", "a.b")),
    ("username", "publish", {"write": r"^{username}\.", "read": ".*"}, ("USER.a", "other.a")),
    ("vhost", "publish", {"write": r"^{vhost}\.", "read": ".*"}, ("/.a", "other.a")),
    ("an unknown variable", "publish", {"write": r"^{client_id}", "read": ".*"}, ("{client_id}", "a")),
    ("nothing allowed", "publish", {"write": "^$", "read": ".*"}, ("", "a")),
    ("an empty pattern", "publish", {"write": "", "read": ".*"}, ("", "a")),
):
    add(f"topic permission: {title}", partial(topics, method, limits, keys), needs_http=True)
add(
    "topic permission: of another exchange",
    partial(topics, "publish", {"write": "^$", "read": "^$"}, ("a", "b"), exchange="amq.direct"),
    needs_http=True,
)


def tagged(tags: str, p: Probe) -> None:
    """A message in the name of another user."""
    c = p.connect(user=user(p, tags), password="x")
    c.publish("", "nowhere", "x", user_id="guest", mandatory=True)
    c.read()


for tags in ("impersonator", "administrator", "management", "monitoring,impersonator"):
    add(f"user_id of another: {tags}", partial(tagged, tags), needs_http=True)


@probe("open: a virtual host that is missing, as another user", needs_http=True)
def missing_vhost(p: Probe) -> None:
    p.connect(user=user(p), password="x", vhost="probe-no-such-vhost")


@probe("open: no permission in the virtual host", needs_http=True)
def denied(p: Probe) -> None:
    where = vhost(p)
    p.connect(user=user(p), password="x", vhost=where)


@probe("connection.update-secret: of a user with a password", needs_http=True)
def update_secret(p: Probe) -> None:
    c = p.connect(user=user(p), password="x")
    try:
        c.call("connection.update-secret", 0, new_secret="something else", reason="r")
        c.call("queue.declare", queue=p.name(), durable=True)
    except Ended:
        c.quiet()
