"""status and cluster_status: one text of sections, as rabbitmqctl lays it out."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from rmqctl.api import answering, feature_flags, health
from rmqctl.api import nodes as api
from rmqctl.api.client import Client
from rmqctl.commands.nodes import terms
from rmqctl.errors import AccessRefused, NotFound, Unavailable
from rmqctl.resources import nodes as words
from rmqctl.resources.column import release
from rmqctl.result import Value
from rmqctl.session import Session
from rmqctl.terms import ErlangText

NodeArgument = Annotated[
    str | None,
    typer.Argument(metavar="[NODE]", help="Member of the cluster [the node that answers].", show_default=False),
]
Unit = Annotated[
    Literal["bytes", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "tib"],
    typer.Option(
        "--unit",
        metavar="UNIT",
        help="bytes, kb, kib, mb, mib, gb, gib, tb or tib.",
        show_default=False,
        case_sensitive=False,
    ),
]

NONE = "(none)"


def status(session: Session, node: NodeArgument = None, unit: Unit = "gb") -> Value:
    """State of a node: versions, plugins, files, alarms, memory, disk, listeners.

    The HTTP API does not report the operating system. The name of the plugins file and the configured memory
    watermark are left out for users without the tag administrator, and before RabbitMQ 3.12.
    """
    client = session.client
    overview = answering.overview(client)
    name = node or overview.get("node") or answering.needed_node(client)
    found = api.node(client, name, memory=True)
    if found.get("running") is False:
        raise Unavailable(f"node {name!r} is not running ({client.endpoint.url}); cluster_status shows who is")
    alarms = health.alarms(client)
    data = _status(client, name, found, overview, alarms)
    term = terms.status(data, found, alarms, overview.get("listeners") or ())
    return Value(ErlangText.of(data, term), _status_text(data, unit, name))


def _status(
    client: Client,
    name: str,
    node: Mapping[str, Any],
    overview: Mapping[str, Any],
    alarms: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """rabbitmqctl's keys and values; what the broker did not tell is left out."""
    here = overview if name == overview.get("node") else {}
    version = version_of(node) or str(overview.get("rabbitmq_version", ""))
    number = release(version)
    config = _configured(client) if here else {}
    data = {
        "active_plugins": list(words.plugins(node, number)),
        "alarms": list(map(words.alarm_line, alarms)),
        "config_files": node.get("config_files"),
        "crypto_lib_version": node.get("crypto_lib_version", here.get("crypto_lib_version")),
        "data_directory": node.get("db_dir"),
        "disk_free": node.get("disk_free"),
        "disk_free_limit": node.get("disk_free_limit"),
        "enabled_plugin_file": config.get("enabled_plugins_file"),
        "erlang_version": node.get("erlang_full_version", here.get("erlang_full_version")),
        "file_descriptors": _file_descriptors(node),
        "is_under_maintenance": _drained(node, overview),
        "listeners": [each for each in words.listeners(overview.get("listeners") or ()) if each["node"] == name],
        "log_files": node.get("log_files"),
        "memory": node.get("memory") if isinstance(node.get("memory"), Mapping) else None,
        "net_ticktime": node.get("net_ticktime"),
        "pid": _integer(node.get("os_pid")),
        "processes": _known(limit=node.get("proc_total"), used=node.get("proc_used")),
        "product_name": "",
        "product_version": "",
        "rabbitmq_version": version,
        "raft_data_directory": config.get("raft_data_directory") or _default_raft_directory(node, name),
        "release_series_support_status": "supported" if number < (4,) else None,
        "run_queue": node.get("run_queue"),
        "tags": _tags(here, "node_tags"),
        "totals": _totals(client, name, overview),
        "uptime": node["uptime"] // 1000 if node.get("uptime") is not None else None,
        "vm_memory_calculation_strategy": node.get("mem_calculation_strategy"),
        "vm_memory_high_watermark_limit": node.get("mem_limit"),
        "vm_memory_high_watermark_setting": config.get("vm_memory_high_watermark"),
    }
    return {key: value for key, value in data.items() if value is not None}


def version_of(node: Mapping[str, Any]) -> str | None:
    """The RabbitMQ version of one node; in releases that do not say it, that of its application `rabbit`."""
    if node.get("rabbitmq_version"):
        return str(node["rabbitmq_version"])
    versions = (str(app.get("version")) for app in node.get("applications") or () if app.get("name") == "rabbit")
    return next(versions, None)


def _drained(node: Mapping[str, Any], overview: Mapping[str, Any]) -> bool | None:
    """Whether the node is under maintenance. 3.x does not say, but such a node would not answer: its listeners are closed."""
    if "being_drained" in node:
        return bool(node["being_drained"])
    return False if node.get("name") == overview.get("node") else None


def _integer(text: object) -> int | None:
    return int(str(text)) if str(text).isdigit() else None


def _known(**values: Any) -> dict[str, Any] | None:
    return values if all(value is not None for value in values.values()) else None


_RESERVED_FILES = 97
"""rabbitmqctl shows the broker's own limit of files: that of the system less what it sets aside."""


def _file_descriptors(node: Mapping[str, Any]) -> dict[str, Any] | None:
    """Only 3.x limits files and sockets by itself: 4.x says 0 for the limit of sockets."""
    if not node.get("sockets_total") or "fd_total" not in node:
        return None
    return {
        "sockets_limit": node["sockets_total"],
        "sockets_used": node.get("sockets_used"),
        "total_limit": node["fd_total"] - _RESERVED_FILES,
        "total_used": node.get("fd_used"),
    }


def _tags(overview: Mapping[str, Any], key: str) -> Any:
    """Tags of the node or the cluster, [] for none, None where the release has none."""
    return (overview[key] or []) if key in overview else None


def _totals(client: Client, name: str, overview: Mapping[str, Any]) -> dict[str, int] | None:
    totals = overview.get("object_totals")
    vhosts = api.count(client, "vhosts")
    if not isinstance(totals, Mapping) or vhosts is None:
        return None
    members = {each.get("node") for each in overview.get("listeners") or ()}
    connections = totals.get("connections", 0) if len(members) == 1 else api.connections_of(client, name)
    return {
        "connection_count": connections,
        "queue_count": totals.get("queues", 0),
        "virtual_host_count": vhosts,
    }


def _default_raft_directory(node: Mapping[str, Any], name: str) -> str | None:
    return f"{node['db_dir']}/quorum/{name}" if node.get("db_dir") else None


def _configured(client: Client) -> dict[str, Any]:
    """What the configuration in force tells beyond /api/nodes; {} where the user or the release does not get it."""
    try:
        terms = api.effective_configuration(client)
    except (AccessRefused, NotFound):
        return {}
    found: dict[str, Any] = {}
    if file := re.search(r'\{enabled_plugins_file,\s*"([^"]*)"\}', terms):
        found["enabled_plugins_file"] = file[1]
    if relative := re.search(r"\{vm_memory_high_watermark,\s*(?:\{relative,\s*)?([0-9.]+)\}", terms):
        found["vm_memory_high_watermark"] = {"relative": float(relative[1])}
    if absolute := re.search(r'\{vm_memory_high_watermark,\s*\{absolute,\s*"?(\w+)"?\}\}', terms):
        found["vm_memory_high_watermark"] = {"absolute": _integer(absolute[1]) or absolute[1]}
    return found


# The text of status


def section(title: str, lines: Iterable[str], empty: Sequence[str] = (NONE,)) -> str:
    """A heading, an empty line and the lines; without any, what `empty` says."""
    return "\n".join([title, "", *(list(lines) or empty)])


def _bullets(items: Iterable[object]) -> list[str]:
    return [f" * {item}" for item in items]


def _status_text(data: Mapping[str, Any], unit: str, name: str) -> str:
    sections = [
        section("Runtime", _runtime(data, name)),
        section("Plugins", _plugin_lines(data)),
        section(
            "Data directory",
            _lines(("Node data directory", data.get("data_directory")), ("Raft data directory", data.get("raft_data_directory"))),
        ),
        section("Config files", _bullets(data.get("config_files", ())), ()),
        section("Log file(s)", _bullets(data.get("log_files", ())), ()),
        section("Alarms", data["alarms"]),
    ]  # fmt: skip
    if "tags" in data:
        sections.append(section("Tags", _tag_lines(data["tags"])))
    sections.append(section("Memory", _memory(data, unit)))
    if files := data.get("file_descriptors"):
        lines = [
            f"Total: {files['total_used']}, limit: {files['total_limit']}",
            f"Sockets: {files['sockets_used']}, limit: {files['sockets_limit']}",
        ]
        sections.append(section("File Descriptors", lines))
    if "disk_free_limit" in data:
        sections.append(section("Free Disk Space", _disk(data, unit)))
    if totals := data.get("totals"):
        lines = [f"{label} count: {totals[f'{key}_count']}" for label, key in _TOTALS]
        sections.append(section("Totals", lines))
    sections.append(section("Listeners", map(words.listener_line, data["listeners"])))
    return "\n\n".join(sections)


_TOTALS = (("Connection", "connection"), ("Queue", "queue"), ("Virtual host", "virtual_host"))


def _lines(*pairs: tuple[str, object]) -> list[str]:
    """`label: value` for the values that are known."""
    return [f"{label}: {_word(value)}" for label, value in pairs if value is not None]


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _runtime(data: Mapping[str, Any], name: str) -> list[str]:
    processes = data.get("processes")
    support = data.get("release_series_support_status") or "see https://www.rabbitmq.com/release-information"
    return _lines(
        ("OS PID", data.get("pid")),
        ("Uptime (seconds)", data.get("uptime")),
        ("Is under maintenance?", data.get("is_under_maintenance")),
        ("RabbitMQ version", data["rabbitmq_version"]),
        ("RabbitMQ release series support status", support),
        ("Node name", name),
        ("Erlang configuration", data.get("erlang_version")),
        ("Crypto library", data.get("crypto_lib_version")),
        ("Erlang processes", f"{processes['used']} used, {processes['limit']} limit" if processes else None),
        ("Scheduler run queue", data.get("run_queue")),
        ("Cluster heartbeat timeout (net_ticktime)", data.get("net_ticktime")),
    )


def _plugin_lines(data: Mapping[str, Any]) -> list[str]:
    file = _lines(("Enabled plugin file", data.get("enabled_plugin_file")))
    return [*file, "Enabled plugins:", "", *_bullets(data["active_plugins"])]


def _tag_lines(tags: object) -> list[str]:
    return [f"{key}: {value}" for key, value in tags.items()] if isinstance(tags, Mapping) else []


def _memory(data: Mapping[str, Any], unit: str) -> list[str]:
    memory = data.get("memory") or {}
    total = words.memory_total(memory)
    limit = data.get("vm_memory_high_watermark_limit")
    lines = _lines(
        ("Total memory used", None if total is None else words.amount(total, unit)),
        ("Calculation strategy", data.get("vm_memory_calculation_strategy")),
    )
    if limit is not None:
        setting = _watermark(data.get("vm_memory_high_watermark_setting") or {}, unit)
        lines.append(f"Memory high watermark setting: {setting}computed to: {words.amount(limit, unit)}")
    return [*lines, "", *words.memory_lines(memory, unit, " %")] if memory else lines


def _watermark(setting: Mapping[str, Any], unit: str) -> str:
    if "relative" in setting:
        return f"{setting['relative']} of available memory, "
    if "absolute" in setting:
        value = setting["absolute"]
        return f"{words.amount(value, unit) if isinstance(value, int) else value}, "
    return ""


def _disk(data: Mapping[str, Any], unit: str) -> list[str]:
    free = data.get("disk_free")
    return _lines(
        ("Low free disk space watermark", words.amount(data["disk_free_limit"], unit)),
        ("Free disk space", words.amount(free, unit) if isinstance(free, int | float) else None),
    )


# cluster_status


def cluster_status(session: Session) -> Value:
    """Members of the cluster, running or not, with versions, maintenance, alarms, partitions, listeners, feature flags."""
    client = session.client
    nodes = api.nodes(client)
    overview = answering.overview(client)
    flags = feature_flags.known(client)
    alarms = health.alarms(client)
    data = _cluster(nodes, overview, flags, list(map(words.alarm_line, alarms)))
    term = terms.cluster_status(data, alarms, overview.get("listeners") or ())
    down = [str(node["name"]) for node in nodes if not node.get("running")]
    messages = [f"warning: {len(down)} of {len(nodes)} nodes not running: {', '.join(down)}"] if down else []
    if flags is None:
        messages.append(f"warning: user {client.user!r} may not see the feature flags: they are left out")
    return Value(ErlangText.of(data, term), _cluster_text(data), tuple(messages))


def _cluster(
    nodes: Sequence[Mapping[str, Any]],
    overview: Mapping[str, Any],
    flags: list[dict[str, Any]] | None,
    alarms: list[str],
) -> dict[str, Any]:
    """rabbitmqctl's keys and values."""
    running = [node for node in nodes if node.get("running")]
    number = release(str(overview.get("rabbitmq_version", "")))
    data = {
        "alarms": alarms,
        "cluster_name": overview.get("cluster_name"),
        "cluster_tags": _tags(overview, "cluster_tags"),
        "cpu_cores": {node["name"]: node.get("processors") for node in running} if number >= (3, 12) else None,
        "disk_nodes": [node["name"] for node in nodes if node.get("type") != "ram"],
        "ram_nodes": [node["name"] for node in nodes if node.get("type") == "ram"] if number < (4,) else None,
        "running_nodes": [node["name"] for node in running],
        "versions": {node["name"]: _versions(node, overview) for node in running},
        "maintenance_status": {node["name"]: _maintenance(node, overview) for node in running},
        "partitions": {node["name"]: node["partitions"] for node in running if node.get("partitions")},
        "listeners": _by_node(words.listeners(overview.get("listeners") or ())),
        "feature_flags": flags,
    }
    return {key: value for key, value in data.items() if value is not None}


def _versions(node: Mapping[str, Any], overview: Mapping[str, Any]) -> dict[str, Any]:
    here = overview if node["name"] == overview.get("node") else {}
    return {
        "erlang_version": node.get("erlang_version", here.get("erlang_version")),
        "rabbitmq_name": "RabbitMQ",
        "rabbitmq_version": version_of(node),
    }


def _maintenance(node: Mapping[str, Any], overview: Mapping[str, Any]) -> str:
    drained = _drained(node, overview)
    if drained is None:
        return "unknown"
    return "marked for maintenance" if drained else "not under maintenance"


def _by_node(listeners: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for listener in listeners:
        found.setdefault(str(listener["node"]), []).append(listener)
    return found


def _cluster_text(data: Mapping[str, Any]) -> str:
    cores = data.get("cpu_cores")
    basics = [f"Cluster name: {data['cluster_name']}"] if "cluster_name" in data else []
    if cores is not None:
        basics.append(f"Total CPU cores available cluster-wide: {sum(count or 0 for count in cores.values())}")
    sections = [section("Basics", basics)]
    if "cluster_tags" in data:
        sections.append(section("Cluster Tags", _tag_lines(data["cluster_tags"])))
    sections.append(section("Disk Nodes", data["disk_nodes"]))
    if data.get("ram_nodes"):
        sections.append(section("RAM Nodes", data["ram_nodes"]))
    sections += [
        section("Running Nodes", data["running_nodes"]),
        section("Versions", [_version_line(name, found) for name, found in data["versions"].items()]),
    ]
    if cores is not None:
        lines = [f"Node: {name}, available CPU cores: {count}" for name, count in cores.items()]
        sections.append(section("CPU Cores", lines))
    maintenance = [f"Node: {name}, status: {state}" for name, state in data["maintenance_status"].items()]
    partitions = [
        f"Node {name} cannot communicate with {', '.join(others)}" for name, others in data["partitions"].items()
    ]
    listeners = [_listener_of_node(each) for found in data["listeners"].values() for each in found]
    sections += [
        section("Maintenance status", maintenance),
        section("Alarms", data["alarms"]),
        section("Network Partitions", partitions),
        section("Listeners", listeners),
    ]
    if "feature_flags" in data:
        lines = [f"Flag: {flag['name']}, state: {flag.get('state')}" for flag in data["feature_flags"]]
        sections.append(section("Feature flags", lines))
    return "\n\n".join(sections)


def _version_line(name: str, found: Mapping[str, Any]) -> str:
    erlang = f" on Erlang {found['erlang_version']}" if found["erlang_version"] else ""
    return f"{name}: {found['rabbitmq_name']} {found['rabbitmq_version'] or 'of unknown version'}{erlang}"


def _listener_of_node(listener: Mapping[str, Any]) -> str:
    line = words.listener_line(listener)
    return f"Node: {listener['node']}, i{line[1:]}"
