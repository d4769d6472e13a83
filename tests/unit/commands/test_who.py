"""who QUEUE: bindings, consumers and publishers of a queue, as JSON and for people."""

import json
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, run_with

NAME = "a b/c%2F \u00e9"
QUEUE = "/api/queues/%2F/a%20b%2Fc%252F%20%C3%A9"
CONNECTION = "10.0.0.1:5000 -> 10.0.0.2:5672"
OF = {"name": CONNECTION, "peer_host": "10.0.0.1", "peer_port": 5000}
STATS = {"publish": 5, "publish_details": {"rate": 0.5}, "ack_details": {"rate": 1.0}}
CHANNEL = {"name": f"{CONNECTION} (1)", "number": 1, "user": "worker", "connection_details": OF}
DETAILS = {
    "name": f"{CONNECTION} (1)", "connection_name": CONNECTION, "number": 1, "user": "worker", "peer_host": "10.0.0.1",
    "peer_port": 5000,
}  # fmt: skip
CONSUMER = {"consumer_tag": "ctag", "ack_required": True, "prefetch_count": 0, "channel_details": DETAILS}
COUNTS = {"messages_ready": 2, "messages_unacknowledged": 1}
"""At this moment. What statistics tell is older."""


def played(consumers: list[Any], channels: list[Any], **more: Any) -> Broker:
    statistics = {"messages_ready": 9, "messages_unacknowledged": 9}
    found = {"name": NAME, "vhost": "/", "type": "quorum", **statistics, "consumer_details": consumers, "incoming": []}
    bindings = [
        {"source": "", "routing_key": NAME, "arguments": []},
        {"source": "logs", "routing_key": "a.#", "arguments": {"x": 1}},
    ]
    rates = {"message_stats": {"publish_in_details": {"rate": 2.5}}}
    client = {"user_provided_name": "printer", "client_properties": {"product": "Pika", "version": "1.3"}}
    return Broker(
        {
            f"GET {QUEUE}": {**found, **more},
            "GET /api/queues/%2F": {"page": 1, "items": [{"messages": 3, **COUNTS}]},
            f"GET {QUEUE}/bindings": bindings,
            "GET /api/exchanges/%2F": [{"name": "logs", "type": "topic", **rates}, {"name": "", "type": "direct"}],
            "GET /api/vhosts/%2F/channels": channels,
            "GET /api/vhosts/%2F/connections": [{"name": CONNECTION, **client}],
        }
    )


def test_all_who_have_to_do_with_it() -> None:
    channel = {**CHANNEL, "messages_unacknowledged": 1, "idle_since": "2026-01-02 03:04:05", "message_stats": STATS}
    broker = played([CONSUMER], [channel])
    client = {
        "channel": f"{CONNECTION} (1)", "number": 1, "connection": CONNECTION, "client": "printer", "user": "worker",
        "peer": "10.0.0.1:5000", "library": "Pika 1.3",
    }  # fmt: skip
    consumer = {"consumer_tag": "ctag", "ack_required": True, "prefetch_count": 0, **client}
    exchange = {"exchange": "logs", "type": "topic", "routing_key": "a.#", "arguments": {"x": 1}}
    default = {"exchange": "", "type": "direct", "routing_key": NAME, "arguments": {}}
    assert json.loads(run_with("who", NAME, "-f", "json", broker=broker).out) == {
        "name": NAME, "vhost": "/", "type": "quorum", **COUNTS, "incoming": [],
        "bindings": [{**default, "exchange_publish_rate": None}, {**exchange, "exchange_publish_rate": 2.5}],
        "consumers": [{**consumer, "channel_unacknowledged": 1, "ack_rate": 1.0, "idle_since": "2026-01-02 03:04:05"}],
        "publishers": [{**client, "publish_rate": 0.5}],
    }  # fmt: skip
    who = f"channel 1 of connection {CONNECTION!r}, which calls itself 'printer', user worker from 10.0.0.1:5000, Pika 1.3"
    assert run_with("who", NAME, broker=broker).out.splitlines() == [
        f"quorum queue {NAME!r} in virtual host '/': 2 ready, 1 unacknowledged",
        "bound to",
        f"  the default exchange, key {NAME!r}",
        "  topic exchange 'logs', key 'a.#', x=1, 2.5/s",
        "consumed by",
        f"  consumer 'ctag', {who}: prefetch unlimited, its channel holds 1, acknowledges 1/s, idle since 2026-01-02 03:04:05",
        "publishing in the virtual host",
        f"  {who}, 0.5/s",
    ]


def test_a_stream_has_the_counts_of_its_statistics() -> None:
    broker = played([], [])
    broker.answers["GET /api/queues/%2F"] = {"page": 1, "items": []}
    assert "9 ready, 9 unacknowledged" in run_with("who", NAME, broker=broker).out


def test_one_queue_is_shown_with_its_counts_of_now() -> None:
    found = json.loads(run_with("show", "queue", NAME, "-f", "json", broker=played([], [])).out)
    assert (found["messages"], found["messages_ready"], found["messages_unacknowledged"]) == (3, 2, 1)


@pytest.mark.parametrize("words", [("who", NAME), ("show", "queue", NAME)])
def test_a_person_is_told_how_old_what_is(words: tuple[str, ...]) -> None:
    ran = run_with(*words, broker=played([], []), terminal=True, environ={"PAGER": "cat"})
    assert "other counts and rates are statistics, up to 8 seconds old" in ran.err
    assert run_with(*words, broker=played([], [])).err == ""


def test_nobody() -> None:
    lines = run_with("who", NAME, broker=played([], [])).out.splitlines()
    assert lines[-4:] == ["consumed by", "  nobody", "publishing in the virtual host", "  nobody"]


def test_a_consumer_that_needs_no_acks_and_whose_channel_is_new() -> None:
    ran = run_with("who", NAME, broker=played([{**CONSUMER, "ack_required": False}], []))
    assert f"connection {CONNECTION!r}, which calls itself 'printer', user worker from 10.0.0.1:5000" in ran.out
    assert ran.out.splitlines()[-3].endswith(": automatic acks")


def test_exchanges_that_fill_it_where_the_broker_tells() -> None:
    incoming = [{"exchange": {"name": "logs", "vhost": "/"}, "stats": {"publish_details": {"rate": 4.0}}}]
    ran = run_with("who", NAME, broker=played([], [], incoming=incoming))
    assert "filled by\n  exchange 'logs', 4/s\n" in ran.out


@pytest.mark.parametrize(("answer", "exit_code"), [(404, 65), (401, 77)])
def test_it_is_not_there_or_not_shown(answer: int, exit_code: int) -> None:
    ran = run_with("who", NAME, broker=Broker({f"GET {QUEUE}": httpx.Response(answer, json=NOT_FOUND)}))
    assert (ran.exit, ran.out, len(ran.err.splitlines())) == (exit_code, "", 1)
