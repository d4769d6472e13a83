"""`/api/vhosts`."""

from collections.abc import Mapping
from typing import Any

from rmqctl.broker.core.users import Permission
from rmqctl.broker.core.vhost import QUEUE_TYPES, VHost
from rmqctl.broker.management import listing, totals
from rmqctl.broker.management.rates import OF_VHOST
from rmqctl.broker.management.web import Call, Created, HttpError, Row, bad_request, boolean, missing

_COUNTS = ("messages", "messages_ready", "messages_unacknowledged")
_OCTETS = ("recv_oct", "send_oct")


def list_vhosts(call: Call) -> Any:
    """`columns` does not trim this list on RabbitMQ 4 either."""
    broker = call.broker
    found = [vhost for vhost in broker.vhosts.values() if call.is_monitor or call.sees(vhost.name)]
    if "page" in call.query:
        return listing.answer(call, [row(call, vhost) for vhost in found], default=("name",))
    return listing.ordered(call, [row(call, vhost) for vhost in found], ("name",))


def get_vhost(call: Call) -> Any:
    vhost = call.broker.vhosts.get(call["name"])
    if vhost is None:
        raise missing()
    if not (call.is_monitor or call.sees(vhost.name)):
        raise HttpError(404, "not_found", "Not Found")
    return listing.trimmed(call, row(call, vhost))


def put_vhost(call: Call) -> Any:
    """Who makes one gets all permissions on it. What is not given is reset, as in RabbitMQ."""
    document = call.json()
    name = call["name"]
    metadata = metadata_of(document)
    tracing = boolean(document, "tracing", False) if "tracing" in document else None
    known = call.broker.vhosts.get(name)
    if known is not None and "protected_from_deletion" in known.metadata:
        metadata["protected_from_deletion"] = known.metadata["protected_from_deletion"]
    vhost = known if known is not None else call.broker.add_vhost(name, metadata)
    vhost.metadata = metadata
    if tracing is not None:
        vhost.tracing = tracing
    call.broker.define_vhost(vhost)
    if known is not None:
        return None
    call.broker.set_permission(call.user.name, name, Permission(".*", ".*", ".*"))
    return Created()


def delete_vhost(call: Call) -> None:
    vhost = _find(call)
    if vhost.metadata.get("protected_from_deletion"):
        raise HttpError(
            412,
            "precondition_failed",
            f"Refusing to delete virtual host '{vhost.name}' because it is protected from deletion",
        )
    call.broker.delete_vhost(vhost.name)


def protect(call: Call) -> None:
    _protect(call, True, "enable")


def unprotect(call: Call) -> None:
    _protect(call, False, "disable")


def start(call: Call) -> None:
    """They all run."""
    _find(call)
    if call["node"] != call.broker.node:
        raise bad_request(f"Unknown node: {call['node']}")


def metadata_of(document: Mapping[str, Any]) -> Row:
    """Description, tags and default queue type. Raises 400."""
    tags = document.get("tags", [])
    if isinstance(tags, str):
        tags = [tag.strip() for tag in tags.split(",") if tag.strip()]
    kind = document.get("default_queue_type") or document.get("defaultqueuetype") or "classic"
    if kind == "undefined":
        kind = "classic"
    if kind not in (*QUEUE_TYPES, "stream"):
        raise bad_request(f"{kind} is not a valid queue type")
    return {"description": document.get("description") or "", "tags": list(tags or []), "default_queue_type": kind}


def shown_metadata(vhost: VHost) -> Row:
    return {
        "description": vhost.metadata.get("description") or "",
        "tags": vhost.metadata.get("tags") or [],
        "default_queue_type": vhost.metadata.get("default_queue_type") or "classic",
        # Only where the protection has been switched.
        **{key: value for key, value in vhost.metadata.items() if key == "protected_from_deletion"},
    }


def row(call: Call, vhost: VHost) -> Row:
    metadata = shown_metadata(vhost)
    fields: Row = {
        "name": vhost.name,
        "description": metadata["description"],
        "tags": metadata["tags"],
        "default_queue_type": metadata["default_queue_type"],
        "protected_from_deletion": bool(vhost.metadata.get("protected_from_deletion")),
        "metadata": metadata,
        "tracing": vhost.tracing,
        "cluster_state": {call.broker.node: "running"},
    }
    octets = totals.octets(vhost)
    if vhost.queues or any(octets):
        fields |= dict(zip(_COUNTS, totals.lengths([vhost]), strict=True))
        fields |= call.rates.details(("lengths", vhost), *_COUNTS)
        fields |= dict(zip(_OCTETS, octets, strict=True))
        fields |= call.rates.details(("octets", vhost), *_OCTETS)
    if stats := call.rates.message_stats(vhost, totals.counts(vhost), OF_VHOST):
        fields["message_stats"] = stats
    return fields


def _find(call: Call) -> VHost:
    found = call.broker.vhosts.get(call["name"])
    if found is None:
        raise missing()
    return found


def _protect(call: Call, on: bool, verb: str) -> None:
    vhost = call.broker.vhosts.get(call["name"])
    if vhost is None:
        raise HttpError(
            404,
            "not_found",
            f"Cannot {verb} deletion protection of virtual host '{call['name']}' because it does not exist",
        )
    if on:
        vhost.metadata["protected_from_deletion"] = True
    else:
        vhost.metadata["protected_from_deletion"] = False
    call.broker.define_vhost(vhost)
