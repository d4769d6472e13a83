"""One broker full of everything that a list can show: strange names, every kind of object, live clients.

`build` empties the node first, so it may run again on the same node. Names that begin with "amqp." belong to objects
whose arguments an AMQP client wrote: the HTTP API sorts their keys and drops their types.
"""

import contextlib
import datetime
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

from . import wire
from .brokers import Node

DEFAULT = "/"
ODD = "contract vh/ünï \"q\" 'a' \\ %2F +?#&= 🐇"
HARD = "contract\ttab\nline"
EMPTY = "contract-empty"
VHOSTS = (DEFAULT, ODD, HARD, EMPTY)

ODD_USER = 'contract ü/ser "q" 🐇'

STRANGE = (
    "with space",
    " spaces around ",
    "slash/es//",
    "ünïcødé ÿ",
    "emoji 🐇🥕",
    "日本語のキュー",
    'double"quotes"',
    "single'quote",
    "back\\slash\\n",
    "percent%2Fencoded%",
    "plus+and&amp;=?#fragment",
    "name,with,commas",
    "control \x01\x02\x1f",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07",
    "delete \x7f and c1 \x85\x9b",
    "bell\x07back\x08feed\x0c\x0b",
    "right\u202eto left",
    "combining e\u0301, line\u2028separator, \ufeffmark",
    "x" * 255,
    "é" * 127 + "x",
    "true",
    "123",
    "1.5",
    "[]",
    '<<"binary">>',
    "#{a => b}",
    "undefined",
    "null",
    "--formatter",
    "-p",
    ".",
    "..",
    "amq",
    "UPPER and lower",
)
# A tab or a line feed in a name breaks the rows of the table, in both programs alike.
TABS = ("tab\there", "two\t\ttabs\t", "line\nfeed", "crlf\r\nend", "\ttab first")
# These and all others that do; none of them occurs in any other text.
BREAKING = (
    *TABS,
    HARD,
    "contract\tuser",
    "^\\d+\\.\t",
    "tab\tpolicy",
    "tab\tpattern",
    "contract\ttab",
    "tab\tkey",
    "line\nkey",
    "tab\ttag",
)

# Arguments over HTTP: every JSON type there is.
EVERY_KIND: dict[str, Any] = {
    "zero": 0,
    "int": 42,
    "negative": -5,
    "big": 2**62,
    "float": 1.5,
    "whole": 100.0,
    "tiny": 1.25e-7,
    "huge": 1e100,
    "third": 1 / 3,
    "large": 123456789012345.6,
    "true": True,
    "false": False,
    "text": "plain",
    "empty": "",
    "latin": "ünï ÿ",
    "wide": "snow ☃ 🐇",
    "quotes": 'a "b" \\c',
    "control": "tab\t line\n return\r escape\x1b bell\x07",
    "delete": "\x7f",
    "no list": [],
    "no table": {},
    "ints": [1000, 2000, 3000],
    "string of ints": [104, 105],
    "mixed list": [1, "two", False],
    "table": {"b": {"deep": [{"er": "x"}]}, "a": 1.0},
    "ünï key ☃": "x",
}


def build(node: Node, certificates: Path | None) -> Callable[[], None]:
    """Builds it all, waits until the statistics are settled, and returns what closes the live clients.

    Without `certificates`, what the embedded broker has too: no streams, no plugins' parameters, and no clients of
    other protocols or over TLS.
    """
    everything = certificates is not None
    with contextlib.ExitStack() as stack:
        clear(node)
        _vhosts_and_users(node)
        _policies(node)
        _parameters(node, everything)
        for vhost in (DEFAULT, ODD, HARD):
            _exchanges(node, vhost)
            _queues(node, vhost, everything)
            _bindings(node, vhost, everything)
        _messages(node, everything)
        _clients(node, certificates, stack)
        _let_settle(node)
        return stack.pop_all().close
    raise AssertionError("unreachable")


def strange_names(vhost: str) -> Iterator[str]:
    yield from STRANGE if vhost != HARD else STRANGE[:3]
    if vhost == HARD:
        yield from TABS


# ------------------------------------------------------------------------------------------------- what is declared


def clear(node: Node) -> None:
    for vhost in node.get("vhosts"):
        if vhost["name"] != DEFAULT:
            node.delete("vhosts", vhost["name"])
    for user in node.get("users"):
        if user["name"] != "guest":
            node.delete("users", user["name"])
    for queue in node.get("queues", query="?disable_stats=true"):
        node.delete("queues", queue["vhost"], queue["name"])
    for exchange in node.get("exchanges"):
        if exchange["name"] and not exchange["name"].startswith("amq."):
            node.delete("exchanges", exchange["vhost"], exchange["name"])
    for kind in ("policies", "operator-policies"):
        for policy in node.get(kind):
            node.delete(kind, policy["vhost"], policy["name"])
    for parameter in node.get("parameters"):
        if parameter["component"] not in ("operator_policy", "vhost-limits"):
            node.delete("parameters", parameter["component"], parameter["vhost"], parameter["name"])
    for parameter in node.get("global-parameters"):
        if parameter["name"].startswith("contract"):
            node.delete("global-parameters", parameter["name"])
    for kind, owner in (("vhost-limits", "vhost"), ("user-limits", "user")):
        for limits in node.get(kind):
            for limit in limits["value"] or {}:
                node.delete(kind, limits[owner], limit)


def _vhosts_and_users(node: Node) -> None:
    described: dict[str, Any] = {"description": 'tägs, "quotes" and 🐇', "tags": "production,qa ü"}
    if node.modern:
        described["default_queue_type"] = "quorum"
    node.put("vhosts", ODD, body=described)
    node.put("vhosts", HARD, body={"tracing": True})
    node.put("vhosts", EMPTY, body={"description": "", "tags": "one"})
    if node.modern:
        node.post("vhosts", EMPTY, "deletion", "protection", body={})
        node.delete("vhosts", EMPTY, "deletion", "protection")
    node.put("users", ODD_USER, body={"password": "p", "tags": "management,cüstom tag,monitoring"})
    node.put("users", "contract\tuser", body={"password": "p", "tags": ""})
    node.put("users", "contract-plain", body={"password": "p", "tags": "policymaker"})
    node.put("users", "contract-bare", body={"password_hash": "", "tags": ""})
    for vhost in (DEFAULT, ODD, HARD):
        node.put("permissions", vhost, ODD_USER, body={"configure": "^ünï\\.", "write": ".*", "read": '^(a|b\\s"q"|)$'})
    node.put("permissions", ODD, "contract-plain", body={"configure": "", "write": "", "read": "^$"})
    node.put("permissions", ODD, "contract\tuser", body={"configure": "^\\d+\\.\t", "write": "[\"'`]", "read": ".*"})
    for exchange, write, read in (("amq.topic", "^a\\.", ".*"), ("amq.rabbitmq.trace", "", "^{username}-{vhost}\\.")):
        node.put("topic-permissions", DEFAULT, ODD_USER, body={"exchange": exchange, "write": write, "read": read})
    node.put("topic-permissions", ODD, ODD_USER, body={"exchange": "amq.topic", "write": "ü ☃", "read": '"'})
    node.put("topic-permissions", ODD, "contract-plain", body={"exchange": "amq.topic", "write": ".*", "read": ".*"})
    # set_*_limits of rabbitmqctl and the HTTP API write the same document.
    node.put("vhost-limits", EMPTY, "max-queues", body={"value": 0})
    node.put("vhost-limits", EMPTY, "max-connections", body={"value": 64})
    node.put("vhost-limits", ODD, "max-connections", body={"value": -1})
    node.put("user-limits", ODD_USER, "max-connections", body={"value": 100})
    node.put("user-limits", ODD_USER, "max-channels", body={"value": -1})
    node.put("user-limits", "contract-plain", "max-channels", body={"value": 0})


def _policies(node: Node) -> None:
    definition = {"max-length": 2000, "dead-letter-exchange": "ünï ☃", "message-ttl": 86400000, "overflow": "drop-head"}
    node.put(
        "policies",
        DEFAULT,
        "limits",
        body={
            "pattern": "^(with space|typed\\..*)$",
            "apply-to": "queues",
            "priority": 5,
            "definition": definition,
        },
    )
    node.put(
        "policies",
        DEFAULT,
        'ünï pölicy/"q" 🐇',
        body={
            "pattern": '^ünï.*\\\\d+"?$',
            "apply-to": "exchanges",
            "priority": -1,
            "definition": {"alternate-exchange": "amq.fanout"},
        },
    )
    node.put(
        "policies",
        ODD,
        "all",
        body={"pattern": ".*", "apply-to": "all", "definition": {"max-length-bytes": 10_000_000}},
    )
    node.put(
        "policies",
        ODD,
        "streams",
        body={
            "pattern": "^typed\\.stream",
            "apply-to": "queues",
            "priority": 9,
            "definition": {"max-age": "7D", "max-length-bytes": 900_000_000},
        },
    )
    node.put(
        "policies",
        HARD,
        "tab\tpolicy",
        body={"pattern": "tab\tpattern", "priority": 0, "definition": {"expires": 86400000}},
    )
    if not node.modern:
        node.put(
            "policies",
            DEFAULT,
            "mirrored",
            body={
                "pattern": "^mirrored",
                "apply-to": "queues",
                "priority": 7,
                "definition": {"ha-mode": "all", "ha-sync-mode": "automatic"},
            },
        )
    node.put(
        "operator-policies",
        DEFAULT,
        "operators",
        body={
            "pattern": "^(with space|slash|typed\\.classic)",
            "apply-to": "queues",
            "priority": 3,
            "definition": {"max-length": 1000, "expires": 864000000},
        },
    )
    node.put(
        "operator-policies",
        ODD,
        'öp "q"',
        body={"pattern": ".*", "apply-to": "queues", "definition": {"max-length-bytes": 5_000_000}},
    )


def _parameters(node: Node, everything: bool) -> None:
    if everything:
        _parameters_of_plugins(node)
    values: dict[str, Any] = {
        "number": 5,
        "float": 0.1,
        "text": 'ünï ☃ "q" \\ \t /',
        "list": [1, "two", None, True, {}],
        "nothing": None,
        "object": {"z": 1, "a": {"c": [], "b": 1e100}},
        "true": True,
        "empty": "",
    }
    if not everything:
        del values["nothing"]  # the embedded broker keeps no null
    for name, value in values.items():
        node.put("global-parameters", f"contract {name} ü", body={"value": value})
    node.put("global-parameters", "contract\ttab", body={"value": 1})


def _parameters_of_plugins(node: Node) -> None:
    uri = "amqp://ünï:p%40ss@127.0.0.1:1/%2F?heartbeat=10"
    node.put(
        "parameters",
        "federation-upstream",
        DEFAULT,
        "up ☃",
        body={"value": {"uri": uri, "expires": 3600000, "max-hops": 2}},
    )
    node.put(
        "parameters",
        "federation-upstream",
        ODD,
        "up",
        body={"value": {"uri": "amqp://127.0.0.1:1", "prefetch-count": 5}},
    )
    node.put(
        "parameters", "federation-upstream-set", ODD, "set", body={"value": [{"upstream": "up", "exchange": 'x"y\\z'}]}
    )
    # Nothing listens on port 1, and the next attempt is far away.
    node.put(
        "parameters",
        "shovel",
        DEFAULT,
        "shovel ü/1",
        body={
            "value": {
                "src-uri": "amqp://127.0.0.1:1",
                "src-queue": 'a "q"',
                "dest-uri": "amqp://127.0.0.1:1",
                "dest-queue": "b",
                "reconnect-delay": 3600,
            }
        },
    )


def _exchanges(node: Node, vhost: str) -> None:
    for name in strange_names(vhost):
        # A segment of one or two dots is a path of its own to every HTTP client and server.
        if name not in (".", ".."):
            node.put("exchanges", vhost, name, body={"type": "topic"})
    for kind in ("direct", "fanout", "topic", "headers", *(("x-local-random",) if node.modern else ())):
        node.put("exchanges", vhost, f"kind.{kind}", body={"type": kind, "durable": True})
        node.put(
            "exchanges", vhost, f"kind.{kind}.transient", body={"type": kind, "durable": False, "auto_delete": True}
        )
    node.put("exchanges", vhost, "internal", body={"type": "fanout", "internal": True})
    node.put(
        "exchanges", vhost, "alternate", body={"type": "direct", "arguments": {"alternate-exchange": "kind.fanout"}}
    )
    node.put("exchanges", vhost, "every kind", body={"type": "direct", "arguments": EVERY_KIND})
    node.put("exchanges", vhost, "ünï 1", body={"type": "direct"})


def _queue_kinds(node: Node, everything: bool) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Name to properties and arguments."""
    kinds: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "typed.classic": ({}, {"x-queue-type": "classic"}),
        "typed.quorum": ({}, {"x-queue-type": "quorum"}),
        "typed.quorum.limits": (
            {},
            {
                "x-queue-type": "quorum",
                "x-delivery-limit": 3,
                "x-max-length": 100,
                "x-overflow": "reject-publish",
                "x-dead-letter-exchange": "kind.fanout",
                "x-dead-letter-strategy": "at-least-once",
                "x-quorum-initial-group-size": 1,
            },
        ),
        "typed.stream": ({}, {"x-queue-type": "stream", "x-max-age": "2h", "x-stream-max-segment-size-bytes": 1000000}),
        "args.priority": ({}, {"x-max-priority": 5, "x-queue-type": "classic"}),
        "args.ttl": ({}, {"x-message-ttl": 3600000, "x-expires": 86400000}),
        "args.dead letters": ({}, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "with space"}),
        "args.length": ({}, {"x-max-length": 2, "x-max-length-bytes": 4096, "x-overflow": "reject-publish"}),
        "args.single": ({}, {"x-single-active-consumer": True}),
        "args.every kind": ({}, {"x-queue-type": "classic", **EVERY_KIND}),
        "auto delete": ({"auto_delete": True}, {"x-queue-type": "classic"}),
        "transient": ({"durable": False}, {"x-queue-type": "classic"}),
    }
    if not node.modern:
        kinds["args.lazy"] = ({}, {"x-queue-mode": "lazy"})
        kinds["args.locator"] = ({}, {"x-queue-master-locator": "client-local"})
        kinds["mirrored"] = ({}, {})
    if not everything:
        del kinds["typed.stream"]
    return kinds


def _queues(node: Node, vhost: str, everything: bool) -> None:
    for name in strange_names(vhost):
        if name not in (".", ".."):
            node.put("queues", vhost, name, body={"durable": True, "arguments": {"x-queue-type": "classic"}})
    for name, (properties, arguments) in _queue_kinds(node, everything).items():
        node.put("queues", vhost, name, body={"durable": True, **properties, "arguments": arguments})


def _bindings(node: Node, vhost: str, everything: bool) -> None:
    def bind(source: str, kind: str, destination: str, key: str, arguments: dict[str, Any] | None = None) -> None:
        body = {"routing_key": key, "arguments": arguments or {}}
        node.post("bindings", vhost, "e", source, kind, destination, body=body)

    for name in strange_names(vhost):
        if name not in (".", ".."):
            bind("kind.topic", "q", name, name)
            bind(name, "q", "typed.classic", "")
            bind(name, "e", "kind.fanout", 'ünï ☃ "key"')
    for key in ("", "a", "a.*.#", "ünï ☃", "new+key", "tab\tkey", "line\nkey", "k" * 255):
        bind("kind.direct", "q", "typed.quorum", key)
    bind("kind.headers", "q", "typed.classic", "", {"x-match": "all", "type": "ünï ☃", "size": 5, "ok": True})
    bind("kind.headers", "q", "typed.classic", "", {"x-match": "any", "price": 1.5})
    bind("kind.headers", "q", "typed.stream" if everything else "args.ttl", "ignored", EVERY_KIND)
    bind("kind.headers", "e", "internal", "", {"x-match": "any-with-x", "deep": {"b": [1], "a": {}}})


def _messages(node: Node, everything: bool) -> None:
    def publish(vhost: str, queue: str, count: int, **properties: Any) -> None:
        for number in range(count):
            body = {
                "routing_key": queue,
                "payload": f"message {number}",
                "payload_encoding": "string",
                "properties": properties,
            }
            node.post("exchanges", vhost, "amq.default", "publish", body=body)

    for vhost in (DEFAULT, ODD):
        publish(vhost, "with space", 3, delivery_mode=2)
        publish(vhost, "ünïcødé ÿ", 2)
        publish(vhost, "typed.classic", 7, delivery_mode=2, timestamp=1700000000)
        publish(vhost, "typed.quorum", 5)
        publish(vhost, "typed.quorum.limits", 2)
        if everything:
            publish(vhost, "typed.stream", 4)
        publish(vhost, "args.priority", 3, priority=4)
        publish(vhost, "args.single", 6)
        publish(vhost, "args.length", 2)
        publish(vhost, "transient", 2)
        publish(vhost, "emoji 🐇🥕", 1)


# ---------------------------------------------------------------------------------------------------- live clients


def _open(
    node: Node,
    vhost: str,
    stack: contextlib.ExitStack,
    *,
    tls: Path | None = None,
    user: str = "guest",
    **properties: Any,
) -> pika.BlockingConnection:
    options = None
    if tls:
        context = ssl.create_default_context(cafile=str(tls / "ca.pem"))
        context.load_cert_chain(tls / "client.pem", tls / "client.key")
        options = pika.SSLOptions(context, "localhost")
    connection = pika.BlockingConnection(
        pika.ConnectionParameters(
            host="127.0.0.1",
            port=node.port("amqps" if tls else "amqp"),
            virtual_host=vhost,
            credentials=pika.PlainCredentials(user, "guest" if user == "guest" else "p"),
            heartbeat=0,  # nothing may move the counters while two programs read them
            client_properties=properties or None,
            ssl_options=options,
        )
    )
    stack.callback(_close, connection)
    return connection


def _close(connection: pika.BlockingConnection) -> None:
    # The broker may have gone before the client.
    with contextlib.suppress(pika.exceptions.AMQPError):
        connection.close()


def _consume(
    channel: BlockingChannel, queue: str, tag: str, *, ack: bool = True, prefetch: int | None = None, **more: Any
) -> None:
    if prefetch is not None:
        channel.basic_qos(prefetch_count=prefetch)
    channel.basic_consume(queue, on_message_callback=lambda *_: None, auto_ack=not ack, consumer_tag=tag, **more)


def _clients(node: Node, certificates: Path | None, stack: contextlib.ExitStack) -> None:
    everything = certificates is not None
    working = [_worker(node, stack, DEFAULT, "first", everything), _worker(node, stack, ODD, 'ünï "q" 🐇', everything)]
    working += [_busy_channels(node, stack), _amqp_arguments(node, stack, ODD)]
    _open(node, ODD, stack, user=ODD_USER)  # a connection without a channel
    _open(node, HARD, stack, connection_name="tab\there").channel(channel_number=77)
    if everything:
        _open(node, DEFAULT, stack, tls=certificates, connection_name="over TLS").channel()
        stack.enter_context(wire.mqtt(node.port("mqtt"), "contract-mqtt"))
        stack.enter_context(wire.stomp(node.port("stomp")))
    for connection in working:
        connection.process_data_events(time_limit=1)


def _worker(
    node: Node, stack: contextlib.ExitStack, vhost: str, name: str, everything: bool
) -> pika.BlockingConnection:
    """Consumers of every kind, most of which never acknowledge."""
    connection = _open(node, vhost, stack, connection_name=name, product="contract", odd={"b": 1, "a": ["x", True]})
    _consume(connection.channel(), "typed.classic", "slow", prefetch=3)
    _consume(connection.channel(), "typed.classic", 'ünï tag "q" 🐇', prefetch=0, arguments={"x-priority": 10})
    _consume(connection.channel(), "typed.quorum", "quorum tag", prefetch=2)
    if everything:
        offset = {"x-stream-offset": "first"}
        _consume(connection.channel(), "typed.stream", "stream tag", prefetch=1, arguments=offset)
    _consume(connection.channel(), "transient", "greedy", ack=False)
    single = connection.channel()
    _consume(single, "args.single", "active one", prefetch=4)
    _consume(single, "args.single", "waiting one")
    _consume(connection.channel(), "args.ttl", "only me", exclusive=True)
    mine = connection.channel()
    mine.queue_declare("private", exclusive=True)
    _consume(mine, "private", "private tag")
    mine.queue_declare("", exclusive=True)
    mine.queue_declare("", auto_delete=True, exclusive=True, arguments={"x-max-length": 1})
    _consume(mine, mine.queue_declare("auto gone", auto_delete=True, durable=True).method.queue, "tab\ttag")
    return connection


def _busy_channels(node: Node, stack: contextlib.ExitStack) -> pika.BlockingConnection:
    connection = _open(node, DEFAULT, stack, connection_name="channels")
    transactional = connection.channel(channel_number=9)
    transactional.tx_select()
    for _ in range(3):
        transactional.basic_publish("", "with space", b"not yet committed")
    delivery, _, _ = transactional.basic_get("with space")
    transactional.basic_get("with space")
    transactional.basic_ack(delivery.delivery_tag)
    confirming = connection.channel(channel_number=500)
    confirming.confirm_delivery()
    confirming.basic_publish("", "emoji 🐇🥕", b"confirmed")
    if not node.modern:
        connection.channel().basic_qos(prefetch_count=17, global_qos=True)
    connection.channel().basic_qos(prefetch_count=65535)
    # Not from a quorum queue: rabbitmqctl lists such a message as a consumer, the HTTP API does not.
    connection.channel().basic_get("typed.classic")
    connection.channel().close()
    return connection


def _amqp_arguments(node: Node, stack: contextlib.ExitStack, vhost: str) -> pika.BlockingConnection:
    """Argument tables in the order and with the types that only an AMQP client can choose."""
    connection = _open(node, vhost, stack, connection_name="arguments", zeta=1, alpha=2)
    channel = connection.channel()
    table = {
        "x-queue-type": "classic",
        "zulu": 1,
        "alpha": 2**40,
        "when": datetime.datetime(2023, 11, 14, tzinfo=datetime.UTC),
        "nested": {"z": 1, "a": {"y": "ünï ☃", "b": False}},
        "list": [1, "two"],
    }
    channel.queue_declare("amqp.queue", durable=True, arguments=table)
    channel.exchange_declare("amqp.exchange", "headers", durable=True, arguments=table)
    channel.queue_bind("amqp.queue", "amqp.exchange", "amqp.key", arguments=table)
    _consume(connection.channel(), "amqp.queue", "amqp.tag", arguments={"z": "ünï", "a": [1], "x-priority": -3})
    return connection


# ------------------------------------------------------------------------------------------------------ settling

STATISTICS = ("queues", "connections", "channels", "consumers")
RESTLESS = {"memory", "reductions", "garbage_collection", "idle_since", "consumer_utilisation", "consumer_capacity"}


def _let_settle(node: Node) -> None:
    """Statistics lag behind by up to eight seconds: wait until they stand still for longer than one round of them."""
    deadline = time.monotonic() + 90
    before = None
    while time.monotonic() < deadline:
        now = [
            _steady(node.get(kind, query="/detailed" if kind == "queues" and node.modern else ""))
            for kind in STATISTICS
        ]
        complete = all("messages" in queue and "consumers" in queue for queue in now[0])
        if complete and now == before:
            return
        before = now
        time.sleep(6)
    raise AssertionError(f"the statistics of {node.name} did not settle")


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            k: _steady(v)
            for k, v in value.items()
            if k not in RESTLESS and not k.endswith(("_details", "rate", "rates"))
        }
    return [_steady(item) for item in value] if isinstance(value, list) else value
