"""The checks besides acks: what each names and leaves alone, from the answers of a broker; limits, the file, check all."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from rmqctl.checks.options import ALL_VHOSTS, IGNORE, MATCH, WHERE
from rmqctl.checks.table import CHECKS
from rmqctl.commands import COMMANDS

from ..conftest import NOT_FOUND, Broker, Ran, RecordedBroker, run_with

NAME = 'a b/\u00fc|"q'
QUEUES = "GET /api/queues/%2F"
NODES = "GET /api/nodes"
CONNECTIONS = "GET /api/vhosts/%2F/connections"
CHANNELS = "GET /api/vhosts/%2F/channels"
CONSUMERS = "GET /api/consumers/%2F"
CERTIFICATES = "GET /api/health/checks/certificate-expiration/10/years"
ALARMS = "GET /api/health/checks/alarms"
FLAGS = "GET /api/feature-flags"
POLICIES = "GET /api/policies/%2F"
EXCHANGES = "GET /api/exchanges/%2F"
BINDINGS = "GET /api/bindings/%2F"
SHOVELS = "GET /api/shovels/%2F"
LINKS = "GET /api/federation-links/%2F"
DEPRECATED = "GET /api/deprecated-features/used"

EMPTY: dict[str, Any] = {
    "GET /api/whoami": {"name": "guest", "tags": ["monitoring"]},
    "GET /api/overview": {"object_totals": {"queues": 0}, "churn_rates": []},
    QUEUES: [],
    CONSUMERS: [],
    EXCHANGES: [],
    BINDINGS: [],
    POLICIES: [],
    "GET /api/operator-policies/%2F": [],
    CHANNELS: [],
    CONNECTIONS: [],
    NODES: [{"name": "rabbit@a", "running": True, "mem_used": 1, "mem_limit": 100}],
    FLAGS: [],
    DEPRECATED: [],
    ALARMS: {"status": "ok"},
    CERTIFICATES: {"status": "ok"},
    SHOVELS: [],
    LINKS: [],
    "GET /api/definitions": {},
}
"""A broker with nothing on it."""


def played(answers: Mapping[str, Any] = {}) -> Broker:
    return Broker({**EMPTY, **answers})


def check(name: str, answers: Mapping[str, Any], *words: str) -> Ran:
    return run_with("check", name, *words, broker=played(answers))


def queue(name: str = NAME, **more: Any) -> dict[str, Any]:
    counts = {"messages": 0, "messages_ready": 0, "messages_unacknowledged": 0}
    return {"name": name, "type": "classic", "arguments": {}, **counts, **more}


FAILED = httpx.Response(500, json={})


def unavailable(**body: Any) -> httpx.Response:
    return httpx.Response(503, json={"status": "failed", "reason": "why", **body})


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")


def expiring(days: float) -> dict[str, Any]:
    """The answers about a certificate that has so many days left."""
    return expiring_at(in_days(days))


def expiring_at(moment: str) -> dict[str, Any]:
    row = {
        "protocol": "amqp/ssl",
        "port": 5671,
        "node": "rabbit@a",
        "certfile": "/a.pem",
        "certfile_expires_on": [moment],
    }
    return {CERTIFICATES: unavailable(expired=[row])}


def replicated(**more: Any) -> dict[str, Any]:
    members = ["rabbit@a", "rabbit@b", "rabbit@c"]
    return {"name": NAME, "type": "quorum", "members": members, "online": members, "leader": members[0], **more}


def policy(name: str, pattern: str = ".*", priority: int = 0, apply_to: str = "queues") -> dict[str, Any]:
    row = {"vhost": "/", "name": name, "pattern": pattern, "priority": priority, "apply-to": apply_to}
    return {**row, "definition": {"max-length": 1}}


def node(**more: Any) -> dict[str, Any]:
    memory = {"mem_used": 10, "mem_limit": 100, "mem_alarm": False}
    disk = {"disk_free": 5 * 2**30, "disk_free_limit": 10**6, "disk_free_alarm": False}
    rest = {"fd_used": 1, "fd_total": 100, "sockets_used": 0, "sockets_total": 0, "proc_used": 1, "proc_total": 100}
    return {"name": "rabbit@a", "running": True, "partitions": [], **memory, **disk, **rest, **more}


def disabled(stability: str) -> dict[str, Any]:
    return {FLAGS: [{"name": "f", "state": "disabled", "stability": stability}]}


THREE = [node(name=f"rabbit@{each}") for each in "abc"]
DLX = {"x-dead-letter-exchange": "dlx"}
TO_DEAD = {"dead-letter-exchange": "", "dead-letter-routing-key": "dead"}
BINDING = {"vhost": "/", "source": "dlx", "destination": "dead", "destination_type": "queue", "routing_key": "a.#"}
BINDING_TO_ITSELF = {**BINDING, "destination": "dlx", "destination_type": "exchange"}
NOW = ("--for", "0")
ALONE = ["rabbit@a"]
FIVE = [*"abcde"]
SIX = ("--utilisation-critical", "6%")
HELD_BACK = ("blocked", "blocking", "flow")
TOPIC = {"vhost": "/", "name": "dlx", "type": "topic"}


def lettered(messages: int = 0, **more: Any) -> dict[str, Any]:
    """A queue with those arguments, and one that its exchange `dlx` is bound to."""
    arguments = {**DLX, **{name.replace("_", "-"): value for name, value in more.items()}}
    rows = [queue(arguments=arguments), queue("dead", messages=messages)]
    return {QUEUES: rows, EXCHANGES: [TOPIC], BINDINGS: [BINDING]}


def by_default(messages: int = 3, **more: Any) -> dict[str, Any]:
    """A queue of which `dead` gets the dead letters, by the default exchange."""
    return {QUEUES: [queue(**more), queue("dead", messages=messages)]}


def at_place(*written: int | None) -> dict[str, Any]:
    """A quorum queue whose members have written so much of the log."""
    members = [
        {"Node Name": f"rabbit@{node}", "Last Written": index} for node, index in zip("abc", written, strict=False)
    ]
    return {QUEUES: [replicated()], f"GET /api/queues/quorum/%2F/{quote(NAME, safe='')}/status": members}


def consumer(**more: Any) -> dict[str, Any]:
    return {"queue": {"vhost": "/", "name": NAME}, "consumer_tag": "tag", "channel_details": [], **more}


CASES: list[tuple[str, dict[str, Any], tuple[str, ...], list[str], int]] = [
    # queues
    ("queues", {QUEUES: [queue(messages=9_999)]}, (), [], 0),
    ("queues", {QUEUES: [queue(messages=10_000)]}, (), ["messages"], 1),
    ("queues", {QUEUES: [queue(messages=10)]}, ("--warning", "5", "--critical", "10"), ["messages"], 2),
    ("queues", {QUEUES: [queue(messages=1000)]}, ("--warning", "1k"), ["messages"], 1),
    ("queues", {QUEUES: [queue(messages_unacknowledged=5)]}, ("--unacknowledged-critical", "5"), ["unacknowledged"], 2),
    ("queues", {QUEUES: [queue(messages_ready=1)]}, (), ["no consumer"], 1),
    ("queues", {QUEUES: [queue(messages_ready=1)], CONSUMERS: [consumer()]}, ("--ready-warning", "1"), ["ready"], 1),
    ("queues", {QUEUES: [queue()]}, (), [], 0),
    ("queues", {QUEUES: [queue()]}, ("--strict",), ["no consumer"], 1),
    ("queues", {QUEUES: [queue(type="stream", messages_ready=7)]}, ("--strict", "--ready-warning", "1"), [], 0),
    ("queues", {QUEUES: [queue(idle_since="2020-01-02 03:04:05")]}, ("--idle-warning", "1h"), ["idle"], 1),
    ("queues", {QUEUES: [queue(idle_since="2020-01-02 03:04:05")]}, (), [], 0),
    ("queues", {QUEUES: [{"name": NAME}]}, (*NOW, "--warning", "1", "--idle-warning", "1", "--growth-warning", "1"), [], 0),
    ("queues", {QUEUES: [queue(messages=10_000)]}, ("--match", "^b"), [], 0),
    ("queues", {QUEUES: [queue(messages=10_000)]}, ("--ignore", "^a"), [], 0),
    ("queues", {QUEUES: [queue(messages=10_000)]}, ("--where", "value < 10000"), [], 0),
    # consumers
    ("consumers", {CONSUMERS: [consumer(activity_status="waiting", active=False), consumer()]}, (), [], 0),
    ("consumers", {CONSUMERS: [consumer(activity_status="suspected_down")]}, (), ["inactive"], 1),
    ("consumers", {CONSUMERS: [consumer(activity_status="blocked")]}, (), [], 0),
    ("consumers", {QUEUES: [queue(messages_ready=100, consumers=1, consumer_capacity=0.05)]}, (), ["utilisation"], 1),
    ("consumers", {QUEUES: [queue(messages_ready=100, consumers=1, consumer_utilisation=0.05)]}, SIX, ["utilisation"], 2),
    ("consumers", {QUEUES: [queue(messages_ready=99, consumers=1, consumer_capacity=0)]}, (), [], 0),
    ("consumers", {QUEUES: [queue(messages_ready=9, consumers=1, consumer_capacity=0)]}, ("--backlog", "9"), ["utilisation"], 1),
    ("consumers", {QUEUES: [queue(messages_ready=100, consumers=0, consumer_capacity=0)]}, (), [], 0),
    ("consumers", {QUEUES: [queue(messages_ready=100, consumers=1)]}, (), [], 0),
    # connections and channels
    ("connections", {CONNECTIONS: [{"name": NAME, "state": "running"}]}, (), [], 0),
    ("connections", {CONNECTIONS: [{"state": state} for state in HELD_BACK]}, (), [*HELD_BACK], 1),
    ("connections", {CONNECTIONS: [{"name": "c", "state": "flow"}]}, ("--where", "kind != flow"), [], 0),
    ("connections", {CONNECTIONS: [{}, {}]}, ("--critical", "2"), ["too many"], 2),
    ("connections", {"GET /api/overview": {"churn_rates": {"connection_created_details": {"rate": 12.5}}}}, (), ["churn"], 1),
    ("channels", {CHANNELS: [{"name": "c", "vhost": "/", "connection_details": {"name": NAME}}] * 100}, (), ["leak"], 1),
    ("channels", {CHANNELS: [{"name": "c", "connection_details": []}] * 100}, (), [], 0),
    ("channels", {CHANNELS: [{"name": "c", "state": "flow"}]}, (), ["flow"], 1),
    ("channels", {CHANNELS: [{"name": "c"}]}, ("--warning", "1"), ["too many"], 1),
    # alarms, nodes, cluster
    ("alarms", {ALARMS: unavailable(alarms=[{"node": "rabbit@a", "resource": "disk"}])}, (), ["alarm"], 2),
    ("alarms", {}, (), [], 0),
    ("nodes", {NODES: [node()]}, (), [], 0),
    ("nodes", {NODES: [node(mem_used=80)]}, (), ["memory"], 1),
    ("nodes", {NODES: [node(mem_used=96)]}, (), ["memory"], 2),
    ("nodes", {NODES: [node(mem_used=96)]}, ("--memory-critical", "97"), ["memory"], 1),
    ("nodes", {NODES: [node(mem_alarm=True)]}, (), ["alarm"], 2),
    ("nodes", {NODES: [node(disk_free=2**30)]}, (), ["disk"], 1),
    ("nodes", {NODES: [node(disk_free=10**6)]}, (), ["disk"], 2),
    ("nodes", {NODES: [node(disk_free=0, disk_free_alarm=True)]}, (), ["alarm"], 2),
    ("nodes", {NODES: [node(fd_used=95)]}, (), ["files"], 2),
    ("nodes", {NODES: [node(sockets_used=85, sockets_total=100)]}, (), ["sockets"], 1),
    ("nodes", {NODES: [node(proc_used=85)]}, (), ["processes"], 1),
    ("nodes", {NODES: [node(), {"name": "rabbit@b", "running": False}]}, (), ["not running"], 2),
    ("nodes", {NODES: [node(partitions=["rabbit@b"])]}, (), ["partition"], 2),
    ("nodes", {NODES: [node(being_drained=True)]}, (), ["maintenance"], 1),
    ("cluster", {NODES: THREE}, ("--nodes", "3"), [], 0),
    ("cluster", {NODES: THREE}, ("--nodes", "4"), ["size"], 2),
    ("cluster", {NODES: [*THREE, {"name": "rabbit@d", "running": False}]}, (), ["not running"], 1),
    ("cluster", {NODES: [node(partitions=["rabbit@b"])]}, (), ["partition"], 2),
    ("cluster", {NODES: [node(rabbitmq_version="4.3.6"), node(name="b", rabbitmq_version="4.2.0")]}, (), ["versions"], 1),
    ("cluster", {NODES: [node(applications=[{"name": "rabbit", "version": each}]) for each in "12"]}, (), ["versions"], 1),
    ("cluster", disabled("stable"), (), ["not enabled"], 1),
    ("cluster", disabled("experimental"), (), [], 0),
    ("cluster", disabled("experimental"), ("--strict",), ["not enabled"], 1),
    ("cluster", {FLAGS: httpx.Response(401, json={})}, (), [], 0),
    # quorum
    ("quorum", {QUEUES: [replicated()], NODES: THREE}, (), [], 0),
    ("quorum", {QUEUES: [replicated(online=["rabbit@a", "rabbit@b"])], NODES: THREE}, (), ["critical"], 1),
    ("quorum", {QUEUES: [replicated(online=["rabbit@b"])], NODES: THREE}, (), ["no quorum"], 2),
    ("quorum", {QUEUES: [replicated(leader="")], NODES: THREE}, (), ["no leader"], 2),
    ("quorum", {QUEUES: [replicated(leader="rabbit@c", online=["rabbit@a", "rabbit@b"])], NODES: THREE}, (), ["no leader"], 2),
    ("quorum", {QUEUES: [replicated(type="stream", members=ALONE, online=ALONE)], NODES: THREE}, (), ["critical"], 1),
    ("quorum", {QUEUES: [replicated(members=ALONE, online=ALONE)]}, (), [], 0),
    ("quorum", {QUEUES: [replicated(members=FIVE, online=FIVE[:4], leader="a")], NODES: THREE}, (), ["member offline"], 1),
    ("quorum", {QUEUES: [{"name": NAME, "type": "quorum"}, queue()]}, (), [], 0),
    ("quorum", {QUEUES: [{"name": NAME, "type": "stream", "members": ALONE, "online": ALONE}]}, (), [], 0),
    ("quorum", {QUEUES: [queue(slave_nodes=["b", "c"], synchronised_slave_nodes=["b"])]}, (), ["not synchronised"], 1),
    ("quorum", {**at_place(100, 99), NODES: THREE}, ("--lag-warning", "2"), [], 0),
    ("quorum", {**at_place(100, 98), NODES: THREE}, ("--lag-warning", "2"), ["out of sync"], 1),
    ("quorum", {**at_place(100, None), NODES: THREE}, ("--lag-critical", "2"), [], 0),
    ("quorum", {**at_place(100, 0), NODES: THREE}, ("--lag-critical", "2"), ["out of sync"], 2),
    # certificates
    ("certificates", expiring(90), (), [], 0),
    ("certificates", expiring(20), (), ["expires"], 1),
    ("certificates", expiring(90), ("--warning", "100d"), ["expires"], 1),
    ("certificates", expiring(2), (), ["expires"], 2),
    ("certificates", expiring(-2), (), ["expired"], 2),
    ("certificates", expiring_at("2020-02-25 2:50:42"), (), ["expired"], 2),
    # policies
    ("policies", {QUEUES: [queue()], POLICIES: [policy("a"), policy("b", priority=1)]}, (), [], 0),
    ("policies", {QUEUES: [queue()], POLICIES: [policy("a"), policy("b")]}, (), ["conflict"], 1),
    ("policies", {QUEUES: [queue()], POLICIES: [policy("a"), policy("b"), policy("top", priority=9)]}, (), [], 0),
    ("policies", {QUEUES: [queue()], POLICIES: [policy("a"), policy("b", apply_to="exchanges")]}, (), ["matches nothing"], 1),
    ("policies", {QUEUES: [queue()], "GET /api/operator-policies/%2F": [policy("a", "^z")]}, (), ["matches nothing"], 1),
    # dead letters
    ("dead_letters", lettered(), NOW, [], 0),
    ("dead_letters", lettered(1), NOW, ["dead letters"], 1),
    ("dead_letters", lettered(1, x_dead_letter_routing_key="b"), NOW, ["lost"], 1),
    ("dead_letters", lettered(1, x_dead_letter_routing_key="a"), NOW, ["dead letters"], 1),
    ("dead_letters", lettered(1, x_dead_letter_routing_key="a.b.c"), (*NOW, "--critical", "1"), ["dead letters"], 2),
    ("dead_letters", {**lettered(1), BINDINGS: [BINDING_TO_ITSELF]}, NOW, ["lost"], 1),
    ("dead_letters", {QUEUES: [queue(arguments=DLX)]}, NOW, ["lost"], 1),
    ("dead_letters", {QUEUES: [queue(arguments={"x-dead-letter-exchange": ""})]}, NOW, [], 0),
    ("dead_letters", by_default(arguments={f"x-{key}": value for key, value in TO_DEAD.items()}), NOW, ["dead letters"], 1),
    ("dead_letters", by_default(effective_policy_definition=TO_DEAD), NOW, ["dead letters"], 1),
    ("dead_letters", {**by_default(policy="p"), POLICIES: [{**policy("p"), "definition": TO_DEAD}]}, NOW, ["dead letters"], 1),
    # the rest
    ("deprecated_features", {DEPRECATED: [{"name": "f"}]}, (), ["in use"], 1),
    ("shovels", {SHOVELS: [{"name": "s", "vhost": "/", "state": "running"}]}, (), [], 0),
    ("shovels", {SHOVELS: [{"name": "s", "vhost": "/", "state": "terminated", "reason": "a\nb"}]}, (), ["down"], 1),
    ("shovels", {SHOVELS: [{"name": "s", "vhost": "/", "state": "terminated"}]}, ("--critical", "1"), ["down"], 2),
    ("federation", {LINKS: [{"queue": "q", "vhost": "/", "status": "error", "error": "x"}]}, (), ["down"], 1),
    ("federation", {LINKS: [{"exchange": "e", "vhost": "/", "status": "running"}]}, (), [], 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "answers", "words", "kinds", "code"), CASES, ids=lambda each: each if isinstance(each, str) else ""
)
def test_each_names_what_is_wrong_and_nothing_else(
    name: str, answers: dict[str, Any], words: tuple[str, ...], kinds: list[str], code: int
) -> None:
    ran = check(name, answers, *words, "-f", "json")
    found = json.loads(ran.out)
    assert (sorted(each["kind"] for each in found["findings"]), ran.exit, ran.err) == (sorted(kinds), code, ""), ran
    assert (found["check"], found["status"]) == (name, ("OK", "WARNING", "CRITICAL")[code])


def test_members_that_are_not_told_are_not_called_well() -> None:
    ran = check("quorum", {QUEUES: [{"name": NAME, "type": "stream"}, replicated()]})
    assert (ran.exit, ran.out) == (0, "quorum OK: 2 quorum queues and streams; of 1 the members are not told\n")


def test_a_day_that_cannot_be_read_is_not_called_well() -> None:
    ran = check("certificates", expiring_at("soon"))
    assert (ran.exit, "/a.pem expires at 'soon': that is no date" in ran.out) == (3, True)


# growth


def growing(first: int, then: int) -> Any:
    samples = iter([[queue(messages=first)], [queue(messages=then)]])
    return lambda _: httpx.Response(200, json=next(samples))


@pytest.mark.parametrize(("then", "code"), [(5, 0), (14, 0), (15, 1), (30, 2)])
def test_growth_between_two_samples(then: int, code: int) -> None:
    words = ("--for", "0.01", "--growth-warning", "10", "--growth-critical", "20", "-f", "json")
    ran = check("queues", {QUEUES: growing(5, then)}, *words)
    assert (ran.exit, [each["value"] for each in json.loads(ran.out)["findings"]]) == (code, [then - 5] if code else [])


def test_one_look_is_enough_without_a_limit_for_growth() -> None:
    broker = played()
    assert run_with("check", "queues", broker=broker).exit == 0
    assert sum(asked.startswith("GET /api/queues") for asked in broker.asked) == 1


# what cannot be told

BLIND = {"GET /api/whoami": {"name": "guest", "tags": "management"}}
STATISTICS_OFF = {
    "GET /api/overview": {"disable_stats": True},
    CONSUMERS: httpx.Response(400, json={"error": "bad_request", "reason": "Stats in management UI are disabled"}),
    NODES: [{"name": "rabbit@a", "running": True}],
}


@pytest.mark.parametrize("name", ["consumers", "connections", "channels"])
@pytest.mark.parametrize(
    ("answers", "why"), [(BLIND, "the tag monitoring is needed"), (STATISTICS_OFF, "collects no statistics")]
)
def test_clients_that_are_not_told(name: str, answers: dict[str, Any], why: str) -> None:
    ran = check(name, answers)
    assert (ran.exit, ran.out.startswith(f"{name} UNKNOWN: "), why in ran.out) == (3, True, True), ran


@pytest.mark.parametrize("answers", [BLIND, STATISTICS_OFF])
def test_queues_are_told_without_their_consumers(answers: dict[str, Any]) -> None:
    ran = check("queues", {**answers, QUEUES: [queue(messages=1, messages_ready=1)]})
    assert (ran.exit, ran.out) == (0, "queues OK: 1 queue, 1 message; whether anybody consumes them is unknown\n")


@pytest.mark.parametrize(
    ("name", "answers", "why"),
    [
        ("nodes", {NODES: httpx.Response(401, json={"reason": "Not monitor user"})}, "guest"),
        ("nodes", STATISTICS_OFF, "statistics are off"),
        ("deprecated_features", {DEPRECATED: httpx.Response(404, json=NOT_FOUND)}, "3.13 or later"),
        ("shovels", {SHOVELS: httpx.Response(404, json=NOT_FOUND)}, "rabbitmq_shovel_management"),
        ("federation", {LINKS: httpx.Response(404, json=NOT_FOUND)}, "rabbitmq_federation_management"),
        ("queues", {QUEUES: httpx.ConnectError("refused")}, "refused"),
        ("queues", {QUEUES: httpx.Response(404, json=NOT_FOUND)}, "virtual host '/'"),
    ],
)  # fmt: skip
def test_it_could_not_tell(name: str, answers: dict[str, Any], why: str) -> None:
    ran = check(name, answers)
    assert (ran.exit, ran.out.startswith(f"{name} UNKNOWN: "), why in ran.out) == (3, True, True), ran


@pytest.mark.parametrize("version", ["3.10.8", "4.3.6"])
@pytest.mark.parametrize("name", ["queues", "consumers", "connections", "channels", "policies", "alarms"])
def test_recorded_brokers_are_understood(version: str, name: str) -> None:
    ran = run_with("check", name, "-f", "json", broker=RecordedBroker(version))
    assert ran.exit in (0, 1), ran
    assert json.loads(ran.out)["figures"]


# definitions


def test_definitions(tmp_path: Path) -> None:
    file = tmp_path / "wanted.json"
    file.write_text(
        json.dumps({"queues": [{"vhost": "/", "name": "q", "durable": True, "auto_delete": False, "arguments": {}}]})
    )
    ran = check("definitions", {"GET /api/definitions": {"queues": []}}, str(file), "-f", "json")
    assert (ran.exit, [each["kind"] for each in json.loads(ran.out)["findings"]]) == (1, ["missing"])
    same = {"GET /api/definitions": json.loads(file.read_text())}
    assert check("definitions", same, str(file)).exit == 0
    assert check("definitions", {}, str(tmp_path / "none")).exit == 3
    assert check("definitions", {}).exit == 64


# check all


def test_all_at_once() -> None:
    broker = played({QUEUES: [queue(messages_ready=1)], SHOVELS: httpx.Response(404, json=NOT_FOUND)})
    ran = run_with("check", "all", "--for", "0", broker=broker)
    lines = ran.out.splitlines()
    assert (ran.exit, lines[0]) == (1, "all WARNING: 1 warning, 13 ok, 2 skipped")
    assert [line.split()[0] for line in lines[1:]] == list(CHECKS)
    assert (
        f"queues WARNING: no consumer: queue {NAME!r} in virtual host '/': 0 messages, 1 ready, 0 unacknowledged"
        in lines
    )
    assert any(line.startswith("shovels SKIPPED: ") for line in lines)
    # Each list once, but for what is seen at both ends of the window, and for a queue's exact counts beside its statistics.
    counts = {
        noun: sum(noun in asked for asked in broker.asked)
        for noun in ("/consumers", "/connections", "/bindings", "/nodes", "/channels")
    }
    assert counts == {"/consumers": 2, "/connections": 1, "/bindings": 1, "/nodes": 1, "/channels": 2}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--only", "queues,alarms"), ["queues", "alarms"]),
        (("--only", "queues,alarms", "--except", "queues"), ["alarms"]),
        (("--except", ",".join(set(CHECKS) - {"nodes"})), ["nodes"]),
    ],
)
def test_some_of_them(words: tuple[str, ...], names: list[str]) -> None:
    ran = run_with("check", "all", *words, "-f", "json", broker=played())
    assert [each["check"] for each in json.loads(ran.out)["checks"]] == names


@pytest.mark.parametrize(
    ("answers", "words", "code"),
    [
        ({QUEUES: [queue(messages=10_000)], NODES: [node(mem_alarm=True)]}, ("--only", "queues,nodes"), 2),
        ({QUEUES: [queue(messages=10_000)], ALARMS: FAILED}, ("--only", "queues,alarms"), 3),
        ({NODES: [node(mem_alarm=True)], ALARMS: FAILED}, ("--only", "nodes,alarms"), 2),
        ({SHOVELS: httpx.Response(404, json=NOT_FOUND)}, ("--only", "shovels"), 3),
        ({SHOVELS: httpx.Response(404, json=NOT_FOUND)}, ("--only", "shovels,alarms"), 0),
    ],
)  # fmt: skip
def test_the_worst_wins(answers: dict[str, Any], words: tuple[str, ...], code: int) -> None:
    assert run_with("check", "all", *words, broker=played(answers)).exit == code


@pytest.mark.parametrize("why", [httpx.ConnectError("refused"), httpx.Response(401, json={})])
def test_a_broker_that_does_not_answer(why: Any) -> None:
    """Says so once."""
    ran = run_with("check", "all", broker=played({"GET /api/whoami": why}))
    assert (ran.exit, ran.out.startswith("all UNKNOWN: http://localhost:15672: "), len(ran.out.splitlines())) == (
        3,
        True,
        1,
    )
    ran = run_with("check", "all", "-f", "json", broker=played({"GET /api/whoami": why}))
    assert (json.loads(ran.out)["status"], json.loads(ran.out)["checks"]) == ("UNKNOWN", [])


def test_a_check_that_there_is_not() -> None:
    ran = run_with("check", "all", "--only", "queuse", broker=played())
    assert (ran.exit, "did you mean 'queues'?" in ran.err) == (64, True)


# the file


def test_limits_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    file.write_text('[queues]\ncritical = 5\nidle-warning = "7d"\nignore = ["^zz", "^x"]\n[all]\nonly = ["queues"]\n')
    full = {QUEUES: [queue(messages=5), queue("x", messages=99_999)]}
    config = ("--config", str(file))
    assert check("queues", full, *config).exit == 2
    assert check("queues", full, *config, "--critical", "6").exit == 0
    assert check("queues", full, *config, "--ignore", "nothing").exit == 2
    ran = check("all", full, *config)
    assert (ran.exit, len(ran.out.splitlines())) == (2, 2)


def test_the_file_beside_the_contexts(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "rmqctl"
    folder.mkdir(parents=True)
    (folder / "checks.toml").write_text("[queues]\ncritical = 5\n")
    assert check("queues", {QUEUES: [queue(messages=5)]}).exit == 2
    assert '"critical":"5"' in run_with("check", "list", "-f", "jsonl").out.splitlines()[1]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("[queues]\nwarning = 1\n\n[queuse]\n", 4, "unknown check 'queuse': did you mean 'queues'?"),
        ("[queues]\nwarnign = 1\n", 2, "unknown key 'warnign' in check 'queues': did you mean 'warning'?"),
        ('[queues]\nwarning = "many"\n', 2, "'warning' in check 'queues': 'many' is not a number such as"),
        ("[queues]\n\nwarning = true\n", 3, "must be a whole number"),
        ("[queues]\nwarning = 0\n", 2, "must be a whole number"),
        ("[queues]\nidle-warning = [1]\n", 2, "must be a time"),
        ('[queues]\nignore = ["("]\n', 2, "bad regular expression"),
        ("[queues]\nignore = [1]\n", 2, "'ignore' in check 'queues' must be"),
        ('[queues]\nall-vhosts = "yes"\n', 2, "must be true or false"),
        ("queues = 1\n", 1, "'queues' must be a table, not an integer"),
        ("[queues\n", 1, "Expected"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, text: str, line: int, why: str) -> None:
    file = tmp_path / "limits.toml"
    file.write_text(text)
    ran = run_with("check", "queues", "--config", str(file))
    assert (ran.exit, ran.out) == (78, "")
    assert f"{file}, line {line}: " in ran.err
    assert why in ran.err


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert run_with("check", "queues", "--config", str(tmp_path / "none")).exit == 78


@pytest.mark.parametrize(
    "words",
    [("--warning", "x"), ("--warning", "0"), ("--match", "("), ("--idle-warning", "soon"), ("--where", "nothing = 1")],
)
def test_bad_words(words: tuple[str, ...]) -> None:
    ran = run_with("check", "queues", *words)
    assert (ran.exit, ran.out) == (64, "")


# formats


def test_nagios() -> None:
    answers = {QUEUES: [queue(messages=10)]}
    first, *rest = check("queues", answers, "--warning", "10", "-f", "nagios").out.splitlines()
    shown = repr(NAME).replace("|", "/")
    assert first == (
        f"queues WARNING: messages: queue {shown} in virtual host '/': 10 messages, 0 ready, 0 unacknowledged"
        " | queues=1;;;0 messages=10;;;0 longest=10;10;;0"
    )
    assert len(rest) == 2
    assert not any("|" in line for line in rest)
    first = check("nodes", {NODES: [node()]}, "-f", "nagios").out
    assert "memory=10%;80;95;0 " in first
    assert first.endswith("disk=5367709120B;1073741824:;104857600:;\n".replace("5367709120", str(5 * 2**30 - 10**6)))


def test_prometheus() -> None:
    lines = check("queues", {QUEUES: [queue(messages_ready=3)]}, "-f", "prometheus").out.splitlines()
    assert "rmqctl_check_queues_status 1" in lines
    assert "rmqctl_check_queues_queues 1" in lines
    assert lines[-1] == (
        'rmqctl_check_queues_finding{kind="no consumer",object="queue",vhost="/",name="a b/\u00fc|\\"q"} 3'
    )
    several = check("all", {}, "--only", "queues,nodes", "-f", "prometheus").out.splitlines()
    assert "rmqctl_check_all_status 0" in several
    assert "rmqctl_check_nodes_memory_percent 1" in several
    samples = [line.partition(" ")[0] for line in several if not line.startswith("#")]
    assert len(samples) == len(set(samples))


def test_rows() -> None:
    ran = check("queues", {QUEUES: [queue(messages_ready=3)]}, "-f", "jsonl")
    assert json.loads(ran.out)["name"] == NAME
    assert ran.err.startswith("queues WARNING: ")
    ran = check("all", {}, "--only", "queues", "-f", "csv")
    assert ran.out == '"check","status","summary"\n"queues","OK","0 queues, 0 messages"\n'


def test_no_name_breaks_a_line() -> None:
    evil = "a\nb\x1b[31m\u202e|c"
    for format_ in ("table", "nagios"):
        out = check("queues", {QUEUES: [queue(evil, messages_ready=3)]}, "-f", format_).out
        assert len(out.splitlines()) == 3
        assert "\x1b" not in out
        assert "\u202e" not in out


def test_list() -> None:
    rows = [json.loads(line) for line in run_with("check", "list", "-f", "jsonl").out.splitlines()]
    assert [row["check"] for row in rows] == list(CHECKS)
    assert rows[1]["limits"] == {"for": "10s", "warning": "10000"}
    assert "warning=4w critical=1w" in run_with("check", "list").out


# the table


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_is_a_command_with_help(name: str) -> None:
    assert COMMANDS[f"check {name}"].formats == ("nagios", "prometheus")
    assert f"check_{name}" in COMMANDS
    assert all(option in CHECKS[name].all_options() for option in (MATCH, IGNORE, WHERE))
    assert (ALL_VHOSTS in CHECKS[name].all_options()) is CHECKS[name].by_vhost
    ran = run_with("check", name, "--help")
    assert (ran.exit, "--config" in ran.out, "3 unknown" in " ".join(ran.out.split())) == (0, True, True)


def test_rabbitmq_diagnostics_keeps_its_own() -> None:
    assert COMMANDS["check_alarms"].module == "health.health"
