"""Commands about users."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.listing import Found, Wanted, list_command
from rmqctl.resources.users import USERS


def _fetch(client: Client, _: Wanted) -> Found:
    return Found(lists.fetch(client, "users", what="the users"))


list_users = list_command(USERS, _fetch, "List users and their tags.", by_vhost=False)
