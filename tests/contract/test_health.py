"""Checks end as rabbitmq-diagnostics's do, and the facts of a node and its cluster are the same."""

import json
import re

import pytest

from rmqctl.resources import erlang

from .brokers import Node, Ran

CHECKS = (
    ("ping",),
    ("check_running",),
    ("check_alarms",),
    ("check_local_alarms",),
    ("check_virtual_hosts",),
    ("check_port_connectivity",),
    ("check_port_listener", "{amqp}"),
    ("check_port_listener", "{https}"),
    ("check_port_listener", "1"),
    ("check_port_listener", "no number"),
    ("check_port_listener",),
    ("check_protocol_listener", "amqp"),
    ("check_protocol_listener", "amqp/ssl"),
    ("check_protocol_listener", "mqtt"),
    ("check_protocol_listener", "http/web-mqtt"),
    ("check_certificate_expiration", "--within", "1", "--unit", "weeks"),
    ("check_certificate_expiration", "--within", "1", "--unit", "years"),
    ("check_if_node_is_quorum_critical",),
    ("is_running",),
    ("is_booting",),
    ("server_version",),
    ("erlang_version",),
    ("alarms",),
    ("listeners",),
    ("memory_breakdown",),
)
OF_310 = (("check_if_node_is_mirror_sync_critical",),)
OF_43 = (
    ("check_if_any_deprecated_features_are_used",),
    ("check_if_metadata_store_is_initialized",),
    ("check_if_metadata_store_is_initialized_with_data",),
    ("check_for_quorum_queues_without_an_elected_leader", ".*"),
    ("check_for_quorum_queues_without_an_elected_leader", "--across-all-vhosts", ".*"),
)


def fill_in(node: Node, arguments: tuple[str, ...]) -> list[str]:
    return [a.format(amqp=node.port("amqp"), https=node.port("https")) if "{" in a else a for a in arguments]


@pytest.mark.parametrize("arguments", [*CHECKS, *OF_310, *OF_43], ids=" ".join)
def test_the_same_exit_code(busy: Node, arguments: tuple[str, ...]) -> None:
    if arguments in (OF_43 if not busy.modern else OF_310):
        return
    filled = fill_in(busy, arguments)
    expected, got = busy.tool("rabbitmq-diagnostics", *filled), busy.rmqctl(*filled)
    assert got.exit == expected.exit, f"{expected}\n{got}"
    if got.exit:
        assert got.stderr.strip(), str(got)
    assert "Traceback" not in got.errors


@pytest.mark.parametrize("command", ["server_version", "erlang_version", "ping"])
def test_the_same_words(node: Node, command: str) -> None:
    expected, got = node.tool("rabbitmq-diagnostics", "-q", command), node.rmqctl("-q", command)
    assert got.stdout.strip() == expected.stdout.strip()


def as_json(ran: Ran) -> dict[str, object]:
    assert ran.exit == 0, str(ran)
    value = json.loads(ran.stdout)
    assert isinstance(value, dict)
    return value


FACTS = (
    "cluster_name",
    "disk_nodes",
    "ram_nodes",
    "running_nodes",
    "partitions",
    "alarms",
    "versions",
    "maintenance_status",
)


def test_cluster_status(busy: Node) -> None:
    arguments = ("-q", "cluster_status", "--formatter", "json")
    expected, got = as_json(busy.ctl(*arguments)), as_json(busy.rmqctl(*arguments))
    for fact in FACTS:
        assert got.get(fact) == expected.get(fact), fact
    assert ports(got["listeners"]) == ports(expected["listeners"])
    states = [{flag["name"]: flag["state"] for flag in each["feature_flags"]} for each in (got, expected)]  # type: ignore[attr-defined]
    assert states[0] == states[1]


def ports(listeners: object) -> set[tuple[str, int]]:
    assert isinstance(listeners, dict)
    return {(each["protocol"], each["port"]) for node in listeners.values() for each in node}


# Neither release serves "os" over HTTP.
STATUS = (
    "rabbitmq_version",
    "erlang_version",
    "config_files",
    "data_directory",
    "pid",
    "net_ticktime",
    "disk_free_limit",
)
STATUS += ("is_under_maintenance", "alarms")
STATUS_OF_43 = ("enabled_plugin_file",)


def test_status(busy: Node) -> None:
    arguments = ("-q", "status", "--formatter", "json")
    expected, got = as_json(busy.ctl(*arguments)), as_json(busy.rmqctl(*arguments))
    facts = STATUS + (STATUS_OF_43 if busy.modern else ())
    assert {name: got.get(name) for name in facts} == {name: expected.get(name) for name in facts}
    assert sorted(got["active_plugins"]) == sorted(expected["active_plugins"])  # type: ignore[call-overload]
    listeners = [{(each["protocol"], each["port"]) for each in facts["listeners"]} for facts in (got, expected)]  # type: ignore[attr-defined]
    assert listeners[0] == listeners[1]


NO_TERMS_OVER_HTTP = {"os", "crypto_lib_info"}
NO_TERMS_OF_310 = {"vm_memory_high_watermark", "enabled_plugin_file"}


@pytest.mark.parametrize("command", ["status", "cluster_status"])
def test_the_same_keyword_list(node: Node, command: str) -> None:
    arguments = ("-q", command, "--formatter", "erlang")
    expected, got = (erlang.environment(run(*arguments).text) for run in (node.ctl, node.rmqctl))
    missing = NO_TERMS_OVER_HTTP | (set() if node.modern else NO_TERMS_OF_310)
    assert "environment" not in expected, "rabbitmqctl's term was not understood"
    assert got.keys() == expected.keys() - missing
    for fact in ("rabbitmq_version", "erlang_version", "alarms", "kernel", "cluster_name", "partitions", "versions"):
        assert got.get(fact) == expected.get(fact), fact


def test_listeners(busy: Node) -> None:
    expected, got = (
        ran.text for ran in (busy.tool("rabbitmq-diagnostics", "-q", "listeners"), busy.rmqctl("-q", "listeners"))
    )
    pattern = re.compile(r"port: (\d+), protocol: ([\w/-]+)")
    assert sorted(pattern.findall(got)) == sorted(pattern.findall(expected))
    assert len(pattern.findall(got)) >= 7


def test_memory_breakdown(busy: Node) -> None:
    arguments = ("-q", "memory_breakdown", "--formatter", "json")
    expected, got = as_json(busy.tool("rabbitmq-diagnostics", *arguments)), as_json(busy.rmqctl(*arguments))
    assert got.keys() == expected.keys()
    # The categories are the same; what they hold moves on between two measurements.
    assert got["code"]["bytes"] == pytest.approx(expected["code"]["bytes"], rel=0.05)  # type: ignore[index]


def test_quorum_status(busy: Node) -> None:
    if not busy.modern:
        return  # 3.10 has no such endpoint
    arguments = ("-q", "quorum_status", "typed.quorum", "--formatter", "json")
    expected, got = busy.tool("rabbitmq-queues", *arguments), busy.rmqctl(*arguments)
    assert (expected.exit, got.exit) == (0, 0), f"{expected}\n{got}"
    theirs, ours = json.loads(expected.stdout), json.loads(got.stdout)
    assert [row.keys() for row in ours] == [row.keys() for row in theirs]
    for row, other in zip(ours, theirs, strict=True):
        assert row == other


def test_authenticate_user(node: Node) -> None:
    for password in ("guest", "wrong"):
        expected, got = (run("-q", "authenticate_user", "guest", password) for run in (node.ctl, node.rmqctl))
        assert got.exit == expected.exit, f"{expected}\n{got}"
