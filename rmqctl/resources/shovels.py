"""Columns of shovel_status: GET /api/shovels."""

from rmqctl.resources.column import Column, Object, Release, Resource, definitions
from rmqctl.terms import Cell


def _end(side: str) -> Column:
    """Where a shovel takes from or puts to: the URI without credentials, which the API leaves out."""

    def cell(shovel: Object, _: Release) -> Cell:
        return shovel.get(f"{side}_uri")

    name = {"src": "source", "dest": "destination"}[side]
    return Column(name, f"{side}_uri", cell=cell)


SHOVELS = Resource(
    plural="shovels",
    default=("name", "type", "state", "source", "destination", "vhost", "last_changed", "termination_reason"),
    streamed=False,
    columns=(
        Column("name"),
        Column("type"),
        Column("state"),
        _end("src"),
        _end("dest"),
        Column("vhost"),
        Column("last_changed", "timestamp"),
        Column("termination_reason", "reason"),
    ),
    api_fields=definitions(
        "node", "timestamp", "reason", "src_uri", "dest_uri", "src_protocol", "dest_protocol", "src_queue", "dest_queue",
        "src_exchange", "src_exchange_key", "dest_exchange", "dest_exchange_key", "src_address", "dest_address",
        "blocked_status", "pending", "remaining", "remaining_unacked", "forwarded",
    ),
)  # fmt: skip
