"""Commands about virtual hosts."""

from typing import Annotated, Any, Literal

import typer

from rmqctl.api import lists
from rmqctl.api import vhosts as api
from rmqctl.api.answering import needed_node, needs_release, release_of
from rmqctl.api.client import Client
from rmqctl.commands.kit.confirming import Yes, confirm_if_protected
from rmqctl.commands.kit.listing import Found, Wanted, list_command
from rmqctl.errors import DataError, UsageError
from rmqctl.resources.declarations import tags
from rmqctl.resources.vhosts import VHOSTS
from rmqctl.result import Nothing
from rmqctl.session import Session

QUEUE_TYPES = ("classic", "quorum", "stream")


def _fetch(client: Client, _: Wanted) -> Found:
    return Found(lists.fetch(client, "vhosts"))


list_vhosts = list_command(VHOSTS, _fetch, "List virtual hosts: those that the user may see.", by_vhost=False)


Name = Annotated[str, typer.Argument(metavar="VHOST", help="Name of the virtual host.")]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What it is for.", show_default=False)
]
Tags = Annotated[str | None, typer.Option("--tags", metavar="TAG,...", help="Its tags.", show_default=False)]
QueueType = Annotated[
    str | None,
    typer.Option(
        "--default-queue-type",
        metavar="TYPE",
        help="Type of queues that are declared without one: classic, quorum or stream.",
        show_default=False,
    ),
]


def add_vhost(
    session: Session,
    vhost: Name,
    description: Description = None,
    tags_: Tags = None,
    default_queue_type: QueueType = None,
) -> Nothing:
    """Add a virtual host that no user has permissions in: PUT /api/vhosts/VHOST. One that exists stays as it is."""
    if not vhost:
        raise UsageError("the HTTP API has no virtual hosts without a name")
    metadata = _metadata(session, description, tags_, default_queue_type)
    if api.exists(session.client, vhost):
        session.hint(f"virtual host {vhost!r}: exists, and stays as it is")
        return Nothing()
    api.add(session.client, vhost, metadata)
    session.hint(f"virtual host {vhost!r}: added; rmqctl set_permissions -p lets a user use it")
    return Nothing()


def delete_vhost(session: Session, vhost: Name, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Delete a virtual host with all that is in it: DELETE /api/vhosts/VHOST."""
    confirm_if_protected(session, f"delete virtual host {vhost!r}", yes=yes, vhost=vhost)
    api.delete(session.client, vhost)
    session.hint(f"virtual host {vhost!r}: deleted")
    return Nothing()


def set_vhost_tags(
    session: Session,
    vhost: Name,
    tags_: Annotated[list[str] | None, typer.Argument(metavar="[TAG]...", help="Its tags; none: no tags.")] = None,
) -> Nothing:
    """Set the tags of a virtual host: GET and PUT /api/vhosts/VHOST."""
    api.change(session.client, vhost, {"tags": tags_ or []})
    session.hint(f"virtual host {vhost!r}: tags {', '.join(tags_ or ['(none)'])}")
    return Nothing()


def update_vhost_metadata(
    session: Session,
    vhost: Name,
    description: Description = None,
    tags_: Tags = None,
    default_queue_type: QueueType = None,
    protected_from_deletion: Annotated[
        Literal["true", "false"] | None,
        typer.Option(
            "--protected-from-deletion", metavar="true|false", help="Refuse to delete it.", show_default=False
        ),
    ] = None,
    yes: Annotated[bool, Yes] = False,
) -> Nothing:
    """Change metadata of a virtual host and keep the others: GET and PUT /api/vhosts/VHOST."""
    changes = _metadata(session, description, tags_, default_queue_type)
    if not changes and protected_from_deletion is None:
        raise UsageError(
            "nothing to change: give --description, --tags, --default-queue-type or --protected-from-deletion"
        )
    if protected_from_deletion is not None:
        _protect(session, vhost, on=protected_from_deletion == "true", yes=yes)
    if changes:
        api.change(session.client, vhost, changes)
    session.hint(f"virtual host {vhost!r}: changed")
    return Nothing()


def _metadata(
    session: Session, description: str | None, tags_: str | None, default_queue_type: str | None
) -> dict[str, Any]:
    if default_queue_type is not None:
        if default_queue_type not in QUEUE_TYPES:
            raise DataError(f"--default-queue-type: {default_queue_type!r} is none of {', '.join(QUEUE_TYPES)}")
        if release_of(session.client) < (3, 11):
            raise needs_release(session.client, "--default-queue-type", "3.11")
    given = {
        "description": description,
        "tags": None if tags_ is None else tags(tags_),
        "default_queue_type": default_queue_type,
    }
    return {key: value for key, value in given.items() if value is not None}


def enable_vhost_deletion_protection(session: Session, vhost: Name) -> Nothing:
    """Protect a virtual host from being deleted: POST /api/vhosts/VHOST/deletion/protection."""
    return _protect(session, vhost, on=True, yes=True)


def disable_vhost_deletion_protection(session: Session, vhost: Name, yes: Annotated[bool, Yes] = False) -> Nothing:
    """Lift the protection of a virtual host: DELETE /api/vhosts/VHOST/deletion/protection."""
    return _protect(session, vhost, on=False, yes=yes)


def _protect(session: Session, vhost: str, *, on: bool, yes: bool) -> Nothing:
    if not on:
        confirm_if_protected(
            session, f"lift the protection of virtual host {vhost!r} from deletion", yes=yes, vhost=vhost
        )
    api.protect(session.client, vhost, on=on)
    session.hint(f"virtual host {vhost!r}: {'protected' if on else 'no longer protected'} from deletion")
    return Nothing()


def restart_vhost(session: Session) -> Nothing:
    """Start the virtual host of -p again on the node that answers: POST /api/vhosts/VHOST/start/NODE."""
    node = needed_node(session.client)
    api.start(session.client, session.vhost, node)
    session.hint(f"virtual host {session.vhost!r}: runs on {node}")
    return Nothing()


def trace_on(session: Session) -> Nothing:
    """Send a copy of every message of the virtual host of -p to amq.rabbitmq.trace: GET and PUT /api/vhosts/VHOST."""
    return _trace(session, on=True)


def trace_off(session: Session) -> Nothing:
    """Stop sending copies of messages to amq.rabbitmq.trace: GET and PUT /api/vhosts/VHOST."""
    return _trace(session, on=False)


def _trace(session: Session, *, on: bool) -> Nothing:
    api.change(session.client, session.vhost, {"tracing": on})
    session.hint(f"virtual host {session.vhost!r}: tracing {'on' if on else 'off'}")
    return Nothing()
