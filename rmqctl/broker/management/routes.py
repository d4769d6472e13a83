"""The route table: path, who may use it, and a handler for each method."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from rmqctl.broker.management import (
    bindings,
    connections,
    consumers,
    definitions,
    embedded,
    exchanges,
    features,
    health,
    limits,
    login,
    messages,
    nodes,
    overview,
    parameters,
    permissions,
    policies,
    queues,
    users,
    vhosts,
)
from rmqctl.broker.management.access import (
    Access,
    admin,
    admin_to_delete,
    admin_to_write,
    anyone,
    member,
    member_or_monitor,
    monitor,
    owner,
    owner_of_channel,
    owner_of_connection,
    policymaker,
    public,
)
from rmqctl.broker.management.web import Handler

_METHODS = ("GET", "PUT", "POST", "DELETE")
# RabbitMQ does not allow HEAD everywhere where it allows GET.
_WITHOUT_HEAD = frozenset(
    (
        "auth/hash_password/{password}",
        "queues/quorum/{vhost}/{name}/status",
        "user-limits",
        "user-limits/{user}",
        "vhost-limits",
        "vhost-limits/{vhost}",
    )
)


class Route(NamedTuple):
    path: str
    access: Access
    handlers: Mapping[str, Handler]

    @property
    def has_head(self) -> bool:
        return "GET" in self.handlers and self.path not in _WITHOUT_HEAD

    @property
    def allow(self) -> str:
        methods = [method for method in _METHODS if method in self.handlers]
        return ", ".join([*(["HEAD"] if self.has_head else []), *methods, "OPTIONS"])


def _route(path: str, access: Access, **handlers: Handler) -> Route:
    return Route(path, access, handlers)


_BETWEEN = "bindings/{vhost}/e/{source}/{kind}/{destination}"
_LEADERS = "health/checks/quorum-queues-without-elected-leaders"
# Of two that match a path the first one counts.
ROUTES = (
    _route("overview", anyone, GET=overview.overview),
    _route("cluster-name", admin_to_write, GET=overview.cluster_name, PUT=overview.set_cluster_name),
    _route("whoami", anyone, GET=login.whoami),
    _route("login", public, POST=login.log_in, DELETE=login.log_out),
    _route("version", public, GET=overview.version),
    _route("extensions", anyone, GET=overview.extensions),
    _route("auth/hash_password/{password}", admin, GET=overview.hashed),
    _route("auth/attempts/{node}", admin_to_delete, GET=overview.attempts, DELETE=overview.forget_attempts),
    _route(
        "auth/attempts/{node}/source", admin_to_delete, GET=overview.attempts_by_source, DELETE=overview.forget_attempts
    ),
    _route("rebalance/queues", admin, POST=overview.rebalance),
    _route("reset", admin, DELETE=overview.reset),
    _route("reset/{node}", admin, DELETE=overview.reset),
    _route("config/effective", admin, GET=overview.configuration),
    _route("nodes", monitor, GET=nodes.list_nodes),
    _route("nodes/{name}", monitor, GET=nodes.get_node),
    _route("nodes/{name}/memory", monitor, GET=nodes.memory),
    _route("nodes/{name}/memory/relative", monitor, GET=nodes.relative_memory),
    _route("queues", member, GET=queues.list_queues),
    _route("queues/detailed", member, GET=queues.list_detailed),
    _route("queues/quorum/{vhost}/{name}/status", member, GET=queues.quorum_status),
    _route("queues/{vhost}", member, GET=queues.list_queues),
    _route("queues/{vhost}/{name}", member, GET=queues.get_queue, PUT=queues.declare_queue, DELETE=queues.delete_queue),
    _route("queues/{vhost}/{name}/bindings", member, GET=bindings.of_queue),
    _route("queues/{vhost}/{name}/contents", member, DELETE=queues.purge_queue),
    _route("queues/{vhost}/{name}/get", member, POST=messages.get),
    _route("queues/{vhost}/{name}/actions", admin, POST=queues.actions),
    _route("queues/{vhost}/{name}/unacked", member, GET=queues.list_unacked),
    _route("exchanges", member, GET=exchanges.list_exchanges),
    _route("exchanges/{vhost}", member, GET=exchanges.list_exchanges),
    _route(
        "exchanges/{vhost}/{name}",
        member,
        GET=exchanges.get_exchange,
        PUT=exchanges.declare_exchange,
        DELETE=exchanges.delete_exchange,
    ),
    _route("exchanges/{vhost}/{name}/publish", member, POST=messages.publish),
    _route("exchanges/{vhost}/{name}/bindings/source", member, GET=bindings.from_exchange),
    _route("exchanges/{vhost}/{name}/bindings/destination", member, GET=bindings.to_exchange),
    _route("bindings", member, GET=bindings.list_bindings),
    _route("bindings/{vhost}", member, GET=bindings.list_bindings),
    _route(_BETWEEN, member, GET=bindings.between, POST=bindings.bind),
    _route(_BETWEEN + "/{properties}", member, GET=bindings.get_binding, DELETE=bindings.unbind),
    _route("consumers", member_or_monitor, GET=consumers.list_consumers),
    _route("consumers/{vhost}", member_or_monitor, GET=consumers.list_consumers),
    _route("connections", anyone, GET=connections.list_connections),
    _route("connections/username/{user}", owner, GET=connections.of_user, DELETE=connections.close_of_user),
    _route(
        "connections/{name}", owner_of_connection, GET=connections.get_connection, DELETE=connections.close_connection
    ),
    _route("connections/{name}/channels", owner_of_connection, GET=connections.channels_of),
    _route("connections/{name}/sessions", owner_of_connection, GET=connections.no_sessions),
    _route("channels", anyone, GET=connections.list_channels),
    _route("channels/{name}", owner_of_channel, GET=connections.get_channel),
    _route("vhosts", anyone, GET=vhosts.list_vhosts),
    _route("vhosts/{name}", admin, GET=vhosts.get_vhost, PUT=vhosts.put_vhost, DELETE=vhosts.delete_vhost),
    _route("vhosts/{vhost}/connections", member, GET=connections.list_connections),
    _route("vhosts/{vhost}/channels", member, GET=connections.list_channels),
    _route("vhosts/{vhost}/permissions", admin, GET=permissions.of_vhost),
    _route("vhosts/{vhost}/topic-permissions", admin, GET=permissions.topic_of_vhost),
    _route("vhosts/{name}/deletion/protection", admin, POST=vhosts.protect, DELETE=vhosts.unprotect),
    _route("vhosts/{name}/start/{node}", admin, POST=vhosts.start),
    _route("users", admin, GET=users.list_users),
    _route("users/without-permissions", admin, GET=users.without_permissions),
    _route("users/bulk-delete", admin, POST=users.bulk_delete),
    _route("users/{name}", admin, GET=users.get_user, PUT=users.put_user, DELETE=users.delete_user),
    _route("users/{name}/permissions", admin, GET=permissions.of_user),
    _route("users/{name}/topic-permissions", admin, GET=permissions.topic_of_user),
    _route("users/{user}/queues", member, GET=queues.of_user),
    _route("permissions", admin, GET=permissions.list_permissions),
    _route(
        "permissions/{vhost}/{user}",
        admin,
        GET=permissions.get_permission,
        PUT=permissions.put_permission,
        DELETE=permissions.delete_permission,
    ),
    _route("topic-permissions", admin, GET=permissions.list_topic),
    *(
        _route(
            where,
            admin,
            GET=permissions.get_topic,
            PUT=permissions.put_topic,
            DELETE=permissions.delete_topic,
        )
        for where in ("topic-permissions/{vhost}/{user}", "topic-permissions/{vhost}/{user}/{exchange}")
    ),
    *(
        route
        for kind, access in (("policies", policymaker), ("operator-policies", admin))
        for route in (
            _route(kind, member, GET=policies.list_policies(kind)),
            _route(f"{kind}/{{vhost}}", member, GET=policies.list_policies(kind)),
            _route(
                f"{kind}/{{vhost}}/{{name}}",
                access,
                GET=policies.get_policy(kind),
                PUT=policies.put_policy(kind),
                DELETE=policies.delete_policy(kind),
            ),
        )
    ),
    _route("parameters", policymaker, GET=parameters.list_parameters),
    _route("parameters/{component}", policymaker, GET=parameters.list_parameters),
    _route("parameters/{component}/{vhost}", policymaker, GET=parameters.list_parameters),
    _route(
        "parameters/{component}/{vhost}/{name}",
        policymaker,
        GET=parameters.get_parameter,
        PUT=parameters.put_parameter,
        DELETE=parameters.delete_parameter,
    ),
    _route("global-parameters", policymaker, GET=parameters.list_global),
    _route(
        "global-parameters/{name}",
        policymaker,
        GET=parameters.get_global,
        PUT=parameters.put_global,
        DELETE=parameters.delete_global,
    ),
    _route("vhost-limits", member_or_monitor, GET=limits.list_vhost_limits),
    _route("vhost-limits/{vhost}", member_or_monitor, GET=limits.list_vhost_limits),
    _route("vhost-limits/{vhost}/{name}", admin, PUT=limits.put_vhost_limit, DELETE=limits.delete_vhost_limit),
    _route("user-limits", admin, GET=limits.list_user_limits),
    _route("user-limits/{user}", owner, GET=limits.list_user_limits),
    _route("user-limits/{user}/{name}", admin, PUT=limits.put_user_limit, DELETE=limits.delete_user_limit),
    _route("definitions", admin, GET=definitions.export, POST=definitions.upload),
    _route("definitions/{vhost}", admin, GET=definitions.export, POST=definitions.upload),
    _route("all-configuration", admin, GET=definitions.export, POST=definitions.upload),
    _route("feature-flags", anyone, GET=features.flags),
    _route("feature-flags/{name}/enable", admin, PUT=features.enable),
    _route("deprecated-features", anyone, GET=features.deprecated),
    _route("deprecated-features/used", anyone, GET=features.deprecated_in_use),
    _route("embedded/alarms", monitor, GET=embedded.list_alarms),
    _route("embedded/alarms/{resource}", admin, PUT=embedded.set_alarm),
    _route("embedded/limits/{resource}", admin, PUT=embedded.set_limit),
    _route("aliveness-test/{vhost}", member, GET=health.aliveness),
    _route("healthchecks/node", anyone, GET=health.fine),
    _route("healthchecks/node/{node}", anyone, GET=health.node),
    _route("health/checks/alarms", anyone, GET=health.alarms),
    _route("health/checks/local-alarms", anyone, GET=health.alarms),
    _route("health/checks/certificate-expiration/{within}/{unit}", anyone, GET=health.certificates),
    _route("health/checks/port-listener/{port}", anyone, GET=health.port_listener),
    _route("health/checks/protocol-listener/{protocol}", anyone, GET=health.protocol_listener),
    _route("health/checks/virtual-hosts", anyone, GET=health.fine),
    _route("health/checks/node-is-quorum-critical", anyone, GET=health.quorum_critical),
    _route("health/checks/metadata-store/initialized", anyone, GET=health.fine),
    _route("health/checks/metadata-store/initialized/with-data", anyone, GET=health.fine),
    _route("health/checks/is-in-service", public, GET=health.fine),
    _route("health/checks/below-node-connection-limit", public, GET=health.fine),
    _route("health/checks/ready-to-serve-clients", public, GET=health.fine),
    _route("health/checks/reached-target-cluster-size", public, GET=health.fine),
    _route(f"{_LEADERS}/all-vhosts", anyone, GET=health.fine),
    _route(f"{_LEADERS}/all-vhosts/pattern/{{pattern}}", anyone, GET=health.fine),
    _route(f"{_LEADERS}/vhost/{{vhost}}", member_or_monitor, GET=health.fine),
    _route(f"{_LEADERS}/vhost/{{vhost}}/pattern/{{pattern}}", member_or_monitor, GET=health.fine),
)


def _index() -> dict[tuple[str, int], list[tuple[list[str], Route]]]:
    """By first segment and number of segments."""
    index: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
    for route in ROUTES:
        segments = route.path.split("/")
        index.setdefault((segments[0], len(segments)), []).append((segments, route))
    return index


_INDEX = _index()


def find(path: str) -> tuple[Route | None, dict[str, str]]:
    """The route of a path that is still encoded, and the names in it, decoded. A slash at the end does not count."""
    given = path.removesuffix("/").split("/")[1:]
    if given[:1] != ["api"] or len(given) < 2:
        return None, {}
    given = given[1:]
    for segments, route in _INDEX.get((given[0], len(given)), ()):
        pairs = list(zip(segments, given, strict=True))
        if all(pattern == text or pattern[0] == "{" for pattern, text in pairs):
            names = {pattern[1:-1]: text for pattern, text in pairs if pattern[0] == "{"}
            return route, {name: unquote(text, errors="surrogateescape") for name, text in names.items()}
    return None, {}
