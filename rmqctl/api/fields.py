"""What kind of value each field of the API's answers has: the one place where answers are typed.

A value of another kind is removed, so that the field is as unknown as one that the broker left out. An empty object, which
comes from Erlang as an empty list, becomes one. An answer that is a list
where an object is promised, or the other way round, is an error: nothing is known of it. Lists are looked at field by field
rather than row by row, since they are long and have few fields.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from rmqctl.errors import BrokenAnswer

Row = dict[str, Any]
_Fits = Callable[[Sequence[Any]], bool]
"""Whether all values of a field, nulls aside, are of its kind."""

_NULL = type(None)
_LARGEST = 1 << 64
"""Of the numbers of a broker, which are at most 64 bits."""


def _texts(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {str}


def _numbers(values: Sequence[Any]) -> bool:
    kinds = set(map(type, values))
    if not kinds <= {int, float}:
        return False
    # One number out of bounds shows in the sum, which costs less than a look at each.
    return -_LARGEST < sum(values) < _LARGEST or all(-_LARGEST < value < _LARGEST for value in values)


def _flags(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {bool}


def _objects(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {dict}


def _lists_of_texts(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {list} and _texts(list(chain.from_iterable(values)))


def _lists_of_objects(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {list} and set(map(type, chain.from_iterable(values))) <= {dict}


def _any_of(*kinds: _Fits) -> _Fits:
    return lambda values: all(any(fits([value]) for fits in kinds) for value in values)


_TEXTS = (
    "activity_status", "auth_mechanism", "blocked_status", "cluster_name", "component", "connection_name", "consumer_tag",
    "container_id", "crypto_lib_version", "db_dir", "default_queue_type", "deprecation_phase", "desc", "description",
    "dest_exchange", "dest_exchange_key", "dest_protocol", "dest_queue", "dest_uri", "destination", "destination_type",
    "doc_url", "encoding", "erlang_full_version", "erlang_version", "error", "exclusive_consumer_tag",
    "experiment_level", "hashing_algorithm", "host", "idle_since", "ip_address", "leader", "local_channel",
    "local_connection", "management_version", "mem_calculation_strategy", "name", "node", "operator_policy", "os_pid",
    "password_hash", "pattern", "payload_encoding", "peer_cert_issuer", "peer_cert_subject", "peer_cert_validity",
    "peer_host", "policy", "product_name", "product_version", "properties_key", "protocol", "provided_by",
    "rabbitmq_version", "rates_mode", "release_series_support_status", "remote_address", "require_level", "routing_key",
    "single_active_consumer_ctag", "source", "src_exchange", "src_exchange_key", "src_protocol", "src_queue", "src_uri",
    "ssl_cipher", "ssl_hash", "ssl_key_exchange", "ssl_protocol", "stability", "state", "timestamp", "type", "upstream",
    "uri", "user", "user_provided_name", "user_who_performed_action", "username", "vhost", "configure", "read", "write",
    "apply-to", "Node Name", "Raft State", "Membership",
)  # fmt: skip

_NUMBERS = (
    "acks_uncommitted", "auth_attempts", "auth_attempts_failed", "auth_attempts_succeeded", "channel_max",
    "channels", "connected_at", "connections", "connection_closed", "connection_created", "consumer_capacity",
    "consumer_count", "consumer_timeout", "consumer_utilisation", "consumers", "delivery_limit", "disk_free",
    "disk_free_limit", "exchanges", "fd_total", "fd_used", "first_timestamp", "forwarded", "frame_max",
    "global_prefetch_count", "handle_max", "head_message_timestamp", "incoming_window", "item_count", "filtered_count",
    "link_credit", "mem_limit", "mem_used", "message_count", "net_ticktime", "next_incoming_id", "next_outgoing_id",
    "number", "open_files", "outgoing_unsettled_deliveries", "page", "page_count", "page_size", "peer_port", "pending",
    "pending_raft_commands", "prefetch_count", "priority", "proc_total", "proc_used", "processors", "publishers",
    "queues", "rate", "readers", "recv_cnt", "recv_oct", "reductions", "remote_incoming_window",
    "remote_outgoing_window", "run_queue", "segments", "send_cnt", "send_oct", "send_pend", "sockets_total",
    "sockets_used", "timeout", "total_count", "uptime", "vhosts", "channel_closed", "channel_created", "queue_created",
    "queue_declared", "queue_deleted", "context_switches", "unconfirmed", "credits", "publisher_id", "subscription_id",
    "messages", "messages_ready", "messages_unacknowledged", "messages_uncommitted", "messages_unconfirmed",
    "messages_delayed", "messages_dlx", "messages_paged_out", "messages_persistent", "messages_ram",
    "messages_ready_ram", "messages_ready_returned", "messages_unacknowledged_ram", "message_bytes",
    "message_bytes_dlx", "message_bytes_paged_out", "message_bytes_persistent", "message_bytes_ram",
    "message_bytes_ready", "message_bytes_unacknowledged", "max_message_size", "payload_bytes", "storage_version",
    "ack", "confirm", "deliver", "deliver_get", "deliver_no_ack", "drop_unroutable", "get", "get_empty", "get_no_ack",
    "publish", "publish_in", "publish_out", "redeliver", "return_unroutable", "disk_reads", "disk_writes",
    "Commit Index", "Last Applied", "Last Log Index", "Last Written", "Machine Version", "Snapshot Index", "Term",
)  # fmt: skip

_FLAGS = (
    "ack_required", "active", "auto_delete", "being_drained", "confirm_mode", "disable_stats", "disk_free_alarm",
    "durable", "enabled", "enable_queue_totals", "is_internal_user", "mem_alarm", "protected_from_deletion",
    "redelivered", "running", "ssl", "tracing", "transactional",
)  # fmt: skip

_OBJECTS = (
    "ack_details", "channel_details", "cluster_state", "confirm_details", "connection_closed_details",
    "connection_created_details", "connection_details", "churn_rates", "consumer_utilisation_details", "deliver_details",
    "deliver_get_details", "deliver_no_ack_details", "disk_free_details", "garbage_collection", "get_details",
    "get_empty_details", "get_no_ack_details", "message_stats", "messages_details", "messages_ready_details",
    "messages_unacknowledged_details", "object_totals", "owner_pid_details", "publish_details", "publish_in_details",
    "publish_out_details", "queue_totals", "recv_oct_details", "redeliver_details", "reductions_details",
    "return_unroutable_details", "send_oct_details", "stats", "metadata", "channel_closed_details", "channel_created_details",
    "queue_created_details", "queue_declared_details", "queue_deleted_details",
)  # fmt: skip
"""Objects of the API's own fields, which are typed in turn."""

_FREE_OBJECTS = (
    "arguments", "client_properties", "definition", "effective_policy_definition", "limits", "offsets", "properties",
    "writers",
)  # fmt: skip
"""Objects with fields of users' own."""

_LISTS_OF_TEXTS = (
    "config_files", "enabled_plugins", "log_files", "members", "online", "partitions", "recoverable_slaves",
    "slave_nodes", "synchronised_slave_nodes",
)  # fmt: skip

_LISTS_OF_OBJECTS = (
    "alarms", "applications", "auth_mechanisms", "consumer_details", "contexts", "deliveries", "exchange_types",
    "expired", "incoming", "incoming_links", "items", "listeners", "outgoing", "outgoing_links", "publishes",
)  # fmt: skip

_KINDS: Mapping[str, _Fits] = {
    **dict.fromkeys(_TEXTS, _texts),
    **dict.fromkeys(_NUMBERS, _numbers),
    **dict.fromkeys(_FLAGS, _flags),
    **dict.fromkeys((*_OBJECTS, *_FREE_OBJECTS), _objects),
    **dict.fromkeys(_LISTS_OF_TEXTS, _lists_of_texts),
    **dict.fromkeys(_LISTS_OF_OBJECTS, _lists_of_objects),
    # Of some kinds by release, or by what they are in.
    "confirm": _any_of(_flags, _numbers),
    "exclusive": _flags,
    "internal": _flags,
    "memory": _any_of(_numbers, _objects),
    "peer_cert_serial_number": _any_of(_texts, _numbers),
    "port": _any_of(_numbers, _texts),
    "exchange": _any_of(_objects, _texts),
    "queue": _any_of(_objects, _texts),
    "tags": _any_of(_lists_of_texts, _texts, _objects),
    "node_tags": _objects,
    "cluster_tags": _objects,
    "version": _texts,
}
"""By the name of the field: it means the same in all answers. Fields that are not here may be anything."""

_NO_LISTS = frozenset((*_OBJECTS, *_FREE_OBJECTS, "cluster_tags", "exchange", "memory", "node_tags", "queue", "value"))
"""Fields with objects, which are no lists in any answer where they are typed."""

_BELOW = frozenset((*_OBJECTS, *_LISTS_OF_OBJECTS, "exchange", "memory", "queue"))
"""Fields with objects that are typed as well."""

_UNTYPED = frozenset(("definitions", "parameters", "global-parameters", "embedded"))
"""Answers that are users' own, of which only the outside is promised."""


_OF_LIMITS = frozenset(("user-limits", "vhost-limits"))
"""Answers whose `value` is an object; that of a parameter may be anything."""

_NAMED = frozenset(
    (
        "deprecated-features", "exchanges", "feature-flags", "nodes", "operator-policies", "policies", "queues", "users",
        "vhosts",
    )
)  # fmt: skip
"""Lists of objects that are told from one another by their `name`: nothing can be said of one without."""


def typed(path: str, body: Any, url: str, query: Mapping[str, str]) -> Any:
    """The answer of a GET of `path` without the values that are not of their field's kind.

    Raises BrokenAnswer for an answer that is no list, or no object, as promised, and for rows of a list without a name.
    """
    segments = path.removeprefix("/api/").split("/")
    shape = _shape(segments)
    if shape is None:
        return body
    if shape is dict:
        body = object_of(body)
    promised = dict if "page" in query else shape  # a page is an object with the rows in it
    if not isinstance(body, promised):
        raise BrokenAnswer(f"{url}: {path} gave {_called(body)} where the API promises {_CALLED[promised]}")
    rows: list[Any] = body if isinstance(body, list) else [body]
    if not set(map(type, rows)) <= {dict}:
        rows[:] = map(object_of, rows)  # rows without any of the columns
        _refuse_others(rows, path, url)
    if segments[0] not in _UNTYPED:
        _clean([row for row in rows if row])
    if segments[0] in _OF_LIMITS:
        _keep_those_that_fit(rows, "value", _objects)
    if promised is list:
        asked = query.get("columns")
        columns = None if asked is None else asked.split(",")
        if segments[0] in _NAMED and len(segments) < 3 and (columns is None or "name" in columns):
            _refuse_nameless(rows, path, url)
    return body


def object_of(value: Any) -> Any:
    """What is promised as an object: an empty one comes from Erlang as an empty list."""
    return {} if value == [] else value


def _refuse_nameless(rows: Sequence[Row], path: str, url: str) -> None:
    try:
        if set(map(type, map(itemgetter("name"), rows))) == {str}:
            return
    except (KeyError, TypeError):
        pass
    for number, row in enumerate(rows, 1):
        if not row or row.get("name") is None:
            raise BrokenAnswer(f"{url}: row {number} of {path} has no name")


_CALLED: Mapping[type, str] = {list: "a list", dict: "an object"}


def _called(body: Any) -> str:
    if isinstance(body, list | dict):
        return _CALLED[type(body)]
    return "nothing" if body is None else "a text" if isinstance(body, str) else f"{body!r:.20}"


def _refuse_others(rows: Sequence[Any], path: str, url: str) -> None:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise BrokenAnswer(f"{url}: row {number} of {path} is {_called(row)} where the API promises an object")


def _clean(rows: Sequence[Row]) -> None:
    for name in set().union(*rows):
        fits = _KINDS.get(name)
        if fits is None or _at_a_glance(rows, name):
            continue
        values = _values(rows, name)
        if not fits(values):
            values = _keep_those_that_fit(rows, name, fits)
        if name in _BELOW:
            _clean(list(_objects_in(values)))


_GLANCE: Mapping[str, frozenset[type]] = {
    **dict.fromkeys(_TEXTS, frozenset((str, _NULL))),
    **dict.fromkeys(_FLAGS, frozenset((bool, _NULL))),
    **dict.fromkeys(_FREE_OBJECTS, frozenset((dict, _NULL))),
}


def _at_a_glance(rows: Sequence[Row], name: str) -> bool:
    """Whether every row has the field, and by its type alone it is in order: that is nearly always so, and quick to see."""
    allowed = _GLANCE.get(name)
    try:
        if _KINDS[name] is _numbers:
            values = list(map(itemgetter(name), rows))
            return set(map(type, values)) == {int} and -_LARGEST < sum(values) < _LARGEST
        return allowed is not None and set(map(type, map(itemgetter(name), rows))) <= allowed
    except KeyError:
        return False


def _values(rows: Sequence[Row], name: str) -> list[Any]:
    """Those that are there and no null. Most lists have a field in every row, which is quick to read."""
    try:
        values = list(map(itemgetter(name), rows))
    except KeyError:
        values = [row.get(name) for row in rows]
    return [value for value in values if value is not None] if _NULL in set(map(type, values)) else values


def _keep_those_that_fit(rows: Iterable[Row], name: str, fits: _Fits) -> list[Any]:
    kept = []
    for row in rows:
        value = row.get(name)
        if value is None:
            continue
        if value == [] and name in _NO_LISTS:
            row[name] = value = {}
        if fits([value]):
            kept.append(value)
        else:
            del row[name]
    return kept


def _objects_in(values: Iterable[Any]) -> Iterable[Row]:
    for value in values:
        if isinstance(value, dict):
            yield value
        elif isinstance(value, list):
            yield from value


def _shape(segments: Sequence[str]) -> type | None:
    """Whether the answer at a path is a list or an object; None for what is not known."""
    noun, count = segments[0], len(segments)
    match noun:
        case "queues" if segments[1:2] == ["quorum"] and count == 5:
            return list
        case "connections" | "channels" | "users" | "vhosts" | "nodes" | "global-parameters" if count == 2:
            return dict
        case "queues" | "exchanges" | "permissions" | "policies" | "operator-policies" | "permissions" if count == 3:
            return dict
        case "parameters" if count == 4:
            return dict
        case "bindings" if count == 7:
            return dict
        case "nodes" if count == 3:
            return dict
        case "shovels" | "stream" if count == 4:
            return dict
        case "auth":
            return list if count > 1 else dict
    return _SHAPES.get(noun)


_SHAPES: Mapping[str, type] = {
    **dict.fromkeys(
        (
            "bindings", "channels", "connections", "consumers", "deprecated-features", "exchanges", "feature-flags",
            "federation-links", "global-parameters", "nodes", "operator-policies", "parameters", "permissions", "policies",
            "queues", "shovels", "stream", "topic-permissions", "user-limits", "users", "vhost-limits", "vhosts",
        ),
        list,
    ),
    **dict.fromkeys(("cluster-name", "definitions", "overview", "whoami"), dict),
}  # fmt: skip
