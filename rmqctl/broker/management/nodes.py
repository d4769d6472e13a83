"""`/api/nodes`: the one node there is.

Memory, disk, files and the processor's work are the process's own. Where RabbitMQ tells about Erlang (its processes, garbage
collector, message store) the count is 0, and the version of Erlang is that of Python.
"""

import os
import platform
import ssl
from pathlib import Path
from typing import Any

from rmqctl.broker.core.alarms import DISK, MEMORY
from rmqctl.broker.core.broker import RABBITMQ_VERSION
from rmqctl.broker.core.stats import CHURN
from rmqctl.broker.management import listing
from rmqctl.broker.management.web import Call, Row, missing
from rmqctl.broker.memory import free_disk, resident_memory, total_memory

VERSIONS = {
    "erlang_version": f"Python {platform.python_version()}",
    "erlang_full_version": f"rmqctl's embedded broker on Python {platform.python_version()}",
    "crypto_lib_version": ssl.OPENSSL_VERSION,
}
EXCHANGE_TYPES = [
    {"name": name, "description": text, "enabled": True}
    for name, text in (
        *(
            (name, f"AMQP {name} exchange, as per the AMQP specification")
            for name in ("direct", "fanout", "headers", "topic")
        ),
        ("x-local-random", "Picks one random local binding (queue) to route via (to)."),
        ("x-modulus-hash", "Modulus Hashing Exchange"),
    )
]
_MECHANISMS = [
    {"name": name, "description": text, "enabled": True}
    for name, text in (
        ("PLAIN", "SASL PLAIN authentication mechanism"),
        ("AMQPLAIN", "QPid AMQPLAIN mechanism"),
        ("ANONYMOUS", "SASL ANONYMOUS authentication mechanism"),
    )
]
_APPLICATIONS = [
    {"name": "rabbit", "description": "RabbitMQ", "version": RABBITMQ_VERSION},
    {"name": "rabbitmq_management", "description": "RabbitMQ Management Console", "version": RABBITMQ_VERSION},
]
# What this broker does not have.
_NOTHING = (
    "sockets_used",
    "proc_used",
    "gc_num",
    "gc_bytes_reclaimed",
    "io_read_count",
    "io_read_bytes",
    "io_read_avg_time",
    "io_write_count",
    "io_write_bytes",
    "io_write_avg_time",
    "io_sync_count",
    "io_sync_avg_time",
    "io_seek_count",
    "io_seek_avg_time",
    "io_reopen_count",
    "mnesia_ram_tx_count",
    "mnesia_disk_tx_count",
    "msg_store_read_count",
    "msg_store_write_count",
    "queue_index_write_count",
    "queue_index_read_count",
)
# The parts that RabbitMQ tells memory by.
_MEMORY = (
    "connection_readers",
    "connection_writers",
    "connection_channels",
    "connection_other",
    "stream_queue_procs",
    "stream_queue_replica_reader_procs",
    "stream_queue_coordinator_procs",
    "quorum_queue_procs",
    "quorum_queue_dlx_procs",
    "queue_procs",
    "plugins",
    "metadata_store",
    "other_proc",
    "metrics",
    "mgmt_db",
    "quorum_ets",
    "mnesia",
    "metadata_store_ets",
    "other_ets",
    "binary",
    "msg_index",
    "code",
    "atom",
    "other_system",
    "allocated_unused",
    "reserved_unallocated",
)
# What is gone waits nowhere to be cleared away.
_GONE = ("connection_closed", "channel_closed", "consumer_deleted", "exchange_deleted", "queue_deleted")
_MORE_GONE = ("vhost_deleted", "node_node_deleted", "channel_consumer_deleted")


def list_nodes(call: Call) -> Any:
    return [listing.trimmed(call, node_row(call))]


def get_node(call: Call) -> Any:
    _check(call)
    row = node_row(call)
    if call.flag("memory"):
        row["memory"] = _memory()
    return listing.trimmed(call, row)


def memory(call: Call) -> Any:
    _check(call)
    return {"memory": _memory()}


def relative_memory(call: Call) -> Any:
    _check(call)
    return {"memory": {"total": 100, **dict.fromkeys(_MEMORY, 0), "other_system": 100}}


def _check(call: Call) -> None:
    if call["name"] != call.broker.node.name:
        raise missing()


def _memory() -> Row:
    """Which part of the process has how much nobody knows: all of it is other."""
    size = resident_memory()
    parts = {**dict.fromkeys(_MEMORY, 0), "other_system": size}
    return {**parts, "strategy": "rss", "total": {"erlang": size, "rss": size, "allocated": size}}


def node_row(call: Call) -> Row:
    broker = call.broker
    used = {
        "mem_used": resident_memory(),
        "fd_used": _open_files(),
        "disk_free": free_disk(broker.data_folder),
        "context_switches": _context_switches(),
        **dict.fromkeys(_NOTHING, 0),
    }
    row: Row = {
        "partitions": [],
        "os_pid": str(os.getpid()),
        "fd_total": _file_limit(),
        "sockets_total": 0,
        "mem_limit": broker.memory_limit or total_memory() or 0,
        "mem_alarm": MEMORY in broker.alarms.resources,
        "disk_free_limit": broker.disk_limit,
        "disk_free_alarm": DISK in broker.alarms.resources,
        "proc_total": 0,
        "rates_mode": "basic",
        "uptime": round((broker.node.now - broker.node.started) * 1000),
        "run_queue": 0,
        "processors": os.cpu_count() or 1,
        "exchange_types": EXCHANGE_TYPES,
        "auth_mechanisms": _MECHANISMS,
        "applications": _APPLICATIONS,
        "contexts": contexts(call),
        "log_files": [],
        "db_dir": "",
        "config_files": [],
        "net_ticktime": 60,
        "enabled_plugins": ["rabbitmq_management"],
        "mem_calculation_strategy": "rss",
        "ra_open_file_metrics": {"ra_log_wal": 0, "ra_log_segment_writer": 0},
        "rabbitmq_version": RABBITMQ_VERSION,
        **VERSIONS,
        "name": broker.node.name,
        "type": "disc",
        "running": True,
        "being_drained": False,
    }
    for name, value in used.items():
        row |= {name: value, f"{name}_details": {"rate": 0.0}}
    row |= {**broker.node.churn, **call.rates.details(("churn", broker), *CHURN)}
    return {**row, "cluster_links": [], "metrics_gc_queue_length": dict.fromkeys((*_GONE, *_MORE_GONE), 0)}


def listeners(call: Call) -> list[Row]:
    amqp = {"backlog": 1024, "nodelay": True}
    return [
        {"node": call.broker.node.name, "ip_address": call.ports.host, "tls": False, **each}
        for each in (
            {"protocol": "amqp", "port": call.ports.amqp, "socket_opts": amqp},
            {"protocol": "http", "port": call.ports.http, "socket_opts": {"port": call.ports.http}},
        )
    ]


def contexts(call: Call) -> list[Row]:
    return [
        {
            "ssl_opts": [],
            "node": call.broker.node.name,
            "description": "RabbitMQ Management",
            "path": "/",
            "cowboy_opts": "[]",
            "ip": call.ports.host,
            "port": str(call.ports.http),
        }
    ]


def _open_files() -> int:
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 0


def _file_limit() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _context_switches() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_nvcsw + usage.ru_nivcsw
