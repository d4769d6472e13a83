"""Columns of list_queues: GET /api/queues."""

from collections.abc import Callable

from rmqctl.resources.column import (
    PERMITTED,
    Column,
    Need,
    Object,
    Release,
    Resource,
    arguments,
    definitions,
    reader,
    statistics,
)
from rmqctl.terms import Cell, PolicyDefinition

_CLASSIC = ("classic",)
_WITH_RAM = ("classic", "quorum")


def _for_types(field: str, types: tuple[str, ...]) -> Callable[[Object, Release], Cell]:
    """rabbitmqctl leaves these empty for the other queue types, although the API has numbers for some."""

    def cell(queue: Object, _: Release) -> Cell:
        value = queue.get(field)
        return value if queue.get("type") in types else None

    return cell


def _counter(name: str, types: tuple[str, ...] = _CLASSIC) -> Column:
    return Column(name, need=Need.STATISTICS, cell=_for_types(name, types), reads=("type",))


def _state(queue: Object, _: Release) -> Cell:
    """The statistics say `idle` and the metadata store `live` where the queue itself says `running`."""
    state = queue.get("state")
    return "running" if state in ("idle", "live") else state


def _lives(queue: Object, release: Release) -> bool:
    """From 4.0 a classic queue has a leader and a member, as long as its node is up."""
    return release >= (4,) and queue.get("state") != "down"


def _leader(queue: Object, release: Release) -> Cell:
    if queue.get("type") == "classic":
        return queue.get("node") if _lives(queue, release) else None
    return queue.get("leader") or queue.get("node")


def _members(queue: Object, release: Release) -> Cell:
    if queue.get("type") == "classic":
        node = queue.get("node")
        return [node] if node and _lives(queue, release) else None
    return queue.get("members")


def _online(queue: Object, _: Release) -> Cell:
    return None if queue.get("type") == "classic" else queue.get("online")


def _type(queue: Object, _: Release) -> Cell:
    """The API names this type by an Erlang module, unless totals are asked for."""
    kind = queue.get("type")
    return "MQTT QoS 0" if kind == "rabbit_mqtt_qos0_queue" else kind


def _mirrors(field: str) -> Callable[[Object, Release], Cell]:
    """`[]` for a mirrored queue without mirrors, empty for one that is not mirrored."""
    return lambda queue, _: queue.get(field)


def _effective_definition(queue: Object, _: Release) -> Cell:
    """Empty for the one kind of queue that takes no policies, MQTT's for QoS 0."""
    definition = queue.get("effective_policy_definition")
    return None if definition is None else PolicyDefinition(definition)


def _drain(queue: Object) -> float | None:
    """Messages a second by which the queue becomes shorter."""
    rate = reader("messages_details.rate")(queue)
    return None if rate is None else -rate + 0.0


def _eta(queue: Object) -> float | None:
    """Seconds until the queue is empty at the current rates; None when it does not become shorter."""
    messages, drain = queue.get("messages"), _drain(queue)
    if messages == 0:
        return 0.0
    return round(messages / drain, 1) if messages and drain and drain > 0 else None


_PID = "process identifiers are not in it; `node` and `name` tell where a queue lives"

QUEUES = Resource(
    plural="queues", sight=PERMITTED,
    default=("name", "messages"),
    alarming=frozenset(("messages_unacknowledged",)),
    columns=(
        Column("name"),
        Column("durable"),
        Column("auto_delete"),
        arguments(),
        Column("policy"),
        Column("operator_policy", need=Need.STATISTICS),
        Column(
            "effective_policy_definition",
            need=Need.STATISTICS,
            cell=_effective_definition,
        ),
        Column("pid", refused=_PID),
        Column("owner_pid", refused="process identifiers are not in it; `rmqctl show queue NAME` names the owning connection"),
        Column("exclusive", cell=_for_types("exclusive", _CLASSIC), reads=("type",)),
        Column("exclusive_consumer_pid", refused=f"{_PID.partition(';')[0]}; `exclusive_consumer_tag` is"),
        _counter("exclusive_consumer_tag"),
        Column("messages_ready", need=Need.TOTALS),
        Column("messages_unacknowledged", need=Need.TOTALS),
        Column("messages", need=Need.TOTALS),
        _counter("messages_ready_ram"),
        _counter("messages_unacknowledged_ram"),
        _counter("messages_ram", _WITH_RAM),
        _counter("messages_persistent"),
        _counter("message_bytes"),
        _counter("message_bytes_ready"),
        _counter("message_bytes_unacknowledged"),
        _counter("message_bytes_ram", _WITH_RAM),
        _counter("message_bytes_persistent"),
        _counter("head_message_timestamp"),
        Column("disk_reads", refused="the broker leaves it out; `message_stats` has what the API counts"),
        Column("disk_writes", refused="the broker leaves it out; `message_stats` has what the API counts"),
        Column("drain", "messages_details", Need.STATISTICS, computed=_drain),
        Column("eta", "messages_details", Need.STATISTICS, reads=("messages",), computed=_eta),
        Column("consumers", need=Need.STATISTICS),
        _counter("consumer_utilisation"),
        _counter("consumer_capacity"),
        Column("memory", need=Need.STATISTICS),
        Column("state", cell=_state),
        Column("type", cell=_type),
        Column("leader", need=Need.STATISTICS, cell=_leader, reads=("type", "node", "state"), by_release=True),
        Column("members", need=Need.STATISTICS, cell=_members, reads=("type", "node", "state"), by_release=True),
        Column("online", need=Need.STATISTICS, cell=_online, reads=("type",)),
        Column("slave_pids", "slave_nodes", Need.STATISTICS, _mirrors("slave_nodes")),
        Column("synchronised_slave_pids", "synchronised_slave_nodes", Need.STATISTICS, _mirrors("synchronised_slave_nodes")),
    ),
    api_fields=definitions("vhost", "node")
    | statistics(
        "backing_queue_status", "consumer_details", "delayed_retry", "deliveries", "delivery_limit", "first_timestamp",
        "garbage_collection", "idle_since", "incoming", "internal", "internal_owner", "message_bytes_dlx",
        "message_bytes_paged_out", "message_stats", "messages_active_priorities", "messages_by_priority",
        "messages_delayed", "messages_details", "messages_dlx", "messages_paged_out", "messages_ready_details",
        "messages_ready_returned", "messages_unacknowledged_details", "open_files", "owner_pid_details", "publishers",
        "readers", "recoverable_slaves", "reductions", "reductions_details", "segments", "single_active_consumer_ctag",
        "single_active_consumer_tag", "slave_nodes", "storage_version", "synchronised_slave_nodes",
    ),
)  # fmt: skip

COUNTS = ("messages", "messages_ready", "messages_unacknowledged")
"""The columns that the totals form of the API answers exactly and at once."""
