"""Commands about feature flags and deprecated features."""

from typing import Annotated

import typer

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.arguments import Columns, Limit, Sort, Where
from rmqctl.commands.listing import (
    Found,
    Selection,
    Wanted,
    list_command,
    lists_resource,
    needs_release,
    run_listing,
)
from rmqctl.errors import NotFound
from rmqctl.resources.feature_flags import DEPRECATED_FEATURES, FEATURE_FLAGS
from rmqctl.result import Rows
from rmqctl.session import Session


def _feature_flags(client: Client, _: Wanted) -> Found:
    return Found(lists.fetch(client, "feature-flags", what="the feature flags"))


list_feature_flags = list_command(FEATURE_FLAGS, _feature_flags, "List feature flags.", by_vhost=False)


@lists_resource(DEPRECATED_FEATURES)
def list_deprecated_features(
    session: Session,
    columns: Columns = None,
    used: Annotated[bool, typer.Option("--used", help="Only those that are in use.")] = False,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = None,
) -> Rows:
    """List deprecated features (RabbitMQ 3.13 and later)."""

    def fetch(client: Client, _: Wanted) -> Found:
        try:
            return Found(lists.fetch(client, "deprecated-features", *(["used"] if used else [])))
        except NotFound:
            raise needs_release(client, "deprecated features", "3.13") from None

    return run_listing(session, DEPRECATED_FEATURES, fetch, Selection(columns, False, sort, where, limit))
