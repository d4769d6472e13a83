"""Each object has the keys that RabbitMQ 4.3.6 gives it, but for what is listed here."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pika
import pytest

from .conftest import Live

RECORDINGS = Path(__file__).parents[1] / "recordings" / "4.3.6" / "http.jsonl"

# Erlang's garbage collector is not there to tell about, the pid of a connection is told here only; optional ones need more than
# this topology has.
EXCEPTIONS: dict[str, set[str]] = {
    "queues classic": {"exclusive_consumer_tag", "head_message_timestamp", "operator_policy", "policy"}
    | {"single_active_consumer_tag"},
    "queues quorum": {"operator_policy", "policy", "single_active_consumer_tag"},
    "queues/detailed classic": {"garbage_collection"},
    "queues/detailed quorum": {"garbage_collection"},
    "queues?disable_stats=true&enable_queue_totals=true classic": {"policy"},
    "connections": {"garbage_collection", "container_id", "pid"},
    "channels": {"garbage_collection"},
    "exchanges": {"policy"},
    "users": set(),
}
LISTS = (
    *(
        f"queues{form} {kind}"
        for form in ("", "/detailed", "?disable_stats=true", "?disable_stats=true&enable_queue_totals=true")
        for kind in ("classic", "quorum")
    ),
    *("exchanges", "bindings", "consumers", "connections", "channels", "vhosts", "users", "permissions", "nodes"),
    *("policies", "operator-policies", "parameters", "vhost-limits", "user-limits", "topic-permissions"),
    *("feature-flags", "deprecated-features", "global-parameters"),
)


@cache
def recorded() -> dict[str, Any]:
    lines = (json.loads(line) for line in RECORDINGS.read_text(encoding="utf-8").splitlines())
    return {
        line["path"].removeprefix("/api/"): line["body"]
        for line in lines
        if line["method"] == "GET" and line["phase"] == "main" and line["status"] == 200
    }


def keys(rows: Any, kind: str) -> set[str]:
    return {key for row in rows if not kind or row["type"] == kind for key in row}


@pytest.fixture
def world(live: Live) -> Any:
    """One of everything, with a connection that publishes, consumes and confirms."""
    put = lambda path, body: live.http.put(f"/api/{path}", json=body).raise_for_status()  # noqa: E731
    put("queues/%2F/q", {"durable": True})
    put("queues/%2F/qq", {"durable": True, "arguments": {"x-queue-type": "quorum"}})
    put("queues/%2F/unused", {"durable": True})
    put("policies/%2F/p", {"pattern": "^none$", "definition": {"max-length": 5}})
    put("operator-policies/%2F/p", {"pattern": "^none$", "definition": {"max-length": 5}})
    put("vhost-limits/%2F/max-queues", {"value": 50})
    put("user-limits/guest/max-channels", {"value": 50})
    put("topic-permissions/%2F/guest", {"exchange": "amq.topic", "write": ".*", "read": ".*"})
    parameters = pika.ConnectionParameters(
        "127.0.0.1", live.amqp_port, client_properties={"connection_name": "the tests"}
    )
    connection = pika.BlockingConnection(parameters)
    channel = connection.channel()
    channel.confirm_delivery()
    for queue in ("q", "q", "qq", "qq"):
        channel.basic_publish("", queue, b"x")
    channel.basic_qos(prefetch_count=1)
    for queue in ("q", "qq"):
        channel.basic_consume(queue, lambda *_: None)
    connection.process_data_events(0.1)
    yield live
    connection.close()


def test_every_list_has_the_keys_of_rabbitmq(world: Live) -> None:
    known = recorded()
    for name in LISTS:
        path, _, kind = name.partition(" ")
        if path not in known:
            continue
        mine = keys(world.http.get(f"/api/{path}").json(), kind)
        theirs = keys(known[path], kind)
        assert mine ^ theirs <= EXCEPTIONS.get(name, set()), (name, mine ^ theirs)


@pytest.mark.parametrize("path", ["overview", "whoami", "cluster-name"])
def test_an_object_has_the_keys_of_rabbitmq(world: Live, path: str) -> None:
    assert set(world.http.get(f"/api/{path}").json()) == set(recorded()[path])


def test_one_queue_has_the_keys_of_rabbitmq(world: Live) -> None:
    mine = set(world.http.get("/api/queues/%2F/q").json())
    assert mine ^ set(recorded()["queues/%2F/orders"]) == {"garbage_collection"}


def test_counts_are_those_of_this_moment(world: Live) -> None:
    queue = world.http.get("/api/queues/%2F/q").json()
    assert (queue["messages"], queue["messages_ready"], queue["messages_unacknowledged"]) == (2, 1, 1)
    assert queue["consumer_details"][0]["activity_status"] == "blocked"
    [channel] = world.http.get("/api/channels").json()
    assert channel["name"].endswith(" (1)")
    assert (channel["messages_unacknowledged"], channel["prefetch_count"], channel["consumer_count"]) == (2, 1, 2)
    assert channel["confirm"] is True
    assert channel["message_stats"]["confirm"] == 4
    [connection] = world.http.get("/api/connections").json()
    assert connection["user_provided_name"] == "the tests"
    assert connection["channels"] == 1
    assert connection["recv_oct"] > 100
    overview = world.http.get("/api/overview").json()
    assert overview["object_totals"] == {"channels": 1, "connections": 1, "consumers": 2, "exchanges": 8, "queues": 3}
    assert overview["queue_totals"]["messages_unacknowledged"] == 2


def test_an_overview_without_statistics_counts_what_is_declared(world: Live) -> None:
    overview = world.http.get("/api/overview?disable_stats=true").json()
    assert overview["object_totals"] == {"connections": 1, "exchanges": 8, "queues": 3}
    statistics = {"churn_rates", "contexts", "listeners", "message_stats", "queue_totals", "statistics_db_event_queue"}
    assert set(recorded()["overview"]) - set(overview) == statistics


def test_a_connection_is_closed_with_the_reason_given(live: Live) -> None:
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", live.amqp_port))
    name = live.http.get("/api/connections").json()[0]["name"]
    path = "/api/connections/" + name.replace(" ", "%20").replace(">", "%3E")
    assert live.http.delete(path, headers={"X-Reason": "enough"}).status_code == 204
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
        connection.process_data_events(5)
    assert (closed.value.reply_code, closed.value.reply_text) == (320, "CONNECTION_FORCED - enough")
