"""The broker that answers, as it presents itself: GET /api/overview."""

from typing import Any

from rmqctl.api import objects
from rmqctl.api.client import Client
from rmqctl.errors import AccessRefused, Unavailable
from rmqctl.resources.column import Release, release


def overview(client: Client, *fields: str) -> dict[str, Any]:
    """All of it, or the fields that are asked for."""
    return objects.fetch(client, "overview", fields=fields, what="the overview")


def node(client: Client) -> str | None:
    """The name of the node that answers; None for a user without the tag monitoring, who is not told."""
    name = overview(client, "node").get("node")
    return str(name) if name is not None else None


def this_node(client: Client) -> str:
    """The node that answers, by its URL for users who are not told its name."""
    return node(client) or client.endpoint.url


def needed_node(client: Client) -> str:
    """The name of the node that answers. Raises AccessRefused for a user who is not told."""
    name = node(client)
    if name is None:
        raise AccessRefused(f"the node: user {client.user!r} needs the tag monitoring for this ({client.endpoint.url})")
    return name


def release_of(client: Client) -> Release:
    """The version of the broker that answers."""
    return release(str(overview(client, "rabbitmq_version").get("rabbitmq_version", "")))


def too_old(client: Client, command: str, since: str) -> Unavailable:
    """The error for a command that the broker's release cannot serve."""
    version = ".".join(map(str, release_of(client))) or "an older release"
    return Unavailable(f"{command} needs RabbitMQ {since} or later; {client.endpoint.url} runs {version}")


def needs_release(client: Client, feature: str, since: str) -> Unavailable:
    """As `too_old`, for something that was asked of a command."""
    return too_old(client, f"{feature}:", since)


def statistics_off(client: Client, plural: str) -> tuple[str, ...]:
    """A warning when the broker collects no statistics: its list is then empty whatever there is."""
    if overview(client, "disable_stats").get("disable_stats"):
        return (f"warning: the broker collects no statistics, so it cannot list its {plural} over HTTP",)
    return ()
