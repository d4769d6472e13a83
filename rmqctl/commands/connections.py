"""Commands about connections."""

from rmqctl.api import lists
from rmqctl.api.client import Client
from rmqctl.commands.listing import Found, Wanted, list_everywhere, statistics_off
from rmqctl.resources.connections import CONNECTIONS


def _connections(client: Client, wanted: Wanted) -> list[lists.Row]:
    fields = {"name", "protocol", *wanted.fields}
    if wanted.vhost is None:
        return lists.fetch(client, "connections", fields=fields)
    return lists.fetch(
        client, "vhosts", wanted.vhost, "connections", fields=fields, what=f"virtual host {wanted.vhost!r}"
    )


def _of_protocols(client: Client, wanted: Wanted, *protocols: str) -> Found:
    rows = _connections(client, wanted)
    chosen = [row for row in rows if str(row.get("protocol") or protocols[0]).upper().startswith(protocols)]
    return Found(chosen, () if rows else statistics_off(client, "connections"))


def _amqp(client: Client, wanted: Wanted) -> Found:
    return _of_protocols(client, wanted, "AMQP")


def _mqtt(client: Client, wanted: Wanted) -> Found:
    return _of_protocols(client, wanted, "MQTT", "WEB MQTT")


def _stomp(client: Client, wanted: Wanted) -> Found:
    return _of_protocols(client, wanted, "STOMP", "WEB STOMP")


list_connections = list_everywhere(
    CONNECTIONS,
    _amqp,
    "List AMQP connections, of all virtual hosts unless --vhost names one.\n\nThose of other protocols are in "
    "list_mqtt_connections, list_stomp_connections and list_stream_connections.",
)
list_mqtt_connections = list_everywhere(
    CONNECTIONS, _mqtt, "List MQTT connections.\n\nThe columns are those of list_connections."
)
list_stomp_connections = list_everywhere(
    CONNECTIONS, _stomp, "List STOMP connections.\n\nThe columns are those of list_connections."
)
