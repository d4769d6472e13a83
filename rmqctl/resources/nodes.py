"""Columns of list_nodes (GET /api/nodes), and how listeners, alarms and memory are worded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rmqctl.resources.column import Column, Need, Resource

NODES = Resource(
    plural="nodes",
    default=(
        "name", "type", "running", "uptime", "mem_used", "mem_alarm", "disk_free", "disk_free_alarm", "fd_used", "sockets_used",
        "proc_used", "run_queue",
    ),
    alarming=frozenset(("mem_alarm", "disk_free_alarm")),
    streamed=False,
    columns=tuple(map(Column, ("name", "type", "running"))),
    api_fields=dict.fromkeys(
        (
            "applications", "auth_mechanisms", "being_drained", "channel_closed", "channel_closed_details", "channel_created",
            "channel_created_details", "cluster_links", "config_files", "connection_closed", "connection_closed_details",
            "connection_created", "connection_created_details", "context_switches", "context_switches_details", "contexts",
            "crypto_lib_version", "db_dir", "disk_free", "disk_free_alarm", "disk_free_details", "disk_free_limit",
            "enabled_plugins", "erlang_full_version", "erlang_version", "exchange_types", "fd_total", "fd_used",
            "fd_used_details", "gc_bytes_reclaimed", "gc_bytes_reclaimed_details", "gc_num", "gc_num_details",
            "io_file_handle_open_attempt_avg_time", "io_file_handle_open_attempt_avg_time_details",
            "io_file_handle_open_attempt_count", "io_file_handle_open_attempt_count_details", "io_read_avg_time",
            "io_read_avg_time_details", "io_read_bytes", "io_read_bytes_details", "io_read_count", "io_read_count_details",
            "io_reopen_count", "io_reopen_count_details", "io_seek_avg_time", "io_seek_avg_time_details", "io_seek_count",
            "io_seek_count_details", "io_sync_avg_time", "io_sync_avg_time_details", "io_sync_count", "io_sync_count_details",
            "io_write_avg_time", "io_write_avg_time_details", "io_write_bytes", "io_write_bytes_details", "io_write_count",
            "io_write_count_details", "log_files", "mem_alarm", "mem_calculation_strategy", "mem_limit", "mem_used",
            "mem_used_details", "metrics_gc_queue_length", "mnesia_disk_tx_count", "mnesia_disk_tx_count_details",
            "mnesia_ram_tx_count", "mnesia_ram_tx_count_details", "msg_store_read_count", "msg_store_read_count_details",
            "msg_store_write_count", "msg_store_write_count_details", "name", "net_ticktime", "os_pid", "partitions",
            "proc_total", "proc_used", "proc_used_details", "processors", "queue_created", "queue_created_details",
            "queue_declared", "queue_declared_details", "queue_deleted", "queue_deleted_details", "queue_index_read_count",
            "queue_index_read_count_details", "queue_index_write_count", "queue_index_write_count_details",
            "ra_open_file_metrics", "rabbitmq_version", "rates_mode", "run_queue", "running", "sockets_total", "sockets_used",
            "sockets_used_details", "type", "uptime",
        ),
        Need.STATISTICS,
    ),
)  # fmt: skip


# Listeners

_PURPOSES = {
    "amqp": "AMQP 0-9-1 and AMQP 1.0",
    "amqp/ssl": "AMQP 0-9-1 and AMQP 1.0 over TLS",
    "clustering": "inter-node and CLI tool communication",
    "clustering/ssl": "inter-node and CLI tool communication over TLS",
    "http": "HTTP API",
    "http/prometheus": "Prometheus exporter API over HTTP",
    "http/web-amqp": "AMQP over WebSocket",
    "http/web-mqtt": "MQTT over WebSocket",
    "http/web-stomp": "STOMP over WebSocket",
    "https": "HTTP API over TLS (HTTPS)",
    "https/prometheus": "Prometheus exporter API over TLS (HTTPS)",
    "https/web-amqp": "AMQP over WebSocket and TLS (HTTPS)",
    "https/web-mqtt": "MQTT over WebSocket and TLS (HTTPS)",
    "https/web-stomp": "STOMP over WebSocket and TLS (HTTPS)",
    "mqtt": "MQTT",
    "mqtt/ssl": "MQTT over TLS",
    "stomp": "STOMP",
    "stomp/ssl": "STOMP over TLS",
}
"""rabbitmqctl's words for what listens; for another protocol its name."""


def listeners(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The listeners of GET /api/overview with rabbitmqctl's keys, in its order: node by node, the last protocol first."""
    rows = [
        {
            "node": each.get("node"),
            "port": each.get("port"),
            "protocol": each.get("protocol"),
            "interface": _interface(str(each.get("ip_address", ""))),
            "purpose": _PURPOSES.get(str(each.get("protocol")), each.get("protocol")),
        }
        for each in found
    ]
    rows.sort(key=lambda row: (str(row["protocol"]), row["port"] if isinstance(row["port"], int) else 0), reverse=True)
    return sorted(rows, key=lambda row: str(row["node"]))


def expiring(listener: Mapping[str, Any]) -> dict[str, Any]:
    """A listener with certificates, as rabbitmq-diagnostics has it: hours of two digits, and its purpose."""
    made = {
        key: [str(day).replace(" ", " 0") if str(day)[12:13] == ":" else day for day in value]
        if key.endswith("expires_on") and isinstance(value, list)
        else value
        for key, value in listener.items()
    }
    return {**made, "purpose": _PURPOSES.get(str(listener.get("protocol")), listener.get("protocol"))}


def _interface(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def listener_line(listener: Mapping[str, Any]) -> str:
    return "Interface: {interface}, port: {port}, protocol: {protocol}, purpose: {purpose}".format(**listener)


def in_order(numbers: Iterable[Any]) -> str:
    """Ports, ascending, with commas."""
    return ", ".join(map(str, sorted(int(number) for number in numbers)))


# Alarms

_ALARMS = {"memory": "Memory alarm", "disk": "Free disk space alarm"}


def alarm_line(alarm: Mapping[str, Any]) -> str:
    resource = str(alarm.get("resource"))
    return f"{_ALARMS.get(resource, f'{resource} alarm')} on node {alarm.get('node')}"


# Plugins

_LIBRARIES = frozenset(
    (
        "accept",
        "amqp10_client",
        "amqp_client",
        "base64url",
        "cowboy",
        "eldap",
        "gun",
        "jose",
        "oauth2_client",
        "prometheus",
    )
)
"""Applications that are there as plugins do without RabbitMQ's name."""


def plugins(node: Mapping[str, Any], release: Sequence[int]) -> dict[str, str]:
    """Names and versions of the active plugins: those enabled, as listed, then what they brought along, by name."""
    running = {str(app["name"]): str(app.get("version", "")) for app in node.get("applications") or () if "name" in app}
    explicit = list(map(str, node.get("enabled_plugins") or ()))
    if not explicit:
        return {}
    brought = [name for name in sorted(running) if name not in explicit and _is_plugin(name, release)]
    return {name: running.get(name, "") for name in [*explicit, *brought]}


def _is_plugin(name: str, release: Sequence[int]) -> bool:
    if name == "cowlib":
        return tuple(release) < (4,)
    return name in _LIBRARIES or (name.startswith("rabbitmq_") and name != "rabbitmq_prelaunch")


# Memory

UNITS = {
    "bytes": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "tb": 1000**4,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
    "tib": 1024**4,
}


def amount(count: float, unit: str) -> str:
    """A number of bytes in a unit, rounded to four digits: `0.0717 gb`."""
    return f"{count} bytes" if unit == "bytes" else f"{round(count / UNITS[unit], 4)} {unit}"


def memory_total(memory: Mapping[str, Any]) -> int | None:
    """Bytes used in all, by the strategy that the node counts with."""
    totals = memory.get("total")
    if not isinstance(totals, Mapping):
        return totals if isinstance(totals, int) else None
    strategy = str(memory.get("strategy", "rss"))
    value = totals.get(strategy, totals.get("erlang" if strategy == "legacy" else "rss"))
    return value if isinstance(value, int) else None


def memory_categories(memory: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`bytes` and `percentage` (of the total, two digits) by category, the largest first."""
    total = memory_total(memory)
    sizes = {name: size for name, size in memory.items() if isinstance(size, int) and name != "total"}
    return {
        name: {"bytes": size, "percentage": round(size / total * 100, 2) if total else 0.0}
        for name, size in sorted(sizes.items(), key=lambda item: -item[1])
    }


def memory_lines(memory: Mapping[str, Any], unit: str, percent: str = "%") -> list[str]:
    return [
        f"{name}: {amount(size['bytes'], unit)} ({size['percentage']}{percent})"
        for name, size in memory_categories(memory).items()
    ]
