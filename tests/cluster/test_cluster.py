"""A cluster of three nodes: all of them up, then with the first one stopped."""

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ..contract.brokers import Node, Ran, rmqctl, running_node

pytestmark = pytest.mark.broker

# ASCII alone: 4.3's check for critical quorums crashes when it has to name anything else.
VHOST = "contract cluster"
COLUMNS = ("name", "state", "type", "leader", "members", "online", "durable", "policy")
QUEUES = {
    "quorum": {"x-queue-type": "quorum", "x-quorum-initial-group-size": 3},
    "stream": {"x-queue-type": "stream", "x-initial-cluster-size": 3},
}
UNAVAILABLE = 69


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[Node]]:
    """The three nodes, with queues of every type on each."""
    with ExitStack() as stack:
        found = [stack.enter_context(running_node(key)) for key in ("c1", "c2", "c3")]
        first = found[0]
        if any(vhost["name"] == VHOST for vhost in first.get("vhosts")):
            first.delete("vhosts", VHOST)
        first.put("vhosts", VHOST)
        for node in found:
            arguments = {"x-queue-type": "classic"}
            body = {"durable": True, "arguments": arguments, "node": node.name}
            first.put("queues", VHOST, f"classic on {node.key}", body=body)
        for name, arguments in QUEUES.items():
            first.put("queues", VHOST, name, body={"durable": True, "arguments": arguments})
        yield found
        first.delete("vhosts", VHOST)


@pytest.fixture
def without_first(nodes: list[Node]) -> Iterator[list[Node]]:
    """The nodes after the application on the first one has stopped."""
    first, second, _ = nodes
    assert first.ctl("-q", "stop_app").exit == 0
    try:
        wait_until(lambda: not second.get("nodes", first.name)["running"])
        yield nodes
    finally:
        started = first.ctl("-q", "start_app")
        assert started.exit == 0, str(started)
        wait_until(first.answers)
        wait_until(lambda: second.get("nodes", first.name)["running"])


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the cluster did not get there within a minute"
        time.sleep(0.5)


def urls(nodes: list[Node]) -> str:
    return ",".join(node.url for node in nodes)


def lines(ran: Ran) -> list[str]:
    """The lines, sorted; and so are the nodes within a cell, whose order the HTTP API does not keep."""
    assert ran.exit == 0, str(ran)
    return sorted(re.sub(r"\[(.+?)\]", in_order, line) for line in ran.text.split("\n"))


def in_order(nodes: re.Match[str]) -> str:
    return f"[{', '.join(sorted(nodes[1].split(', ')))}]"


def typed(ran: Ran) -> list[str]:
    return [line.replace("\trabbit_classic_queue\t", "\tclassic\t") for line in lines(ran)]


def assert_listed_alike(nodes: list[Node], *options: str) -> str:
    """Compares with rabbitmqctl on the second node, again while statistics are on their way, and returns the list.

    For the type of a queue whose node is down rabbitmqctl prints the name of an Erlang module.
    """
    arguments = ("-q", "list_queues", "-p", VHOST, *options, *COLUMNS)
    expected, got = nodes[1].ctl(*arguments), rmqctl(*arguments, url=urls(nodes))
    deadline = time.monotonic() + 60
    while lines(got) != typed(expected) and time.monotonic() < deadline:
        time.sleep(5)
        expected, got = nodes[1].ctl(*arguments), rmqctl(*arguments, url=urls(nodes))
    assert lines(got) == typed(expected)
    return got.text


def test_all_nodes_are_up(nodes: list[Node]) -> None:
    listed = assert_listed_alike(nodes)
    assert len(lines_of(listed)) == 1 + 3 + len(QUEUES)
    assert_listed_alike(nodes, "--online")
    assert_listed_alike(nodes, "--offline")


def checked(nodes: list[Node], *words: str) -> tuple[int, set[tuple[str, str | None]]]:
    """Exit code, kinds and names of a check."""
    ran = rmqctl("check", *words, "-p", VHOST, "-f", "json", url=urls(nodes))
    return ran.exit, {(each["kind"], each["name"]) for each in json.loads(ran.text)["findings"]}


def test_checks_of_a_whole_cluster(nodes: list[Node]) -> None:
    assert checked(nodes, "cluster", "--nodes", "3") == (0, set())
    assert checked(nodes, "quorum") == (0, set())
    assert checked(nodes, "nodes", "--match", nodes[0].name) == (0, set())


def test_checks_without_a_node(without_first: list[Node]) -> None:
    stopped = without_first[0].name
    assert checked(without_first, "cluster") == (1, {("not running", stopped)})
    assert checked(without_first, "cluster", "--nodes", "3") == (2, {("not running", stopped), ("size", None)})
    assert checked(without_first, "nodes", "--match", stopped) == (2, {("not running", stopped)})
    # Where a leader was on it, another member takes over within a moment.
    wanted = 1, {("critical", name) for name in QUEUES}
    wait_until(lambda: checked(without_first, "quorum") == wanted)


def lines_of(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]


@pytest.mark.parametrize("options", [(), ("--online",), ("--offline",), ("--local",)], ids=" ".join)
def test_the_next_node_answers(without_first: list[Node], options: tuple[str, ...]) -> None:
    listed = assert_listed_alike(without_first, *options)
    if not options or options == ("--offline",):
        (stopped,) = [line for line in listed.split("\n") if line.startswith("classic on c1")]
        assert "\tdown\t" in stopped


def test_the_stopped_node_alone_is_unreachable(without_first: list[Node]) -> None:
    got = rmqctl("list_queues", url=without_first[0].url)
    assert got.exit == UNAVAILABLE, str(got)
    assert str(without_first[0].url.rpartition(":")[2]) in got.errors


def test_cluster_status_shows_the_stopped_node(without_first: list[Node]) -> None:
    arguments = ("-q", "cluster_status", "--formatter", "json")
    expected, got = without_first[1].ctl(*arguments), rmqctl(*arguments, url=urls(without_first))
    assert (expected.exit, got.exit) == (0, 0), f"{expected}\n{got}"
    theirs, ours = json.loads(expected.stdout), json.loads(got.stdout)
    assert sorted(ours["disk_nodes"]) == sorted(node.name for node in without_first)
    assert sorted(ours["running_nodes"]) == sorted(node.name for node in without_first[1:])
    for fact in ("disk_nodes", "running_nodes"):
        assert sorted(ours[fact]) == sorted(theirs[fact])
    assert ours["maintenance_status"].keys() == theirs["maintenance_status"].keys()
    text = rmqctl("cluster_status", url=urls(without_first))
    assert text.exit == 0, str(text)
    assert without_first[0].name in text.text


@pytest.mark.parametrize(
    "arguments", [("check_if_node_is_quorum_critical",), ("check_running",), ("check_virtual_hosts",)], ids=" ".join
)
def test_checks_see_what_rabbitmq_diagnostics_sees(without_first: list[Node], arguments: tuple[str, ...]) -> None:
    expected = without_first[1].tool("rabbitmq-diagnostics", *arguments)
    got = rmqctl(*arguments, url=without_first[1].url)
    assert got.exit == expected.exit, f"{expected}\n{got}"


def test_nobody_answers(nodes: list[Node]) -> None:
    got = rmqctl("list_queues", url="http://guest:guest@127.0.0.1:1,http://guest:guest@127.0.0.1:2")
    assert got.exit == UNAVAILABLE, str(got)
    assert "127.0.0.1:1" in got.errors
    assert "127.0.0.1:2" in got.errors
