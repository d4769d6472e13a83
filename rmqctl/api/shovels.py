"""Dynamic shovels: /api/shovels, which the plugin rabbitmq_shovel_management serves."""

from rmqctl.api import lists, parameters
from rmqctl.api.client import Client
from rmqctl.api.paths import path
from rmqctl.naming import named as named_

PLUGIN = "rabbitmq_shovel_management"


def named(name: str, vhost: str) -> str:
    return named_("shovel", name, vhost)


def fetch(client: Client, vhost: str | None) -> list[lists.Row]:
    """GET /api/shovels[/VHOST]. Raises NotFound for no such virtual host, Unavailable when the plugin is off."""
    return lists.of_plugin(client, "shovels", vhost=vhost, plugin=PLUGIN)


def check_plugin(client: Client) -> None:
    """Raises Unavailable when the plugin is off: what the broker says of a shovel's path then would be about the shovel."""
    lists.of_plugin(client, "shovels", plugin=PLUGIN, fields=("name",))


def check(client: Client, vhost: str, name: str) -> None:
    """GET /api/parameters/shovel/VHOST/NAME. Raises NotFound: `delete` does so of some releases alone."""
    parameters.get(client, "shovel", vhost, name, what=named(name, vhost))


def restart(client: Client, vhost: str, name: str) -> None:
    """DELETE /api/shovels/vhost/VHOST/NAME/restart. Raises NotFound."""
    client.request("DELETE", path("shovels", "vhost", vhost, name, "restart"), what=named(name, vhost))


def delete(client: Client, vhost: str, name: str) -> None:
    """DELETE /api/shovels/vhost/VHOST/NAME. Raises NotFound, but for later releases: they answer as if it had been there."""
    client.request("DELETE", path("shovels", "vhost", vhost, name), what=named(name, vhost))
