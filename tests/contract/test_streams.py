"""The lists of the stream plugin, with real publishers and consumers, cell by cell against RabbitMQ's own programs."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from . import stream_client
from .brokers import Node
from .compare import Score, compare
from .listings import NO_PID, Listing, words
from .stream_client import FIRST, LAST, NEXT, OFFSET, TIMESTAMP
from .test_lists import FORMATTERS, assert_equal, both, compared, rows_of

VHOST = 'contract streams/ünï "q" 🐇'
USER = "contract ü/streams"
PLAIN, ODD = "plain", 'ünï "s"/ 🐇'

CONNECTIONS = Listing(
    "list_stream_connections",
    ("conn_name",),
    words(
        "conn_name node pid port peer_port host peer_host peer_cert_issuer peer_cert_subject peer_cert_validity "
        "peer_cert_serial_number user vhost subscriptions ssl ssl_cipher ssl_hash ssl_key_exchange ssl_protocol "
        "connection_state auth_mechanism heartbeat frame_max client_properties connected_at"
    ),
    only={"node": "43", "pid": "43", "peer_cert_serial_number": "43"},
    per_vhost=False,
    unserved={"pid": NO_PID},
    tables={"client_properties": True},
)
CONSUMERS = Listing(
    "list_stream_consumers",
    ("stream", "subscription_id", "properties"),
    words(
        "connection_pid node subscription_id stream messages_consumed offset offset_lag credits active activity_status "
        "properties"
    ),
    only={"node": "43", "active": "43", "activity_status": "43"},
    unserved={"connection_pid": NO_PID},
)
PUBLISHERS = Listing(
    "list_stream_publishers",
    ("stream", "publisher_id"),
    words("connection_pid node publisher_id stream reference messages_published messages_confirmed messages_errored"),
    only={"node": "43"},
    unserved={"connection_pid": NO_PID},
)
TRACKING = Listing("list_stream_tracking", ("type", "name"), ("type", "name", "tracking_value"), selectable=False)
TRACKED = {
    (): ("offset", "writer"),
    ("--all",): ("offset", "writer"),
    ("--offset",): ("offset",),
    ("--writer",): ("writer",),
}
formatters = pytest.mark.parametrize("formatter", FORMATTERS)


@pytest.fixture(scope="module")
def streams(node: Node) -> Iterator[Node]:
    node.put("vhosts", VHOST)
    node.put("users", USER, body={"password": "p", "tags": ""})
    try:
        for user in ("guest", USER):
            node.put("permissions", VHOST, user, body={"configure": ".*", "write": ".*", "read": ".*"})
        for name in (PLAIN, ODD):
            node.put("queues", VHOST, name, body={"durable": True, "arguments": {"x-queue-type": "stream"}})
        with contextlib.ExitStack() as stack:
            _clients(node, stack)
            _let_settle(node)
            yield node
    finally:
        node.delete("users", USER)
        node.delete("vhosts", VHOST)


def _clients(node: Node, stack: contextlib.ExitStack) -> None:
    def client(**options: str) -> stream_client.Client:
        return stack.enter_context(stream_client.connected(node.port("stream"), VHOST, **options))

    publishing = client(connection_name='strange ü "n" 🐇', odd="välue")
    publishing.declare_publisher(0, PLAIN)
    publishing.declare_publisher(1, ODD, 'réf "q" 🐇')
    publishing.publish(0, 1, b"a", b"b", b"c")
    publishing.publish(1, 10, b"x", b"y")
    consuming = client(user=USER, password="p")
    for number, position in enumerate(
        [(FIRST, None), (LAST, None), (NEXT, None), (OFFSET, 1), (TIMESTAMP, 1_700_000_000_000)]
    ):
        consuming.subscribe(number, PLAIN, position, credit=5)
    consuming.subscribe(9, ODD, (FIRST, None), credit=1, name="näme of 🐇")
    consuming.store_offset('stored ü "r"', ODD, 1)
    consuming.store_offset("other", ODD, 0)
    client()  # a connection that does nothing
    if node.modern:
        group = client()
        group.subscribe(1, PLAIN, (FIRST, None), 5, **{"single-active-consumer": "true", "name": "group"})
        group.answer_update((FIRST, None))
        group.subscribe(2, PLAIN, (FIRST, None), 5, **{"single-active-consumer": "true", "name": "group"})
    # What has received nothing yet has an offset of its own in rabbitmq-streams alone: all get something.
    publishing.publish(0, 4, b"d")


def _let_settle(node: Node) -> None:
    deadline = time.monotonic() + 60
    while True:
        consumers = [consumer for consumer in node.get("stream", "consumers", VHOST) if consumer.get("active", True)]
        if len(consumers) >= 6 and all(consumer["consumed"] for consumer in consumers):
            return
        assert time.monotonic() < deadline, f"the statistics of {node.name} did not settle: {consumers}"
        time.sleep(1)


@formatters
@pytest.mark.parametrize("listing", [CONNECTIONS, CONSUMERS, PUBLISHERS], ids=lambda listing: listing.command)
def test_every_column(streams: Node, score: Score, listing: Listing, formatter: str) -> None:
    if formatter == "table" and streams.modern:
        # rabbitmq-streams 4.x fails at a table with properties in it.
        listing = replace(listing, columns=tuple(name for name in listing.columns if name != "properties"))
        listing = replace(listing, key=tuple(name for name in listing.key if name != "properties"))
    total = compared(streams, listing, formatter, VHOST if listing.per_vhost else None)
    score += total
    assert total.served
    assert_equal(total)


@pytest.mark.parametrize("listing", [CONNECTIONS, CONSUMERS, PUBLISHERS], ids=lambda listing: listing.command)
def test_default_columns(streams: Node, listing: Listing) -> None:
    vhost = ["-p", VHOST] if listing.per_vhost else []
    theirs, ours = both(streams, ["-q", listing.command, *vhost, "--formatter", "json"], "rabbitmq-streams")
    expected, got = (json.loads(ran.stdout)[0] for ran in (theirs, ours))
    assert list(got) == list(expected) if not streams.modern else got.keys() == expected.keys()  # 4.x has no order


@pytest.mark.parametrize(
    ("options", "formatter"),
    [((), "table"), (("--all",), "json"), (("--offset",), "json"), (("--writer",), "table")],
    ids=lambda value: "".join(value),
)
def test_tracking(streams: Node, score: Score, options: tuple[str, ...], formatter: str) -> None:
    arguments = ["-q", "list_stream_tracking", ODD, *options, "-p", VHOST, "--formatter", formatter]
    if not streams.modern:
        assert streams.rmqctl(*arguments).exit == 69  # rabbitmq-streams 3.10 has no such command
        return
    theirs, ours = both(streams, arguments, "rabbitmq-streams")
    rows = [rows_of(ran, streams, TRACKING, TRACKING.columns, formatter) for ran in (theirs, ours)]
    assert {row["type"] for row in rows[0]} == set(TRACKED[options])
    total = compare(*rows, TRACKING, TRACKING.columns, f"{streams.key} {' '.join(arguments)}")
    score += total
    assert_equal(total)


@pytest.mark.parametrize(
    "command",
    [
        "list_stream_connections",
        "list_stream_consumers",
        "list_stream_publishers",
        "shovel_status",
        "federation_status",
        "federation_status --only-down",
    ],
)
def test_an_unknown_virtual_host_is_told_from_a_plugin_that_is_off(node: Node, command: str) -> None:
    got = node.rmqctl(*command.split(), "-p", "no such vhost")
    assert got.exit == 65, str(got)
    assert "'no such vhost' does not exist" in got.errors
