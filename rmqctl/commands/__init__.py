"""The command table: names, where each lives, and one line of help. Imports nothing, so that one command loads one module.

A name with a space is a command of a group (`show queue`). The function has the same name with underscores.
"""

from typing import NamedTuple

CHECK_TIMEOUT = 60.0


class Entry(NamedTuple):
    """`module` below rmqctl.commands; `changes`: refused in a read-only context.

    `local`: about no broker, so only the output options are settled (the others are in `session.given`). `raw`: has no
    options, every word goes to the function. `hidden`: not in the help. `formats`: those of output.OF_COMMANDS that it has.
    `once`: only reads, and yet calling it again and again (`--watch`) makes no sense.
    """

    module: str
    group: str
    help: str
    changes: bool = False
    local: bool = False
    raw: bool = False
    hidden: bool = False
    formats: tuple[str, ...] = ()
    once: bool = False

    @property
    def timeout(self) -> float | None:
        """Seconds of --timeout when nobody names any. A check that waits for ever tells nobody that something is wrong."""
        return CHECK_TIMEOUT if self.group == _HEALTH and self.module != "health.waiting" and not self.local else None

    @property
    def offered(self) -> bool:
        """Whether completion, hints and lists of commands name it: those that only the node's own tools can run lead nowhere."""
        return not self.hidden and self.module != "only_on_node"

    @property
    def watchable(self) -> bool:
        """Whether it takes --watch."""
        return not (self.changes or self.local or self.raw or self.once)


_BROKER = "A broker of its own"
_CONTEXTS = "Contexts"
_SETUP = "Completion and manual pages"
_MESSAGES = "Messages"
_NODES = "Nodes and cluster"
_HEALTH = "Health checks"
_POLICIES = "Policies and parameters"
_ACCESS = "Users, permissions, virtual hosts, limits"
_LIVE = "Queues and connections"
_CLUSTER = "Changes to the cluster"
_DEFINITIONS = "Definitions"
_DECLARE = "Declare, delete, purge, close"
_HELP = "Help"
NODES_ONLY_GROUP = "Only with rabbitmqctl on the node"


def _on_node(tool: str, reason: str, names: str) -> dict[str, Entry]:
    entry = Entry("only_on_node", NODES_ONLY_GROUP, f"Needs {tool} on the node: {reason}.", raw=True)
    return dict.fromkeys(names.split(), entry)


def _checks(**helps: str) -> dict[str, Entry]:
    """`check NAME`, and check_NAME where rabbitmq-diagnostics has no command of that name."""
    formats = ("nagios", "prometheus")
    checks = {f"check {name}": Entry("health.check", _HEALTH, text, formats=formats) for name, text in helps.items()}
    aliases = {name.replace(" ", "_"): entry._replace(hidden=True) for name, entry in checks.items()}
    return checks | {name: entry for name, entry in aliases.items() if name != "check_alarms"}


COMMANDS: dict[str, Entry] = {
    "list_queues": Entry("live.queues", "Lists", "Queues with their message counts."),
    "list_exchanges": Entry("lists.exchanges", "Lists", "Exchanges."),
    "list_bindings": Entry("lists.bindings", "Lists", "Bindings."),
    "list_consumers": Entry("lists.consumers", "Lists", "Consumers."),
    "list_connections": Entry("live.connections", "Lists", "AMQP connections."),
    "list_channels": Entry("lists.channels", "Lists", "Channels."),
    "list_vhosts": Entry("access.vhosts", "Lists", "Virtual hosts."),
    "list_users": Entry("access.users", "Lists", "Users and their tags."),
    "list_permissions": Entry("access.permissions", "Lists", "Permissions in a virtual host."),
    "list_user_permissions": Entry("access.permissions", "Lists", "Permissions of a user."),
    "list_topic_permissions": Entry("access.permissions", "Lists", "Topic permissions in a virtual host."),
    "list_user_topic_permissions": Entry("access.permissions", "Lists", "Topic permissions of a user."),
    "list_policies": Entry("policies.policies", "Lists", "Policies."),
    "list_operator_policies": Entry("policies.policies", "Lists", "Operator policies."),
    "list_policies_that_match": Entry("policies.policies", "Lists", "Policies that match a queue or an exchange."),
    "list_parameters": Entry("policies.parameters", "Lists", "Runtime parameters."),
    "list_global_parameters": Entry("policies.parameters", "Lists", "Global runtime parameters."),
    "list_vhost_limits": Entry("access.limits", "Lists", "Limits of virtual hosts."),
    "list_user_limits": Entry("access.limits", "Lists", "Limits of users."),
    "list_feature_flags": Entry("cluster.feature_flags", "Lists", "Feature flags."),
    "list_deprecated_features": Entry("cluster.feature_flags", "Lists", "Deprecated features."),
    "list_node_auth_attempt_stats": Entry("lists.auth_attempts", "Lists", "Authentication attempts on a node."),
    "list_stream_connections": Entry("lists.streams", "Lists", "Connections of the stream protocol."),
    "list_stream_consumers": Entry("lists.streams", "Lists", "Consumers of the stream protocol."),
    "list_stream_publishers": Entry("lists.streams", "Lists", "Publishers of the stream protocol."),
    "list_stream_tracking": Entry("lists.streams", "Lists", "Offsets and writers that a stream tracks."),
    "list_mqtt_connections": Entry("live.connections", "Lists", "MQTT connections."),
    "list_stomp_connections": Entry("live.connections", "Lists", "STOMP connections."),
    "shovel_status": Entry("live.shovels", "Lists", "Shovels and their state."),
    "federation_status": Entry("live.federation", "Lists", "Federation links and their state."),
    "show queue": Entry("show.show", "Show", "A queue with all its fields and rates."),
    "show exchange": Entry("show.show", "Show", "An exchange with all its fields and rates."),
    "show binding": Entry("show.show", "Show", "The bindings between an exchange and a queue or exchange."),
    "show connection": Entry("show.show", "Show", "A connection, by its name or its client-provided name."),
    "show channel": Entry("show.show", "Show", "A channel, its consumers and rates."),
    "show node": Entry("show.show", "Show", "A node with all its fields."),
    "show user": Entry("show.show", "Show", "A user."),
    "show vhost": Entry("show.show", "Show", "A virtual host with its rates."),
    "show policy": Entry("show.show", "Show", "A policy."),
    "who": Entry("show.who", "Show", "Who publishes to a queue, consumes it and holds its messages."),
    "topology": Entry(
        "show.topology",
        "Show",
        "Which queues are bound to what, and where a message goes.",
        formats=("dot", "mermaid", "svg"),
    ),
    "top": Entry("show.top", "Show", "Queues, connections, nodes and more, live and full screen.", once=True),
    "status": Entry("nodes.status", _NODES, "State of a node."),
    "cluster_status": Entry("nodes.status", _NODES, "Members of the cluster and their state."),
    "list_nodes": Entry("nodes.nodes", _NODES, "Nodes with their memory, disk and file use."),
    "overview": Entry("nodes.nodes", _NODES, "Versions, counts and rates of the cluster."),
    "churn": Entry("nodes.nodes", _NODES, "Connections, channels and queues that were opened and closed."),
    "memory_breakdown": Entry("nodes.nodes", _NODES, "Memory of a node by category."),
    "listeners": Entry("nodes.nodes", _NODES, "Interfaces, ports and protocols of a node."),
    "alarms": Entry("nodes.nodes", _NODES, "Resource alarms in effect."),
    "environment": Entry("nodes.nodes", _NODES, "Configuration in effect."),
    "log_location": Entry("nodes.nodes", _NODES, "Log files of a node."),
    "list_plugins": Entry("nodes.nodes", _NODES, "Plugins that run on the node."),
    "is_enabled": Entry("nodes.nodes", _NODES, "Check that plugins are enabled."),
    "quorum_status": Entry("nodes.nodes", _NODES, "Raft state of a quorum queue."),
    "report": Entry("nodes.report", _NODES, "State of the whole cluster, for a support request.", once=True),
    "server_version": Entry("nodes.nodes", _NODES, "RabbitMQ version of the node."),
    "erlang_version": Entry("nodes.nodes", _NODES, "Erlang version of the node."),
    "version": Entry("nodes.nodes", _NODES, "Versions of rmqctl, Python, RabbitMQ and Erlang.", local=True),
    "whoami": Entry("nodes.nodes", _NODES, "User that is logged in."),
    "authenticate_user": Entry("nodes.nodes", _NODES, "Check a user's password.", once=True),
    "ping": Entry("nodes.nodes", _HEALTH, "Check that the broker answers."),
    **_checks(
        acks="Who holds messages and does not acknowledge them.",
        queues="Queues that are too long, grow, or have no consumer.",
        consumers="Consumers that get nothing, queues that could deliver more.",
        connections="Too many connections, or blocked ones.",
        channels="Too many channels, in all or of one connection.",
        alarms="Memory and disk alarms.",
        nodes="Memory, disk, files and processes that nodes still have.",
        cluster="Nodes that are missing, split, or of another version.",
        quorum="Quorum queues and streams without a majority to spare.",
        certificates="TLS certificates that expire.",
        policies="Policies that conflict, or match nothing.",
        definitions="Whether a broker matches a file of definitions.",
        dead_letters="Queues of dead letters that hold messages or grow.",
        deprecated_features="Deprecated features in use.",
        shovels="Shovels that do not run.",
        federation="Federation links that do not run.",
        all="All of these at once.",
    ),
    "check list": Entry("health.check", _HEALTH, "The checks and their limits.", local=True),
    "check_running": Entry("health.health", _HEALTH, "Check that RabbitMQ runs on a node."),
    "is_running": Entry("health.health", _HEALTH, "Report whether RabbitMQ runs on a node."),
    "is_booting": Entry("health.health", _HEALTH, "Report whether RabbitMQ is booting on a node."),
    "check_alarms": Entry("health.health", _HEALTH, "Check for alarms in the cluster."),
    "check_local_alarms": Entry("health.health", _HEALTH, "Check for alarms on the node."),
    "check_port_listener": Entry("health.health", _HEALTH, "Check that the node listens on a port."),
    "check_protocol_listener": Entry("health.health", _HEALTH, "Check that the node listens for a protocol."),
    "check_port_connectivity": Entry("health.health", _HEALTH, "Check that the node's ports can be reached from here."),
    "check_virtual_hosts": Entry("health.health", _HEALTH, "Check that all virtual hosts run."),
    "check_certificate_expiration": Entry("health.health", _HEALTH, "Check for certificates that expire soon."),
    "check_if_node_is_quorum_critical": Entry(
        "health.health", _HEALTH, "Check whether quorum queues depend on the node."
    ),
    "check_if_node_is_mirror_sync_critical": Entry(
        "health.health", _HEALTH, "Check whether mirrored queues depend on the node."
    ),
    "check_for_quorum_queues_without_an_elected_leader": Entry(
        "health.health", _HEALTH, "Check that quorum queues have leaders."
    ),
    "check_if_metadata_store_is_initialized": Entry(
        "health.health", _HEALTH, "Check that the metadata store is ready."
    ),
    "check_if_metadata_store_is_initialized_with_data": Entry(
        "health.health", _HEALTH, "Check that it is ready and has data."
    ),
    "check_if_cluster_has_classic_queue_mirroring_policy": Entry(
        "health.health", _HEALTH, "Check for policies that mirror queues."
    ),
    "list_policies_with_classic_queue_mirroring": Entry("health.health", _HEALTH, "Policies that mirror queues."),
    "list_operator_policies_with_classic_queue_mirroring": Entry(
        "health.health", _HEALTH, "Operator policies that mirror queues."
    ),
    "check_if_any_deprecated_features_are_used": Entry(
        "health.health", _HEALTH, "Check for deprecated features in use."
    ),
    "has_reached_target_cluster_size": Entry("health.health", _HEALTH, "Check that the cluster is complete."),
    "await_startup": Entry("health.waiting", _HEALTH, "Wait until the broker answers.", once=True),
    "await_online_nodes": Entry("health.waiting", _HEALTH, "Wait until COUNT nodes run.", once=True),
    "await_online_quorum_plus_one": Entry(
        "health.waiting", _HEALTH, "Wait until no quorum queue depends on the node.", once=True
    ),
    "wait queue": Entry("health.waiting", _HEALTH, "Wait until a queue exists, has consumers, or is empty.", once=True),
    "wait broker": Entry("health.waiting", _HEALTH, "Wait until the broker answers.", once=True),
    "wait node": Entry("health.waiting", _HEALTH, "Wait until a node runs.", once=True),
    "wait definitions": Entry("health.waiting", _HEALTH, "Wait until a broker has everything in a file.", once=True),
    "node_health_check": Entry("health.health", _HEALTH, "Deprecated."),
    "set_policy": Entry("policies.policies", _POLICIES, "Set a policy.", changes=True),
    "clear_policy": Entry("policies.policies", _POLICIES, "Delete a policy.", changes=True),
    "set_operator_policy": Entry("policies.policies", _POLICIES, "Set an operator policy.", changes=True),
    "clear_operator_policy": Entry("policies.policies", _POLICIES, "Delete an operator policy.", changes=True),
    "policies matching": Entry("policies.policies", _POLICIES, "Policies that match a queue or an exchange."),
    "policies conflicting": Entry(
        "policies.policies", _POLICIES, "Policies that share their priority with another one."
    ),
    "policies declare_override": Entry("policies.policies", _POLICIES, "Set a policy above another one.", changes=True),
    "policies declare_blanket": Entry(
        "policies.policies", _POLICIES, "Set a policy for everything that no other policy matches.", changes=True
    ),
    "policies patch": Entry("policies.policies", _POLICIES, "Change settings of a policy, or of all.", changes=True),
    "policies delete_keys": Entry(
        "policies.policies", _POLICIES, "Delete settings of a policy, or of all.", changes=True
    ),
    "explain queue": Entry("policies.explain", _POLICIES, "Settings of a queue in effect, and where each comes from."),
    "explain exchange": Entry(
        "policies.explain", _POLICIES, "Settings of an exchange in effect, and where each comes from."
    ),
    "set_parameter": Entry("policies.parameters", _POLICIES, "Set a runtime parameter.", changes=True),
    "clear_parameter": Entry("policies.parameters", _POLICIES, "Delete a runtime parameter.", changes=True),
    "set_global_parameter": Entry("policies.parameters", _POLICIES, "Set a global runtime parameter.", changes=True),
    "clear_global_parameter": Entry(
        "policies.parameters", _POLICIES, "Delete a global runtime parameter.", changes=True
    ),
    "add_user": Entry("access.users", _ACCESS, "Add a user.", changes=True),
    "delete_user": Entry("access.users", _ACCESS, "Delete a user.", changes=True),
    "change_password": Entry("access.users", _ACCESS, "Change the password of a user.", changes=True),
    "clear_password": Entry("access.users", _ACCESS, "Disable log-in by password for a user.", changes=True),
    "set_user_tags": Entry("access.users", _ACCESS, "Set the tags of a user.", changes=True),
    "hash_password": Entry("access.users", _ACCESS, "Print the hash of a password.", local=True),
    "set_permissions": Entry("access.permissions", _ACCESS, "Set a user's permissions.", changes=True),
    "set_permissions_globally": Entry(
        "access.permissions", _ACCESS, "Set a user's permissions in every virtual host.", changes=True
    ),
    "clear_permissions": Entry("access.permissions", _ACCESS, "Delete a user's permissions.", changes=True),
    "set_topic_permissions": Entry("access.permissions", _ACCESS, "Set a user's topic permissions.", changes=True),
    "clear_topic_permissions": Entry("access.permissions", _ACCESS, "Delete a user's topic permissions.", changes=True),
    "add_vhost": Entry("access.vhosts", _ACCESS, "Add a virtual host.", changes=True),
    "delete_vhost": Entry("access.vhosts", _ACCESS, "Delete a virtual host and everything in it.", changes=True),
    "set_vhost_tags": Entry("access.vhosts", _ACCESS, "Set the tags of a virtual host.", changes=True),
    "update_vhost_metadata": Entry("access.vhosts", _ACCESS, "Change metadata of a virtual host.", changes=True),
    "enable_vhost_deletion_protection": Entry(
        "access.vhosts", _ACCESS, "Protect a virtual host from deletion.", changes=True
    ),
    "disable_vhost_deletion_protection": Entry(
        "access.vhosts", _ACCESS, "Remove the protection from deletion.", changes=True
    ),
    "restart_vhost": Entry("access.vhosts", _ACCESS, "Restart a virtual host.", changes=True),
    "trace_on": Entry("access.vhosts", _ACCESS, "Start message tracing.", changes=True),
    "trace_off": Entry("access.vhosts", _ACCESS, "Stop message tracing.", changes=True),
    "set_vhost_limits": Entry("access.limits", _ACCESS, "Set the limits of a virtual host.", changes=True),
    "clear_vhost_limits": Entry("access.limits", _ACCESS, "Delete the limits of a virtual host.", changes=True),
    "set_user_limits": Entry("access.limits", _ACCESS, "Set limits of a user.", changes=True),
    "clear_user_limits": Entry("access.limits", _ACCESS, "Delete limits of a user.", changes=True),
    "delete_queue": Entry("live.queues", _LIVE, "Delete a queue.", changes=True),
    "purge_queue": Entry("live.queues", _LIVE, "Remove the ready messages of a queue.", changes=True),
    "sync_queue": Entry("live.queues", _LIVE, "Synchronise the mirrors of a queue (RabbitMQ 3.x).", changes=True),
    "cancel_sync_queue": Entry("live.queues", _LIVE, "Stop synchronising mirrors (RabbitMQ 3.x).", changes=True),
    "close_connection": Entry("live.connections", _LIVE, "Close a connection.", changes=True),
    "close_all_connections": Entry("live.connections", _LIVE, "Close the connections of a virtual host.", changes=True),
    "close_all_user_connections": Entry("live.connections", _LIVE, "Close the connections of a user.", changes=True),
    "restart_shovel": Entry("live.shovels", _LIVE, "Restart a dynamic shovel.", changes=True),
    "delete_shovel": Entry("live.shovels", _LIVE, "Delete a dynamic shovel.", changes=True),
    "restart_federation_link": Entry("live.federation", _LIVE, "Restart a federation link.", changes=True),
    "set_cluster_name": Entry("cluster.cluster", _CLUSTER, "Name the cluster.", changes=True),
    "enable_feature_flag": Entry("cluster.feature_flags", _CLUSTER, "Enable a feature flag, or all.", changes=True),
    "rebalance": Entry("cluster.cluster", _CLUSTER, "Distribute queue leaders over the nodes.", changes=True),
    "add_member": Entry("cluster.quorum", _CLUSTER, "Add a member of a quorum queue (RabbitMQ 3.13).", changes=True),
    "delete_member": Entry(
        "cluster.quorum", _CLUSTER, "Remove a member of a quorum queue (RabbitMQ 3.13).", changes=True
    ),
    "grow": Entry("cluster.quorum", _CLUSTER, "Add members of quorum queues on a node (RabbitMQ 3.13).", changes=True),
    "shrink": Entry(
        "cluster.quorum", _CLUSTER, "Remove members of quorum queues from a node (RabbitMQ 3.13).", changes=True
    ),
    "reset_stats_db": Entry("cluster.cluster", _CLUSTER, "Reset the statistics.", changes=True),
    "reset_node_auth_attempt_metrics": Entry("cluster.cluster", _CLUSTER, "Reset the counts of log-ins.", changes=True),
    "remove_classic_queue_mirroring_from_policies": Entry(
        "cluster.cluster", _CLUSTER, "Remove mirroring from all policies.", changes=True
    ),
    "declare": Entry("declare.declare", _DECLARE, "Declare what a file lists (-f FILE).", changes=True),
    "declare queue": Entry("declare.declare", _DECLARE, "Declare a queue.", changes=True),
    "declare stream": Entry("declare.declare", _DECLARE, "Declare a stream.", changes=True),
    "declare exchange": Entry("declare.declare", _DECLARE, "Declare an exchange.", changes=True),
    "declare binding": Entry("declare.declare", _DECLARE, "Declare a binding.", changes=True),
    "declare vhost": Entry("declare.declare", _DECLARE, "Declare a virtual host.", changes=True),
    "declare user": Entry("declare.declare", _DECLARE, "Declare a user.", changes=True),
    "declare permissions": Entry("declare.declare", _DECLARE, "Declare a user's permissions.", changes=True),
    "declare topic_permissions": Entry(
        "declare.declare", _DECLARE, "Declare a user's topic permissions.", changes=True
    ),
    "declare policy": Entry("declare.declare", _DECLARE, "Declare a policy.", changes=True),
    "declare operator_policy": Entry("declare.declare", _DECLARE, "Declare an operator policy.", changes=True),
    "declare parameter": Entry("declare.declare", _DECLARE, "Declare a runtime parameter.", changes=True),
    "declare global_parameter": Entry("declare.declare", _DECLARE, "Declare a global runtime parameter.", changes=True),
    "declare vhost_limit": Entry("declare.declare", _DECLARE, "Declare a limit of a virtual host.", changes=True),
    "declare user_limit": Entry("declare.declare", _DECLARE, "Declare a limit of a user.", changes=True),
    "declare shovel": Entry("declare.declare", _DECLARE, "Declare a dynamic shovel.", changes=True),
    "declare federation_upstream": Entry("declare.declare", _DECLARE, "Declare a federation upstream.", changes=True),
    "delete queue": Entry("declare.delete", _DECLARE, "Delete queues.", changes=True),
    "delete stream": Entry("declare.delete", _DECLARE, "Delete streams.", changes=True),
    "delete exchange": Entry("declare.delete", _DECLARE, "Delete exchanges.", changes=True),
    "delete binding": Entry("declare.delete", _DECLARE, "Delete a binding by its parts.", changes=True),
    "delete vhost": Entry("declare.delete", _DECLARE, "Delete virtual hosts.", changes=True),
    "delete user": Entry("declare.delete", _DECLARE, "Delete users.", changes=True),
    "delete permissions": Entry(
        "declare.delete", _DECLARE, "Delete users' permissions in a virtual host.", changes=True
    ),
    "delete topic_permissions": Entry("declare.delete", _DECLARE, "Delete users' topic permissions.", changes=True),
    "delete policy": Entry("declare.delete", _DECLARE, "Delete policies.", changes=True),
    "delete operator_policy": Entry("declare.delete", _DECLARE, "Delete operator policies.", changes=True),
    "delete parameter": Entry("declare.delete", _DECLARE, "Delete runtime parameters.", changes=True),
    "delete global_parameter": Entry("declare.delete", _DECLARE, "Delete global runtime parameters.", changes=True),
    "delete vhost_limit": Entry("declare.delete", _DECLARE, "Delete limits of a virtual host.", changes=True),
    "delete user_limit": Entry("declare.delete", _DECLARE, "Delete limits of a user.", changes=True),
    "delete shovel": Entry("declare.delete", _DECLARE, "Delete dynamic shovels.", changes=True),
    "delete federation_upstream": Entry("declare.delete", _DECLARE, "Delete federation upstreams.", changes=True),
    "purge": Entry("declare.purge", _DECLARE, "Remove the ready messages of queues.", changes=True),
    "close connection": Entry("declare.close", _DECLARE, "Close connections.", changes=True),
    "definitions export": Entry(
        "definitions.definitions", _DEFINITIONS, "Export definitions, in a stable order.", once=True
    ),
    "definitions import": Entry(
        "definitions.definitions", _DEFINITIONS, "Import definitions from a file.", changes=True
    ),
    "definitions diff": Entry("definitions.definitions", _DEFINITIONS, "Compare files and brokers.", local=True),
    "definitions apply": Entry("definitions.definitions", _DEFINITIONS, "Make a broker match a file.", changes=True),
    "export_definitions": Entry("definitions.definitions", _DEFINITIONS, "Write all definitions to a file.", once=True),
    "import_definitions": Entry(
        "definitions.definitions", _DEFINITIONS, "Import definitions from a file.", changes=True
    ),
    "context list": Entry("contexts.contexts", _CONTEXTS, "Stored brokers.", local=True),
    "context show": Entry("contexts.contexts", _CONTEXTS, "One stored broker; passwords are masked.", local=True),
    "context add": Entry("contexts.contexts", _CONTEXTS, "Store connection options under a name.", local=True),
    "context use": Entry("contexts.contexts", _CONTEXTS, "Choose the broker that commands use by default.", local=True),
    "context remove": Entry("contexts.contexts", _CONTEXTS, "Delete a context.", local=True),
    "context path": Entry("contexts.contexts", _CONTEXTS, "Path of the contexts file.", local=True),
    "context import": Entry("contexts.contexts", _CONTEXTS, "Import contexts from a rabbitmqadmin.conf.", local=True),
    "publish": Entry("messages.publish", _MESSAGES, "Publish messages.", changes=True),
    "get": Entry(
        "messages.get", _MESSAGES, "Messages from the head of a queue, or of a stream by offset.", changes=True
    ),
    "peek": Entry("messages.get", _MESSAGES, "Look at messages without removing them.", changes=True),
    "consume": Entry("messages.consume", _MESSAGES, "Consume messages, or run a command for each.", changes=True),
    "tap": Entry("messages.tap", _MESSAGES, "Copy the messages that an exchange routes.", changes=True),
    "bench": Entry("messages.bench", _MESSAGES, "Generate a small load; report rates and latencies.", changes=True),
    "move": Entry("messages.move", _MESSAGES, "Move messages to another queue without losing any.", changes=True),
    "redrive": Entry("messages.move", _MESSAGES, "Send dead-lettered messages back to their queue.", changes=True),
    "demo": Entry("broker.demo", _BROKER, "Run any command on a demo broker, or play the tutorial.", raw=True),
    "show endpoint": Entry(
        "contexts.contexts", _CONTEXTS, "What the connection options resolve to; no request is made.", once=True
    ),
    "broker run": Entry("broker.broker", _BROKER, "Run a broker in the foreground.", local=True),
    "broker start": Entry("broker.broker", _BROKER, "Start a broker in the background.", local=True),
    "broker stop": Entry("broker.broker", _BROKER, "Stop the broker in the background.", local=True),
    "broker status": Entry("broker.broker", _BROKER, "Whether the broker runs, and where.", local=True),
    "broker logs": Entry("broker.broker", _BROKER, "Log of the broker in the background.", local=True),
    "broker alarm": Entry("broker.broker", _BROKER, "Block publishers as if memory or disk were short.", changes=True),
    "set_vm_memory_high_watermark": Entry(
        "broker.broker", _BROKER, "Set the memory limit of the embedded broker.", changes=True
    ),
    "set_disk_free_limit": Entry(
        "broker.broker", _BROKER, "Set the free disk limit of the embedded broker.", changes=True
    ),
    "completion": Entry("contexts.completion", _SETUP, "Completion for bash, zsh, fish or PowerShell.", local=True),
    "help": Entry("help.help", _HELP, "Show help about a command or a topic.", local=True),
    "man": Entry("contexts.manual", _SETUP, "Manual page of a command.", local=True),
    "__complete": Entry("contexts.completion", _CONTEXTS, "Names for the shell's completion.", raw=True, hidden=True),
    "autocomplete": Entry("contexts.completion", _NODES, "Names of commands that begin so.", local=True, hidden=True),
    "schema": Entry("schema", "Help", "JSON schema of what a command prints as json and jsonl.", local=True),
    **_on_node(
        "rabbitmqctl",
        "the HTTP API does not start, stop or reset nodes, nor is it up while the application is stopped",
        "start_app stop_app stop shutdown reset force_reset force_boot force_standalone_khepri_boot",
    ),
    **_on_node(
        "rabbitmqctl",
        "the HTTP API does not change who belongs to a cluster",
        "join_cluster forget_cluster_node rename_cluster_node update_cluster_nodes change_cluster_node_type"
        " decommission_mqtt_node",
    ),
    **_on_node(
        "rabbitmqctl",
        "suspended listeners include the one of the HTTP API",
        "suspend_listeners resume_listeners",
    ),
    **_on_node("rabbitmqctl", "it runs Erlang code there", "eval eval_file exec hipe_compile"),
    **_on_node(
        "rabbitmqctl",
        "the HTTP API does not change settings of a running node",
        "set_log_level rotate_logs force_gc activate_free_disk_space_monitoring deactivate_free_disk_space_monitoring",
    ),
    **_on_node(
        "rabbitmqctl",
        "it waits for a process by its pid file; wait queue, wait broker and wait node wait over HTTP",
        "wait",
    ),
    **_on_node("rabbitmqctl", "it is about the Erlang installed there", "list_ciphers list_hashes"),
    **_on_node(
        "rabbitmqctl",
        "it encrypts with the Erlang installed there, for the configuration file",
        "encode decode encrypt_conf_value decrypt_conf_value",
    ),
    **_on_node(
        "rabbitmqctl",
        "the HTTP API does not probe single queues; list_queues -t 10 tells whether one hangs",
        "list_unresponsive_queues",
    ),
    **_on_node("rabbitmqctl", "the HTTP API has no such repair of virtual hosts", "reconcile_vhosts"),
    **_on_node(
        "rabbitmqctl",
        "the HTTP API has nothing about channel interceptors",
        "list_channel_interceptors set_channel_interceptor_priorities",
    ),
    **_on_node(
        "rabbitmq-diagnostics",
        "the HTTP API has no such switch",
        "enable_auth_attempt_source_tracking disable_auth_attempt_source_tracking",
    ),
    **_on_node(
        "rabbitmq-diagnostics",
        "the HTTP API does not tell it; show queue NAME has leader and members",
        "stream_status",
    ),
    **_on_node(
        "rabbitmq-diagnostics",
        "the HTTP API does not show this state of the node",
        "schema_info coordinator_status metadata_store_status runtime_thread_stats maybe_stuck message_size_stats",
    ),
    **_on_node(
        "rabbitmq-diagnostics",
        "it looks at the machine and its configuration from there",
        "discover_peers resolve_hostname resolver_info list_network_interfaces os_env command_line_arguments"
        " certificates cipher_suites tls_versions erlang_cookie_hash erlang_cookie_sources",
    ),
    **_on_node(
        "rabbitmq-diagnostics",
        "the HTTP API does not serve log files or events",
        "log_tail log_tail_stream consume_event_stream",
    ),
    **_on_node("rabbitmq-diagnostics", "it is a shell inside the node", "observer remote_shell"),
    **_on_node(
        "rabbitmq-queues",
        "the HTTP API has no such operation on quorum queues",
        "check_if_new_quorum_queue_replicas_have_finished_initial_sync force_checkpoint reclaim_quorum_memory"
        " transfer_leadership grow_to_count",
    ),
    **_on_node(
        "rabbitmq-streams",
        "the HTTP API has no such operation on streams",
        "add_replica delete_replica restart_stream activate_stream_consumer reset_offset",
    ),
    **_on_node(
        "rabbitmq-streams",
        "the HTTP API sets a stream's retention by policy alone; set_policy with max-age or max-length-bytes does",
        "set_stream_retention_policy",
    ),
    **_on_node(
        "rabbitmq-streams",
        "rmqctl declares and deletes the exchange, streams and bindings of a super stream one by one",
        "add_super_stream delete_super_stream",
    ),
    **_on_node(
        "rabbitmq-streams",
        "the HTTP API does not know groups of stream consumers",
        "list_stream_consumer_groups list_stream_group_consumers",
    ),
    **_on_node("rabbitmq-plugins", "the HTTP API does not change plugins", "enable disable set directories"),
    **_on_node(
        "rabbitmq-upgrade",
        "the HTTP API does not put nodes into maintenance; wait queue NAME --empty waits until a queue is empty",
        "drain",
    ),
    **_on_node("rabbitmq-upgrade", "the HTTP API does not put nodes into maintenance", "revive"),
}
