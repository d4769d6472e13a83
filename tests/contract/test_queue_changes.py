"""Queues, connections, shovels, links and the cluster: the same effect on every broker, and rabbitmqctl's exit codes."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pika
import pytest
from pika.exceptions import ConnectionClosedByBroker

from .brokers import Ran, rmqctl
from .conftest import Place

VHOST = "changes a/b c%2F é"
NAME = "q/q r%2F ü"
V = "changes%20a%2Fb%20c%252F%20%C3%A9"
Q = "q%2Fq%20r%252F%20%C3%BC"
SECONDS = 30


@pytest.fixture
def api(place: Place) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{place.http}/api/", timeout=30, trust_env=False) as api:
        api.put(f"vhosts/{V}", json={})
        api.put(f"permissions/{V}/guest", json={"configure": ".*", "write": ".*", "read": ".*"})
        yield api
        api.delete(f"vhosts/{V}")


def did(place: Place, *arguments: str, out: bytes = b"") -> None:
    ran = rmqctl(*arguments, "-p", VHOST, url=place.http)
    assert (ran.exit, ran.stdout, ran.stderr) == (0, out, b""), str(ran)


def failed(place: Place, *arguments: str) -> Ran:
    ran = rmqctl(*arguments, "-p", VHOST, url=place.http)
    assert ran.exit, str(ran)
    assert (ran.stdout, ran.errors[:8]) == (b"", "rmqctl: "), str(ran)
    return ran


def as_rabbitmqctl(place: Place, code: int, tool: str, *arguments: str) -> None:
    """Fails with that code, and so does RabbitMQ's own tool where there is a node."""
    ran = failed(place, *arguments)
    assert ran.exit == code, str(ran)
    if place.node:
        expected = place.node.tool(tool, *arguments, "-p", VHOST)
        assert expected.exit == code, str(expected)


def counts(place: Place) -> dict[str, int]:
    """Ready messages by queue, as rabbitmqctl tells them where there is a node."""
    argv = ("-q", "list_queues", "name", "messages_ready", "-p", VHOST, "--formatter", "json")
    ran = place.node.ctl(*argv) if place.node else rmqctl(*argv, url=place.http)
    return {row["name"]: row["messages_ready"] for row in json.loads(ran.stdout)}


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until, "it did not come true"
        time.sleep(0.1)


def modern(place: Place) -> bool:
    return place.node is None or place.node.modern


# queues


def test_a_queue_is_purged_and_deleted(place: Place, api: httpx.Client) -> None:
    message = {"properties": {}, "routing_key": NAME, "payload": "x", "payload_encoding": "string"}
    api.put(f"queues/{V}/{Q}", json={"durable": True})
    api.post(f"exchanges/{V}/amq.default/publish", json=message)
    assert counts(place) == {NAME: 1}
    as_rabbitmqctl(place, 69 if modern(place) else 64, "rabbitmqctl", "delete_queue", NAME, "--if-empty")
    for _ in range(2):
        did(place, "purge_queue", NAME)
        assert counts(place) == {NAME: 0}
    did(place, "delete_queue", NAME, "-e", "-u")
    assert counts(place) == {}
    as_rabbitmqctl(place, 64, "rabbitmqctl", "delete_queue", NAME)
    as_rabbitmqctl(place, 65 if modern(place) else 69, "rabbitmqctl", "purge_queue", NAME)


def test_who_may_not(place: Place, api: httpx.Client) -> None:
    api.put("users/changes%20low", json={"password": "s", "tags": "management"})
    api.put(f"permissions/{V}/changes%20low", json={"configure": "", "write": "", "read": ""})
    api.put(f"queues/{V}/{Q}", json={"durable": True})
    low = place.http.replace("guest:guest@", "changes%20low:s@")
    for argv in (("delete_queue", NAME), ("purge_queue", NAME), ("set_cluster_name", "x"), ("rebalance", "all")):
        ran = rmqctl(*argv, "-p", VHOST, url=low)
        assert ran.exit == 77, str(ran)
    assert counts(place) == {NAME: 0}
    api.delete("users/changes%20low")


def test_mirrors(place: Place, api: httpx.Client) -> None:
    api.put(f"queues/{V}/{Q}", json={"durable": True})
    if modern(place):
        assert "RabbitMQ 4.0 removed mirrored queues" in failed(place, "sync_queue", NAME).errors
        return
    did(place, "set_policy", "mirrored", ".*", '{"ha-mode": "all", "max-length": 5}')
    did(place, "sync_queue", NAME)
    did(place, "cancel_sync_queue", NAME)
    as_rabbitmqctl(place, 69, "rabbitmqctl", "sync_queue", "nope")
    ran = rmqctl("remove_classic_queue_mirroring_from_policies", url=place.http)
    header, *rows = ran.text.splitlines()  # of all virtual hosts
    assert (ran.exit, header) == (0, "vhost\tkind\tname\tresult")
    assert f"{VHOST}\tpolicies\tmirrored\tchanged" in rows
    (left,) = api.get(f"policies/{V}").json()
    assert left["definition"] == {"max-length": 5}


# connections


def connect(place: Place, name: str) -> pika.BlockingConnection:
    parameters = pika.URLParameters(f"{place.amqp}/{V}")
    parameters.client_properties = {"connection_name": name}
    return pika.BlockingConnection(parameters)


def told(connection: pika.BlockingConnection) -> str:
    """What the broker says when it closes the connection."""
    with pytest.raises(ConnectionClosedByBroker) as closed:
        connection.process_data_events(SECONDS)
    return str(closed.value.reply_text)


def names(api: httpx.Client) -> set[str]:
    return {str(row.get("user_provided_name")) for row in api.get(f"vhosts/{V}/connections").json()}


def test_connections_are_closed_and_told_why(place: Place, api: httpx.Client) -> None:
    mine, other = connect(place, "changes mine"), connect(place, "changes other")
    eventually(lambda: names(api) == {"changes mine", "changes other"})
    did(place, "close_connection", "changes mine", "for a reason")
    assert "for a reason" in told(mine)
    eventually(lambda: names(api) == {"changes other"})
    did(place, "close_all_connections", "for all", out=b"Closed 1 connections\n")
    assert "for all" in told(other)
    eventually(lambda: names(api) == set())
    did(place, "close_all_connections", "for all", out=b"Closed 0 connections\n")
    as_rabbitmqctl(place, 69, "rabbitmqctl", "close_connection", "nope", "for a reason")
    # The embedded broker knows pids: for one that is gone rabbitmqctl says nothing either.
    gone = rmqctl("close_connection", "<rabbit@a.1.2.3>", "x", "-p", VHOST, url=place.http)
    assert gone.exit == (69 if place.node else 0), str(gone)


def test_connections_of_a_user_are_closed(place: Place, api: httpx.Client) -> None:
    api.put("users/changes%20client", json={"password": "s", "tags": ""})
    api.put(f"permissions/{V}/changes%20client", json={"configure": "", "write": "", "read": ""})
    url = place._replace(amqp=place.amqp.replace("guest:guest@", "changes%20client:s@"))
    mine, other = connect(url, "changes client"), connect(place, "changes other")
    eventually(lambda: names(api) == {"changes client", "changes other"})
    did(place, "close_all_user_connections", "changes client", "for a user")
    assert "for a user" in told(mine)
    assert names(api) - {"changes client"} == {"changes other"}
    other.close()
    did(place, "close_all_user_connections", "nobody at all", "x")
    api.delete("users/changes%20client")


# shovels and links


def test_shovels_and_links(place: Place, api: httpx.Client) -> None:
    if place.node is None:
        for argv in (("restart_shovel", "s"), ("delete_shovel", "s"), ("restart_federation_link", "x")):
            assert "is not enabled on the broker" in failed(place, *argv).errors
        return
    for command in ("restart_shovel", "delete_shovel"):
        # rabbitmqctl 4.3 itself fails on names like those of this test.
        assert failed(place, command, NAME).exit == place.node.ctl(command, "nope").exit == 69
    assert failed(place, "restart_federation_link", "nope").exit == 69
    value = {"src-uri": f"amqp:///{V}", "src-queue": "a", "dest-uri": f"amqp:///{V}", "dest-queue": "b"}
    did(place, "set_parameter", "shovel", NAME, json.dumps(value))
    did(place, "set_parameter", "federation-upstream", "up", json.dumps({"uri": f"{place.amqp}/{V}"}))
    did(place, "set_policy", "linked", "^linked", '{"federation-upstream": "up"}', "--apply-to", "exchanges")
    api.put(f"exchanges/{V}/linked", json={"type": "fanout", "durable": True})

    def running() -> bool:
        shovels, links = (api.get(f"{kind}/{V}").json() for kind in ("shovels", "federation-links"))
        return [row["state"] for row in shovels] == ["running"] and [row["status"] for row in links] == ["running"]

    eventually(running)
    (link,) = api.get(f"federation-links/{V}").json()
    did(place, "restart_shovel", NAME)
    did(place, "restart_federation_link", link["id"])
    eventually(running)
    did(place, "delete_shovel", NAME)
    assert "shovel" not in place.node.ctl("-q", "list_parameters", "-p", VHOST).text


# cluster


def test_the_cluster_as_a_whole(place: Place, api: httpx.Client) -> None:
    before = api.get("cluster-name").json()["name"]
    was_set = api.get("global-parameters/cluster_name").is_success
    did(place, "set_cluster_name", "a näme")
    assert api.get("cluster-name").json() == {"name": "a näme"}
    did(place, "set_cluster_name", before)
    if not was_set:
        api.delete("global-parameters/cluster_name")
    for argv in (
        ("rebalance", "all"),
        ("reset_stats_db",),
        ("reset_stats_db", "--all"),
        ("enable_feature_flag", "all"),
    ):
        did(place, *argv)
    did(place, "reset_node_auth_attempt_metrics")
    assert failed(place, "rebalance", "quorum").exit == 69
    as_rabbitmqctl(place, 64, "rabbitmqctl", "enable_feature_flag", "nope")


def test_members_of_quorum_queues(place: Place, api: httpx.Client) -> None:
    api.put(f"queues/{V}/{Q}", json={"durable": True, "arguments": {"x-queue-type": "quorum"}})
    node = api.get("overview").json()["node"]
    if not modern(place):
        for argv in (
            ("add_member", NAME, node),
            ("delete_member", NAME, node),
            ("grow", node, "all"),
            ("shrink", node),
        ):
            assert f"{argv[0]}: needs RabbitMQ 3.13 or later" in failed(place, *argv).errors
        return
    assert failed(place, "grow", "nope", "all").exit == 64
    assert failed(place, "shrink", "nope").exit == 69
    if place.node is None:
        return
    did(place, "add_member", NAME, node)
    did(place, "grow", node, "all", "--vhost-pattern", "^changes ")
    as_rabbitmqctl(place, 64, "rabbitmq-queues", "add_member", NAME, "nope")
    as_rabbitmqctl(place, 69, "rabbitmq-queues", "delete_member", NAME, node)
    as_rabbitmqctl(place, 65, "rabbitmq-queues", "delete_member", "nope", node)
    members: Any = api.get(f"queues/{V}/{Q}?disable_stats=true").json()["members"]
    assert members == [node]
