"""Definitions: all that was declared, as one document (https://www.rabbitmq.com/docs/definitions)."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from rmqctl.broker.core import fields
from rmqctl.broker.core.broker import RABBITMQ_VERSION, Broker
from rmqctl.broker.core.declarations import checked_metadata
from rmqctl.broker.core.errors import Reason, Refusal, invalid
from rmqctl.broker.core.exchange import Destination, Exchange
from rmqctl.broker.core.limits import check_user_limits
from rmqctl.broker.core.parameters import set_parameter
from rmqctl.broker.core.permissions import Permission, TopicPermission, checked_pattern
from rmqctl.broker.core.policies import Policy, checked
from rmqctl.broker.core.terms import term
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
    """Something in the document is refused."""


# ---------------------------------------------------------------------------------------------------------------- export


def export_definitions(broker: Broker, vhost: str | None = None) -> Document:
    """Of the whole broker, or of one virtual host, then without its name in each row.

    What may be many are iterators: of what was there at the start, whenever they go on.
    """
    if vhost is None:
        return _of_broker(broker)
    found = broker.vhost(vhost)
    metadata = found.shown_metadata()
    return {
        "description": metadata["description"],
        "metadata": metadata,
        **_VERSIONS,
        "limits": dict(found.limits),
        "exchanges": _without_vhost(_exchanges(found)),
        "parameters": _without_vhost(_parameters(found)),
        "policies": _without_vhost(_policy(policy) for policy in found.policies.values()),
        "explanation": f"Definitions of virtual host '{vhost}'",
        "original_vhost_name": vhost,
        "rabbitmq_definition_format": "single_virtual_host",
        "queues": _without_vhost(_queues(found)),
        "bindings": _without_vhost(_bindings(found)),
    }


def _of_broker(broker: Broker) -> Document:
    found = list(broker.vhosts.values())
    return {
        "permissions": [
            {"configure": each.configure, "read": each.read, "user": user.name, "vhost": vhost, "write": each.write}
            for user in broker.users.values()
            for vhost, each in user.permissions.items()
        ],
        **_VERSIONS,
        "exchanges": chain(*map(_exchanges, found)),
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
        "queues": chain(*map(_queues, found)),
        "bindings": chain(*map(_bindings, found)),
    }


def _exported(exchange: Exchange) -> bool:
    """RabbitMQ leaves internal exchanges out."""
    return bool(exchange.name) and not exchange.internal and not exchange.name.startswith("amq.")


def _exchanges(vhost: VHost) -> Iterator[Document]:
    return (
        {
            "arguments": exchange.arguments,
            "auto_delete": exchange.auto_delete,
            "durable": exchange.durable,
            "name": exchange.name,
            "type": exchange.kind,
            "vhost": vhost.name,
        }
        for exchange in list(vhost.exchanges.values())
        if _exported(exchange)
    )


def _queues(vhost: VHost) -> Iterator[Document]:
    return (
        {
            "arguments": {**queue.arguments, "x-queue-type": queue.kind},
            "auto_delete": queue.auto_delete,
            "durable": queue.durable,
            "name": queue.name,
            "type": queue.kind,
            "vhost": vhost.name,
        }
        for queue in list(vhost.queues.values())
        if not queue.exclusive
    )


def _bindings(vhost: VHost) -> Iterator[Document]:
    exclusive = {queue.name for queue in vhost.queues.values() if queue.exclusive}
    bindings = [each for exchange in vhost.exchanges.values() for each in exchange.bindings.values()]
    return (
        dict(sorted(binding.document(vhost.name).items()))
        for binding in bindings
        if not (binding.destination.kind == "queue" and binding.destination.name in exclusive)
    )


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


def _without_vhost(rows: Iterable[Document]) -> Iterator[Document]:
    return ({key: value for key, value in row.items() if key != "vhost"} for row in rows)


# ---------------------------------------------------------------------------------------------------------------- import


def import_definitions(
    broker: Broker, document: Mapping[str, Any], vhost: str | None = None, importer: User | None = None
) -> None:
    """Adds what the document has; queues and exchanges that exist stay as they are. With `vhost` everything goes there.

    The importer gets all permissions in the virtual hosts that are made. Raises InvalidDefinitions, and as in RabbitMQ
    what came before is kept: the kinds before the one with an object that is refused, and what is sound of that one.
    """
    adding = _Import(broker, {kind: _rows(document, kind, vhost) for kind in _KINDS}, importer)
    with broker.node.journal.together():
        if vhost is None:
            adding.all_of_broker()
        else:
            adding.all_of_vhost()


_KINDS = (
    "users",
    "vhosts",
    "permissions",
    "exchanges",
    "topic_permissions",
    "global_parameters",
    "policies",
    "parameters",
    "queues",
    "bindings",
)


def _rows(document: Mapping[str, Any], kind: str, vhost: str | None) -> list[Document]:
    rows = document.get(kind) or []
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise InvalidDefinitions(f"{kind} should be a list of objects")
    return [dict(row) if vhost is None else {**row, "vhost": vhost} for row in rows]


class _Import:
    def __init__(self, broker: Broker, rows: Mapping[str, list[Document]], importer: User | None) -> None:
        self._broker = broker
        self._rows = rows
        self._importer = importer
        self._by = importer.name if importer is not None else "rmqctl"

    def all_of_broker(self) -> None:
        self._each("users", lambda row: put_user(self._broker, fields.text(row, "name"), row))
        self._each("vhosts", self._vhost)
        self._check_room()
        self._each("permissions", self._permission)
        self._each("exchanges", self._exchange)
        self._each("topic_permissions", self._topic_permission)
        self._in_order("global_parameters", self._global_parameter)
        self._in_order("policies", self._policy)
        self._in_order("parameters", self._parameter)
        self._each("queues", self._queue)
        self._each("bindings", self._binding)

    def all_of_vhost(self) -> None:
        self._check_room()
        self._each("exchanges", self._exchange)
        self._in_order("parameters", self._parameter)
        self._in_order("policies", self._policy)
        self._each("queues", self._queue)
        self._each("bindings", self._binding)

    def _each(self, kind: str, add: Callable[[Document], None]) -> None:
        """One that is refused does not keep out the others of its kind. Raises InvalidDefinitions for the first such."""
        problems = []
        for row in self._rows[kind]:
            try:
                add(row)
            except Refusal as refusal:
                problems.append(InvalidDefinitions(_shown(refusal)))
        if problems:
            raise problems[0]

    def _in_order(self, kind: str, add: Callable[[Document], None]) -> None:
        for row in self._rows[kind]:
            try:
                add(row)
            except Refusal as refusal:
                raise InvalidDefinitions(_shown(refusal)) from None

    def _check_room(self) -> None:
        """Raises InvalidDefinitions when a limit does not allow for the queues that are new."""
        # What is no text is refused later.
        new = Counter(
            found
            for row in self._rows["queues"]
            if (found := self._broker.vhosts.get(str(row.get("vhost")))) and str(row.get("name")) not in found.queues
        )
        for vhost, count in new.items():
            limit, there = vhost.limits.get("max-queues", -1), len(vhost.queues)
            if 0 <= limit < there + count:
                raise InvalidDefinitions(
                    f'Adding {count} queue(s) to virtual host "{vhost.name}" would exceed the limit of {limit} queue(s).\n\n'
                    f"This virtual host currently has {there} queue(s) defined.\n\nImport aborted!"
                )

    # ---------------------------------------------------------------------------------------------------------- objects

    def _vhost(self, row: Document) -> None:
        name = fields.text(row, "name")
        metadata = row["metadata"] if isinstance(row.get("metadata"), dict) else {}
        shown = {key: value for key, value in row.items() if key in ("description", "tags")}
        tracing = fields.flag(row, "tracing") if "tracing" in row else None
        protected = fields.flag(metadata, "protected_from_deletion")
        vhost = self._broker.add_vhost(
            name, checked_metadata({**metadata, **shown}), tracing=tracing, maker=self._importer
        )
        if protected:
            vhost.protect(True)

    def _permission(self, row: Document) -> None:
        vhost, user = self._home(row), self._user(row)
        user.permit(vhost.name, _permission(row))

    def _topic_permission(self, row: Document) -> None:
        vhost, user = self._home(row), self._user(row)
        if (exchange := fields.text(row, "exchange")) not in vhost.exchanges:
            raise invalid("no_such_exchange", ["no_such_exchange", exchange])
        user.permit_topics(vhost.name, exchange, TopicPermission(_pattern(row, "write"), _pattern(row, "read")))

    def _global_parameter(self, row: Document) -> None:
        name = fields.text(row, "name")
        if name not in ("cluster_tags", "internal_cluster_id"):
            self._broker.set_global_parameter(name, row.get("value"))

    def _policy(self, row: Document) -> None:
        vhost, name = self._home(row), fields.text(row, "name")
        try:
            vhost.set_policy(checked(row))
        except Refusal as refusal:
            raise invalid(f'{refusal.text} (vhost: "{vhost.name}" key: "{name}")') from None

    def _parameter(self, row: Document) -> None:
        vhost, component, name = self._home(row), fields.text(row, "component"), fields.text(row, "name")
        try:
            set_parameter(vhost, component, name, row.get("value"))
        except Refusal as refusal:
            where = f'(vhost: "{vhost.name}" / component: "{component}" / key: "{name}")'
            raise invalid(f"{refusal.text} {where}") from None

    def _exchange(self, row: Document) -> None:
        vhost, name = self._home(row), fields.text(row, "name")
        if not name or _is_reserved(name) or name in vhost.exchanges:
            return
        vhost.declare_exchange(
            None,
            name,
            fields.text(row, "type"),
            durable=fields.flag(row, "durable", True),
            auto_delete=fields.flag(row, "auto_delete"),
            internal=fields.flag(row, "internal"),
            arguments=fields.arguments(row),
            by=self._by,
        )

    def _queue(self, row: Document) -> None:
        vhost, name = self._home(row), fields.text(row, "name")
        if _is_reserved(name) or name in vhost.queues:
            return
        vhost.declare_queue(
            None,
            name,
            durable=fields.flag(row, "durable", True),
            auto_delete=fields.flag(row, "auto_delete"),
            arguments=fields.arguments(row),
            by=self._by,
        )

    def _binding(self, row: Document) -> None:
        vhost, source = self._home(row), fields.text(row, "source")
        destination = Destination(fields.text(row, "destination_type"), fields.text(row, "destination"))
        key, arguments = fields.text(row, "routing_key", ""), fields.arguments(row)
        _check_ends(vhost, source, destination)
        if source:  # every queue is bound to the default exchange
            vhost.bind(None, source, destination, key, arguments)

    def _home(self, row: Document) -> VHost:
        if "vhost" not in row:
            raise invalid("Virtual host does not exist and is not specified in definitions file.")
        name = fields.text(row, "vhost")
        if name not in self._broker.vhosts:
            raise invalid(f'Please create virtual host "{name}" prior to importing definitions.')
        return self._broker.vhosts[name]

    def _user(self, row: Document) -> User:
        name = fields.text(row, "user")
        if name not in self._broker.users:
            raise invalid("no_such_user", ["no_such_user", name])
        return self._broker.users[name]


def put_user(broker: Broker, name: str, document: Mapping[str, Any]) -> None:
    """Adds or changes a user. Without password and hash nobody can log in any more, as in RabbitMQ. Raises Refusal.

    Its `permissions`, by virtual hosts, are for a user that is new.
    """
    if "tags" not in document and "administrator" not in document:
        raise invalid("tags_not_present")
    if "password" in document and "password_hash" in document:
        raise invalid("both_password_and_password_hash_are_provided")
    administrator = fields.boolean(document, "administrator")
    tags = checked_tags(document.get("tags", ["administrator"] if administrator else []))
    limits, permissions = fields.table(document, "limits"), _permissions(broker, document)
    algorithm = known_algorithm(document.get("hashing_algorithm"))
    hashed = ""
    if "password_hash" in document:
        hashed = checked_hash(document["password_hash"])
    elif "password" in document:
        hashed = broker.hash_password(fields.text(document, "password"), algorithm)
    check_user_limits(limits)
    new = name not in broker.users
    user = broker.put_user(name, hashed, tags, algorithm)
    if "limits" in document:
        user.replace_limits(limits)
    if new:
        for vhost, permission in permissions.items():
            user.permit(vhost, permission)


def _permissions(broker: Broker, document: Mapping[str, Any]) -> dict[str, Permission]:
    given = fields.table(document, "permissions")
    for vhost in given:
        if vhost not in broker.vhosts:
            raise invalid(f"no_such_vhost: {vhost}", ["no_such_vhost", vhost])
    return {vhost: _permission(fields.table(given, vhost)) for vhost in given}


def _permission(row: Mapping[str, Any]) -> Permission:
    return Permission(*(_pattern(row, part) for part in ("configure", "write", "read")))


def _is_reserved(name: str) -> bool:
    return name.startswith("amq.")


def _pattern(row: Mapping[str, Any], part: str) -> str:
    return checked_pattern(fields.text(row, part))


def _shown(refusal: Refusal) -> str:
    """A pair as Erlang prints it; a text as it is."""
    pair = refusal.term
    if isinstance(pair, list) and len(pair) == 2:
        return f"{{{pair[0]},{term(pair[1])}}}"
    if pair is not None:
        return str(pair)
    return f"precondition_failed: {refusal.text}" if refusal.reason is Reason.PRECONDITION_FAILED else refusal.text


def _check_ends(vhost: VHost, source: str, destination: Destination) -> None:
    """Raises Refusal, in RabbitMQ's words, for a binding of what is not there."""
    known: dict[str, Container[str]] = {"exchange": vhost.exchanges, "queue": vhost.queues}
    if destination.kind not in known:
        raise invalid("destination_type should be queue or exchange")
    lacking = [
        f"{{not_found,{{resource,{term(vhost.name)},{kind},{term(name)}}}}}"
        for kind, name in (("exchange", source), destination)
        if name not in known[kind]
    ]
    if lacking:
        raise invalid(f"{{resources_missing,[{','.join(lacking)}]}}")
