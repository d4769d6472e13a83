"""`show KIND NAME`: one object with everything that the API has about it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import typer

from rmqctl.api import bindings, channels, connections, exchanges, nodes, policies, queues, users, vhosts
from rmqctl.api.answering import needed_node
from rmqctl.errors import NotFound
from rmqctl.naming import named
from rmqctl.output import TERMINAL
from rmqctl.resources import described
from rmqctl.result import Value
from rmqctl.session import Session

Name = Annotated[
    str,
    # rabbitmqadmin says name=NAME
    typer.Argument(metavar="NAME", callback=lambda word: word.removeprefix("name=")),
]


def show_queue(session: Session, name: Name) -> Value:
    """Show a queue: GET /api/queues/VHOST/NAME, with its counts as they are now."""
    found = queues.newest(session.client, session.vhost, name)
    session.hint(queues.AGES)

    def lists() -> Mapping[str, list[str]]:
        return {
            "Bindings": list(map(described.binding, queues.bindings(session.client, session.vhost, name))),
            "Consumers": list(map(described.consumer, found.get("consumer_details") or [])),
        }

    return _shown(session, f"Queue {name} in virtual host {session.vhost}", found, described.QUEUE, lists)


def show_exchange(session: Session, name: Name) -> Value:
    """Show an exchange: GET /api/exchanges/VHOST/NAME. The default exchange is "" or amq.default."""
    vhost, name = session.vhost, name or exchanges.DEFAULT
    found = exchanges.get(session.client, vhost, name)

    def lists() -> Mapping[str, list[str]]:
        return {"Bindings": list(map(described.binding_from, exchanges.bindings(session.client, vhost, name)))}

    return _shown(session, f"Exchange {name} in virtual host {vhost}", found, described.EXCHANGE, lists)


def show_binding(
    session: Session,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The exchange that is bound from.")],
    destination: Annotated[str, typer.Argument(metavar="DESTINATION", help="The queue or exchange that is bound.")],
    routing_key: Annotated[str | None, typer.Argument(metavar="[ROUTING_KEY]", show_default=False)] = None,
    destination_type: Annotated[
        Literal["queue", "exchange"],
        typer.Option(
            "--destination-type",
            metavar="queue|exchange",
            help="What DESTINATION is the name of.",
            case_sensitive=False,
        ),
    ] = "queue",
) -> Value:
    """Show the bindings from an exchange to a queue or another exchange, those with ROUTING_KEY when it is given."""
    vhost = session.vhost
    what = named(f"binding from {source!r} to {destination_type}", destination, vhost)
    pair = bindings.Pair(vhost, source or exchanges.DEFAULT, destination_type, destination)
    found = bindings.between(session.client, pair, what=what)
    chosen = [binding for binding in found if routing_key in (None, binding["routing_key"])]
    if not chosen:
        raise NotFound(f"{what} does not exist ({session.client.endpoint.url})")
    if len(chosen) > 1:
        return Value(chosen)
    return _shown(session, f"Binding in virtual host {vhost}", chosen[0], described.BINDING)


def show_connection(session: Session, name: Name) -> Value:
    """Show a connection: GET /api/connections/NAME. NAME may be what the client calls itself, if one client does."""
    found = connections.get(session.client, name)
    return _shown(session, f"Connection {found.get('name', name)}", found, described.CONNECTION)


def show_channel(session: Session, name: Name) -> Value:
    """Show a channel: GET /api/channels/NAME, as list_channels name prints it."""
    found = channels.get(session.client, name)
    return _shown(session, f"Channel {found.get('name', name)}", found, described.CHANNEL)


def show_node(
    session: Session, node: Annotated[str | None, typer.Argument(metavar="[NODE]", show_default=False)] = None
) -> Value:
    """Show a node, the one that answers when none is named: GET /api/nodes/NODE."""
    node = node or needed_node(session.client)
    return _shown(session, f"Node {node}", nodes.get(session.client, node), described.NODE)


def show_user(session: Session, name: Name) -> Value:
    """Show a user: GET /api/users/NAME. The password's hash is left to `list_users password_hash`."""
    user = users.get(session.client, name)
    known = {key: value for key, value in user.items() if key != "password_hash"}
    return _shown(session, f"User {name}", known, described.USER)


def show_vhost(
    session: Session, name: Annotated[str | None, typer.Argument(metavar="[NAME]", show_default=False)] = None
) -> Value:
    """Show a virtual host: GET /api/vhosts/NAME."""
    vhost = name if name is not None else session.vhost
    return _shown(session, f"Virtual host {vhost}", vhosts.get(session.client, vhost), described.VHOST)


def show_policy(session: Session, name: Name) -> Value:
    """Show a policy: GET /api/policies/VHOST/NAME."""
    found = policies.get(session.client, "policies", session.vhost, name)
    return _shown(session, f"Policy {name} in virtual host {session.vhost}", found, described.POLICY)


def _shown(
    session: Session,
    title: str,
    found: dict[str, Any],
    sections: Sequence[described.Section],
    lists: Callable[[], Mapping[str, list[str]]] = dict,
) -> Value:
    """All that the API has for programs and pipes; what a person wants to know of it on a terminal."""
    if session.format is not TERMINAL:
        return Value(found)
    return Value(found, described.described(title, found, sections, time.time(), lists()), wraps=True)
