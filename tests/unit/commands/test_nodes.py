"""Commands about nodes, played on the recorded answers of real brokers and compared with what rabbitmqctl printed there."""

import json
import platform
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from rmqctl import __version__

from ..conftest import NOT_FOUND, RECORDINGS, Broker, Ran, run_with, target_of, trimmed

VERSIONS = ("3.10.8", "4.3.6")
REFUSED = {"error": "not_authorised", "reason": "Not monitor user"}


@cache
def recording(version: str) -> dict[str, Any]:
    """`node`, `http` (path to status and body or text) and `ctl` (argv, exit, stdout, stderr)."""
    found: dict[str, Any] = json.loads((RECORDINGS / "nodes" / f"{version}.json").read_text(encoding="utf-8"))
    return found


class Played(Broker):
    """A recorded broker; `changes` replace answers: path to body, or to an httpx.Response or exception."""

    def __init__(self, version: str, changes: Mapping[str, Any] | None = None) -> None:
        super().__init__({})
        self.changes = changes or {}
        self.recorded = {unquote(target): entry for target, entry in recording(version)["http"].items()}

    def answer(self, request: httpx.Request) -> httpx.Response:
        target = target_of(request)
        raw, _, query = target.partition("?")
        columns = query.removeprefix("columns=").split(",") if query.startswith("columns=") else None
        if raw in self.changes:
            given = self.changes[raw]
            if isinstance(given, Exception):
                raise given
            entry = {"status": 200, "body": given}
            if isinstance(given, httpx.Response):
                return given
        else:
            entry = (
                self.recorded.get(unquote(target))
                or self.recorded.get(unquote(raw))
                or {"status": 404, "body": NOT_FOUND}
            )
        if "text" in entry:
            assert request.headers["accept"] == "text/plain", "the API refuses anything else here"
            return httpx.Response(entry["status"], text=entry["text"])
        if entry.get("body") is None:
            return httpx.Response(entry["status"])
        body = trimmed(entry["body"], columns) if columns and entry["status"] == 200 else entry["body"]
        return httpx.Response(entry["status"], json=body)


def play(version: str, *argv: str, changes: Mapping[str, Any] | None = None, **more: Any) -> Ran:
    return run_with(*argv, broker=Played(version, changes), **more)


def printed(version: str, *argv: str) -> dict[str, Any]:
    """What rabbitmqctl printed, its banner and its bold headings left out."""
    runs = [run for run in recording(version)["ctl"] if tuple(run["argv"]) == argv]
    assert runs, f"rabbitmqctl was not recorded with {argv}"
    stdout = re.sub(r"\x1b\[[0-9;]*m", "", runs[0]["stdout"])
    if "-q" not in argv and "json" not in argv:
        stdout = stdout.partition("\n")[2]
    return {**runs[0], "stdout": stdout}


def node_of(version: str) -> str:
    name: str = recording(version)["node"]
    return name


def path_of(version: str, *more: str) -> str:
    return "/".join(("/api/nodes", node_of(version).replace("@", "%40"), *more))


# ------------------------------------------------------------------------------------------ the same text and JSON


SAME_TEXT = (
    ("listeners",), ("alarms",), ("ping",), ("server_version",), ("erlang_version",), ("log_location",),
    ("is_enabled", "rabbitmq_management"),
)  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("argv", SAME_TEXT, ids=" ".join)
def test_text_is_rabbitmqctls(version: str, argv: tuple[str, ...]) -> None:
    expected = printed(version, *argv)
    assert play(version, *argv) == Ran(0, expected["stdout"], "")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("argv", [argv for argv in SAME_TEXT if len(argv) == 1], ids=" ".join)
def test_json_is_rabbitmqctls(version: str, argv: tuple[str, ...]) -> None:
    expected = printed(version, *argv, "--formatter", "json")
    got = play(version, *argv, "--formatter", "json")
    assert got.exit == 0, got.err
    assert json.loads(got.out) == json.loads(expected["stdout"])


@pytest.mark.parametrize("version", VERSIONS)
def test_cluster_status(version: str) -> None:
    assert play(version, "cluster_status") == Ran(0, printed(version, "cluster_status", "-q")["stdout"], "")
    expected = printed(version, "cluster_status", "--formatter", "json")["stdout"]
    assert json.loads(play(version, "cluster_status", "-f", "json").out) == json.loads(expected)


MOVING = re.compile(r"^(Uptime|Erlang processes|Scheduler|Total|Free disk|Connection count|Sockets|\w+: [0-9.]+ gb).*")


def settled(text: str, leave_out: tuple[str, ...]) -> list[str]:
    """Lines of a status without the values that move from one second to the next; plugins in any order."""
    lines = [line for line in text.splitlines() if not line.startswith(leave_out)]
    lines = [MOVING.sub(lambda found: re.sub(r"[0-9.]+", "N", found[0]), line) for line in lines]
    memory = sorted(line for line in lines if " N gb (N" in line)
    plugins = sorted(line for line in lines if line.startswith(" * ") and "/" not in line)
    return [*(line for line in lines if line not in memory and line not in plugins), *memory, *plugins]


NOT_SERVED = {
    "4.3.6": ("OS: ",),
    "3.10.8": ("OS: ", "Enabled plugin file", "Crypto library", "Memory high watermark"),
}


@pytest.mark.parametrize("version", VERSIONS)
def test_status(version: str) -> None:
    got = play(version, "status")
    assert (got.exit, got.err) == (0, "")
    expected = printed(version, "status", "-q")["stdout"]
    assert settled(got.out, NOT_SERVED[version]) == settled(expected, NOT_SERVED[version])


STABLE = (
    "alarms", "config_files", "data_directory", "disk_free_limit", "erlang_version", "is_under_maintenance", "listeners",
    "log_files", "net_ticktime", "pid", "rabbitmq_version", "raft_data_directory", "vm_memory_calculation_strategy",
    "vm_memory_high_watermark_limit",
)  # fmt: skip
ONLY_CONFIGURED = ("enabled_plugin_file", "vm_memory_high_watermark_setting", "crypto_lib_version", "tags")


@pytest.mark.parametrize("version", VERSIONS)
def test_status_as_json(version: str) -> None:
    expected = json.loads(printed(version, "status", "--formatter", "json")["stdout"])
    got = json.loads(play(version, "status", "-f", "json").out)
    keys = STABLE + (ONLY_CONFIGURED if version == "4.3.6" else ())
    assert {key: got[key] for key in keys} == {key: expected[key] for key in keys}
    assert sorted(got["active_plugins"]) == sorted(expected["active_plugins"])
    assert got["memory"].keys() == expected["memory"].keys()
    assert got.keys() <= expected.keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_status_as_erlang(version: str) -> None:
    """The keyword list that modules take apart: versions of applications, listeners as tuples, text as strings."""
    out = play(version, "status", "-f", "erlang").out
    assert out.startswith("[{pid,")
    assert f'{{rabbit,"RabbitMQ","{version}"}}' in out
    assert f'{{rabbitmq_version,"{version}"}}' in out
    assert "{alarms,[]}" in out
    assert re.search(r"\{memory,\[\{\w+,\d+\},.*\{strategy,rss\},\{total,\[\{", out)
    assert re.search(r"\{listener,rabbit\w*@\w+,amqp,\"[^\"]+\",\{\d+(,\d+)+\},\d+,\[\]\}", out)
    assert "{kernel,{net_ticktime,60}}" in out
    assert ("{tags,[]}" in out) == (version == "4.3.6")
    assert ("{file_descriptors,[{total_limit," in out) == (version == "3.10.8")
    assert out.endswith(f'{{product_base_name,"RabbitMQ"}},{{product_base_version,"{version}"}}]\n')


@pytest.mark.parametrize("version", VERSIONS)
def test_cluster_status_as_erlang(version: str) -> None:
    out = play(version, "cluster_status", "-f", "erlang").out
    assert re.match(r"\[\{nodes,\[\{disc,\[(rabbit\w*@\w+)\]\}\]\},\{running_nodes,\[\1\]\},\{cluster_name,<<\"", out)
    assert re.search(r"\{alarms,\[\{rabbit\w*@\w+,\[\]\}\]\}", out)
    assert f'rabbitmq_version => <<"{version}">>}}' in out
    assert re.search(r"\{feature_flags,\[\[\{name,\w+\},\{desc,<<", out.replace("{callbacks,[]},", ""))


def test_alarms_as_erlang() -> None:
    alarms = recording("4.3.6-extra")["http"]["/api/health/checks/alarms"]
    changes = {"/api/health/checks/alarms": httpx.Response(503, json=alarms["body"])}
    alarm = "{resource_limit,memory,rabbit436p@localhost}"
    assert f"{{alarms,[{alarm}]}}" in play("4.3.6", "status", "-f", "erlang", changes=changes).out
    out = play("4.3.6", "cluster_status", "-f", "erlang", changes=changes).out
    assert f"{{alarms,[{{rabbit436p@localhost,[{alarm}]}}]}}" in out


def test_status_in_another_unit() -> None:
    out = play("4.3.6", "status", "--unit", "MB").out
    assert "Memory high watermark setting: 0.6 of available memory, computed to: 15165.9012 mb\n" in out
    assert "Low free disk space watermark: 50.0 mb\n" in out


def test_an_unknown_unit() -> None:
    for command in ("status", "memory_breakdown"):
        got = play("4.3.6", command, "--unit", "stones")
        assert got.exit == 64
        assert "'stones' is not one of 'bytes', 'kb'" in got.err


@pytest.mark.parametrize("version", VERSIONS)
def test_memory_breakdown(version: str) -> None:
    expected = printed(version, "memory_breakdown")["stdout"]
    got = play(version, "memory_breakdown")
    names = [{line.partition(":")[0] for line in text.splitlines()} for text in (got.out, expected)]
    assert names[0] == names[1]
    assert got.out.endswith(" gb (0.0%)\n\n")
    theirs = json.loads(printed(version, "memory_breakdown", "--formatter", "json")["stdout"])
    ours = json.loads(play(version, "memory_breakdown", "-f", "json").out)
    assert ours.keys() == theirs.keys()
    assert ours["code"].keys() == theirs["code"].keys()


def test_memory_by_hand() -> None:
    memory = {"memory": {"code": 750, "binary": 250, "strategy": "rss", "total": {"rss": 1000, "erlang": 5}}}
    changes = {path_of("4.3.6", "memory"): memory}
    assert play("4.3.6", "memory_breakdown", "--unit", "bytes", changes=changes).out == (
        "code: 750 bytes (75.0%)\nbinary: 250 bytes (25.0%)\n\n"
    )
    out = play("4.3.6", "memory_breakdown", "--unit", "kib", changes=changes).out
    assert out.startswith("code: 0.7324 kib (75.0%)\n")


def test_memory_of_a_stopped_node() -> None:
    got = play("4.3.6", "memory_breakdown", changes={path_of("4.3.6", "memory"): {"memory": "not_available"}})
    assert got.exit == 69
    assert "not running" in got.err


def test_environment() -> None:
    expected = printed("4.3.6", "environment", "-q")["stdout"]
    got = play("4.3.6", "environment")
    assert (got.exit, got.err) == (0, "")
    # Erlang prints the keys of a map in no order of its own: the same lines, but for what closes or continues the map.
    assert sorted(line.rstrip(",}") for line in got.out.splitlines()) == sorted(
        line.rstrip(",}") for line in expected.splitlines()
    )


def test_what_nests_is_data_in_csv_and_erlang_too() -> None:
    head, row = play("4.3.6", "listeners", "-f", "csv").out.splitlines()[:2]
    assert head == '"node","protocol","interface","port","purpose"'
    assert row.startswith('"rabbit436p@localhost","')
    head = play("4.3.6", "memory_breakdown", "-f", "csv").out.splitlines()[0]
    assert '"code.bytes","code.percentage"' in head
    assert "{code,#{bytes => " in play("4.3.6", "memory_breakdown", "-f", "erlang").out


def test_environment_is_data_for_programs() -> None:
    found = json.loads(play("4.3.6", "environment", "-f", "json").out)
    assert found["rabbit"]["tcp_listen_options"]["backlog"] == 128
    assert found["os_mon"] == {
        "start_cpu_sup": False,
        "start_disksup": False,
        "start_memsup": False,
        "start_os_sup": False,
    }
    erlang = play("4.3.6", "environment", "-f", "erlang").out
    assert erlang == play("4.3.6", "environment").out


@pytest.mark.parametrize("text", ["", "[", "[{a,", "{a}", "[{a,1}] x", "<<1", "#{a", "[" * 100_000, '[{"a', "nonsense"])
def test_an_environment_that_is_no_term_stays_text(text: str) -> None:
    from rmqctl.resources import erlang

    found = erlang.environment(text)
    assert found in ({"environment": text}, {"a": 1})


def test_environment_of_a_release_without_it() -> None:
    got = play("3.10.8", "environment")
    assert got.exit == 69
    assert got.err == "rmqctl: environment needs RabbitMQ 3.12 or later; http://localhost:15672 runs 3.10.8\n"


def test_environment_needs_an_administrator() -> None:
    refused = httpx.Response(401, json={"error": "not_authorised", "reason": "Not administrator user"})
    got = play("4.3.6", "environment", changes={"/api/config/effective": refused})
    assert got.exit == 77
    assert "administrator" in got.err


def test_environment_when_the_connection_breaks() -> None:
    got = play("4.3.6", "environment", changes={"/api/config/effective": httpx.ReadError("gone")})
    assert got.exit == 69


# --------------------------------------------------------------------------------------------- nodes that are not well


def cluster(version: str, **stopped: Any) -> dict[str, Any]:
    """Answers of a cluster whose second member, `down@host`, is stopped."""
    one = recording(version)["http"]["/api/nodes"]["body"][0]
    two = {"name": "down@host", "type": "disc", "running": False, "being_drained": False, **stopped}
    return {"/api/nodes": [two, one], "/api/nodes/down%40host": two}


def test_cluster_status_shows_a_stopped_member() -> None:
    got = play("4.3.6", "cluster_status", changes=cluster("4.3.6"))
    assert got.exit == 0
    assert "Disk Nodes\n\ndown@host\nrabbit436p@localhost\n\nRunning Nodes\n\nrabbit436p@localhost\n\n" in got.out
    assert got.err == "warning: 1 of 2 nodes not running: down@host\n"
    data = json.loads(play("4.3.6", "cluster_status", "-f", "json", changes=cluster("4.3.6")).out)
    assert data["disk_nodes"] == ["down@host", "rabbit436p@localhost"]
    assert list(data["versions"]) == data["running_nodes"] == ["rabbit436p@localhost"]


def test_cluster_status_of_ram_nodes_tags_and_partitions() -> None:
    changes = cluster("3.10.8", type="ram", running=True, partitions=["a@b", "c@d"])
    overview = recording("3.10.8")["http"]["/api/overview"]["body"] | {"cluster_tags": {"region": "north"}}
    out = play("3.10.8", "cluster_status", changes={**changes, "/api/overview": overview}).out
    assert "RAM Nodes\n\ndown@host\n" in out
    assert "Cluster Tags\n\nregion: north\n" in out
    assert "Node down@host cannot communicate with a@b, c@d\n" in out
    assert "down@host: RabbitMQ of unknown version\n" in out


def test_maintenance() -> None:
    changes = cluster("4.3.6", running=True, being_drained=True)
    assert "Node: down@host, status: marked for maintenance\n" in play("4.3.6", "cluster_status", changes=changes).out


def test_feature_flags_that_the_user_may_not_see() -> None:
    got = play("4.3.6", "cluster_status", changes={"/api/feature-flags": httpx.Response(401, json=REFUSED)})
    assert got.exit == 0
    assert "Feature flags" not in got.out
    assert "may not see the feature flags" in got.err


def test_status_of_a_stopped_member() -> None:
    got = play("4.3.6", "status", "down@host", changes=cluster("4.3.6"))
    assert got.exit == 69
    assert "'down@host' is not running" in got.err


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("command", ["status", "memory_breakdown", "log_location", "listeners", "check_running"])
def test_an_unknown_node(command: str, status: int) -> None:
    answer = httpx.Response(status)
    changes = {"/api/nodes/nope%40x": answer, "/api/nodes/nope%40x/memory": answer}
    got = play("4.3.6", command, "nope@x", changes=changes)
    assert got.exit == 69
    assert got.err == "rmqctl: node 'nope@x' is not in the cluster of rabbit436p@localhost (http://localhost:15672)\n"


def test_a_broker_that_fails_on_a_known_node() -> None:
    got = play("4.3.6", "log_location", changes={path_of("4.3.6"): httpx.Response(500)})
    assert got.exit == 70
    assert "HTTP 500" in got.err


def test_status_without_statistics() -> None:
    got = play("4.3.6-nostats", "status")
    assert got.exit == 0, got.err
    assert "RabbitMQ version: 4.3.6\n" in got.out
    assert "None" not in got.out
    assert play("4.3.6-nostats", "list_nodes", "name", "mem_used").out == "name\tmem_used\nrabbit436p@localhost\t\n"


def test_status_shows_alarms() -> None:
    alarms = recording("4.3.6-extra")["http"]["/api/health/checks/alarms"]
    changes = {"/api/health/checks/alarms": httpx.Response(503, json=alarms["body"])}
    assert "Alarms\n\nMemory alarm on node rabbit436p@localhost\n" in play("4.3.6", "status", changes=changes).out


def test_alarms_in_effect() -> None:
    assert play("4.3.6-extra", "alarms").out == printed("4.3.6-extra", "alarms")["stdout"]
    expected = printed("4.3.6-extra", "alarms", "--formatter", "json")["stdout"]
    assert json.loads(play("4.3.6-extra", "alarms", "-f", "json").out) == json.loads(expected)


def test_watermarks_as_configured() -> None:
    for term, words in (
        ("{vm_memory_high_watermark,{relative,0.5}}", "0.5 of available memory, "),
        ("{vm_memory_high_watermark,{absolute,2000000000}}", "2.0 gb, "),
        ('{vm_memory_high_watermark,\n     {absolute,"1GB"}}', "1GB, "),
        ("{other,1}", ""),
    ):
        changes = {"/api/config/effective": httpx.Response(200, text=f"[{term}].")}
        line = f"Memory high watermark setting: {words}computed to: 15.1659 gb\n"
        assert line in play("4.3.6", "status", changes=changes).out


def test_connections_of_one_node_of_several() -> None:
    overview = dict(recording("4.3.6")["http"]["/api/overview"]["body"])
    overview["listeners"] = [*overview["listeners"], {**overview["listeners"][0], "node": "other@host"}]
    here = node_of("4.3.6")
    changes = {"/api/overview": overview, "/api/connections": [{"node": here}, {"node": "other@host"}, {"node": here}]}
    assert "Connection count: 2\n" in play("4.3.6", "status", changes=changes).out


# -------------------------------------------------------------------------------------- users who may not see it all


def without_monitoring(version: str) -> dict[str, Any]:
    """What a user with the tag management gets: an overview without node and listeners, and no nodes."""
    overview = {
        key: value
        for key, value in recording(version)["http"]["/api/overview"]["body"].items()
        if key not in ("node", "listeners", "contexts")
    }
    refused = httpx.Response(401, json=REFUSED)
    return {"/api/overview": overview, "/api/nodes": refused, path_of(version): refused}


@pytest.mark.parametrize(
    "command",
    ["status", "cluster_status", "list_nodes", "memory_breakdown", "listeners", "log_location", "list_plugins"],
)
def test_the_tag_that_is_needed(command: str) -> None:
    got = play("4.3.6", command, changes=without_monitoring("4.3.6"))
    assert got.exit == 77
    assert "monitoring" in got.err


def test_versions_need_no_more_than_a_login() -> None:
    changes = without_monitoring("4.3.6")
    assert play("4.3.6", "server_version", changes=changes).out == "4.3.6\n"
    assert "http://localhost:15672" in play("4.3.6", "alarms", changes=changes).out


# ------------------------------------------------------------------------------------------------- what only rmqctl has


def test_list_nodes() -> None:
    got = play("4.3.6", "list_nodes", "name,type,running,processors,mem_used_details.rate")
    assert got.out == (
        "name\ttype\trunning\tprocessors\tmem_used_details.rate\nrabbit436p@localhost\tdisc\ttrue\t2\t-257228.8\n"
    )
    assert play("4.3.6", "list_nodes").out.startswith("name\ttype\trunning\tuptime\tmem_used\tmem_alarm\t")


def test_list_nodes_with_a_stopped_one() -> None:
    got = play("4.3.6", "list_nodes", "name", "running", "uptime", "--where", "not running", changes=cluster("4.3.6"))
    assert got.out == "name\trunning\tuptime\ndown@host\tfalse\t\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_of_a_node_is_a_column(version: str) -> None:
    fields = list(recording(version)["http"]["/api/nodes"]["body"][0])
    assert play(version, "list_nodes", *fields).exit == 0


def test_overview() -> None:
    data = json.loads(play("4.3.6", "overview", "-f", "json").out)
    assert data["cluster_name"] == "rabbit436p@vm"
    assert data["object_totals"]["queues"] == 44
    assert "listeners" not in data
    assert "rabbitmq_version\t4.3.6\n" in play("4.3.6", "overview").out


def test_churn() -> None:
    out = play("4.3.6", "churn").out
    assert out.startswith("event\tcount\trate\nchannel_closed\t0\t0.0\nchannel_created\t16\t0.0\n")


def test_whoami() -> None:
    assert json.loads(play("4.3.6", "whoami", "-f", "json").out)["name"] == "guest"
    assert play("3.10.8", "whoami").out.startswith("name\tguest\n")


def test_erlang_in_detail() -> None:
    assert play("4.3.6", "erlang_version", "--details").out.startswith("Erlang/OTP 29 [erts-17.1.1] [source]")
    assert play("4.3.6", "erlang_version", "--offline").exit == 69


def test_log_locations() -> None:
    out = play("3.10.8", "log_location", "--all").out
    assert [Path(line).name for line in out.splitlines()] == [
        "rabbit310p@localhost.log", "rabbit310p@localhost_upgrade.log", "<stdout>",
    ]  # fmt: skip
    node = {"name": node_of("4.3.6"), "log_files": []}
    assert play("4.3.6", "log_location", changes={path_of("4.3.6"): node}).exit == 69


# ------------------------------------------------------------------------------------------------------------ plugins


def test_plugins() -> None:
    assert play("4.3.6", "list_plugins").out == (
        " Configured: E = explicitly enabled; e = implicitly enabled\n"
        " | Status: * = running on rabbit436p@localhost\n"
        " |/\n"
        "[E*] rabbitmq_management       4.3.6\n"
        "[e*] rabbitmq_management_agent 4.3.6\n"
        "[e*] rabbitmq_web_dispatch     4.3.6\n"
    )
    assert play("4.3.6", "list_plugins", "-E", "-m").out == "rabbitmq_management\n"
    assert play("4.3.6", "list_plugins", "-m", "agent$").out == "rabbitmq_management_agent\n"
    plugins = json.loads(play("4.3.6", "list_plugins", "-f", "json").out)["plugins"]
    assert plugins[0] == {
        "enabled": "enabled", "name": "rabbitmq_management", "running": True, "version": "4.3.6", "running_version": "4.3.6",
    }  # fmt: skip


def test_a_pattern_that_is_none() -> None:
    got = play("4.3.6", "list_plugins", "(")
    assert got.exit == 64
    assert "no regular expression" in got.err


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plugin_that_is_not_enabled(version: str) -> None:
    expected = printed(version, "is_enabled", "nope")
    got = play(version, "is_enabled", "nope")
    assert got.exit == expected["exit"] == 69
    assert got.err.removeprefix("rmqctl: ").strip() == expected["stderr"].removeprefix("Error:\n").strip()


def test_several_plugins() -> None:
    got = play("4.3.6", "is_enabled", "rabbitmq_management", "cowboy")
    assert got.out == "Plugins rabbitmq_management, cowboy are enabled on node rabbit436p@localhost\n"


# ------------------------------------------------------------------------------------------------------ quorum queues


def test_quorum_status() -> None:
    expected = printed("4.3.6", "quorum_status", "qq.orders", "--formatter", "json")["stdout"]
    assert play("4.3.6", "quorum_status", "qq.orders", "-f", "json").out == expected
    assert play("4.3.6", "quorum_status", "qq.orders").out.startswith("Node Name\tRaft State\tMembership\t")


def test_quorum_status_of_other_queues() -> None:
    got = play("4.3.6", "quorum_status", "nope")
    assert (got.exit, printed("4.3.6", "quorum_status", "nope")["exit"]) == (65, 65)
    assert got.err == "rmqctl: queue 'nope' does not exist in virtual host '/' (http://localhost:15672)\n"
    got = play("4.3.6", "quorum_status", "orders")
    assert (got.exit, printed("4.3.6", "quorum_status", "orders")["exit"]) == (69, 69)
    assert "is a classic queue" in got.err


def test_quorum_status_of_an_old_release() -> None:
    for status in (400, 404):
        changes = {"/api/queues/quorum/%2F/qq.orders/status": httpx.Response(status)}
        got = play("3.10.8", "quorum_status", "qq.orders", changes=changes)
        assert got.exit == 69
        assert "needs RabbitMQ 4.0 or later" in got.err


# ----------------------------------------------------------------------------------------------------------- log-ins


def login(status: int, reason: str = "", argv: tuple[str, ...] = ("tom", "s3cret"), **more: Any) -> tuple[Ran, Broker]:
    body = {"error": "not_authorised", "reason": reason} if reason else {"name": "tom", "tags": []}
    broker = Broker({"GET /api/whoami": httpx.Response(status, json=body)})
    return run_with("authenticate_user", *argv, broker=broker, **more), broker


TOM = httpx.BasicAuth("tom", "s3cret")._auth_header


@pytest.mark.parametrize(
    ("status", "reason"), [(200, ""), (401, "Not management user"), (401, "User can only log in via localhost")]
)
def test_a_right_password(status: int, reason: str) -> None:
    got, broker = login(status, reason)
    assert got == Ran(0, printed("4.3.6", "authenticate_user", "guest", "guest")["stdout"], "")
    assert [request.headers["authorization"] for request in broker.requests] == [TOM]


@pytest.mark.parametrize("reason", ["Login failed", "Not_Authorized"])
def test_a_wrong_password(reason: str) -> None:
    got, _ = login(401, reason)
    assert got.exit == printed("4.3.6", "authenticate_user", "guest", "wrong")["exit"] == 65
    assert got.err.startswith("rmqctl: failed to authenticate user 'tom'")
    assert "s3cret" not in got.out + got.err


def test_a_password_from_standard_input() -> None:
    _, broker = login(200, argv=("tom",), stdin="s3cret\n")
    assert [request.headers["authorization"] for request in broker.requests] == [TOM]


def test_a_password_from_a_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getpass", lambda text, stream: "s3cret")
    _, broker = login(200, argv=("tom", "--no-pager"), terminal=True)
    assert [request.headers["authorization"] for request in broker.requests] == [TOM]


def test_the_urls_own_user_is_not_the_one_to_check() -> None:
    _, broker = login(200, argv=("tom", "s3cret", "--url", "http://ann:pw@broker:15672"))
    assert [request.headers["authorization"] for request in broker.requests] == [TOM]


# ------------------------------------------------------------------------------------------------------------- report


def empty_lists() -> dict[str, Any]:
    names = (
        "connections", "channels", "queues", "exchanges", "bindings", "permissions", "global-parameters", "parameters",
    )  # fmt: skip
    return {f"/api/{name}": [] for name in names}


def test_report() -> None:
    got = play("4.3.6", "report", changes=empty_lists())
    assert got.exit == 0, got.err
    assert got.out.startswith("Reporting server status of node rabbit436p@localhost at ")
    parts = re.findall(r"^(\w+) \.\.\.$", got.out, re.MULTILINE)
    assert parts[:3] == ["status", "cluster_status", "environment"]
    assert "list_queues" in parts
    assert printed("4.3.6", "cluster_status", "-q")["stdout"].strip() in got.out


def test_a_report_without_the_refused_parts() -> None:
    refused = httpx.Response(401, json={"error": "not_authorised", "reason": "Not administrator user"})
    changes = {**empty_lists(), "/api/config/effective": refused}
    assert "environment ...\nnot available: " in play("4.3.6", "report", changes=changes).out
    data = json.loads(play("4.3.6", "report", "-f", "json", changes=changes).out)
    assert "administrator" in data["environment"]["error"]
    assert data["list_vhosts"][0].keys() == {"name"}
    assert data["status"]["rabbitmq_version"] == "4.3.6"


@pytest.mark.parametrize("command", ["list_queues --local", "reset_stats_db", "restart_vhost", "show node"])
def test_a_user_who_is_not_told_which_node_answers_is_refused(command: str) -> None:
    broker = Broker({"GET /api/overview": {"rabbitmq_version": "4.3.6"}, "GET /api/queues/%2F": [{"name": "q"}]})
    ran = run_with(*command.split(), broker=broker)
    assert (ran.exit, ran.out) == (77, "")
    assert "the node: user 'guest' needs the tag monitoring for this" in ran.err


# version: rmqctl's own, and the broker's where there is one


def of_program(ran: Ran) -> dict[str, Any]:
    assert (ran.exit, ran.err) == (0, "")
    found: dict[str, Any] = json.loads(ran.out)["value"]
    return found


def test_version_in_a_pipe_is_one_line_and_asks_nobody() -> None:
    def asked(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    assert run_with("version", broker=httpx.MockTransport(asked)) == Ran(0, f"{__version__}\n", "")


@pytest.mark.parametrize("version", VERSIONS)
def test_version_has_the_brokers_for_programs(version: str) -> None:
    found = of_program(play(version, "version", "-f", "json"))
    erlang = printed(version, "erlang_version")["stdout"].removeprefix("Erlang/OTP ").strip()
    assert found == {
        "version": __version__,
        "python": platform.python_version(),
        "rabbitmq": version,
        "erlang": erlang,
    }


def test_version_on_a_terminal_has_a_line_each() -> None:
    ran = play("4.3.6", "version", terminal=True)
    assert ran.exit == 0
    assert [line.split()[0] for line in ran.out.splitlines()] == ["rmqctl", "Python", "RabbitMQ", "Erlang"]
    assert "RabbitMQ  4.3.6" in ran.out


@pytest.mark.parametrize("words", [(), ("-C", "nosuch"), ("--user", "ann")])
def test_version_does_without_a_broker(words: tuple[str, ...]) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    broker = httpx.MockTransport(refuse)
    found = of_program(run_with("version", "-f", "json", *words, broker=broker))
    assert (found["version"], found["rabbitmq"], found["erlang"]) == (__version__, None, None)
    ran = run_with("version", *words, broker=broker, terminal=True)
    assert (ran.exit, "RabbitMQ  unknown" in ran.out) == (0, True)
    assert "RabbitMQ and Erlang are unknown: " in " ".join(ran.err.split())
