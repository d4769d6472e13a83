"""Who is at the other end of a channel: what a channel and its connection tell of the client."""

from typing import Any

from rmqctl.resources.column import Object

CONNECTION_FIELDS = ("name", "user_provided_name", "client_properties")


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
        "peer": f"{of['peer_host']}:{of['peer_port']}" if "peer_host" in of else None,
        "library": named["library"],
    }


def of_connection(connection: Object) -> dict[str, Any]:
    """The client's name for itself, and its library with the version."""
    # An object without members comes from Erlang as an empty list.
    properties = connection.get("client_properties") or {}
    library = " ".join(str(properties[key]) for key in ("product", "version") if properties.get(key))
    return {
        "client": connection.get("user_provided_name") or properties.get("connection_name"),
        "library": library or None,
    }


def in_words(client: Object) -> str:
    """What `of_channel` found, for people."""
    parts = [f"channel {client['number']} of connection {client['connection']!r}"]
    if client["client"]:
        parts.append(f"which calls itself {client['client']!r}")
    parts.append(f"user {client['user']} from {client['peer']}")
    if client["library"]:
        parts.append(client["library"])
    return ", ".join(parts)
