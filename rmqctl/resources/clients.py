"""Who is at the other end of a channel: what a channel and its connection tell of the client."""

from collections.abc import Mapping
from typing import Any

from rmqctl.resources.column import Object, reader

CONNECTION_FIELDS = ("name", "user_provided_name", "client_properties", "container_id")
CHANNEL_FIELDS = (
    "name", "number", "user", "connection_details", "messages_unacknowledged", "idle_since", "message_stats.ack_details.rate",
)  # fmt: skip
_ack_rate = reader("message_stats.ack_details.rate")


def of_consumer(consumer: Object, channels: Mapping[str, Object], connections: Mapping[str, Object]) -> dict[str, Any]:
    """The consumer, its client (`of_channel`), and what its channel holds. Channels and connections are by their names.

    How many messages a single consumer holds is not told: its channel's number is that of all its consumers.
    """
    of = consumer.get("channel_details") or {}
    # A channel that is new has no statistics yet; the consumer knows most of it.
    of_connection = {
        "name": of.get("connection_name"),
        **{key: of[key] for key in ("peer_host", "peer_port") if key in of},
    }
    channel = channels.get(str(of.get("name")), {**of, "connection_details": of_connection})
    connection = str((channel.get("connection_details") or {}).get("name"))
    return {
        "consumer_tag": consumer.get("consumer_tag"),
        "ack_required": consumer.get("ack_required"),
        "prefetch_count": consumer.get("prefetch_count"),
        **of_channel(channel, connections.get(connection, {})),
        "channel_unacknowledged": channel.get("messages_unacknowledged"),
        "ack_rate": _ack_rate(channel),
        "idle_since": channel.get("idle_since"),
    }


def of_channel(channel: Object, connection: Object) -> dict[str, Any]:
    """The channel's name and number, its connection and user, the peer's address, and what `of_connection` tells."""
    of = channel.get("connection_details") or {}
    named = of_connection(connection)
    return {
        "channel": channel.get("name"),
        "number": channel.get("number"),
        "connection": of.get("name"),
        "client": named["client"],
        "user": channel.get("user"),
        "peer": f"{of['peer_host']}:{of['peer_port']}" if of.get("peer_host") and of.get("peer_port") else None,
        "library": named["library"],
    }


def of_connection(connection: Object) -> dict[str, Any]:
    """The client's name for itself, and its library with the version."""
    properties = connection.get("client_properties") or {}
    library = " ".join(str(properties[key]) for key in ("product", "version") if properties.get(key))
    named = connection.get("user_provided_name") or properties.get("connection_name")
    return {
        # AMQP 1.0 calls a client a container.
        "client": named or connection.get("container_id") or None,
        "library": library or None,
    }


def in_words(client: Object) -> str:
    """What `of_channel` found, for people."""
    if client["connection"] is None:
        return f"channel {client['channel']}"  # by metrics, which know its process alone
    noun = "session" if client["channel"] is None else "channel"  # AMQP 1.0 has no channels
    parts = [f"{noun} {client['number']} of connection {client['connection']!r}"]
    if client["client"]:
        parts.append(f"which calls itself {client['client']!r}")
    parts.append(f"user {client['user']} from {client['peer']}")
    if client["library"]:
        parts.append(client["library"])
    return ", ".join(parts)
