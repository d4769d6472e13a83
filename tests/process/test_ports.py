"""check_port_connectivity: ports that take connections, and one that does not."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ..unit.commands.test_nodes import node_of, play, recording
from .conftest import Ran


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def listening(*ports: int) -> dict[str, Any]:
    overview = dict(recording("4.3.6")["http"]["/api/overview"]["body"])
    overview["listeners"] = [
        {"node": overview["node"], "protocol": "amqp", "ip_address": "127.0.0.1", "port": number} for number in ports
    ]
    return {"/api/overview": overview}


def test_ports_that_take_connections(port: int) -> None:
    node = node_of("4.3.6")
    got = play("4.3.6", "check_port_connectivity", "--url", "http://127.0.0.1:15672", changes=listening(port))
    assert got == Ran(0, f"Successfully connected to ports {port} on node {node}.\n", "")
    argv = ("check_port_connectivity", "--address", "127.0.0.1")
    assert f"ports {port} on node {node} at address 127.0.0.1." in play("4.3.6", *argv, changes=listening(port)).out
    data = json.loads(play("4.3.6", *argv, "-f", "json", changes=listening(port)).out)
    assert (data["node"], data["result"], data["listeners"][0]["port"]) == (node, "ok", port)


def test_a_port_that_does_not(port: int) -> None:
    with socket.socket() as taken:  # bound, so that nobody else listens there, but not listening
        taken.bind(("127.0.0.1", 0))
        closed = taken.getsockname()[1]
        changes = listening(port, closed)
        got = play("4.3.6", "check_port_connectivity", "--address", "127.0.0.1", "-t", "2", changes=changes)
    assert got.exit == 69
    assert f"amqp {closed} (connection refused)" in got.err
    assert str(port) not in got.err.replace(str(closed), "")
