"""Columns of list_connections and its like: GET /api/connections."""

import re

from rmqctl.resources.column import OWN, Column, Object, Release, Resource, arguments, definitions
from rmqctl.terms import Address, Cell, ClientTable, Version


def _protocol(connection: Object, _: Release) -> Cell:
    """`AMQP 0-9-1` as the version alone, as rabbitmqctl has it."""
    protocol = connection.get("protocol")
    match = re.fullmatch(r"AMQP (\d+(?:-\d+)+)", protocol or "")
    return Version(map(int, match[1].split("-"))) if match else protocol


def _address(field: str) -> Column:
    def cell(connection: Object, _: Release) -> Cell:
        value = connection.get(field)
        return Address(value) if value else None

    return Column(field, cell=cell)


_PID = "process identifiers are not in it; `name` identifies a connection"

CONNECTIONS = Resource(
    plural="connections", sight=OWN,
    default=("user", "peer_host", "peer_port", "state"),
    columns=(
        Column("pid", refused=_PID, embedded=True),
        Column("name"),
        Column("port"),
        _address("host"),
        Column("peer_port"),
        _address("peer_host"),
        *map(Column, (
            "ssl", "ssl_protocol", "ssl_key_exchange", "ssl_cipher", "ssl_hash", "peer_cert_subject", "peer_cert_issuer",
            "peer_cert_serial_number", "peer_cert_validity", "state",
        )),
        Column("protocol", cell=_protocol),
        *map(Column, ("auth_mechanism", "user", "vhost", "container_id", "timeout", "frame_max", "channel_max")),
        arguments("client_properties", ClientTable),
        *map(Column, ("recv_oct", "recv_cnt", "send_oct", "send_cnt", "send_pend", "connected_at", "channels")),
    ),
    api_fields=definitions(
        "garbage_collection", "node", "recv_oct_details", "reductions", "reductions_details", "send_oct_details", "type",
        "user_provided_name", "user_who_performed_action",
    ),
)  # fmt: skip
