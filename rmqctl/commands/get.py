"""get: messages from the head of a queue, which stay there unless it is said otherwise."""

from typing import Annotated

import typer

from rmqctl.api import messages
from rmqctl.errors import UsageError
from rmqctl.result import Rows
from rmqctl.session import Session
from rmqctl.terms import JsonText

COLUMNS = (
    "exchange", "routing_key", "redelivered", "properties", "payload_bytes", "payload_encoding", "payload",
)  # fmt: skip


def get(
    session: Session,
    queue: Annotated[str, typer.Argument(metavar="QUEUE", show_default=False)],
    count: Annotated[int, typer.Option("--count", min=1, metavar="N", help="At most so many messages.")] = 1,
    requeue: Annotated[bool, typer.Option("--requeue", help="Put them back where they were (the default).")] = False,
    ack: Annotated[bool, typer.Option("--ack", help="Remove them from the queue.")] = False,
    reject: Annotated[bool, typer.Option("--reject", help="Remove them, to the dead-letter exchange if any.")] = False,
) -> Rows:
    """Get messages from the head of a queue: POST /api/queues/VHOST/QUEUE/get.

    They are put back and marked as redelivered, unless --ack or --reject removes them. A payload that is not UTF-8 is
    shown as base64, and payload_encoding says so.
    """
    if requeue + ack + reject > 1:
        raise UsageError("--requeue, --ack and --reject exclude each other")
    mode = messages.ACK if ack else messages.REJECT if reject else messages.REQUEUE
    found = messages.get(session.client, session.vhost, queue, count, mode)
    if found and mode == messages.REQUEUE:
        session.hint("The messages are back in the queue, marked as redelivered.")
    native = session.format.native
    rows = [
        [
            (properties if native else JsonText(properties)) if name == "properties" else message.get(name)
            for name in COLUMNS
        ]
        for message in found
        # An object without members comes from Erlang as an empty list.
        for properties in [message.get("properties") or {}]
    ]
    return Rows(COLUMNS, rows)
