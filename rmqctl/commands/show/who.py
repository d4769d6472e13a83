"""`who QUEUE`: where its messages come from, who consumes them and who holds how many."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from rmqctl.api import lists, queues
from rmqctl.resources import clients
from rmqctl.resources.clients import CHANNEL_FIELDS, CONNECTION_FIELDS
from rmqctl.resources.column import reader
from rmqctl.result import Value
from rmqctl.session import Session

_QUEUE_FIELDS = (
    "name", "vhost", "type", "messages_ready", "messages_unacknowledged", "consumer_details", "incoming",
)  # fmt: skip
_EXCHANGE_FIELDS = ("name", "type", "message_stats.publish_in_details.rate")
_CHANNEL_FIELDS = (*CHANNEL_FIELDS, "message_stats.publish", "message_stats.publish_details.rate")
Row = Mapping[str, Any]


def who(session: Session, name: Annotated[str, typer.Argument(metavar="QUEUE", show_default=False)]) -> Value:
    """Show who uses a queue: bindings, consumers, and who holds its messages.

    Only brokers with management_agent.rates_mode = detailed report which channel
    publishes to which exchange. Otherwise all channels that publish in the virtual
    host are shown.
    """
    client, vhost = session.client, session.vhost
    queue = queues.newest(client, vhost, name, *_QUEUE_FIELDS)
    bindings = queues.bindings(client, vhost, name)
    exchanges = {
        str(row.get("name")): row for row in lists.of_vhost(client, "exchanges", vhost, fields=_EXCHANGE_FIELDS)
    }
    channels = lists.of_clients(client, "channels", vhost, fields=_CHANNEL_FIELDS)
    connections = lists.of_clients(client, "connections", vhost, fields=CONNECTION_FIELDS)
    by_name = {str(row.get("name")): row for row in connections}
    of_channel = {str(row.get("name")): row for row in channels}
    data = {
        **{key: queue.get(key) for key in ("name", "vhost", "type", "messages_ready", "messages_unacknowledged")},
        "bindings": [_binding(row, exchanges) for row in bindings],
        "incoming": [_incoming(row) for row in queue.get("incoming") or []],
        "consumers": [clients.of_consumer(row, of_channel, by_name) for row in queue.get("consumer_details") or []],
        "publishers": [
            {**_client(row, by_name), "publish_rate": _rate(row, "publish")}
            for row in channels
            if (row.get("message_stats") or {}).get("publish")
        ],
    }
    session.hint(queues.AGES)
    return Value(data, _text(data), wraps=True)


def _binding(row: Row, exchanges: Mapping[str, Row]) -> dict[str, Any]:
    exchange = exchanges.get(str(row.get("source")), {})
    return {
        "exchange": row.get("source"),
        "type": exchange.get("type"),
        "routing_key": row.get("routing_key"),
        "arguments": row.get("arguments") or {},
        "exchange_publish_rate": _rate(exchange, "publish_in"),
    }


def _incoming(row: Row) -> dict[str, Any]:
    return {
        "exchange": (row.get("exchange") or {}).get("name"),
        "publish_rate": _rate({"message_stats": row.get("stats")}, "publish"),
    }


def _client(channel: Row, connections: Mapping[str, Row]) -> dict[str, Any]:
    name = str((channel.get("connection_details") or {}).get("name"))
    return clients.of_channel(channel, connections.get(name, {}))


def _rate(row: Row, name: str) -> float | None:
    rate: float | None = reader(f"message_stats.{name}_details.rate")(row)
    return rate


# For people


def _text(data: Mapping[str, Any]) -> str:
    lines = [
        f"{data['type'] or 'classic'} queue {data['name']!r} in virtual host {data['vhost']!r}: "
        f"{_number(data['messages_ready'])} ready, {_number(data['messages_unacknowledged'])} unacknowledged",
        "bound to",
        *(f"  {_from(row)}" for row in data["bindings"]),
    ]
    if data["incoming"]:
        lines.append("filled by")
        lines += [f"  exchange {row['exchange']!r}{_per_second(row['publish_rate'])}" for row in data["incoming"]]
    lines.append("consumed by")
    lines += [f"  {_consumes(row)}" for row in data["consumers"]] or ["  nobody"]
    lines.append("publishing in the virtual host")
    lines += [f"  {clients.in_words(row)}{_per_second(row['publish_rate'])}" for row in data["publishers"]] or [
        "  nobody"
    ]
    return "\n".join(lines)


def _from(row: Row) -> str:
    exchange = (
        "the default exchange" if not row["exchange"] else f"{row['type'] or ''} exchange {row['exchange']!r}".strip()
    )
    arguments = "".join(f", {key}={value}" for key, value in row["arguments"].items())
    return f"{exchange}, key {row['routing_key']!r}{arguments}{_per_second(row['exchange_publish_rate'])}"


def _consumes(row: Row) -> str:
    much = ["automatic acks"]
    if row["ack_required"]:
        much = [
            f"prefetch {row['prefetch_count'] or 'unlimited'}",
            f"its channel holds {_number(row['channel_unacknowledged'])}",
        ]
        if row["ack_rate"] is not None:
            much.append(f"acknowledges {row['ack_rate']:g}/s")
        if row["idle_since"]:
            much.append(f"idle since {row['idle_since']}")
    return f"consumer {row['consumer_tag']!r}, {clients.in_words(row)}: {', '.join(much)}"


def _number(value: object) -> str:
    return "?" if value is None else str(value)


def _per_second(rate: float | None) -> str:
    return "" if rate is None else f", {rate:g}/s"
