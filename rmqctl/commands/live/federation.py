"""Commands about federation: they need rabbitmq_federation_management on the broker."""

from typing import Annotated

import typer

from rmqctl.api import federation as api
from rmqctl.api.client import Client
from rmqctl.commands.kit.arguments import Columns, Limit, Match, Sort, Where
from rmqctl.commands.kit.listing import Found, Selection, Wanted, lists_resource, run_listing
from rmqctl.errors import Unavailable
from rmqctl.resources.federation import FEDERATION_LINKS
from rmqctl.result import Nothing, Rows
from rmqctl.session import Session


@lists_resource(FEDERATION_LINKS)
def federation_status(
    session: Session,
    columns: Columns = None,
    only_down: Annotated[bool, typer.Option("--only-down", help="Only links that are not running.")] = False,
    sort: Sort = None,
    where: Where = None,
    match: Match = None,
    limit: Limit = None,
) -> Rows:
    """List federation links and their state, of all virtual hosts unless --vhost names one."""

    def fetch(client: Client, wanted: Wanted) -> Found:
        return Found(api.fetch(client, wanted.vhost, only_down=only_down))

    selection = Selection(columns, False, sort, where, limit, match)
    return run_listing(session, FEDERATION_LINKS, fetch, selection, vhost=session.settings.vhost)


def restart_federation_link(
    session: Session,
    link_id: Annotated[str, typer.Argument(metavar="LINK_ID", help="As in federation_status id.")],
) -> Nothing:
    """Restart a federation link, wherever it runs: DELETE /api/federation-links/vhost/VHOST/LINK_ID/NODE/restart."""
    client = session.client
    link = next((row for row in api.fetch(client) if row.get("id") == link_id), None)
    if link is None:
        raise Unavailable(f"federation link {link_id!r} does not exist ({client.endpoint.url})")
    api.restart(client, link)
    session.hint(f"federation link {link_id!r} was restarted")
    return Nothing()
