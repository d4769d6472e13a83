"""`/api/vhosts`."""

from collections.abc import Sequence
from typing import Any

from rmqctl.broker.amqp.connection import Connection
from rmqctl.broker.core import fields
from rmqctl.broker.core.declarations import checked_metadata
from rmqctl.broker.core.errors import Reason, Refusal
from rmqctl.broker.core.vhost import VHost
from rmqctl.broker.management import listing, totals
from rmqctl.broker.management.rates import OF_VHOST
from rmqctl.broker.management.web import Call, Created, HttpError, Row, Slices, bad_request, missing

_COUNTS = ("messages", "messages_ready", "messages_unacknowledged")
_OCTETS = ("recv_oct", "send_oct")


def list_vhosts(call: Call) -> Slices:
    """`columns` does not trim this list on RabbitMQ 4 either."""
    broker = call.broker
    found = [vhost for vhost in broker.vhosts.values() if call.is_monitor or call.sees(vhost.name)]
    connections = totals.by_vhost(broker)
    rows = []
    for vhost in found:
        rows.append((yield from row(call, vhost, connections[vhost.name])))
    if "page" in call.query:
        return (yield from listing.answer(call, rows, default=("name",)))
    return listing.ordered(call, rows, ("name",))


def get_vhost(call: Call) -> Slices:
    vhost = _find(call)
    found = yield from row(call, vhost, totals.by_vhost(call.broker)[vhost.name])
    return listing.trimmed(call, found)


def put_vhost(call: Call) -> Any:
    """Who makes one gets all permissions on it. What is not given is reset, as in RabbitMQ."""
    document = call.json()
    name = call["name"]
    tracing = fields.boolean(document, "tracing", False) if "tracing" in document else None
    known = name in call.broker.vhosts
    call.broker.add_vhost(name, checked_metadata(document), tracing=tracing, maker=call.user)
    return None if known else Created()


def delete_vhost(call: Call) -> None:
    vhost = _find(call)
    try:
        call.broker.delete_vhost(vhost.name)
    except Refusal as refusal:
        if refusal.reason is Reason.PRECONDITION_FAILED:
            raise HttpError(412, "precondition_failed", refusal.text) from None
        raise


def protect(call: Call) -> None:
    vhost = call.broker.vhosts.get(call["name"])
    if vhost is None:
        reason = f"Cannot enable deletion protection of virtual host '{call['name']}' because it does not exist"
        raise HttpError(404, "not_found", reason)
    vhost.protect(True)


def unprotect(call: Call) -> None:
    _find(call).protect(False)


def start(call: Call) -> None:
    """They all run."""
    node, name = call["node"], call["name"]
    if node != call.broker.node.name:
        raise bad_request(f"Unknown node: {node}")
    if name not in call.broker.vhosts:
        raise bad_request(f'Request to node {node} failed with {{no_such_vhost,<<"{name}">>}}')


def row(call: Call, vhost: VHost, connections: Sequence[Connection]) -> Slices:
    """`connections` are those to it."""
    metadata = vhost.shown_metadata()
    fields: Row = {
        "name": vhost.name,
        "description": metadata["description"],
        "tags": metadata["tags"],
        "default_queue_type": metadata["default_queue_type"],
        "protected_from_deletion": bool(vhost.metadata.get("protected_from_deletion")),
        "metadata": metadata,
        "tracing": vhost.tracing,
        "cluster_state": {call.broker.node.name: "running"},
    }
    octets = totals.octets(vhost, connections)
    if vhost.queues or any(octets):
        fields |= dict(zip(_COUNTS, totals.lengths([vhost]), strict=True))
        fields |= call.rates.details(("lengths", vhost), *_COUNTS)
        fields |= dict(zip(_OCTETS, octets, strict=True))
        fields |= call.rates.details(("octets", vhost), *_OCTETS)
    counts = yield from totals.counts(vhost, connections)
    if stats := call.rates.message_stats(vhost, counts, OF_VHOST):
        fields["message_stats"] = stats
    return fields


def _find(call: Call) -> VHost:
    found = call.broker.vhosts.get(call["name"])
    if found is None:
        raise missing()
    return found
