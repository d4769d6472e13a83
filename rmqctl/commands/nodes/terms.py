"""What status and cluster_status are as Erlang terms: keyword lists, which their JSON and text do not have the shape of."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rmqctl.output.values import address_parts, atom, binary, erlang, string

Pair = tuple[str, str | None]
Found = Sequence[Mapping[str, Any]]
"""Alarms or listeners, each with the node that it belongs to."""

_FILES = ("total_limit", "total_used", "sockets_limit", "sockets_used")
_TOTALS = ("virtual_host_count", "connection_count", "queue_count")
_TEXTS_OF_A_FLAG = ("desc", "doc_url")


def status(data: Mapping[str, Any], node: Mapping[str, Any], alarms: Found, listeners: Found) -> str:
    """rabbitmqctl's keys in its order; what the broker did not tell is left out."""
    name = node.get("name")
    ticks = data.get("net_ticktime")
    setting = data.get("vm_memory_high_watermark_setting") or {}
    return _keywords(
        ("pid", _number(data, "pid")),
        ("running_applications", _list(map(_application, node.get("applications") or ()))),
        ("rabbitmq_version", _text(data, "rabbitmq_version")),
        ("erlang_version", string(f"{data['erlang_version']}\n") if "erlang_version" in data else None),
        ("release_series_support_status", _binary(data, "release_series_support_status")),
        ("memory", _memory(data["memory"]) if "memory" in data else None),
        ("alarms", _list(map(_alarm, _of(name, alarms)))),
        ("tags", _tags(data.get("tags"))),
        ("is_under_maintenance", _number(data, "is_under_maintenance")),
        ("listeners", _list(map(_listener, _of(name, listeners)))),
        ("vm_memory_calculation_strategy", _atom(data, "vm_memory_calculation_strategy")),
        ("vm_memory_high_watermark", _watermark(setting)),
        ("vm_memory_limit", _number(data, "vm_memory_high_watermark_limit")),
        ("disk_free_limit", _number(data, "disk_free_limit")),
        ("disk_free", _number(data, "disk_free")),
        ("file_descriptors", _numbers(data, "file_descriptors", _FILES)),
        ("processes", _numbers(data, "processes", ("limit", "used"))),
        ("run_queue", _number(data, "run_queue")),
        ("uptime", _number(data, "uptime")),
        ("kernel", None if ticks is None else f"{{net_ticktime,{erlang(ticks)}}}"),
        ("active_plugins", _list(map(atom, data["active_plugins"]))),
        ("enabled_plugin_file", _text(data, "enabled_plugin_file")),
        ("config_files", _list(map(string, data.get("config_files", ())))),
        ("log_files", _list(map(string, data.get("log_files", ())))),
        ("data_directory", _text(data, "data_directory")),
        ("raft_data_directory", _text(data, "raft_data_directory")),
        ("totals", _numbers(data, "totals", _TOTALS)),
        ("product_base_name", string("RabbitMQ")),
        ("product_base_version", _text(data, "rabbitmq_version")),
    )


def cluster_status(data: Mapping[str, Any], alarms: Found, listeners: Found) -> str:
    """As `status`."""
    kinds = (("disc", data["disk_nodes"]), ("ram", data.get("ram_nodes")))
    running = data["running_nodes"]
    return _keywords(
        ("nodes", _keywords(*((kind, _list(map(atom, names)) if names else None) for kind, names in kinds))),
        ("running_nodes", _list(map(atom, running))),
        ("cluster_name", _binary(data, "cluster_name")),
        ("partitions", _by_node((name, _list(map(atom, others))) for name, others in data["partitions"].items())),
        ("cluster_tags", _tags(data.get("cluster_tags"))),
        ("alarms", _by_node((name, _list(map(_alarm, _of(name, alarms)))) for name in running)),
        ("listeners", _by_node((name, _list(map(_listener, _of(name, listeners)))) for name in running)),
        ("versions", _by_node((name, erlang(found)) for name, found in data["versions"].items())),
        ("cpu_cores", _by_node(_terms(data["cpu_cores"])) if "cpu_cores" in data else None),
        ("maintenance_status", _by_node(_terms(data["maintenance_status"]))),
        ("feature_flags", _list(map(_flag, data["feature_flags"])) if "feature_flags" in data else None),
    )


def _of(name: object, found: Found) -> Iterable[Mapping[str, Any]]:
    return (each for each in found if each.get("node") == name)


def _keywords(*pairs: Pair) -> str:
    return _list(f"{{{key},{term}}}" for key, term in pairs if term is not None)


def _list(terms: Iterable[str]) -> str:
    return f"[{','.join(terms)}]"


def _by_node(pairs: Iterable[Pair]) -> str:
    return _keywords(*((atom(name), term) for name, term in pairs))


def _terms(found: Mapping[str, Any]) -> Iterable[Pair]:
    return ((name, erlang(value)) for name, value in found.items())


def _number(data: Mapping[str, Any], key: str) -> str | None:
    return erlang(data[key]) if key in data else None


def _text(data: Mapping[str, Any], key: str) -> str | None:
    return string(str(data[key])) if key in data else None


def _binary(data: Mapping[str, Any], key: str) -> str | None:
    return binary(str(data[key])) if key in data else None


def _atom(data: Mapping[str, Any], key: str) -> str | None:
    return atom(str(data[key])) if key in data else None


def _numbers(data: Mapping[str, Any], key: str, keys: Iterable[str]) -> str | None:
    return _keywords(*((each, _number(data[key], each)) for each in keys)) if key in data else None


def _application(found: Mapping[str, Any]) -> str:
    name, *texts = (str(found.get(key, "")) for key in ("name", "description", "version"))
    return f"{{{','.join([atom(name), *map(string, texts)])}}}"


def _memory(found: Mapping[str, Any]) -> str:
    return _keywords(
        *(
            (key, _keywords(*_terms(value)) if isinstance(value, Mapping) else _plain(value))
            for key, value in found.items()
        )
    )


def _plain(value: object) -> str:
    """A word of the broker's own as an atom."""
    return atom(value) if isinstance(value, str) else erlang(value)


def _alarm(found: Mapping[str, Any]) -> str:
    resource, node = (atom(str(found.get(key))) for key in ("resource", "node"))
    return f"{{resource_limit,{resource},{node}}}"


def _tags(tags: object) -> str | None:
    """Those of a node or a cluster; None for a release that has none."""
    if isinstance(tags, Mapping):
        return _list(f"{{{binary(str(key))},{erlang(value)}}}" for key, value in tags.items())
    return None if tags is None else "[]"


def _listener(found: Mapping[str, Any]) -> str:
    """The host's name is not told: its address stands for it. Nor are all options, whose types JSON loses."""
    node, protocol = (atom(str(found.get(key))) for key in ("node", "protocol"))
    address = str(found.get("ip_address", ""))
    parts = address_parts(address)
    term = string(address) if isinstance(parts, str) else f"{{{','.join(map(str, parts))}}}"
    return f"{{listener,{node},{protocol},{string(address)},{term},{erlang(found.get('port'))},[]}}"


def _watermark(setting: Mapping[str, Any]) -> str | None:
    if "relative" in setting:
        return erlang(setting["relative"])
    return f"{{absolute,{erlang(setting['absolute'])}}}" if "absolute" in setting else None


def _flag(found: Mapping[str, Any]) -> str:
    return _keywords(
        *((key, binary(str(value)) if key in _TEXTS_OF_A_FLAG else _plain(value)) for key, value in found.items())
    )
