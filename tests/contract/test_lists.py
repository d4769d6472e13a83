"""Every list command, with every column and in every vhost, cell by cell against rabbitmqctl of the same release."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from . import topology
from .brokers import Node, Ran
from .compare import Row, Score, compare, read_json, read_table
from .listings import LISTINGS, Listing, of_user
from .topology import DEFAULT, EMPTY, ODD, ODD_USER, VHOSTS

FORMATTERS = ("table", "json")
listings = pytest.mark.parametrize("listing", LISTINGS, ids=lambda listing: listing.label.replace(" ", ""))
formatters = pytest.mark.parametrize("formatter", FORMATTERS)


def both(node: Node, arguments: Sequence[str], program: str = "rabbitmqctl") -> tuple[Ran, Ran]:
    """What RabbitMQ's own program and rmqctl answer, both of which must succeed."""
    with ThreadPoolExecutor(2) as pool:
        theirs = pool.submit(node.tool, program, *arguments)
        ours = pool.submit(node.rmqctl, *arguments)
        ran = theirs.result(), ours.result()
    for each in ran:
        assert each.exit == 0, str(each)
    return ran


def rows_of(ran: Ran, node: Node, listing: Listing, columns: tuple[str, ...], formatter: str) -> list[Row]:
    if formatter == "json":
        theirs = "--url" not in ran.argv
        return read_json(ran.text, reversed_escapes=theirs and not node.modern)
    return read_table(ran.text, columns, topology.BREAKING, listing.header)


def compared(node: Node, listing: Listing, formatter: str, vhost: str | None) -> Score:
    columns = listing.compared_in(node.key)
    arguments = ["-q", listing.command, *listing.arguments]
    arguments += ["-p", vhost] if vhost is not None else []
    arguments += ["--formatter", formatter]
    arguments += columns if listing.selectable else ()
    where = f"{node.key} {' '.join(arguments[1:4])} {formatter}"
    for attempt in (1, 2):
        theirs, ours = both(node, arguments)
        expected, got = (rows_of(ran, node, listing, columns, formatter) for ran in (theirs, ours))
        score = compare(expected, got, listing, columns, where)
        if not score.unequal or attempt == 2:
            break
        time.sleep(5)  # a statistic may have been on its way: once
    if not expected:
        assert ours.stdout == theirs.stdout, "an empty list"
    if formatter == "json":
        if len(got) == len(expected):
            assert layout(ours) == layout(theirs)
        if not node.modern:  # 4.x prints the keys in no order
            assert {tuple(row) for row in got} == {tuple(row) for row in expected}
    return score


def layout(ran: Ran) -> list[str]:
    """How every line begins: one object on each, commas in front, brackets alone."""
    return [line[:2] for line in ran.text.split("\n")]


def assert_equal(score: Score) -> None:
    assert not score.unequal, f"{len(score.unequal)} of {score.served} cells:\n" + "\n".join(
        map(str, score.unequal[:40])
    )


@formatters
@listings
def test_every_column_in_every_vhost(busy: Node, score: Score, listing: Listing, formatter: str) -> None:
    if listing.release not in ("", busy.key):
        assert busy.rmqctl(listing.command).exit != 0
        return
    total = Score()
    for vhost in VHOSTS if listing.per_vhost else (None,):
        total += compared(busy, listing, formatter, vhost)
    score += total
    assert total.served, "the topology has nothing of this kind"
    assert_equal(total)


@formatters
@pytest.mark.parametrize("user", ["guest", ODD_USER, "contract-bare"])
@pytest.mark.parametrize("command", ["list_user_permissions", "list_user_topic_permissions"])
def test_lists_of_one_user(busy: Node, score: Score, command: str, user: str, formatter: str) -> None:
    total = compared(busy, of_user(command, user), formatter, None)
    score += total
    assert_equal(total)


@pytest.mark.parametrize(
    "listing", [each for each in LISTINGS if each.selectable and not each.release], ids=lambda x: x.command
)
def test_default_columns(busy: Node, listing: Listing) -> None:
    theirs, ours = both(busy, ["-q", listing.command])
    columns = tuple(theirs.text.split("\n", 1)[0].split("\t"))
    got = tuple(ours.text.split("\n", 1)[0].split("\t"))
    served = tuple(column for column in columns if column not in listing.unserved)
    assert got in (columns, served)
    rows = [rows_of(ran, busy, listing, header, "table") for ran, header in ((theirs, columns), (ours, got))]
    assert_equal(compare(*rows, listing, served, f"{busy.key} {listing.command}"))


@pytest.mark.parametrize("listing", [each for each in LISTINGS if each.unserved], ids=lambda listing: listing.command)
def test_a_column_that_http_does_not_serve_is_refused_with_the_reason(busy: Node, listing: Listing) -> None:
    refused = busy.rmqctl("-q", listing.command, next(iter(listing.unserved)))
    assert refused.exit == 64, str(refused)
    assert refused.stdout == b""
    assert next(iter(listing.unserved)) in refused.errors


SIMPLE = (
    "list_users",
    "list_permissions",
    "list_topic_permissions",
    "list_policies",
    "list_parameters",
    "list_global_parameters",
)


@pytest.mark.parametrize("command", SIMPLE)
@pytest.mark.parametrize(
    "options", [["-q"], ["-s"], ["-q", "--no-table-headers"], ["-q", "--formatter", "csv"]], ids=" ".join
)
def test_the_same_bytes(busy: Node, command: str, options: list[str]) -> None:
    if busy.modern and "csv" in options:
        return  # rabbitmqctl 4.x fails at csv with a list in it
    theirs, ours = both(busy, [command, *options])
    assert sorted(ours.stdout.split(b"\n")) == sorted(theirs.stdout.split(b"\n"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["-q", "list_queues", "name", "messages", "-p", ODD],
        ["list_queues", "-q", "name,messages", "-p", ODD],
        ["-p", ODD, "list_queues", "name", ",", "messages", "-q"],
        ["list_queues", f"--vhost={ODD}", "messages", "name", "--quiet"],
        ["--vhost", ODD, "-q", "list_queues", "name", "name", "messages"],
        ["list_queues", "--formatter=json", "name", "messages", "--vhost", ODD],
        ["--formatter", "JSON", "list_queues", "-p", ODD, "name", "messages"],
        ["-s", "list_queues", "-p", ODD, "name"],
        ["list_queues", "--silent", "-p", ODD],
        ["list_queues", "-q", "--no-table-headers", "-p", ODD, "name", "durable"],
        ["list_queues", "-q", "-t", "30", "name"],
        ["list_queues", "-q", "--timeout=30", "name"],
        ["list_queues", "-q", "--online", "name", "-p", ODD],
        ["list_queues", "-q", "--offline", "name", "-p", ODD],
        ["list_queues", "-q", "--local", "name", "-p", ODD],
        ["list_queues", "-q", "name", "-p", EMPTY],
        ["list_queues", "-q", "--formatter", "json_stream", "name", "-p", EMPTY],
        ["list_consumers", "-q", "arguments", "consumer_tag", "queue_name", "-p", ODD],
        ["list_bindings", "-q", "routing_key", "source_name", "-p", ODD],
        ["list_vhosts", "-q", "tracing", "name"],
    ],
    ids=" ".join,
)
def test_options_and_columns_wherever_they_stand(busy: Node, arguments: list[str]) -> None:
    theirs, ours = both(busy, arguments)
    if any(argument.lower().endswith("json") for argument in arguments):
        rows = [rows_of(ran, busy, LISTINGS[0], (), "json") for ran in (ours, theirs)]
        ours_sorted, theirs_sorted = (sorted(sorted(row.items()) for row in each) for each in rows)
        assert ours_sorted == theirs_sorted
        return
    ignored = "amq.gen-"  # nothing of these is compared but that they are there
    lines = [sorted(line for line in ran.text.split("\n") if ignored not in line) for ran in (ours, theirs)]
    if "arguments" in arguments:
        lines = [[line for line in each if "amqp." not in line] for each in lines]
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["list_vhost_limits", "-p", EMPTY],
        ["list_vhost_limits", "-p", DEFAULT],
        ["list_user_limits", "--user", ODD_USER],
        ["list_user_limits", "--user", "guest"],
        ["list_user_limits"],
    ],
    ids=" ".join,
)
def test_limits_of_one_vhost_or_user(busy: Node, arguments: list[str]) -> None:
    theirs, ours = both(busy, ["-q", *arguments])
    assert ours.stdout == theirs.stdout
    theirs, ours = both(busy, ["-q", *arguments, "--formatter", "json"])
    assert json.loads(ours.stdout) == json.loads(theirs.stdout)


@formatters
def test_authentication_attempts(busy: Node, formatter: str) -> None:
    arguments = ["-q", "list_node_auth_attempt_stats", "--formatter", formatter]
    # Every request of rmqctl is itself an attempt; those over AMQP stand still.
    theirs, ours = both(busy, arguments, "rabbitmq-diagnostics")
    if formatter == "json":
        attempts = [json.loads(ran.stdout)["attempts"] for ran in (ours, theirs)]
        steady = [[row for row in rows if row["protocol"] != "http"] for rows in attempts]
        assert {row["protocol"]: row for row in steady[0]} == {row["protocol"]: row for row in steady[1]}
    else:
        tables = [{line for line in ran.text.split("\n") if not line.startswith("http")} for ran in (ours, theirs)]
        assert tables[0] == tables[1]
