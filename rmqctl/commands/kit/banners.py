"""What rabbitmqctl prints above its results: lines on standard output, where rmqctl is called by that name.

`{0}`, `{1}` are the command's arguments, `{priority}` and the like its options, `{vhost}` its virtual host, `{node}` the
node that is asked.
"""

from collections.abc import Callable, Mapping, Sequence

_BANNERS = {
    "add_user": 'Adding user "{0}" ...',
    "add_vhost": 'Adding vhost "{0}" ...',
    "alarms": "Asking node {node} to report any known resource alarms ...",
    "authenticate_user": 'Authenticating user "{0}" ...',
    "change_password": 'Changing password for user "{0}" ...',
    "check_alarms": "Asking node {node} to report any local resource alarms ...",
    "check_port_listener": "Asking node {node} if there's an active listener on port {0} ...",
    "check_protocol_listener": "Asking node {node} if there's an active listener for protocol {0} ...",
    "check_running": "Checking if RabbitMQ is running on node {node} ...",
    "check_virtual_hosts": "Checking if all vhosts are running on node {node} ...",
    "clear_global_parameter": 'Clearing global runtime parameter "{0}" ...',
    "clear_operator_policy": 'Clearing operator policy "{0}" on vhost "{vhost}" ...',
    "clear_parameter": 'Clearing runtime parameter "{1}" for component "{0}" on vhost "{vhost}" ...',
    "clear_password": 'Clearing password for user "{0}" ...',
    "clear_permissions": 'Clearing permissions for user "{0}" in vhost "{vhost}" ...',
    "clear_policy": 'Clearing policy "{0}" on vhost "{vhost}" ...',
    "clear_topic_permissions": 'Clearing topic permissions for user "{0}" in vhost "{vhost}" ...',
    "clear_vhost_limits": 'Clearing vhost "{vhost}" limits ...',
    "close_connection": "Closing connection {0}, reason: {1}...",
    "cluster_status": "Cluster status of node {node} ...",
    "delete_queue": "Deleting queue '{0}' on vhost '{vhost}' ...",
    "delete_user": 'Deleting user "{0}" ...',
    "delete_vhost": 'Deleting vhost "{0}" ...',
    "environment": "Application environment of node {node} ...",
    "is_booting": "Asking node {node} for its boot status ...",
    "is_running": "Asking node {node} for its status ...",
    "list_bindings": "Listing bindings for vhost {vhost}...",
    "list_channels": "Listing channels ...",
    "list_connections": "Listing connections ...",
    "list_consumers": "Listing consumers in vhost {vhost} ...",
    "list_deprecated_features": "Listing deprecated features ...",
    "list_exchanges": "Listing exchanges for vhost {vhost} ...",
    "list_feature_flags": "Listing feature flags ...",
    "list_global_parameters": "Listing global runtime parameters ...",
    "list_operator_policies": 'Listing operator policy overrides for vhost "{vhost}" ...',
    "list_parameters": 'Listing runtime parameters for vhost "{vhost}" ...',
    "list_permissions": 'Listing permissions for vhost "{vhost}" ...',
    "list_policies": 'Listing policies for vhost "{vhost}" ...',
    "list_queues": "Timeout: {timeout} seconds ...\nListing queues for vhost {vhost} ...",
    "list_topic_permissions": 'Listing topic permissions for vhost "{vhost}" ...',
    "list_user_limits": 'Listing limits for user "{user}" ...',
    "list_user_permissions": 'Listing permissions for user "{0}" ...',
    "list_user_topic_permissions": 'Listing topic permissions for user "{0}" ...',
    "list_users": "Listing users ...",
    "list_vhost_limits": 'Listing limits for vhost "{vhost}" ...',
    "list_vhosts": "Listing vhosts ...",
    "listeners": "Asking node {node} to report its protocol listeners ...",
    "memory_breakdown": "Reporting memory breakdown on node {node}...",
    "ping": (
        "Will ping {node}. This only checks if the OS process is running and registered with epmd. "
        "Timeout: {milliseconds} ms."
    ),
    "purge_queue": "Purging queue '{0}' in vhost '{vhost}' ...",
    "server_version": "Asking node {node} for its RabbitMQ version...",
    "set_cluster_name": "Setting cluster name to {0} ...",
    "set_global_parameter": 'Setting global runtime parameter "{0}" to "{1}" ...',
    "set_operator_policy": (
        'Setting operator policy override "{0}" for pattern "{1}" to "{2}" with priority "{priority}" for vhost "{vhost}" ...'
    ),
    "set_parameter": 'Setting runtime parameter "{1}" for component "{0}" to "{2}" in vhost "{vhost}" ...',
    "set_permissions": 'Setting permissions for user "{0}" in vhost "{vhost}" ...',
    "set_policy": 'Setting policy "{0}" for pattern "{1}" to "{2}" with priority "{priority}" for vhost "{vhost}" ...',
    "set_topic_permissions": 'Setting topic permissions on "{1}" for user "{0}" in vhost "{vhost}" ...',
    "set_user_limits": 'Setting user limits to "{1}" for user "{0}" ...',
    "set_user_tags": 'Setting tags for user "{0}" to [{1}] ...',
    "set_vhost_limits": 'Setting vhost limits to "{0}" for vhost "{vhost}" ...',
    "status": "Status of node {node} ...",
    "trace_off": 'Stopping tracing for vhost "{vhost}" ...',
    "trace_on": 'Starting tracing for vhost "{vhost}" ...',
}


_EVERYWHERE = {
    "list_user_limits": "Listing limits for all users ...",
    "list_vhost_limits": "Listing limits for all vhosts ...",
}
"""With --global."""

_SECONDS = 60.0
"""rabbitmqctl's own time limit, where none was given."""


def banner(
    name: str,
    arguments: Sequence[object],
    options: Mapping[str, object],
    vhost: str,
    timeout: float | None,
    node: Callable[[], str],
) -> str:
    """The lines of a command, "" for none. `node` is asked where the node is in them."""
    template = (_EVERYWHERE if options.get("everywhere") else _BANNERS).get(name, "")
    if not template:
        return ""
    words = [", ".join(map(str, each)) if isinstance(each, list | tuple) else each for each in arguments]
    seconds = _SECONDS if timeout is None else timeout
    values = {
        **options,
        "vhost": vhost,
        "timeout": seconds,
        "milliseconds": round(seconds * 1000),
        "node": node() if "{node}" in template else "",
    }
    return template.format(*words, **values)
