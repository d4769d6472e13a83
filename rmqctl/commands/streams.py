"""Commands of the stream plugin: they need rabbitmq_stream_management on the broker."""

from typing import Annotated

import typer

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.commands.arguments import Columns, Limit, Sort, Where
from rmqctl.commands.listing import (
    Fetch,
    Found,
    Selection,
    Wanted,
    list_command,
    list_everywhere,
    lists_resource,
    run_listing,
)
from rmqctl.errors import UsageError
from rmqctl.resources.streams import STREAM_CONNECTIONS, STREAM_CONSUMERS, STREAM_PUBLISHERS, STREAM_TRACKING
from rmqctl.result import Rows
from rmqctl.session import Session

_PLUGIN = "rabbitmq_stream_management"


def _stream(noun: str) -> Fetch:
    def fetch(client: Client, wanted: Wanted) -> Found:
        vhost = [] if wanted.vhost is None else [wanted.vhost]
        return Found(lists.of_plugin(client, "stream", noun, *vhost, plugin=_PLUGIN))

    return fetch


list_stream_connections = list_everywhere(
    STREAM_CONNECTIONS, _stream("connections"), "List connections of the stream protocol."
)
list_stream_consumers = list_command(
    STREAM_CONSUMERS, _stream("consumers"), "List consumers of the stream protocol in a virtual host."
)
list_stream_publishers = list_command(
    STREAM_PUBLISHERS, _stream("publishers"), "List publishers of the stream protocol in a virtual host."
)


@lists_resource(STREAM_TRACKING)
def list_stream_tracking(
    session: Session,
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="Name of the stream.")],
    columns: Columns = None,
    everything: Annotated[bool, typer.Option("--all", help="Offsets and writers (the default).")] = False,
    offset: Annotated[bool, typer.Option("--offset", help="Offsets that consumers stored.")] = False,
    writer: Annotated[bool, typer.Option("--writer", help="Publishing identifiers of writers.")] = False,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = None,
) -> Rows:
    """List what a stream tracks: stored offsets and writers' publishing identifiers (RabbitMQ 4.0 and later)."""
    if everything + offset + writer > 1:
        raise UsageError("--all, --offset and --writer exclude each other")
    vhost = session.vhost

    def fetch(client: Client, _: Wanted) -> Found:
        what = f"stream {stream!r} in virtual host {vhost!r}"
        tracking = client.get(path("stream", vhost, stream, "tracking"), what=what) or {}
        kinds = [("offset", "offsets")] * (not writer) + [("writer", "writers")] * (not offset)
        return Found(
            [
                {"type": kind, "reference": reference, "value": value}
                for kind, key in kinds
                for reference, value in dict(tracking.get(key) or {}).items()
            ]
        )

    return run_listing(session, STREAM_TRACKING, fetch, Selection(columns, False, sort, where, limit))
