"""One object for people: sections of labels and values, with units. What is listed here is shown where the broker tells it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rmqctl.output.wrapping import wide
from rmqctl.resources import clients
from rmqctl.resources.column import Object, reader
from rmqctl.units import in_bytes, in_time


class Fact(NamedTuple):
    """`field` is the API's dotted path. `words` makes its value readable; now (seconds since 1970) is for ages."""

    label: str
    field: str
    words: Callable[[Any, float], str]


Section = tuple[str, tuple[Fact, ...]]


def _text(value: Any, _: float) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_inside(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(map(_inside, value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def _inside(value: Any) -> str:
    """A member of a list or a table: the numbers of arguments are copied to command lines."""
    return str(value) if type(value) is int else _text(value, 0)


def _number(words: Callable[[float], str]) -> Callable[[Any, float], str]:
    return lambda value, now: words(value) if isinstance(value, int | float) else _text(value, now)


_bytes = _number(in_bytes)
_rate = _number(lambda value: f"{value:,.1f}/s")
_seconds = _number(in_time)
_milliseconds = _number(lambda value: in_time(value / 1000))


def _since(value: Any, now: float) -> str:
    """Milliseconds since 1970, or the time as the broker spells it, which is UTC."""
    try:
        at = (
            value / 1000
            if isinstance(value, int | float)
            else datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()
        )
        return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}, {in_time(max(now - at, 0))} ago"
    except (TypeError, ValueError, OverflowError, OSError):
        return str(value)


def _facts(*rows: tuple[str, str] | tuple[str, str, Callable[[Any, float], str]]) -> tuple[Fact, ...]:
    return tuple(Fact(row[0], row[1], row[2] if len(row) == 3 else _text) for row in rows)


_POLICY = _facts(
    ("policy", "policy"), ("operator policy", "operator_policy"), ("in effect", "effective_policy_definition")
)
_STATS = _facts(
    ("published", "message_stats.publish_details.rate", _rate),
    ("delivered", "message_stats.deliver_get_details.rate", _rate),
    ("acknowledged", "message_stats.ack_details.rate", _rate),
    ("redelivered", "message_stats.redeliver_details.rate", _rate),
)
_TRAFFIC = _facts(
    ("received", "recv_oct", _bytes), ("received now", "recv_oct_details.rate", _number(lambda each: f"{in_bytes(each)}/s")),
    ("sent", "send_oct", _bytes), ("sent now", "send_oct_details.rate", _number(lambda each: f"{in_bytes(each)}/s")),
)  # fmt: skip

QUEUE: tuple[Section, ...] = (
    ("", _facts(
        ("type", "type"), ("state", "state"), ("node", "node"), ("leader", "leader"), ("members", "members"),
        ("online", "online"), ("durable", "durable"), ("exclusive", "exclusive"), ("auto-delete", "auto_delete"),
        ("arguments", "arguments"), ("idle since", "idle_since", _since),
    )),
    ("Messages", _facts(
        ("ready", "messages_ready"), ("unacknowledged", "messages_unacknowledged"), ("total", "messages"),
        ("bodies", "message_bytes", _bytes), ("memory", "memory", _bytes), ("oldest", "head_message_timestamp",
         lambda value, now: _since(value * 1000 if isinstance(value, int | float) else value, now)),
    )),
    ("Rates", _STATS),
    ("Policy", _POLICY),
)  # fmt: skip
EXCHANGE: tuple[Section, ...] = (
    ("", _facts(
        ("type", "type"), ("durable", "durable"), ("auto-delete", "auto_delete"), ("internal", "internal"),
        ("arguments", "arguments"),
    )),
    ("Rates", _facts(
        ("published in", "message_stats.publish_in_details.rate", _rate),
        ("routed out", "message_stats.publish_out_details.rate", _rate),
    )),
    ("Policy", _POLICY),
)  # fmt: skip
CONNECTION: tuple[Section, ...] = (
    ("", _facts(
        ("user", "user"), ("virtual host", "vhost"), ("state", "state"), ("protocol", "protocol"),
        ("client", "user_provided_name"), ("product", "client_properties.product"),
        ("version", "client_properties.version"), ("node", "node"), ("connected", "connected_at", _since),
        ("heartbeat", "timeout", _seconds), ("channels", "channels"), ("TLS", "ssl"), ("cipher", "ssl_cipher"),
    )),
    ("Traffic", _TRAFFIC),
)  # fmt: skip
CHANNEL: tuple[Section, ...] = (
    ("", _facts(
        ("number", "number"), ("connection", "connection_details.name"), ("user", "user"), ("virtual host", "vhost"),
        ("state", "state"), ("node", "node"), ("consumers", "consumer_count"), ("prefetch", "prefetch_count"),
        ("confirms", "confirm"), ("transactional", "transactional"), ("idle since", "idle_since", _since),
    )),
    ("Messages", _facts(
        ("unacknowledged", "messages_unacknowledged"), ("unconfirmed", "messages_unconfirmed"),
        ("uncommitted", "messages_uncommitted"), ("acks uncommitted", "acks_uncommitted"),
    )),
    ("Rates", _STATS),
)  # fmt: skip
NODE: tuple[Section, ...] = (
    ("", _facts(
        ("running", "running"), ("type", "type"), ("version", "rabbitmq_version"), ("Erlang", "erlang_version"),
        ("uptime", "uptime", _milliseconds), ("maintenance", "being_drained"), ("partitions", "partitions"),
    )),
    ("Resources", _facts(
        ("memory used", "mem_used", _bytes), ("memory limit", "mem_limit", _bytes), ("memory alarm", "mem_alarm"),
        ("disk free", "disk_free", _bytes), ("disk limit", "disk_free_limit", _bytes),
        ("disk alarm", "disk_free_alarm"), ("files used", "fd_used"), ("files limit", "fd_total"),
        ("sockets used", "sockets_used"), ("sockets limit", "sockets_total"), ("processes used", "proc_used"),
        ("processes limit", "proc_total"), ("processors", "processors"), ("run queue", "run_queue"),
    )),
    ("Plugins", _facts(("enabled", "enabled_plugins"),)),
)  # fmt: skip
USER: tuple[Section, ...] = (("", _facts(("tags", "tags"), ("limits", "limits"))),)
VHOST: tuple[Section, ...] = (
    ("", _facts(
        ("description", "description"), ("tags", "tags"), ("default type", "default_queue_type"),
        ("tracing", "tracing"), ("state", "cluster_state"),
    )),
    ("Messages", _facts(
        ("ready", "messages_ready"), ("unacknowledged", "messages_unacknowledged"), ("total", "messages"),
    )),
    ("Rates", _STATS),
    ("Traffic", _TRAFFIC),
)  # fmt: skip
POLICY: tuple[Section, ...] = (
    ("", _facts(("pattern", "pattern"), ("applies to", "apply-to"), ("priority", "priority"), ("definition", "definition"))),
)  # fmt: skip
BINDING: tuple[Section, ...] = (
    ("", _facts(
        ("from", "source"), ("to", "destination"), ("kind", "destination_type"), ("key", "routing_key"),
        ("arguments", "arguments"),
    )),
)  # fmt: skip
OVERVIEW: tuple[Section, ...] = (
    ("", _facts(
        ("cluster", "cluster_name"), ("node", "node"), ("RabbitMQ", "rabbitmq_version"), ("Erlang", "erlang_version"),
        ("rates", "rates_mode"),
    )),
    ("Objects", _facts(
        ("connections", "object_totals.connections"), ("channels", "object_totals.channels"),
        ("exchanges", "object_totals.exchanges"), ("queues", "object_totals.queues"),
        ("consumers", "object_totals.consumers"),
    )),
    ("Messages", _facts(
        ("ready", "queue_totals.messages_ready"), ("unacknowledged", "queue_totals.messages_unacknowledged"),
        ("total", "queue_totals.messages"),
    )),
    ("Rates", _STATS),
)  # fmt: skip


def described(
    title: str, found: Object, sections: Sequence[Section], now: float, lists: Mapping[str, Iterable[str]] | None = None
) -> str:
    """The object as text. `lists`: by their titles, lines that follow the sections; "none" stands for no lines."""
    parts = [
        (name, [(fact.label, text) for fact in facts if (text := _told(fact, found, now))]) for name, facts in sections
    ]
    room = max((wide(label) for _, rows in parts for label, _ in rows), default=0)
    blocks = [[title]]
    for name, rows in parts:
        lines = [f"  {label}{' ' * (room - wide(label))}  {text}" for label, text in rows]
        if lines and not name:
            blocks[0] += lines
        elif lines:
            blocks.append([name, *lines])
    for name, more in (lists or {}).items():
        blocks.append([name, *(f"  {line}" for line in more or ["none"])])
    return "\n\n".join(map("\n".join, blocks))


def _told(fact: Fact, found: Object, now: float) -> str:
    value = reader(fact.field)(found)
    return "" if value is None or value in ("", [], {}) else fact.words(value, now)


def binding(row: Object) -> str:
    """A binding to a queue."""
    source = f"exchange {row.get('source')}" if row.get("source") else "the default exchange"
    return f"{source}, key {row.get('routing_key')!r}{_with(row.get('arguments'))}"


def binding_from(row: Object) -> str:
    """A binding from an exchange."""
    return f"{row.get('destination_type')} {row.get('destination')}, key {row.get('routing_key')!r}{_with(row.get('arguments'))}"


def _with(arguments: Any) -> str:
    return f", {_text(arguments, 0)}" if arguments else ""


def consumer(row: Object) -> str:
    """A consumer of a queue, with its client."""
    acks = f"prefetch {row.get('prefetch_count') or 'unlimited'}" if row.get("ack_required") else "automatic acks"
    client = clients.of_consumer(row, {}, {})
    return f"{row.get('consumer_tag')}, {acks}, {clients.in_words(client)}"
