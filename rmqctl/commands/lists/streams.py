"""Commands of the stream plugin: they need rabbitmq_stream_management on the broker."""

from collections import Counter
from typing import Annotated

import typer

from rmqctl.api import streams
from rmqctl.api.answering import needs_release, release_of
from rmqctl.api.client import Client
from rmqctl.commands.kit.arguments import Columns, Limit, Match, Sort, Where
from rmqctl.commands.kit.listing import (
    Fetch,
    Found,
    Selection,
    Wanted,
    list_command,
    list_everywhere,
    lists_resource,
    run_listing,
)
from rmqctl.errors import DataError, Unavailable, UsageError
from rmqctl.resources.column import reader
from rmqctl.resources.streams import STREAM_CONNECTIONS, STREAM_CONSUMERS, STREAM_PUBLISHERS, STREAM_TRACKING
from rmqctl.result import Rows
from rmqctl.session import Session


def _stream(noun: str) -> Fetch:
    def fetch(client: Client, wanted: Wanted) -> Found:
        return Found(streams.clients(client, noun, wanted.vhost))

    return fetch


def _connections(client: Client, wanted: Wanted) -> Found:
    """The API does not count a connection's subscriptions: they are its consumers."""
    found = _stream("connections")(client, wanted)
    if "subscriptions" in wanted.fields:
        consumers = _stream("consumers")(client, wanted)
        connection = reader("connection_details.name")
        count = Counter(connection(consumer) for consumer in consumers.rows)
        return Found([{**row, "subscriptions": count[row.get("name")]} for row in found.rows])
    return found


list_stream_connections = list_everywhere(STREAM_CONNECTIONS, _connections, "List connections of the stream protocol.")
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
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List what a stream tracks: consumers' stored offsets and writers' last publishing identifiers (RabbitMQ 4.0 and later)."""
    if everything + offset + writer > 1:
        raise UsageError("--all, --offset and --writer exclude each other")
    vhost = session.vhost

    def fetch(client: Client, _: Wanted) -> Found:
        try:
            tracking = streams.tracking(client, vhost, stream)
        except DataError as error:
            if release_of(client) < (4,):
                raise needs_release(client, "list_stream_tracking", "4.0") from None
            raise Unavailable(str(error)) from None  # as rabbitmq-streams
        kinds = [("offset", "offsets")] * (not writer) + [("writer", "writers")] * (not offset)
        return Found(
            [
                {"type": kind, "name": name, "tracking_value": value}
                for kind, key in kinds
                for name, value in (tracking.get(key) or {}).items()
            ]
        )

    return run_listing(session, STREAM_TRACKING, fetch, Selection(columns, False, sort, where, limit, match))
