"""rmqctl's own lists, on the embedded broker."""

import json
import re
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pika
import pytest

from .conftest import Live

NAMES = ("a b/ü", "n" * 255, "%2F", "tab\there", "true", "-dash")


def output(live: Live, *words: str) -> str:
    command = [sys.executable, "-m", "rmqctl", "--url", live.url, "--formatter", "raw_json", *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def rmqctl(live: Live, *words: str) -> Any:
    return json.loads(output(live, *words))


@pytest.fixture
def strange(live: Live) -> Live:
    for name in NAMES:
        live.http.put(f"/api/exchanges/%2F/{quote(name, safe='')}", json={"type": "topic"}).raise_for_status()
        live.http.put(f"/api/queues/%2F/{quote(name, safe='')}", json={"durable": True}).raise_for_status()
        where = f"/api/bindings/%2F/e/{quote(name, safe='')}/q/{quote(name, safe='')}"
        live.http.post(where, json={"routing_key": name}).raise_for_status()
        message = {"routing_key": name, "properties": {}, "payload": "x", "payload_encoding": "string"}
        live.http.post("/api/exchanges/%2F/amq.default/publish", json=message).raise_for_status()
    return live


def test_lists_show_strange_names(strange: Live) -> None:
    queues = rmqctl(strange, "list_queues", "name", "messages_ready", "messages_unacknowledged")
    expected = {"messages_ready": 1, "messages_unacknowledged": 0}
    assert sorted(queues, key=lambda row: row["name"]) == [{"name": name, **expected} for name in sorted(NAMES)]
    assert {row["name"] for row in rmqctl(strange, "list_exchanges", "name")} > set(NAMES)
    bindings = rmqctl(strange, "list_bindings", "source_name", "destination_name", "routing_key")
    assert {tuple(row.values()) for row in bindings} == {
        *((name, name, name) for name in NAMES),
        *(("", name, name) for name in NAMES),
    }


@pytest.mark.parametrize(
    "command", ["list_consumers", "list_connections", "list_channels", "list_vhosts", "list_users"]
)
def test_other_lists_are_answered(strange: Live, command: str) -> None:
    assert isinstance(rmqctl(strange, command), list)


@pytest.mark.parametrize("command", ["status", "cluster_status", "overview"])
def test_reports_are_answered(strange: Live, command: str) -> None:
    assert rmqctl(strange, command)


def test_a_connection_is_closed_by_the_pid_that_is_listed(live: Live) -> None:
    parameters = pika.ConnectionParameters("127.0.0.1", live.amqp_port)
    with pika.BlockingConnection(parameters), pika.BlockingConnection(parameters) as closed:
        rows = rmqctl(live, "list_connections", "pid", "peer_port")
        assert rmqctl(live, "list_connections", "pid", "peer_port") == rows
        pids = {row["peer_port"]: row["pid"] for row in rows}
        assert len(set(pids.values())) == 2
        assert all(re.fullmatch(r"<rabbit@localhost\.\d+\.\d+\.0>", pid) for pid in pids.values())
        pid = pids.pop(closed._impl._transport._sock.getsockname()[1])
        output(live, "close_connection", pid, "for a reason")
        with pytest.raises(pika.exceptions.ConnectionClosedByBroker, match="for a reason"):
            closed.process_data_events(5)
        assert [row["pid"] for row in rmqctl(live, "list_connections", "pid")] == list(pids.values())
