"""Commands that change queues, connections, shovels, links and the cluster: their requests, and what they say."""

import json
from typing import Any

import httpx
import pytest

from ..conftest import NOT_FOUND, Broker, Ran, run_with

V = "a%2Fb%20c%252F%20%C3%A9"
NAME = "a/b c%2F é"
DONE = httpx.Response(204)
MISSING = httpx.Response(404, json=NOT_FOUND)
OLD, NEW = {"rabbitmq_version": "3.10.8", "node": "rabbit@a"}, {"rabbitmq_version": "4.3.6", "node": "rabbit@a"}


def refused(reason: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": "bad_request", "reason": reason})


# queues


def test_a_queue_is_deleted() -> None:
    broker = Broker({f"DELETE /api/queues/{V}/{V}": DONE})
    assert run_with("delete_queue", "-p", NAME, NAME, broker=broker) == Ran(0, "", "")
    assert run_with("delete_queue", "-p", NAME, NAME, "-e", "-u", broker=broker) == Ran(0, "", "")
    assert broker.asked == [f"DELETE /api/queues/{V}/{V}", f"DELETE /api/queues/{V}/{V}?if-empty=true&if-unused=true"]


def test_a_person_is_told_what_went_with_it() -> None:
    broker = Broker({"GET /api/queues/%2F/q": {"messages_ready": 3}, "DELETE /api/queues/%2F/q": DONE})
    ran = run_with("delete_queue", "q", broker=broker, terminal=True)
    assert ran.err == "queue 'q' in virtual host '/' was deleted with 3 ready messages\n"


@pytest.mark.parametrize(
    ("answer", "overview", "code"),
    [
        (MISSING, NEW, 64),
        (refused("queue 'q' in vhost '/' not empty"), OLD, 64),
        (refused("queue 'q' in vhost '/' not empty"), NEW, 69),
        (refused("queue 'q' in vhost '/' in use"), OLD, 64),
        (refused("queue.delete operations with if-empty flag set are not supported by quorum queues"), OLD, 69),
        (refused("405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue"), NEW, 69),
    ],
)
def test_a_queue_that_stays(answer: httpx.Response, overview: dict[str, str], code: int) -> None:
    broker = Broker({"DELETE /api/queues/%2F/q": answer, "GET /api/overview": overview})
    ran = run_with("delete_queue", "q", broker=broker)
    assert (ran.exit, ran.out) == (code, "")
    assert ran.err.startswith("rmqctl: queue 'q' in virtual host '/' ")


def test_a_condition_that_the_broker_cannot_put_into_words() -> None:
    broker = Broker({"DELETE /api/queues/%2F/q": httpx.Response(500), "GET /api/overview": NEW})
    ran = run_with("delete_queue", "q", "-e", broker=broker)
    assert ran.exit == 69
    assert "was not deleted: not empty, or in use (HTTP 500)" in ran.err
    assert run_with("delete_queue", "q", broker=broker).exit == 70


def test_internal_queues_are_left_to_rabbitmqctl() -> None:
    assert run_with("delete_queue", "q", "--force").exit == 69


@pytest.mark.parametrize(
    ("answer", "overview", "code"),
    [
        (DONE, NEW, 0),
        (MISSING, NEW, 65),
        (MISSING, OLD, 69),
        (refused("queue.purge not supported by stream queues"), NEW, 69),
    ],
)
def test_a_queue_is_purged(answer: httpx.Response, overview: dict[str, str], code: int) -> None:
    broker = Broker({f"DELETE /api/queues/%2F/{V}/contents": answer, "GET /api/overview": overview})
    assert run_with("purge_queue", NAME, broker=broker).exit == code


def test_changes_take_answers_that_are_no_json() -> None:
    broker = Broker({"DELETE /api/queues/%2F/q/contents": DONE})
    assert run_with("purge_queue", "q", broker=broker).exit == 0
    assert broker.requests[0].headers["accept"] == "application/json, */*;q=0.1"


@pytest.mark.parametrize("argv", [("delete_queue", "q"), ("purge_queue", "q")])
def test_who_may_not(argv: tuple[str, ...]) -> None:
    answer = httpx.Response(401, json={"error": "not_authorised", "reason": "Access refused."})
    broker = Broker({"DELETE /api/queues/%2F/q": answer, "DELETE /api/queues/%2F/q/contents": answer})
    assert run_with(*argv, broker=broker).exit == 77


@pytest.mark.parametrize(("command", "action"), [("sync_queue", "sync"), ("cancel_sync_queue", "cancel_sync")])
def test_mirrors_are_of_3_x(command: str, action: str) -> None:
    broker = Broker(
        {"GET /api/overview": OLD, "GET /api/queues/%2F/q": {"name": "q"}, "POST /api/queues/%2F/q/actions": DONE}
    )
    assert run_with(command, "q", broker=broker) == Ran(0, "", "")
    assert json.loads(broker.requests[-1].content) == {"action": action}
    broker.answers["GET /api/queues/%2F/q"] = MISSING
    assert run_with(command, "q", broker=broker).exit == 69
    ran = run_with(command, "q", broker=Broker({"GET /api/overview": NEW}))
    assert ran.exit == 69
    assert "RabbitMQ 4.0 removed mirrored queues; http://localhost:15672 runs 4.3.6" in ran.err


# connections


def test_a_connection_is_closed_by_its_name() -> None:
    broker = Broker({"DELETE /api/connections/127.0.0.1%3A1%20-%3E%20127.0.0.1%3A2": DONE})
    ran = run_with("close_connection", "127.0.0.1:1 -> 127.0.0.1:2", "bye é\nnow", broker=broker)
    assert ran == Ran(0, "", "")
    assert dict(broker.requests[0].headers.raw)[b"X-Reason"] == "bye é now".encode()


def test_an_explanation_that_is_not_utf_8() -> None:
    broker = Broker({"DELETE /api/connections/c": DONE})
    assert run_with("close_connection", "c", "by\udce9", broker=broker) == Ran(0, "", "")
    assert dict(broker.requests[0].headers.raw)[b"X-Reason"] == b"by\xe9"


def test_a_connection_is_closed_by_what_the_client_calls_itself() -> None:
    broker = Broker(
        {
            "DELETE /api/connections/mine": MISSING,
            "GET /api/connections/mine": MISSING,
            "GET /api/connections": [{"name": "c 1", "user_provided_name": "mine"}],
            "GET /api/connections/c%201": {"name": "c 1"},
            "DELETE /api/connections/c%201": DONE,
        }
    )
    assert run_with("close_connection", "mine", "bye", broker=broker) == Ran(0, "", "")
    assert "DELETE /api/connections/c%201" in broker.asked
    two = [{"name": name, "user_provided_name": "mine"} for name in ("c 1", "c 2")]
    broker.answers["GET /api/connections"] = two
    ran = run_with("close_connection", "mine", "bye", broker=broker)
    assert ran.exit == 69
    assert "2 clients call themselves so: c 1, c 2" in ran.err


def test_all_connections_of_a_virtual_host_are_closed() -> None:
    rows = [{"name": name} for name in ("a", "b", "c")]
    broker = Broker(
        {
            f"GET /api/vhosts/{V}/connections": rows,
            "DELETE /api/connections/a": DONE,
            "DELETE /api/connections/b": MISSING,
            "DELETE /api/connections/c": DONE,
        }
    )
    argv = ("close_all_connections", "-p", NAME, "bye")
    assert run_with(*argv, broker=broker) == Ran(0, "Closed 2 connections\n", "")
    assert run_with(*argv, "--limit", "1", "--per-connection-delay", "1", broker=broker).out == "Closed 1 connections\n"
    assert run_with(*argv, "--limit", "1", "-f", "json", broker=broker).out == '{"closed":1}\n'
    assert run_with(*argv, broker=Broker({f"GET /api/vhosts/{V}/connections": MISSING})).exit == 65
    assert run_with("close_all_connections").exit == 64


def test_all_connections_of_the_node_are_closed() -> None:
    broker = Broker(
        {
            "GET /api/overview": NEW,
            "GET /api/connections": [{"name": "a", "node": "rabbit@a"}, {"name": "b", "node": "rabbit@b"}],
            "DELETE /api/connections/a": DONE,
        }
    )
    assert run_with("close_all_connections", "bye", "--global", broker=broker).out == "Closed 1 connections\n"


def test_all_connections_of_a_user_are_closed() -> None:
    broker = Broker({f"DELETE /api/connections/username/{V}": DONE})
    assert run_with("close_all_user_connections", NAME, "bye", broker=broker) == Ran(0, "", "")
    assert broker.requests[0].headers["x-reason"] == "bye"


# feature flags


def flag(name: str, state: str = "disabled", stability: str = "stable") -> dict[str, str]:
    return {"name": name, "state": state, "stability": stability}


def test_feature_flags_are_enabled() -> None:
    flags = [flag("a"), flag("b", "enabled"), flag("c", stability="experimental")]
    enabling = {f"PUT /api/feature-flags/{name}/enable": DONE for name in "ac"}
    broker = Broker({"GET /api/feature-flags": flags, **enabling})

    def enabled(*argv: str) -> tuple[int, list[str]]:
        broker.requests.clear()
        code = run_with("enable_feature_flag", *argv, broker=broker).exit
        return code, [request.url.path.split("/")[3] for request in broker.requests if request.method == "PUT"]

    assert enabled("a") == (0, ["a"])
    assert enabled("b") == (0, [])
    assert enabled("all") == (0, ["a"])
    assert enabled("c") == (64, [])
    assert enabled("c", "--experimental") == (0, ["c"])
    assert enabled("c", "--opt-in") == (0, ["c"])
    assert enabled("nope") == (64, [])
    assert enabled("all", "--opt-in") == (64, [])


# shovels and links


def test_shovels() -> None:
    broker = Broker(
        {
            "GET /api/shovels": [],
            f"GET /api/parameters/shovel/%2F/{V}": {"name": NAME},
            f"DELETE /api/shovels/vhost/%2F/{V}": DONE,
            f"DELETE /api/shovels/vhost/%2F/{V}/restart": DONE,
        }
    )
    assert run_with("restart_shovel", NAME, broker=broker) == Ran(0, "", "")
    assert run_with("delete_shovel", NAME, broker=broker) == Ran(0, "", "")
    gone = {"GET /api/parameters/shovel/%2F/s": MISSING, "DELETE /api/shovels/vhost/%2F/s/restart": MISSING}
    for command in ("restart_shovel", "delete_shovel"):
        ran = run_with(command, "s", broker=Broker({"GET /api/shovels": [], **gone}))
        assert ran.exit == 69
        assert "shovel 's' in virtual host '/' does not exist" in ran.err
        ran = run_with(command, "s", broker=Broker({"GET /api/shovels": MISSING}))
        assert ran.exit == 69
        assert "rabbitmq_shovel_management is not enabled" in ran.err


def test_a_federation_link_is_restarted_where_it_runs() -> None:
    links = [{"id": "x", "vhost": "v/", "node": "rabbit@b"}]
    where = "DELETE /api/federation-links/vhost/v%2F/x/rabbit%40b/restart"
    broker = Broker({"GET /api/federation-links": links, where: DONE})
    assert run_with("restart_federation_link", "x", broker=broker) == Ran(0, "", "")
    assert where in broker.asked
    assert run_with("restart_federation_link", "nope", broker=broker).exit == 69


# cluster


def test_the_cluster_as_a_whole() -> None:
    broker = Broker(
        {
            "GET /api/overview": NEW,
            "PUT /api/cluster-name": DONE,
            "POST /api/rebalance/queues": DONE,
            "DELETE /api/reset": DONE,
            "DELETE /api/reset/rabbit%40a": DONE,
            "DELETE /api/auth/attempts/rabbit%40a": DONE,
        }
    )
    for argv in (
        ("set_cluster_name", "né"),
        ("rebalance", "all"),
        ("reset_stats_db",),
        ("reset_stats_db", "--all"),
        ("reset_node_auth_attempt_metrics",),
    ):
        assert run_with(*argv, broker=broker) == Ran(0, "", ""), argv
    assert json.loads(broker.requests[0].content) == {"name": "né"}
    assert [request for request in broker.asked if not request.startswith("GET")] == [
        "DELETE /api/auth/attempts/rabbit%40a",
        "DELETE /api/reset",
        "DELETE /api/reset/rabbit%40a",
        "POST /api/rebalance/queues",
        "PUT /api/cluster-name",
    ]


@pytest.mark.parametrize(
    "argv", [("quorum",), ("nope",), ("all", "--queue-pattern", "^x"), ("all", "--vhost-pattern", "^x")]
)
def test_a_rebalance_that_cannot_be_served(argv: tuple[str, ...]) -> None:
    ran = run_with("rebalance", *argv)
    assert ran.exit == 69
    assert ran.err.startswith("rmqctl: rebalance: ")


def test_mirroring_is_taken_out_of_policies() -> None:
    common = {"vhost": "v", "pattern": "^", "apply-to": "all", "priority": 0}
    policies = [
        {**common, "name": "both", "definition": {"ha-mode": "all", "max-length": 1}},
        {**common, "name": "only", "definition": {"ha-mode": "all", "ha-sync-mode": "automatic"}},
        {**common, "name": "none", "definition": {"max-length": 1}},
    ]
    broker = Broker(
        {
            "GET /api/policies": policies,
            "GET /api/operator-policies": [],
            "PUT /api/policies/v/both": DONE,
            "DELETE /api/policies/v/only": DONE,
        }
    )
    ran = run_with("remove_classic_queue_mirroring_from_policies", broker=broker)
    assert ran.out == "vhost\tkind\tname\tresult\nv\tpolicies\tboth\tchanged\nv\tpolicies\tonly\tdeleted\n"
    written = next(request for request in broker.requests if request.method == "PUT")
    assert json.loads(written.content) == {
        "pattern": "^",
        "apply-to": "all",
        "priority": 0,
        "definition": {"max-length": 1},
    }


# members of quorum queues

MEMBERS = f"/api/queues/quorum/%2F/{V}/replicas"
ON_NODE = "/api/queues/quorum/replicas/on/rabbit%40a"
CASES: tuple[tuple[tuple[str, ...], str, Any], ...] = (
    (("add_member", NAME, "rabbit@a"), f"POST {MEMBERS}/add", {"node": "rabbit@a"}),
    (("delete_member", NAME, "rabbit@a"), f"DELETE {MEMBERS}/delete", {"node": "rabbit@a"}),
    (
        ("grow", "rabbit@a", "even", "--queue-pattern", "^q"),
        f"POST {ON_NODE}/grow",
        {"strategy": "even", "vhost_pattern": ".*", "queue_pattern": "^q"},
    ),
    (("shrink", "rabbit@a", "--errors-only"), f"DELETE {ON_NODE}/shrink", None),
)


@pytest.mark.parametrize(
    ("argv", "request_line", "body"), CASES, ids=lambda value: value[0] if isinstance(value, tuple) else ""
)
def test_members(argv: tuple[str, ...], request_line: str, body: Any) -> None:
    nodes = [{"name": "rabbit@a"}]
    broker = Broker({"GET /api/nodes": nodes, "GET /api/overview": NEW, request_line: DONE})
    assert run_with(*argv, broker=broker) == Ran(0, "", "")
    assert json.loads(broker.requests[-1].content or "null") == body
    broker = Broker({"GET /api/nodes": nodes, "GET /api/overview": OLD, request_line: httpx.Response(405)})
    ran = run_with(*argv, broker=broker)
    assert ran.exit == 69
    assert f"{argv[0]}: needs RabbitMQ 3.13 or later; http://localhost:15672 runs 3.10.8" in ran.err


@pytest.mark.parametrize(
    ("argv", "answer", "code"),
    [
        (CASES[0][0], refused("Node is not a cluster member"), 64),
        (CASES[0][0], refused("not_found", 503), 65),
        (CASES[0][0], refused("classic_queue_not_supported", 503), 69),
        (CASES[1][0], refused("Node is not a cluster member"), 69),
        (CASES[1][0], refused("last_node", 503), 69),
        (CASES[1][0], MISSING, 65),
        (CASES[3][0], MISSING, 69),
    ],
)
def test_members_that_cannot_be_changed(argv: tuple[str, ...], answer: httpx.Response, code: int) -> None:
    line = next(request_line for words, request_line, _ in CASES if words == argv)
    assert run_with(*argv, broker=Broker({line: answer, "GET /api/overview": NEW})).exit == code


def test_what_grow_and_add_member_do_not_take() -> None:
    assert run_with("grow", "rabbit@a", "odd").exit == 64
    elsewhere = Broker({"GET /api/nodes": [{"name": "rabbit@b"}], "GET /api/overview": NEW})
    assert run_with("grow", "rabbit@a", "all", broker=elsewhere).exit == 64
    assert run_with("add_member", "q", "rabbit@a", "--membership", "voter").exit == 69
