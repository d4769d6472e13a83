"""Every list of the embedded broker, cell by cell against rabbitmqctl on RabbitMQ 4.3 with the same things on it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ..contract import topology
from ..contract.brokers import Node
from ..contract.compare import Row, Score, compare, read_json, read_table
from ..contract.listings import LISTINGS, Listing
from ..contract.topology import VHOSTS

OTHER_SOCKETS = "each client has a port of its own"
OTHER_TIME = "the two were not built at the same moment"
STORES = "RabbitMQ's stores and processes"

# Columns that cannot be equal on two brokers, each with the reason, and what tells a row instead of its name.
DIFFERENT: dict[str, dict[str, str]] = {
    "list_queues": {
        "messages_ready_ram": STORES,
        "messages_unacknowledged_ram": STORES,
        "messages_ram": STORES,
        "message_bytes_ram": STORES,
    },
    "list_connections": {
        "name": OTHER_SOCKETS,
        "port": OTHER_SOCKETS,
        "peer_port": OTHER_SOCKETS,
        "connected_at": OTHER_TIME,
        "recv_oct": OTHER_TIME,
        "recv_cnt": OTHER_TIME,
        "send_oct": OTHER_TIME,
        "send_cnt": OTHER_TIME,
        "send_pend": OTHER_TIME,
    },
    "list_channels": {"name": OTHER_SOCKETS},
}
KEYS = {"list_connections": ("user", "vhost"), "list_channels": ("vhost", "number", "user")}
LISTED = [
    replace(
        listing,
        key=KEYS.get(listing.command, listing.key),
        unserved={**listing.unserved, **DIFFERENT.get(listing.command, {})},
    )
    for listing in LISTINGS
    if listing.release in ("", "43")
]


@pytest.fixture(scope="module", autouse=True)
def _same_things(real: Node, ours: Node) -> Iterator[None]:
    closing = [topology.build(node, None) for node in (real, ours)]
    yield
    for close in closing:
        close()


@pytest.mark.parametrize("formatter", ["table", "json"])
@pytest.mark.parametrize("listing", LISTED, ids=lambda listing: listing.label.replace(" ", ""))
def test_every_column_in_every_vhost(real: Node, ours: Node, listing: Listing, formatter: str) -> None:
    total = Score()
    for vhost in VHOSTS if listing.per_vhost else (None,):
        total += compared(real, ours, listing, formatter, vhost)
    assert total.served
    assert not total.unequal, f"{len(total.unequal)} of {total.served} cells:\n" + "\n".join(
        map(str, total.unequal[:40])
    )


def compared(real: Node, ours: Node, listing: Listing, formatter: str, vhost: str | None) -> Score:
    columns = listing.compared_in("43")
    arguments = ["-q", listing.command, *listing.arguments, *(["-p", vhost] if vhost is not None else [])]
    arguments += ["--formatter", formatter, *(columns if listing.selectable else ())]
    with ThreadPoolExecutor(2) as pool:
        ran = [*pool.map(lambda call: call(*arguments), (real.ctl, ours.rmqctl))]
    for each in ran:
        assert each.exit == 0, str(each)
    expected, got = (rows_of(alike(each.text, real, ours), listing, columns, formatter) for each in ran)
    expected = [row for row in expected if row.get("provided_by") != "rabbitmq_mqtt"]  # a plugin
    return compare(expected, got, listing, columns, f"embedded {' '.join(arguments[1:4])} {formatter}")


def alike(text: str, real: Node, ours: Node) -> str:
    """Without the names that the two brokers gave themselves, and made up for their cluster and for queues.

    Erlang quotes the name of the real node. RabbitMQ 4.3 takes the bytes of a user's tag for characters over HTTP.
    """
    text = re.sub(r"amq\.gen-[\w-]{22}", "amq.gen-", text).replace("cÃ¼stom", "cüstom")
    text = re.sub(r"rabbitmq-cluster-id-[\w-]{22}", "rabbitmq-cluster-id-", text)
    return text.replace(f"'{real.name}'", ours.name).replace(real.name, ours.name)


def rows_of(text: str, listing: Listing, columns: tuple[str, ...], formatter: str) -> list[Row]:
    return read_json(text) if formatter == "json" else read_table(text, columns, topology.BREAKING, listing.header)
