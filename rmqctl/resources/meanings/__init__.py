"""What every column of the lists means, as data: loaded for help, the reference pages and schemas only.

To add a column, add its sentence to the table of its resource here. The tables are named by `Resource.plural`.
"""

from rmqctl.resources.column import Resource
from rmqctl.resources.meanings import clients, cluster, objects, queues
from rmqctl.resources.meanings.meaning import Kind, Meaning, Meanings

MEANINGS: dict[str, Meanings] = {
    "queues": queues.QUEUES,
    "exchanges": objects.EXCHANGES,
    "bindings": objects.BINDINGS,
    "virtual hosts": objects.VHOSTS,
    "users": objects.USERS,
    "permissions": objects.PERMISSIONS,
    "topic permissions": objects.TOPIC_PERMISSIONS,
    "policies": objects.POLICIES,
    "operator policies": objects.POLICIES,
    "parameters": objects.PARAMETERS,
    "global parameters": objects.GLOBAL_PARAMETERS,
    "virtual host limits": objects.VHOST_LIMITS,
    "user limits": objects.USER_LIMITS,
    "connections": clients.CONNECTIONS,
    "channels": clients.CHANNELS,
    "consumers": clients.CONSUMERS,
    "stream connections": clients.STREAM_CONNECTIONS,
    "stream consumers": clients.STREAM_CONSUMERS,
    "stream publishers": clients.STREAM_PUBLISHERS,
    "stream tracking": clients.STREAM_TRACKING,
    "nodes": cluster.NODES,
    "feature flags": cluster.FEATURE_FLAGS,
    "deprecated features": cluster.DEPRECATED_FEATURES,
    "authentication attempts": cluster.AUTH_ATTEMPTS,
    "shovels": cluster.SHOVELS,
    "federation links": cluster.FEDERATION_LINKS,
}

ONLY_SHOWN: dict[str, Meanings] = {"channels": clients.ONLY_OF_A_CHANNEL}
"""Fields that `show` prints of a single object and no list has."""

_RATE = "_details"


def described(resource: Resource) -> list[str]:
    """The columns that have a meaning: all but those that no broker has."""
    return [*resource.names(), *(column.name for column in resource.columns if column.embedded)]


def meaning(resource: Resource, name: str) -> Meaning:
    """What the column of that name means. A field NAME_details that has no sentence of its own is the rate of NAME."""
    known = {**MEANINGS[resource.plural], **ONLY_SHOWN.get(resource.plural, {})}
    if name not in known and name.endswith(_RATE) and (counted := name.removesuffix(_RATE)) in known:
        return Meaning(Kind.OBJECT, f"Change of {counted} per second, in `rate`, and its samples if asked for.")
    return known[name]


def fields_of(resource: Resource) -> dict[str, Meaning]:
    """What the fields that `show` prints of an object mean."""
    columns = [column for column in resource.columns if not (column.refused or column.computed or "." in column.path)]
    return {
        **{column.path: meaning(resource, column.name) for column in columns},
        **{name: meaning(resource, name) for name in resource.api_fields},
        **ONLY_SHOWN.get(resource.plural, {}),
    }
