"""Commands about permissions."""

from typing import Annotated

import typer

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.arguments import Columns, Limit, Sort, Where
from rmqctl.commands.listing import Fetch, Found, Selection, Wanted, list_command, lists_resource, run_listing
from rmqctl.errors import NoSuchUser, Unavailable
from rmqctl.resources.permissions import PERMISSIONS, TOPIC_PERMISSIONS, USER_PERMISSIONS, USER_TOPIC_PERMISSIONS
from rmqctl.result import Rows
from rmqctl.session import Session

Username = Annotated[str, typer.Argument(metavar="USERNAME", help="Name of the user.")]


def _of_vhost(kind: str) -> Fetch:
    def fetch(client: Client, wanted: Wanted) -> Found:
        if wanted.vhost is None:
            return Found(lists.fetch(client, kind, what=f"the {kind}"))
        return Found(lists.fetch(client, "vhosts", wanted.vhost, kind, what=f"virtual host {wanted.vhost!r}"))

    return fetch


def _of_user(kind: str, user: str) -> Fetch:
    def fetch(client: Client, _: Wanted) -> Found:
        try:
            return Found(lists.fetch(client, "users", user, kind, what=f"user {user!r}"))
        except NoSuchUser as error:
            raise Unavailable(str(error)) from None  # rabbitmqctl ends these with 69, not 67

    return fetch


list_permissions = list_command(PERMISSIONS, _of_vhost("permissions"), "List permissions in a virtual host.")
list_topic_permissions = list_command(
    TOPIC_PERMISSIONS, _of_vhost("topic-permissions"), "List topic permissions in a virtual host."
)


@lists_resource(USER_PERMISSIONS)
def list_user_permissions(
    session: Session,
    username: Username,
    columns: Columns = None,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = None,
) -> Rows:
    """List the permissions of a user in all virtual hosts."""
    selection = Selection(columns, False, sort, where, limit)
    return run_listing(session, USER_PERMISSIONS, _of_user("permissions", username), selection)


@lists_resource(USER_TOPIC_PERMISSIONS)
def list_user_topic_permissions(
    session: Session,
    username: Username,
    columns: Columns = None,
    sort: Sort = None,
    where: Where = None,
    limit: Limit = None,
) -> Rows:
    """List the topic permissions of a user in all virtual hosts."""
    selection = Selection(columns, False, sort, where, limit)
    return run_listing(session, USER_TOPIC_PERMISSIONS, _of_user("topic-permissions", username), selection)
