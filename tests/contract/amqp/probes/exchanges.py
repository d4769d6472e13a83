"""exchange.declare, delete, bind and unbind."""

from functools import partial
from typing import Any

from ..client import Probe
from .registry import add, cases, probe


def declare(p: Probe, **fields: Any) -> None:
    p.connect().call(
        "exchange.declare", **{"exchange": p.name("x"), "exchange_type": "direct", "durable": True, **fields}
    )


TYPES = ("direct", "fanout", "topic", "headers", "x-local-random")
# Not "Direct": whether Erlang knows that word, which makes it invalid and not unknown, depends on what it has loaded.
for kind in (*TYPES, "x-consistent-hash", "x-random", "invalid", "nonsense", "", "DIRECT"):
    add(f"exchange.declare: type {kind!r}", partial(declare, exchange_type=kind))
for title, fields in cases(
    {
        "transient": {"durable": False},
        "auto-delete": {"auto_delete": True},
        "internal": {"internal": True},
        "passive, missing": {"passive": True},
        "passive, of amq.direct": {"exchange": "amq.direct", "passive": True},
        "passive, of amq.direct with another type": {
            "exchange": "amq.direct",
            "passive": True,
            "exchange_type": "fanout",
        },
        "passive, unknown type": {"exchange": "amq.direct", "passive": True, "exchange_type": "nonsense"},
        "passive, of the default exchange": {"exchange": "", "passive": True},
        "the default exchange": {"exchange": ""},
        "amq.direct as it is": {"exchange": "amq.direct"},
        "amq.direct with another type": {"exchange": "amq.direct", "exchange_type": "fanout"},
        "amq.rabbitmq.trace as it is": {"exchange": "amq.rabbitmq.trace", "exchange_type": "topic", "internal": True},
        "reserved name": {"exchange": "amq.probe"},
        "reserved name, passive": {"exchange": "amq.probe", "passive": True},
        "name with a line break": {"exchange": "probe\nx\r"},
        "alternate-exchange that is missing": {"arguments": {"alternate-exchange": "probe.no-such-exchange"}},
        "alternate-exchange of the wrong type": {"arguments": {"alternate-exchange": 5}},
        "alternate-exchange that is empty": {"arguments": {"alternate-exchange": ""}},
        "unknown argument": {"arguments": {"x-nonsense": 5}},
    }
):
    add(f"exchange.declare: {title}", partial(declare, **fields))


def redeclare(p: Probe, first: dict[str, Any], second: dict[str, Any]) -> None:
    c = p.connect()
    x = p.exchange(c, **first)
    c.call(
        "exchange.declare", **{"exchange": x, "exchange_type": first.get("kind", "direct"), "durable": True, **second}
    )


SOME_ALTERNATE = {"alternate-exchange": "probe.no-such-exchange"}
for title, first, second in (
    ("equal", {}, {}),
    ("another type", {}, {"exchange_type": "fanout"}),
    ("unknown type", {}, {"exchange_type": "nonsense"}),
    ("another durable", {}, {"durable": False}),
    ("another auto_delete", {}, {"auto_delete": True}),
    ("another internal", {}, {"internal": True}),
    ("alternate-exchange missing", {"arguments": SOME_ALTERNATE}, {}),
    ("alternate-exchange added", {}, {"arguments": SOME_ALTERNATE}),
    ("alternate-exchange equal", {"arguments": SOME_ALTERNATE}, {"arguments": SOME_ALTERNATE}),
    ("alternate-exchange unequal", {"arguments": SOME_ALTERNATE}, {"arguments": {"alternate-exchange": "other"}}),
    ("unknown argument added", {}, {"arguments": {"x-nonsense": 5}}),
    ("unknown argument unequal", {"arguments": {"x-nonsense": 5}}, {"arguments": {"x-nonsense": 6}}),
    ("all unequal", {}, {"exchange_type": "fanout", "durable": False, "auto_delete": True, "internal": True}),
    ("passive, all unequal", {}, {"passive": True, "exchange_type": "topic", "durable": False, "auto_delete": True}),
):
    add(f"exchange.declare again: {title}", partial(redeclare, first=first, second=second))


def delete(name: str, p: Probe) -> None:
    p.connect().call("exchange.delete", exchange=name)


add("exchange.delete: the default exchange", partial(delete, ""))
add("exchange.delete: amq.direct", partial(delete, "amq.direct"))
add("exchange.delete: reserved name that is missing", partial(delete, "amq.probe"))
add("exchange.delete: missing", partial(delete, "probe.no-such-exchange"))


@probe("exchange.delete: if-unused while it is the source of a binding")
def if_unused(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c)
    c.do("queue.bind", queue=q, exchange=x)
    c.call("exchange.delete", exchange=x, if_unused=True)


@probe("exchange.delete: if-unused while it is only a destination")
def if_unused_destination(p: Probe) -> None:
    c = p.connect()
    x = p.exchange(c)
    c.do("exchange.bind", destination=x, source="amq.fanout")
    c.call("exchange.delete", exchange=x, if_unused=True)


def bind(method: str, destination: str, source: str, p: Probe) -> None:
    c = p.connect()
    p.exchange(c)
    names = {"own": p.name("x")}
    c.call(method, destination=names.get(destination, destination), source=names.get(source, source), routing_key="k")


for method in ("exchange.bind", "exchange.unbind"):
    for title, destination, source in (
        ("missing source", "own", "probe.no-such-source"),
        ("missing destination", "probe.no-such-destination", "own"),
        ("both missing", "probe.no-such-destination", "probe.no-such-source"),
        ("default exchange as source", "own", ""),
        ("default exchange as destination", "", "own"),
        ("to itself", "own", "own"),
        ("amq.direct as destination", "amq.direct", "own"),
    ):
        add(f"{method}: {title}", partial(bind, method, destination, source))


@probe("exchange.bind: twice, then unbound twice")
def bind_twice(p: Probe) -> None:
    c = p.connect()
    x, y = p.exchange(c), p.exchange(c, part="y")
    for method in 2 * ["exchange.bind"] + 2 * ["exchange.unbind"]:
        c.call(method, destination=y, source=x, routing_key="k")


@probe("exchange: internal, published to")
def internal(p: Probe) -> None:
    c = p.connect()
    c.publish(p.exchange(c, internal=True), "k")
    c.read()


@probe("exchange: internal, reached through a binding")
def internal_bound(p: Probe) -> None:
    c = p.connect()
    q, x, y = p.queue(c), p.exchange(c, "fanout"), p.exchange(c, "fanout", part="y", internal=True)
    c.do("exchange.bind", destination=y, source=x)
    c.do("queue.bind", queue=q, exchange=y)
    c.publish(x, "k", "through")
    c.sync()
    c.fetch(q, 1)


@probe("exchange: auto-delete goes with its last binding to a queue")
def auto_delete(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, auto_delete=True)
    c.do("queue.bind", queue=q, exchange=x, routing_key="a")
    c.do("queue.bind", queue=q, exchange=x, routing_key="b")
    c.do("queue.unbind", queue=q, exchange=x, routing_key="a")
    c.call("exchange.declare", exchange=x, passive=True)
    c.do("queue.unbind", queue=q, exchange=x, routing_key="b")
    c.call("exchange.declare", exchange=x, passive=True)


@probe("exchange: auto-delete goes when the bound queue is deleted")
def auto_delete_with_queue(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c, auto_delete=True)
    c.do("queue.bind", queue=q, exchange=x)
    c.do("queue.delete", queue=q)
    c.call("exchange.declare", exchange=x, passive=True)


@probe("exchange: auto-delete stays when it was only a destination")
def auto_delete_destination(p: Probe) -> None:
    c = p.connect()
    x, y = p.exchange(c), p.exchange(c, part="y", auto_delete=True)
    c.do("exchange.bind", destination=y, source=x)
    c.do("exchange.unbind", destination=y, source=x)
    c.call("exchange.declare", exchange=y, passive=True)


@probe("exchange: auto-delete goes in a chain")
def auto_delete_chain(p: Probe) -> None:
    c = p.connect()
    q, x, y = p.queue(c), p.exchange(c, auto_delete=True), p.exchange(c, part="y", auto_delete=True)
    c.do("exchange.bind", destination=y, source=x)
    c.do("queue.bind", queue=q, exchange=y)
    c.do("queue.unbind", queue=q, exchange=y)
    for name in (y, x):
        c.do("channel.open", 2)
        try:
            c.call("exchange.declare", 2, exchange=name, passive=True)
        except Exception:
            if name == x:
                raise


@probe("exchange: deleted with its bindings")
def bindings_go(p: Probe) -> None:
    c = p.connect()
    q, x = p.queue(c), p.exchange(c)
    c.do("queue.bind", queue=q, exchange=x, routing_key="k")
    c.do("exchange.delete", exchange=x)
    p.exchange(c)
    c.publish(x, "k", "gone", mandatory=True)
    c.read()
