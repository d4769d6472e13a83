"""rmqctl's own lists, on the embedded broker."""

import json
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import pytest

from .conftest import Live

NAMES = ("a b/ü", "n" * 255, "%2F", "tab\there", "true", "-dash")


def rmqctl(live: Live, *words: str) -> Any:
    command = [sys.executable, "-m", "rmqctl", "--url", live.url, "--formatter", "raw_json", *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


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
