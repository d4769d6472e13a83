"""check_*, is_* and await_*: each passes and each fails, with rabbitmq-diagnostics's words, exit code and JSON where recorded."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import httpx
import pytest

from rmqctl.commands.health import waiting

from ..conftest import NOT_FOUND, Broker, Ran, run_with
from .test_nodes import VERSIONS, Played, cluster, node_of, play, printed, without_monitoring

CHECKS = "/api/health/checks"
PORTS = {"3.10.8": "5702", "4.3.6": "5704"}


def failed(reason: str, **more: Any) -> httpx.Response:
    return httpx.Response(503, json={"status": "failed", "reason": reason, **more})


def answer(check: str, given: Any) -> dict[str, Any]:
    return {f"{CHECKS}/{check}": given}


def in_cluster(check: str) -> dict[str, Any]:
    """A check that passed on a cluster of several nodes."""
    return answer(check, {"status": "ok"})


# ------------------------------------------------------------------------------------ as rabbitmq-diagnostics says it


PASSING = (
    ("check_alarms",),
    ("check_local_alarms",),
    ("check_running",),
    ("is_running",),
    ("is_booting",),
    ("check_port_listener", "PORT"),
    ("check_protocol_listener", "amqp"),
    ("check_virtual_hosts",),
    ("check_certificate_expiration", "--within", "1", "--unit", "months"),
    ("check_if_node_is_quorum_critical",),
)
PASSING_SINCE_4 = (
    ("check_if_metadata_store_is_initialized",),
    ("check_for_quorum_queues_without_an_elected_leader", "-p", "/", ".*"),
)


def passing() -> Iterator[tuple[str, tuple[str, ...]]]:
    for version in VERSIONS:
        for argv in PASSING + (PASSING_SINCE_4 if version == "4.3.6" else ()):
            yield version, tuple(PORTS[version] if word == "PORT" else word for word in argv)


@pytest.mark.parametrize(("version", "argv"), list(passing()))
def test_a_check_that_passes(version: str, argv: tuple[str, ...]) -> None:
    expected = printed(version, *argv)
    changes = in_cluster("quorum-queues-without-elected-leaders/vhost/%2F/pattern/.%2A")
    assert play(version, *argv, changes=changes) == Ran(0, expected["stdout"], "")
    as_json = play(version, *argv, "--formatter", "json", changes=changes)
    assert json.loads(as_json.out) == json.loads(printed(version, *argv, "--formatter", "json")["stdout"])


FAILING = (("check_port_listener", "1"), ("check_protocol_listener", "mqtt"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("argv", FAILING, ids=" ".join)
def test_a_check_that_fails(version: str, argv: tuple[str, ...]) -> None:
    expected = printed(version, *argv)
    got = play(version, *argv)
    assert (got.exit, got.out) == (expected["exit"], "") == (69, "")
    assert got.err.removeprefix("rmqctl: ").strip() == expected["stderr"].removeprefix("Error:\n").strip()


RECORDED_FAILURES = (
    *(("3.10.8", argv) for argv in FAILING),
    ("4.3.6", ("check_protocol_listener", "mqtt")),
    ("4.3.6", ("check_if_any_deprecated_features_are_used",)),
    ("4.3.6-extra", ("check_alarms",)),
)


@pytest.mark.parametrize(("version", "argv"), RECORDED_FAILURES)
@pytest.mark.parametrize("formatter", ["json", "jsonl"])
def test_a_failure_for_programs(version: str, argv: tuple[str, ...], formatter: str) -> None:
    """rabbitmq-diagnostics prints it where errors go: stdout stays empty."""
    expected = printed(version, *argv, "--formatter", "json")
    got = play(version, *argv, "--formatter", formatter)
    assert (got.exit, got.out) == (expected["exit"], expected["stdout"]) == (69, "")
    assert got.err.count("\n") == 1
    assert _in_order(json.loads(got.err)) == _in_order(json.loads(expected["stderr"]))


def _in_order(data: dict[str, Any]) -> dict[str, Any]:
    """The broker lists its listeners in no order."""
    as_text = partial(json.dumps, sort_keys=True)
    return {key: sorted(value, key=as_text) if isinstance(value, list) else value for key, value in data.items()}


def test_ports_are_numbers_where_rabbitmq_diagnostics_takes_them_for_text() -> None:
    data = json.loads(play("4.3.6", "check_port_listener", "1", "-f", "json").err)
    assert (data["missing"], sorted(data["ports"]), data["result"]) == ("1", [5704, 15704, 25704], "error")
    assert sorted(each["port"] for each in data["listeners"]) == [5704, 15704, 25704]


def test_alarms_of_the_others_are_global() -> None:
    alarms = [{"node": "a@b", "resource": "disk"}, {"node": node_of("4.3.6"), "resource": "memory"}]
    got = play("4.3.6", "check_alarms", "-f", "json", changes=answer("alarms", failed("alarms", alarms=alarms)))
    data = json.loads(got.err)
    assert data["global"] == ["Free disk space alarm on node a@b"]
    assert data["local"] == [f"Memory alarm on node {node_of('4.3.6')}"]


def test_expired_certificates_for_programs() -> None:
    """The API writes hours of one digit."""
    told = {**CERTIFICATE, "certfile_expires_on": ["2026-12-01 2:12:31"]}
    changes = answer("certificate-expiration/4/weeks", failed("Certificates expiring", expired=[told]))
    got = play("4.3.6", "check_certificate_expiration", "-f", "json", changes=changes)
    assert (got.exit, got.out) == (69, "")
    assert json.loads(got.err) == {
        "expired": [
            {**CERTIFICATE, "certfile_expires_on": ["2026-12-01 02:12:31"], "purpose": "HTTP API over TLS (HTTPS)"}
        ],
        "result": "error",
    }


def test_an_alarm() -> None:
    expected = printed("4.3.6-extra", "check_alarms")
    assert play("4.3.6-extra", "check_alarms") == Ran(expected["exit"], "", f"rmqctl: {expected['stderr'].strip()}\n")
    # rabbitmq-diagnostics 4 does not look at local alarms any more.
    assert play("4.3.6-extra", "check_local_alarms").exit == 69


def test_several_alarms() -> None:
    alarms = [{"node": "a@b", "resource": "disk"}, {"node": "c@d", "resource": "file_descriptor_limit"}]
    got = play("4.3.6", "check_alarms", changes=answer("alarms", failed("alarms", alarms=alarms)))
    assert got.err == "rmqctl: Free disk space alarm on node a@b; file_descriptor_limit alarm on node c@d\n"


def test_deprecated_features() -> None:
    expected = printed("4.3.6", "check_if_any_deprecated_features_are_used")
    got = play("4.3.6", "check_if_any_deprecated_features_are_used")
    assert (got.exit, got.err) == (69, f"rmqctl: deprecated features in use: {expected['stderr'].strip()}\n")
    got = play("4.3.6", "check_if_any_deprecated_features_are_used", changes={"/api/deprecated-features/used": []})
    assert got == Ran(0, "Cluster reported no deprecated features in use\n", "")


# ----------------------------------------------------------------------------------------------- what was not recorded


QUEUE = {"name": "q", "readable_name": "queue 'q' in vhost '/'", "virtual_host": "/", "type": "quorum"}
CERTIFICATE = {
    "node": "a@b", "protocol": "https", "interface": "::", "port": 15671, "certfile": "/c.pem", "cacertfile": "/ca.pem",
    "certfile_expires_on": ["2026-12-01 10:00:00"], "cacertfile_expires_on": [],
}  # fmt: skip
FAILURES: tuple[tuple[str, tuple[str, ...], str, dict[str, Any], str], ...] = (
    ("4.3.6", ("check_virtual_hosts",), "virtual-hosts", {"virtual-hosts": ["a", "b"]}, "are down: a, b"),
    ("4.3.6", ("check_certificate_expiration",), "certificate-expiration/4/weeks", {"expired": [CERTIFICATE]},
     "within 4 weeks: https on port 15671: certfile expires 2026-12-01 10:00:00"),
    ("4.3.6", ("check_if_node_is_quorum_critical",), "node-is-quorum-critical", {"queues": [QUEUE]},
     "queue 'q' in vhost '/' lose their quorum if it stops"),
    ("3.10.8", ("check_if_node_is_mirror_sync_critical",), "node-is-mirror-sync-critical", {"queues": [QUEUE]},
     "queue 'q' in vhost '/' have no other synchronised mirror"),
    ("4.3.6", ("check_if_metadata_store_is_initialized",), "metadata-store/initialized", {}, "not yet have finished"),
    ("4.3.6", ("check_if_metadata_store_is_initialized_with_data",), "metadata-store/initialized/with-data", {},
     "not yet have finished"),
    ("4.3.6", ("check_for_quorum_queues_without_an_elected_leader", "^q"),
     "quorum-queues-without-elected-leaders/vhost/%2F/pattern/%5Eq", {"queues": [QUEUE, "other"]},
     "without a leader that answers: queue 'q' in vhost '/', other"),
    ("4.3.6", ("check_for_quorum_queues_without_an_elected_leader", ".", "--across-all-vhosts"),
     "quorum-queues-without-elected-leaders/all-vhosts/pattern/%28.%29", {"queues": [{"name": "x", "vhost": "v"}]},
     "queue 'x' in vhost 'v'"),
    ("4.3.6", ("has_reached_target_cluster_size",), "reached-target-cluster-size", {"online": 1, "target": 3},
     "has not been reached: 1 of 3 nodes are online"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("version", "argv", "check", "culprits", "words"), FAILURES, ids=[" ".join(each[1]) for each in FAILURES]
)
def test_a_failure(version: str, argv: tuple[str, ...], check: str, culprits: Mapping[str, Any], words: str) -> None:
    changes = answer(check, failed("Certificates expiring" if "cert" in check else "no", **culprits))
    got = play(version, *argv, changes=changes)
    assert (got.exit, got.out) == (69, "")
    assert words in got.err
    assert got.err.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("check_if_node_is_quorum_critical",), "reported no queues/streams with minimum quorum"),
        (("has_reached_target_cluster_size",), "Target cluster size has been reached on node"),
        (("check_if_metadata_store_is_initialized_with_data",), "has completed its initialization"),
        (
            ("check_for_quorum_queues_without_an_elected_leader", "--across-all-vhosts", ".*"),
            "responsive leader replicas",
        ),
    ],
)
def test_a_success(argv: tuple[str, ...], words: str) -> None:
    got = play("4.3.6", *argv, changes=in_cluster("node-is-quorum-critical"))
    assert (got.exit, got.err) == (0, "")
    assert words in got.out


def test_mirrored_queues() -> None:
    command, check = "check_if_node_is_mirror_sync_critical", "node-is-mirror-sync-critical"
    assert "single node cluster" in play("3.10.8", command).out
    out = play("3.10.8", command, changes=in_cluster(check)).out
    assert out == "Node rabbit310p@localhost reported no classic mirrored queues without online synchronised mirrors\n"
    # RabbitMQ 4 has none, and rabbitmq-diagnostics just says ok.
    assert play("4.3.6", command) == Ran(0, "ok\n", "")


def test_a_node_under_maintenance() -> None:
    changes = answer("node-is-quorum-critical", {"status": "ok", "reason": "node is under maintenance"})
    assert (
        "maintenance mode, the check does not apply"
        in play("4.3.6", "check_if_node_is_quorum_critical", changes=changes).out
    )


@pytest.mark.parametrize(
    ("argv", "since"),
    [
        (("check_if_metadata_store_is_initialized",), "4.1"),
        (("check_if_metadata_store_is_initialized_with_data",), "4.1"),
        (("check_for_quorum_queues_without_an_elected_leader", ".*"), "4.1"),
        (("has_reached_target_cluster_size",), "4.3"),
        (("check_if_any_deprecated_features_are_used",), "3.13"),
    ],
)
@pytest.mark.parametrize("status", [400, 404])
def test_a_check_that_the_release_lacks(argv: tuple[str, ...], since: str, status: int) -> None:
    """3.10 takes one of these paths for something else, and calls it a bad request."""
    missing = httpx.Response(status, json=NOT_FOUND)
    paths = ("metadata-store/initialized", "metadata-store/initialized/with-data", "reached-target-cluster-size",
             "quorum-queues-without-elected-leaders/vhost/%2F/pattern/.%2A")  # fmt: skip
    changes = {f"{CHECKS}/{path}": missing for path in paths} | {"/api/deprecated-features/used": missing}
    got = play("3.10.8", *argv, changes=changes)
    assert got.exit == 69
    assert got.err == f"rmqctl: {argv[0]} needs RabbitMQ {since} or later; http://localhost:15672 runs 3.10.8\n"


def test_a_bad_request_to_a_release_that_has_the_check() -> None:
    path = "quorum-queues-without-elected-leaders/vhost/%2F/pattern/.%2A"
    bad = httpx.Response(400, json={"error": "bad_request", "reason": "no pattern"})
    got = play("4.3.6", "check_for_quorum_queues_without_an_elected_leader", ".*", changes=answer(path, bad))
    assert got.exit == 65
    assert "no pattern" in got.err


@pytest.mark.parametrize("port", ["abc", "0", "70000", "-1", "²"])
def test_a_port_that_is_none(port: str) -> None:
    got = play("4.3.6", "check_port_listener", "--", port)
    assert got.exit == 65
    assert "is no port" in got.err


def test_a_unit_that_is_none() -> None:
    got = play("4.3.6", "check_certificate_expiration", "--unit", "fortnights")
    assert got.exit == 64
    assert "'fortnights' is not one of 'days', 'weeks', 'months', 'years'" in got.err


def test_silent_checks_print_nothing() -> None:
    for command in ("check_alarms", "check_virtual_hosts", "check_if_node_is_quorum_critical"):
        assert play("4.3.6", command, "-s") == Ran(0, "", "")
    assert json.loads(play("4.3.6", "check_alarms", "-s", "-f", "json").out) == {"result": "ok"}
    assert play("4.3.6", "check_running", "-s").out


def test_checks_for_users_without_the_tag_monitoring() -> None:
    """They are not told the node's name, so the URL stands for it."""
    got = play("4.3.6", "check_alarms", changes=without_monitoring("4.3.6"))
    assert got == Ran(0, "Node http://localhost:15672 reported no alarms, local or clusterwide\n", "")


# ---------------------------------------------------------------------------------------------------- running or not


def test_a_member_that_is_stopped() -> None:
    got = play("4.3.6", "check_running", "down@host", changes=cluster("4.3.6"))
    words = "RabbitMQ on node down@host is not running or has not fully booted yet (check with is_booting)"
    assert got == Ran(69, "", f"rmqctl: {words}\n")
    assert play("4.3.6", "is_running", "down@host", changes=cluster("4.3.6")) == Ran(0, f"{words}\n", "")
    data = json.loads(play("4.3.6", "is_running", "down@host", "-f", "json", changes=cluster("4.3.6")).out)
    assert data == {"message": words, "result": False}
    data = json.loads(play("4.3.6", "is_booting", "down@host", "-f", "json", changes=cluster("4.3.6")).out)
    assert data["result"] is False


@pytest.mark.parametrize("command", ["ping", "check_running", "is_running", "check_alarms"])
def test_a_broker_that_is_down(command: str) -> None:
    broker = Broker({"GET localhost": httpx.ConnectError("refused")})
    got = run_with(command, broker=broker)
    assert (got.exit, got.out) == (69, "")


def test_node_health_check() -> None:
    assert play("3.10.8", "node_health_check").out == "Health check passed\n"
    # On 4.x the broker looks at nothing, and rabbitmq-diagnostics says nothing.
    assert play("4.3.6", "node_health_check") == Ran(0, "", "")
    data = json.loads(play("4.3.6", "node_health_check", "-f", "json").out)
    assert data == {"node": node_of("4.3.6"), "result": "ok"}
    bad = {"status": "failed", "reason": "queue index is broken"}
    got = play("3.10.8", "node_health_check", changes={"/api/healthchecks/node": bad})
    assert (got.exit, got.err) == (69, "rmqctl: Health check failed: queue index is broken\n")


# --------------------------------------------------------------------------------------------- classic queue mirroring


HA = {
    "vhost": "/",
    "name": "ha",
    "pattern": ".*",
    "apply-to": "queues",
    "definition": {"ha-mode": "all"},
    "priority": 0,
}
TTL = {**HA, "name": "ttl", "definition": {"message-ttl": 1}}
MIRRORING = "check_if_cluster_has_classic_queue_mirroring_policy"


def test_policies_without_mirroring() -> None:
    got = play("3.10.8", MIRRORING, changes={"/api/policies": [TTL], "/api/operator-policies": []})
    assert got == Ran(0, "Cluster reported no policies that enable classic queue mirroring\n", "")


def test_policies_with_mirroring() -> None:
    changes = {"/api/policies": [TTL, HA], "/api/operator-policies": [HA]}
    got = play("3.10.8", MIRRORING, changes=changes)
    assert got.exit == 69
    assert got.err == (
        "rmqctl: classic queue mirroring is enabled by policy 'ha' in virtual host '/', "
        "operator policy 'ha' in virtual host '/'\n"
    )
    for command in (
        "list_policies_with_classic_queue_mirroring",
        "list_operator_policies_with_classic_queue_mirroring",
    ):
        assert play("3.10.8", command, changes=changes).out == (
            "vhost\tname\tpattern\tapply-to\tdefinition\tpriority\n"
            '/\tha\t.*\tqueues\t{"ha-mode":"all"}\t0\n'
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ waiting


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "PAUSE", 0.01)


class Late(Played):
    """A broker that gives `before` to the first requests, `times` of them, and then answers as recorded."""

    def __init__(self, before: Any, times: int, path: str = "", version: str = "4.3.6") -> None:
        super().__init__(version)
        self.before, self.left, self.path = before, times, path

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.left > 0 and request.url.path.startswith(self.path):
            self.left -= 1
            if isinstance(self.before, Exception):
                raise self.before
            return httpx.Response(200, json=self.before) if isinstance(self.before, list) else self.before
        return super().answer(request)


REFUSED = httpx.ConnectError("connection refused")


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    "before", [REFUSED, httpx.ReadTimeout("slow"), httpx.Response(503, json={"reason": "starting"})]
)
def test_await_startup(before: Any) -> None:
    broker = Late(before, 3)
    assert run_with("await_startup", broker=broker) == Ran(0, "", "")
    assert len(broker.requests) == 4
    data = json.loads(run_with("await_startup", "-f", "json", broker=Late(before, 1)).out)
    assert data == {"node": node_of("4.3.6"), "result": "ok"}


@pytest.mark.usefixtures("_impatient")
def test_a_broker_that_does_not_start() -> None:
    got = run_with("await_startup", "-t", "0.1", broker=Late(REFUSED, 10**6))
    assert got == Ran(75, "", "rmqctl: http://localhost:15672 has not started within 0.1 seconds\n")


@pytest.mark.usefixtures("_impatient")
def test_a_refused_login_is_not_waited_for() -> None:
    refused = httpx.Response(401, json={"error": "not_authorized", "reason": "Login failed"})
    broker = Late(refused, 10**6)
    assert run_with("await_startup", broker=broker).exit == 77
    assert len(broker.requests) == 1


@pytest.mark.usefixtures("_impatient")
def test_await_online_nodes() -> None:
    down = [{"name": "a@b", "running": False}]
    assert run_with("await_online_nodes", "1", broker=Late(down, 3, "/api/nodes")) == Ran(0, "", "")
    got = run_with("await_online_nodes", "2", "-t", "0.1", broker=Played("4.3.6"))
    assert got.exit == printed("4.3.6", "await_online_nodes", "2", "-t", "1")["exit"] == 70
    assert got.err == "rmqctl: timed out: 1 of 2 nodes run at http://localhost:15672 after 0.1 seconds\n"


@pytest.mark.parametrize("count", ["0", "many", "1.5"])
def test_a_count_that_is_none(count: str) -> None:
    assert play("4.3.6", "await_online_nodes", count).exit == 65


@pytest.mark.usefixtures("_impatient")
def test_await_online_quorum_plus_one() -> None:
    critical, path = failed("critical", queues=[QUEUE]), f"{CHECKS}/node-is-quorum-critical"
    single = run_with("await_online_quorum_plus_one", broker=Late(critical, 3, path))
    assert single.exit == 0
    assert "the only one in a single node cluster, the command does not apply" in single.out
    changes = in_cluster("node-is-quorum-critical")
    assert play("4.3.6", "await_online_quorum_plus_one", changes=changes) == Ran(0, "", "")
    got = run_with("await_online_quorum_plus_one", "-t", "0.1", broker=Late(critical, 10**6, path))
    assert (got.exit, got.out) == (75, "")
