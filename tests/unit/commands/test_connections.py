"""Connections by their process identifiers: RabbitMQ tells none over HTTP, the embedded broker does."""

import httpx
import pytest

from ..conftest import Broker, Ran, run_with

# As both releases answer for a path that they do not have.
MISSING = httpx.Response(406)
PID = "<rabbit@localhost.1795461806.7.0>"
RABBITMQ = {"GET /api/embedded/alarms": MISSING}
NAMED = {"name": "c 1", "pid": PID, "protocol": "AMQP 0-9-1", "peer_port": 1}
EMBEDDED = {
    "GET /api/embedded/alarms": [],
    "GET /api/connections": [NAMED, {"name": "c 2", "pid": "<rabbit@localhost.1795461806.8.0>", "peer_port": 2}],
}
PLACES = [("pid",), ("name", "--where", f'pid = "{PID}"'), ("name", "--sort", "-pid")]


@pytest.mark.parametrize("words", PLACES, ids=" ".join)
def test_rabbitmq_tells_no_pid_of_a_connection(words: tuple[str, ...]) -> None:
    ran = run_with("list_connections", *words, broker=Broker(RABBITMQ))
    assert (ran.exit, ran.out) == (64, "")
    assert "column 'pid' cannot be had over the HTTP API" in ran.err
    assert "`name`" in ran.err


def test_the_embedded_broker_tells_it() -> None:
    ran = run_with("list_connections", "-q", "pid", "peer_port", broker=Broker(EMBEDDED))
    assert ran == Ran(0, f"pid\tpeer_port\n{PID}\t1\n<rabbit@localhost.1795461806.8.0>\t2\n", "")


def test_it_filters_and_sorts_there() -> None:
    where = run_with("list_connections", "-s", "name", "--where", f'pid = "{PID}"', broker=Broker(EMBEDDED))
    assert where == Ran(0, "c 1\n", "")
    order = run_with("list_connections", "-s", "name", "--sort", "-pid", broker=Broker(EMBEDDED))
    assert order == Ran(0, "c 2\nc 1\n", "")


def test_a_user_without_the_tag_to_read_alarms_sees_it_too() -> None:
    forbidden = httpx.Response(401, json={"error": "not_authorized", "reason": "Not monitor user"})
    broker = Broker({**EMBEDDED, "GET /api/embedded/alarms": forbidden})
    assert run_with("list_connections", "-s", "pid", broker=broker).out.startswith(PID)


@pytest.mark.parametrize("words", [("close_connection", PID, "bye"), ("close", "connection", PID, "--reason", "bye")])
def test_a_connection_is_closed_by_it(words: tuple[str, ...]) -> None:
    quoted = "%3Crabbit%40localhost.1795461806.7.0%3E"
    closed = {
        f"DELETE /api/connections/{quoted}": MISSING,
        f"GET /api/connections/{quoted}": MISSING,
        "GET /api/connections/c%201": NAMED,
        "DELETE /api/connections/c%201": httpx.Response(204),
    }
    broker = Broker({**EMBEDDED, **closed})
    assert run_with(*words, broker=broker).exit == 0
    assert "DELETE /api/connections/c%201" in broker.asked


def test_one_that_is_gone_counts_as_closed() -> None:
    gone = "%3Crabbit%40localhost.1.2.3%3E"
    broker = Broker({f"DELETE /api/connections/{gone}": MISSING, f"GET /api/connections/{gone}": MISSING, **EMBEDDED})
    assert run_with("close_connection", "<rabbit@localhost.1.2.3>", "bye", broker=broker) == Ran(0, "", "")


def test_rabbitmq_closes_none_by_it() -> None:
    ran = run_with("close_connection", PID, "bye", broker=Broker(RABBITMQ))
    assert ran.exit == 69
    assert "does not know connections by process id" in ran.err
