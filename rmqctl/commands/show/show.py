"""`show KIND NAME`: one object with everything that the API has about it."""

from typing import Annotated, Literal

import typer

from rmqctl.api import bindings, channels, connections, exchanges, nodes, policies, queues, users, vhosts
from rmqctl.api.answering import needed_node
from rmqctl.errors import NotFound
from rmqctl.naming import named
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
    return Value(found)


def show_exchange(session: Session, name: Name) -> Value:
    """Show an exchange: GET /api/exchanges/VHOST/NAME. The default exchange is "" or amq.default."""
    return Value(exchanges.get(session.client, session.vhost, name or exchanges.DEFAULT))


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
    return Value(chosen[0] if len(chosen) == 1 else chosen)


def show_connection(session: Session, name: Name) -> Value:
    """Show a connection: GET /api/connections/NAME. NAME may be what the client calls itself, if one client does."""
    return Value(connections.get(session.client, name))


def show_channel(session: Session, name: Name) -> Value:
    """Show a channel: GET /api/channels/NAME, as list_channels name prints it."""
    return Value(channels.get(session.client, name))


def show_node(
    session: Session, node: Annotated[str | None, typer.Argument(metavar="[NODE]", show_default=False)] = None
) -> Value:
    """Show a node, the one that answers when none is named: GET /api/nodes/NODE."""
    node = node or needed_node(session.client)
    return Value(nodes.get(session.client, node))


def show_user(session: Session, name: Name) -> Value:
    """Show a user: GET /api/users/NAME. The password's hash is left to `list_users password_hash`."""
    user = users.get(session.client, name)
    return Value({key: value for key, value in user.items() if key != "password_hash"})


def show_vhost(
    session: Session, name: Annotated[str | None, typer.Argument(metavar="[NAME]", show_default=False)] = None
) -> Value:
    """Show a virtual host: GET /api/vhosts/NAME."""
    vhost = name if name is not None else session.vhost
    return Value(vhosts.get(session.client, vhost))


def show_policy(session: Session, name: Name) -> Value:
    """Show a policy: GET /api/policies/VHOST/NAME."""
    return Value(policies.get(session.client, "policies", session.vhost, name))
