"""Federation links that do not run."""

from typing import Any

from rmqctl.checks.options import Limits
from rmqctl.checks.report import Report
from rmqctl.checks.shovels import of_links
from rmqctl.checks.snapshot import Row, Snapshot


def check(snapshot: Snapshot, limits: Limits) -> Report:
    """Check that all federation links run (with the plugin rabbitmq_federation_management)."""
    rows = [row for row in snapshot.rows("federation_links") if limits.concerns(_name(row))]
    return of_links(
        "federation link", rows, lambda row: row.get("status"), lambda row: (_name(row), row.get("error")), limits
    )


def _name(row: Row) -> Any:
    """What is federated: an exchange or a queue."""
    return row.get("exchange") or row.get("queue")
