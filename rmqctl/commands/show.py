"""`show KIND NAME`: one object with everything that the API has about it."""

from typing import Annotated, Any, Literal

import typer

from rmqctl.api import connections
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.commands.listing import answering_node
from rmqctl.errors import NotFound
from rmqctl.result import Value
from rmqctl.session import Session

Name = Annotated[
    str,
    # rabbitmqadmin says name=NAME
    typer.Argument(metavar="NAME", callback=lambda word: word.removeprefix("name=")),
]


def show_queue(session: Session, name: Name) -> Value:
    """Show a queue: GET /api/queues/VHOST/NAME."""
    return _of_vhost(session, "queues", "queue", name)


def show_exchange(session: Session, name: Name) -> Value:
    """Show an exchange: GET /api/exchanges/VHOST/NAME. The default exchange is "" or amq.default."""
    return _of_vhost(session, "exchanges", "exchange", name or "amq.default")


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
    what = f"binding from {source!r} to {destination_type} {destination!r} in virtual host {vhost!r}"
    kind = "e" if destination_type == "exchange" else "q"
    found = session.client.get(path("bindings", vhost, "e", source or "amq.default", kind, destination), what=what)
    bindings = [binding for binding in found or [] if routing_key in (None, binding["routing_key"])]
    if not bindings:
        raise NotFound(f"{what} does not exist ({session.client.endpoint.url})")
    return Value(bindings[0] if len(bindings) == 1 else bindings)


def show_connection(session: Session, name: Name) -> Value:
    """Show a connection: GET /api/connections/NAME. NAME may be what the client calls itself, if one client does."""
    return Value(connections.find(session.client, name))


def show_channel(session: Session, name: Name) -> Value:
    """Show a channel: GET /api/channels/NAME, as list_channels name prints it."""
    return Value(session.client.get(path("channels", name), what=f"channel {name!r}"))


def show_node(
    session: Session, node: Annotated[str | None, typer.Argument(metavar="[NODE]", show_default=False)] = None
) -> Value:
    """Show a node, the one that answers when none is named: GET /api/nodes/NODE."""
    node = node or answering_node(session.client)
    return Value(session.client.get(path("nodes", node), what=f"node {node!r}"))


def show_user(session: Session, name: Name) -> Value:
    """Show a user: GET /api/users/NAME. The password's hash is left to `list_users password_hash`."""
    user = session.client.get(path("users", name), what=f"user {name!r}")
    return Value({key: value for key, value in user.items() if key != "password_hash"})


def show_vhost(
    session: Session, name: Annotated[str | None, typer.Argument(metavar="[NAME]", show_default=False)] = None
) -> Value:
    """Show a virtual host: GET /api/vhosts/NAME."""
    vhost = name if name is not None else session.vhost
    return Value(session.client.get(path("vhosts", vhost), what=f"virtual host {vhost!r}"))


def show_policy(session: Session, name: Name) -> Value:
    """Show a policy: GET /api/policies/VHOST/NAME."""
    return _of_vhost(session, "policies", "policy", name)


def _of_vhost(session: Session, segment: str, noun: str, name: str) -> Value:
    return Value(_get(session.client, segment, session.vhost, noun, name))


def _get(client: Client, segment: str, vhost: str, noun: str, name: str) -> Any:
    return client.get(path(segment, vhost, name), what=f"{noun} {name!r} in virtual host {vhost!r}")
