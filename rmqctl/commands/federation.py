"""Commands about federation: they need rabbitmq_federation_management on the broker."""

from typing import Annotated

import typer

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.arguments import Columns, Limit, Sort, Where
from rmqctl.commands.listing import Found, Selection, Wanted, lists_resource, run_listing
from rmqctl.resources.federation import FEDERATION_LINKS
from rmqctl.result import Rows
from rmqctl.session import Session


@lists_resource(FEDERATION_LINKS)
def federation_status(
    session: Session,
    columns: Columns = None,
    only_down: Annotated[bool, typer.Option("--only-down", help="Only links that are not running.")] = False,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = None,
) -> Rows:
    """List federation links and their state, of all virtual hosts unless --vhost names one."""

    def fetch(client: Client, wanted: Wanted) -> Found:
        vhost = [] if wanted.vhost is None else [wanted.vhost]
        down = ["state", "down"] if only_down else []
        return Found(
            lists.of_plugin(client, "federation-links", *vhost, *down, plugin="rabbitmq_federation_management")
        )

    selection = Selection(columns, False, sort, where, limit)
    return run_listing(session, FEDERATION_LINKS, fetch, selection, vhost=session.settings.vhost)
