"""Definitions: all that was declared, as one document (https://www.rabbitmq.com/docs/definitions)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.broker import RABBITMQ_VERSION, Broker
from rmqctl.broker.core.declarations import checked_metadata
from rmqctl.broker.core.errors import Reason, Refusal
from rmqctl.broker.core.exchange import Destination, Exchange
from rmqctl.broker.core.node import Node
from rmqctl.broker.core.permissions import Permission, TopicPermission, checked_pattern
from rmqctl.broker.core.policies import Policy, checked
from rmqctl.broker.core.users import User, checked_hash, checked_tags, known_algorithm
from rmqctl.broker.core.vhost import VHost

Document = dict[str, Any]
_VERSIONS = {
    "rabbitmq_version": RABBITMQ_VERSION,
    "product_name": "RabbitMQ",
    "product_version": RABBITMQ_VERSION,
    "rabbit_version": RABBITMQ_VERSION,
}


class InvalidDefinitions(ValueError):
    """The document cannot be imported; nothing of it was."""


# ---------------------------------------------------------------------------------------------------------------- export


def export_definitions(broker: Broker, vhost: str | None = None) -> Document:
    """Of the whole broker, or of one virtual host, then without its name in each row."""
    if vhost is None:
        return _of_broker(broker, broker.vhosts.values(), _exported)
    found = broker.vhost(vhost)
    metadata = found.shown_metadata()
    return {
        "description": metadata["description"],
        "metadata": metadata,
        **_VERSIONS,
        "limits": dict(found.limits),
        "exchanges": _without_vhost(_exchanges(found, _exported)),
        "parameters": _without_vhost(_parameters(found)),
        "policies": _without_vhost(_policy(policy) for policy in found.policies.values()),
        "explanation": f"Definitions of virtual host '{vhost}'",
        "original_vhost_name": vhost,
        "rabbitmq_definition_format": "single_virtual_host",
        "queues": _without_vhost(_queues(found)),
        "bindings": _without_vhost(_bindings(found)),
    }


def _of_broker(broker: Broker, found: Iterable[VHost], exported: Callable[[Exchange], bool]) -> Document:
    found = list(found)
    return {
        "permissions": [
            {"configure": each.configure, "read": each.read, "user": user.name, "vhost": vhost, "write": each.write}
            for user in broker.users.values()
            for vhost, each in user.permissions.items()
        ],
        **_VERSIONS,
        "exchanges": [row for vhost in found for row in _exchanges(vhost, exported)],
        "vhosts": [
            {"limits": dict(vhost.limits), "metadata": vhost.shown_metadata(), "name": vhost.name} for vhost in found
        ],
        "users": [_user(user) for user in broker.users.values()],
        "global_parameters": [{"name": name, "value": value} for name, value in broker.global_parameters.items()],
        "parameters": [row for vhost in found for row in _parameters(vhost)],
        "policies": [_policy(policy) for vhost in found for policy in vhost.policies.values()],
        "topic_permissions": [
            {"exchange": exchange, "read": each.read, "user": user.name, "vhost": vhost, "write": each.write}
            for user in broker.users.values()
            for vhost in broker.vhosts
            for exchange, each in user.topic_permissions(vhost).items()
        ],
        "explanation": f"Definitions of cluster '{broker.cluster_name}'",
        "rabbitmq_definition_format": "cluster",
        "original_cluster_name": broker.cluster_name,
        "queues": [row for vhost in found for row in _queues(vhost)],
        "bindings": [row for vhost in found for row in _bindings(vhost)],
    }


def _exported(exchange: Exchange) -> bool:
    """RabbitMQ leaves internal exchanges out."""
    return _declared(exchange) and not exchange.internal


def _declared(exchange: Exchange) -> bool:
    return bool(exchange.name) and not exchange.name.startswith("amq.")


def _exchanges(vhost: VHost, exported: Callable[[Exchange], bool]) -> list[Document]:
    return [
        {
            "arguments": exchange.arguments,
            "auto_delete": exchange.auto_delete,
            "durable": exchange.durable,
            **({"internal": True} if exchange.internal else {}),
            "name": exchange.name,
            "type": exchange.kind,
            "vhost": vhost.name,
        }
        for exchange in vhost.exchanges.values()
        if exported(exchange)
    ]


def _queues(vhost: VHost) -> list[Document]:
    return [
        {
            "arguments": {**queue.arguments, "x-queue-type": queue.kind},
            "auto_delete": queue.auto_delete,
            "durable": queue.durable,
            "name": queue.name,
            "type": queue.kind,
            "vhost": vhost.name,
        }
        for queue in vhost.queues.values()
        if not queue.exclusive
    ]


def _bindings(vhost: VHost) -> list[Document]:
    exclusive = {queue.name for queue in vhost.queues.values() if queue.exclusive}
    return [
        dict(sorted(binding.document(vhost.name).items()))
        for binding in vhost.router.bindings()
        if binding.source and not (binding.destination.kind == "queue" and binding.destination.name in exclusive)
    ]


def _parameters(vhost: VHost) -> list[Document]:
    rows: list[Document] = []
    if vhost.limits:
        rows.append({"component": "vhost-limits", "name": "limits", "value": dict(vhost.limits), "vhost": vhost.name})
    for policy in vhost.operator_policies.values():
        value = {key: each for key, each in policy.document().items() if key not in ("vhost", "name")}
        rows.append({"component": "operator_policy", "name": policy.name, "value": value, "vhost": vhost.name})
    return rows


def _policy(policy: Policy) -> Document:
    return dict(sorted(policy.document().items()))


def _user(user: User) -> Document:
    return {
        "hashing_algorithm": user.algorithm,
        "limits": dict(user.limits),
        "name": user.name,
        "password_hash": user.password_hash,
        "tags": list(user.tags),
    }


def _without_vhost(rows: Iterable[Document]) -> list[Document]:
    return [{key: value for key, value in row.items() if key != "vhost"} for row in rows]


# ---------------------------------------------------------------------------------------------------------------- import


def import_definitions(broker: Broker, document: Mapping[str, Any], vhost: str | None = None) -> None:
    """Adds what the document has; queues and exchanges that exist stay as they are. With `vhost` everything goes there.

    Raises InvalidDefinitions, and then has changed nothing: all of it is tried on a broker without a journal first.
    """
    trial = Broker(Node(lambda: broker.node.now, broker.node.entropy), consumer_timeout=None)
    _apply(trial, _of_broker(broker, broker.vhosts.values(), _declared), None)
    try:
        _apply(trial, document, vhost)
    except Refusal as refusal:
        raise InvalidDefinitions(_shown(refusal)) from None
    except InvalidDefinitions:
        raise
    except KeyError as error:
        raise InvalidDefinitions(f"key_missing: {error.args[0]}") from None
    except (TypeError, AttributeError, ValueError) as error:
        raise InvalidDefinitions(f"not definitions: {error}") from None
    with broker.node.journal.together():
        _apply(broker, document, vhost)


def _shown(refusal: Refusal) -> str:
    """A pair as Erlang prints it; a text as it is."""
    pair = refusal.term
    if isinstance(pair, list) and len(pair) == 2:
        return f'{{{pair[0]},<<"{pair[1]}">>}}'
    if pair is not None:
        return str(pair)
    return f"precondition_failed: {refusal.text}" if refusal.reason is Reason.PRECONDITION_FAILED else refusal.text


def _vhost(broker: Broker, name: str) -> VHost:
    if name not in broker.vhosts:
        raise InvalidDefinitions(f'Please create virtual host "{name}" prior to importing definitions.')
    return broker.vhosts[name]


def _user_of(broker: Broker, row: Document) -> User:
    name = row["user"]
    if name not in broker.users:
        raise InvalidDefinitions(f'{{no_such_user,<<"{name}">>}}')
    return broker.users[name]


def _apply(broker: Broker, document: Mapping[str, Any], vhost: str | None) -> None:
    if vhost is None:
        for row in _of(document, "users", None):
            _add_user(broker, row)
        for row in _of(document, "vhosts", None):
            _add_vhost(broker, row)
        for row in _of(document, "permissions", None):
            permission = Permission(*(checked_pattern(row[part]) for part in ("configure", "write", "read")))
            _user_of(broker, row).permit(broker.vhost(row["vhost"]).name, permission)
        for row in _of(document, "topic_permissions", None):
            topic = TopicPermission(checked_pattern(row["write"]), checked_pattern(row["read"]))
            _user_of(broker, row).permit_topics(broker.vhost(row["vhost"]).name, row["exchange"], topic)
        for row in _of(document, "global_parameters", None):
            if row["name"] not in ("cluster_tags", "internal_cluster_id"):
                broker.set_global_parameter(row["name"], row["value"])
    for row in _of(document, "parameters", vhost):
        _add_parameter(broker, row)
    for row in _of(document, "policies", vhost):
        _add_policy(broker, row)
    for row in _of(document, "exchanges", vhost):
        _add_exchange(broker, row)
    for row in _of(document, "queues", vhost):
        _add_queue(broker, row)
    for row in _of(document, "bindings", vhost):
        destination = Destination(row["destination_type"], row["destination"])
        arguments = Arguments(row.get("arguments") or {})
        where = _vhost(broker, row["vhost"])
        _check_ends(where, row["source"], destination)
        where.bind(None, row["source"], destination, row["routing_key"], arguments)


def _check_ends(vhost: VHost, source: str, destination: Destination) -> None:
    """Raises InvalidDefinitions, in RabbitMQ's words, for a binding of what is not there."""
    ends = (("exchange", source, vhost.exchanges), (*destination, getattr(vhost, f"{destination.kind}s", {})))
    lacking = [
        f'{{not_found,{{resource,<<"{vhost.name}">>,{kind},<<"{name}">>}}}}'
        for kind, name, known in ends
        if name not in known
    ]
    if lacking:
        raise InvalidDefinitions(f"{{resources_missing,[{','.join(lacking)}]}}")


def _of(document: Mapping[str, Any], kind: str, vhost: str | None) -> Iterable[Document]:
    rows = document.get(kind) or ()
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        raise InvalidDefinitions(f"{kind} should be a list of objects")
    return [dict(row) if vhost is None else {**row, "vhost": vhost} for row in rows]


def _add_policy(broker: Broker, row: Document) -> None:
    vhost = _vhost(broker, row["vhost"])
    try:
        vhost.set_policy(checked(row))
    except Refusal as refusal:
        raise InvalidDefinitions(f'{refusal.text} (vhost: "{row["vhost"]}" key: "{row["name"]}")') from None


def _add_user(broker: Broker, row: Document) -> None:
    if "tags" not in row:
        raise InvalidDefinitions("tags_not_present")
    algorithm = known_algorithm(row.get("hashing_algorithm"))
    hashed = row.get("password_hash") or ""
    if "password" in row and not hashed:
        hashed = broker.hash_password(row["password"], algorithm)
    user = broker.put_user(row["name"], checked_hash(hashed), checked_tags(row["tags"]), algorithm)
    if row.get("limits"):
        user.replace_limits(row["limits"])


def _add_vhost(broker: Broker, row: Document) -> None:
    metadata = row.get("metadata") or row
    vhost = broker.add_vhost(row["name"], checked_metadata(metadata))
    if metadata.get("protected_from_deletion"):
        vhost.protect(True)
    if row.get("limits"):
        vhost.replace_limits(row["limits"])


def _add_parameter(broker: Broker, row: Document) -> None:
    vhost, value = _vhost(broker, row["vhost"]), row["value"]
    if row["component"] == "operator_policy":
        policy = checked({**value, "vhost": vhost.name, "name": row["name"]}, operator=True)
        vhost.set_policy(policy, operator=True)
    elif row["component"] == "vhost-limits":
        vhost.replace_limits(value or {})
    else:
        where = f'(vhost: "{vhost.name}" / component: "{row["component"]}" / key: "{row["name"]}")'
        raise InvalidDefinitions(f"Validation failed\n\ncomponent {row['component']} not found\n {where}")


def _add_exchange(broker: Broker, row: Document) -> None:
    vhost = _vhost(broker, row["vhost"])
    if row["name"] in vhost.exchanges or row["name"].startswith("amq."):
        return
    vhost.declare_exchange(
        None,
        row["name"],
        row["type"],
        durable=bool(row.get("durable", True)),
        auto_delete=bool(row.get("auto_delete", False)),
        internal=bool(row.get("internal", False)),
        arguments=Arguments(row.get("arguments") or {}),
    )


def _add_queue(broker: Broker, row: Document) -> None:
    vhost = _vhost(broker, row["vhost"])
    if row["name"] in vhost.queues:
        return
    arguments = dict(row.get("arguments") or {})
    if row.get("type"):
        arguments.setdefault("x-queue-type", row["type"])
    vhost.declare_queue(
        None,
        row["name"],
        durable=bool(row.get("durable", True)),
        auto_delete=bool(row.get("auto_delete", False)),
        arguments=Arguments(arguments),
    )
