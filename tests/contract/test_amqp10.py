"""An AMQP 1.0 connection, which 4.x lists among the others; one that stays silent is dropped after a minute."""

import time

import pytest

from . import wire
from .brokers import Node
from .compare import Score, compare
from .listings import LISTINGS
from .test_lists import FORMATTERS, assert_equal, both, rows_of

CONNECTIONS = next(listing for listing in LISTINGS if listing.command == "list_connections")


@pytest.mark.parametrize("formatter", FORMATTERS)
def test_amqp10_connection(busy: Node, score: Score, formatter: str) -> None:
    if not busy.modern:
        return  # 3.10 has AMQP 1.0 in a plugin that is not enabled
    columns = CONNECTIONS.compared_in(busy.key)
    with wire.amqp10(busy.port("amqp"), "contäiner 🐇"):
        time.sleep(12)  # two rounds of statistics
        ran = both(busy, ["-q", "list_connections", "--formatter", formatter, *columns])
        rows = [rows_of(each, busy, CONNECTIONS, columns, formatter) for each in ran]
    expected, got = ([row for row in each if "contäiner 🐇" in row["container_id"]] for each in rows)
    assert len(expected) == 1
    total = compare(expected, got, CONNECTIONS, columns, f"{busy.key} list_connections AMQP 1.0 {formatter}")
    score += total
    assert_equal(total)
