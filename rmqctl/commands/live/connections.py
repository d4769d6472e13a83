"""Commands about connections."""

import re
import time
from typing import Annotated

import typer

from rmqctl.api import connections as api
from rmqctl.api import lists
from rmqctl.api.answering import needed_node, statistics_off
from rmqctl.api.client import Client
from rmqctl.api.embedded import is_embedded
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.listing import Found, Wanted, list_everywhere
from rmqctl.errors import NeedsNode, NotFound, Unavailable
from rmqctl.resources.connections import CONNECTIONS
from rmqctl.result import Nothing, Value
from rmqctl.session import Session


def _connections(client: Client, wanted: Wanted) -> list[lists.Row]:
    return lists.of_clients(client, "connections", wanted.vhost, fields={"name", "protocol", *wanted.fields})


def _of_protocols(client: Client, wanted: Wanted, *protocols: str) -> Found:
    rows = _connections(client, wanted)
    chosen = [row for row in rows if str(row.get("protocol") or protocols[0]).upper().startswith(protocols)]
    return Found(chosen, () if rows else statistics_off(client, "connections"))


def _amqp(client: Client, wanted: Wanted) -> Found:
    return _of_protocols(client, wanted, "AMQP")


def _mqtt(client: Client, wanted: Wanted) -> Found:
    return _of_protocols(client, wanted, "MQTT", "WEB MQTT")


def _stomp(client: Client, wanted: Wanted) -> Found:
    return _of_protocols(client, wanted, "STOMP", "WEB STOMP")


list_connections = list_everywhere(
    CONNECTIONS,
    _amqp,
    "List AMQP connections, of all virtual hosts unless --vhost names one.\n\nThose of other protocols are in "
    "list_mqtt_connections, list_stomp_connections and list_stream_connections.",
)
list_mqtt_connections = list_everywhere(
    CONNECTIONS, _mqtt, "List MQTT connections.\n\nThe columns are those of list_connections."
)
list_stomp_connections = list_everywhere(
    CONNECTIONS, _stomp, "List STOMP connections.\n\nThe columns are those of list_connections."
)

# Changes

Explanation = Annotated[str, typer.Argument(metavar="EXPLANATION", help="What the client is told.")]

_PID = re.compile(r"<.+\.\d+\.\d+\.\d+>")


def close_connection(
    session: Session,
    connection: Annotated[
        str, typer.Argument(metavar="CONNECTION", help="Name of the connection, or what its client calls itself.")
    ],
    explanation: Explanation,
) -> Nothing:
    """Close a connection: DELETE /api/connections/NAME. The client gets the explanation and, mostly, reconnects."""
    client = session.client
    by_pid = _PID.fullmatch(connection) is not None
    if by_pid and not is_embedded(client):
        raise NeedsNode(
            f"close_connection {connection}: the HTTP API does not know connections by process id; give the name"
            " (rmqctl list_connections name)"
        )
    if not api.close(client, connection, explanation):
        try:
            name = str(api.get(client, connection)["name"])
        except NotFound as error:
            if by_pid:  # rabbitmqctl takes a process that has ended for closed
                return Nothing()
            raise Unavailable(str(error)) from None
        api.close(client, name, explanation)
    session.hint(f"connection {connection!r} was closed")
    return Nothing()


def close_all_connections(
    session: Session,
    explanation: Explanation,
    everywhere: Annotated[
        bool, typer.Option("--global", help="Of all virtual hosts, on the node that answers.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, metavar="N", help="At most N; 0: all.")] = 0,
    delay: Annotated[
        int, typer.Option("--per-connection-delay", min=0, metavar="MS", help="Milliseconds between two of them.")
    ] = 0,
    yes: Annotated[bool, Yes] = False,
) -> Value:
    """Close all connections of a virtual host, or of the node that answers."""
    client = session.client
    names = _names_on_node(client) if everywhere else _names_of_vhost(client, session.vhost)
    chosen = names[:limit] if limit else names
    where = "all virtual hosts" if everywhere else f"virtual host {session.vhost!r}"
    vhost = None if everywhere else session.vhost
    confirm_if_protected(session, f"close {len(chosen)} connections of {where}", yes=yes, vhost=vhost)
    closed = 0
    for at, name in enumerate(chosen):
        if at and delay:
            time.sleep(min(delay / 1000, 1e9))
        closed += api.close(client, name, explanation)
    return Value({"closed": closed}, f"Closed {closed} connections")


def close_all_user_connections(
    session: Session,
    username: Annotated[str, typer.Argument(metavar="USERNAME", help="Name of the user.")],
    explanation: Explanation,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Close all connections of a user: DELETE /api/connections/username/USERNAME."""
    confirm_if_protected(session, f"close all connections of user {username!r}", yes=yes)
    api.close_of_user(session.client, username, explanation)
    session.hint(f"connections of user {username!r} were closed")
    return Nothing()


def _names_of_vhost(client: Client, vhost: str) -> list[str]:
    rows = lists.of_clients(client, "connections", vhost, fields=("name",))
    return [row["name"] for row in rows if "name" in row]


def _names_on_node(client: Client) -> list[str]:
    node = needed_node(client)
    rows = lists.fetch(client, "connections", fields=("name", "node"))
    return [row["name"] for row in rows if "name" in row and row.get("node") == node]
