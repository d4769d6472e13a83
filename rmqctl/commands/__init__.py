"""The command table: names, where each lives, and one line of help. Imports nothing, so that one command loads one module.

A name with a space is a command of a group (`show queue`). The function has the same name with underscores.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """`module` below rmqctl.commands; `changes`: refused in a read-only context.

    `local`: about no broker, so only the output options are settled (the others are in `session.given`). `raw`: has no
    options, every word goes to the function. `hidden`: not in the help.
    """

    module: str
    group: str
    help: str
    changes: bool = False
    local: bool = False
    raw: bool = False
    hidden: bool = False


COMMANDS: dict[str, Entry] = {
    "list_queues": Entry("queues", "Lists", "Queues with their message counts."),
    "list_exchanges": Entry("exchanges", "Lists", "Exchanges."),
    "list_bindings": Entry("bindings", "Lists", "Bindings."),
    "list_consumers": Entry("consumers", "Lists", "Consumers."),
    "list_connections": Entry("connections", "Lists", "AMQP connections."),
    "list_channels": Entry("channels", "Lists", "Channels."),
    "list_vhosts": Entry("vhosts", "Lists", "Virtual hosts."),
    "list_users": Entry("users", "Lists", "Users and their tags."),
    "list_permissions": Entry("permissions", "Lists", "Permissions in a virtual host."),
    "list_user_permissions": Entry("permissions", "Lists", "Permissions of a user."),
    "list_topic_permissions": Entry("permissions", "Lists", "Topic permissions in a virtual host."),
    "list_user_topic_permissions": Entry("permissions", "Lists", "Topic permissions of a user."),
    "list_policies": Entry("policies", "Lists", "Policies."),
    "list_operator_policies": Entry("policies", "Lists", "Operator policies."),
    "list_policies_that_match": Entry("policies", "Lists", "Policies that match a queue or an exchange."),
    "list_parameters": Entry("parameters", "Lists", "Runtime parameters."),
    "list_global_parameters": Entry("parameters", "Lists", "Global runtime parameters."),
    "list_vhost_limits": Entry("limits", "Lists", "Limits of virtual hosts."),
    "list_user_limits": Entry("limits", "Lists", "Limits of users."),
    "list_feature_flags": Entry("feature_flags", "Lists", "Feature flags."),
    "list_deprecated_features": Entry("feature_flags", "Lists", "Deprecated features."),
    "list_node_auth_attempt_stats": Entry("auth_attempts", "Lists", "Authentication attempts on a node."),
    "list_stream_connections": Entry("streams", "Lists", "Connections of the stream protocol."),
    "list_stream_consumers": Entry("streams", "Lists", "Consumers of the stream protocol."),
    "list_stream_publishers": Entry("streams", "Lists", "Publishers of the stream protocol."),
    "list_stream_tracking": Entry("streams", "Lists", "Offsets and writers that a stream tracks."),
    "list_mqtt_connections": Entry("connections", "Lists", "MQTT connections."),
    "list_stomp_connections": Entry("connections", "Lists", "STOMP connections."),
    "shovel_status": Entry("shovels", "Lists", "Shovels and their state."),
    "federation_status": Entry("federation", "Lists", "Federation links and their state."),
    "show queue": Entry("show", "Show", "A queue with all its fields and rates."),
    "show exchange": Entry("show", "Show", "An exchange with all its fields and rates."),
    "show binding": Entry("show", "Show", "The bindings between an exchange and a queue or exchange."),
    "show connection": Entry("show", "Show", "A connection, by its name or its client-provided name."),
    "show channel": Entry("show", "Show", "A channel, its consumers and rates."),
    "show node": Entry("show", "Show", "A node with all its fields."),
    "show user": Entry("show", "Show", "A user."),
    "show vhost": Entry("show", "Show", "A virtual host with its rates."),
    "show policy": Entry("show", "Show", "A policy."),
}
