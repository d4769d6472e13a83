"""The columns of what is declared and set on a broker: exchanges, users, policies and so on."""

from rmqctl.resources.meanings.meaning import Kind, Meaning, meanings

EXCHANGES = {
    **meanings(Kind.TEXT, vhost="Virtual host of the exchange."),
    **meanings(
        Kind.TEXT,
        name="Name of the exchange. Empty for the default exchange.",
        type="Type of the exchange: direct, fanout, topic, headers, or a plugin's.",
        policy="Policy in effect. Empty if no policy matches.",
        user_who_performed_action="User that declared the exchange.",
    ),
    **meanings(
        Kind.FLAG,
        durable="Whether the exchange survives a restart of the broker.",
        auto_delete="Whether the exchange is deleted when its last binding is gone.",
        internal="Whether clients cannot publish to the exchange: only other exchanges route to it.",
    ),
    **meanings(Kind.ARGUMENTS, arguments="Optional arguments given when the exchange was declared."),
    **meanings(Kind.OBJECT, message_stats="Counts of messages published in and out, with rates."),
    **meanings(Kind.LIST, incoming="Publish rates by channel.", outgoing="Publish rates by queue."),
}

BINDINGS = {
    **meanings(Kind.TEXT, vhost="Virtual host of the binding."),
    **meanings(
        Kind.TEXT,
        source_name="Exchange that is bound from. Empty for the default exchange.",
        source_kind="Kind of the source: always exchange.",
        destination_name="Queue or exchange that messages are routed to.",
        destination_kind="Kind of the destination: queue or exchange.",
        routing_key="Routing key of the binding. May be empty.",
        source="Exchange that is bound from, under the HTTP API's name.",
        destination="Queue or exchange that messages are routed to, under the HTTP API's name.",
        destination_type="Kind of the destination, under the HTTP API's name.",
        properties_key="Identifier of the binding in the HTTP API, made of its routing key and arguments.",
    ),
    **meanings(Kind.ARGUMENTS, arguments="Arguments of the binding, which headers exchanges match."),
}

VHOSTS = {
    **meanings(
        Kind.TEXT,
        name="Name of the virtual host.",
        description="Description of the virtual host. May be empty.",
        default_queue_type="Type of queues that are declared without one.",
    ),
    **meanings(
        Kind.FLAG,
        protected_from_deletion="Whether the virtual host is protected from deletion.",
        tracing="Whether message tracing is on.",
    ),
    **meanings(Kind.LIST, tags="Tags of the virtual host."),
    **meanings(
        Kind.OBJECT,
        metadata="Description, tags and default queue type together.",
        cluster_state="State of the virtual host on each node.",
        message_stats="Counts of messages published, delivered, acknowledged and so on, with rates.",
    ),
    **meanings(
        Kind.WHOLE,
        messages="Messages in all queues: ready and unacknowledged.",
        messages_ready="Messages ready for delivery.",
        messages_unacknowledged="Messages delivered to consumers and not yet acknowledged.",
        recv_oct="Bytes received from clients.",
        send_oct="Bytes sent to clients.",
    ),
}

USERS = {
    **meanings(
        Kind.TEXT,
        user="Name of the user.",
        name="Name of the user, under the HTTP API's name.",
        hashing_algorithm="Algorithm of the password hash.",
        password_hash="Salted hash of the password. Empty if no password opens the user.",  # noqa: S106
    ),
    **meanings(Kind.LIST, tags="Tags of the user: administrator, monitoring, policymaker, management or your own."),
    **meanings(Kind.OBJECT, limits="Limits of the user: max-connections, max-channels."),
}

_OF_USER = meanings(
    Kind.TEXT, user="User that has the permissions.", vhost="Virtual host that the permissions are for."
)
PERMISSIONS = {
    **_OF_USER,
    **meanings(
        Kind.TEXT,
        configure="Regular expression for the names that the user may declare and delete.",
        write="Regular expression for the names that the user may publish and bind to.",
        read="Regular expression for the names that the user may consume and bind from.",
    ),
}
TOPIC_PERMISSIONS = {
    **_OF_USER,
    **meanings(
        Kind.TEXT,
        exchange="Topic exchange that the permissions are about.",
        write="Regular expression for the routing keys that the user may publish with.",
        read="Regular expression for the routing keys that the user may bind with.",
    ),
}

POLICIES = {
    **meanings(Kind.TEXT, vhost="Virtual host of the policy."),
    **meanings(
        Kind.TEXT,
        name="Name of the policy.",
        pattern="Regular expression for the names that the policy matches.",
    ),
    "apply-to": Meaning(Kind.TEXT, "What the policy applies to: queues, exchanges, all, or one type of queue."),
    **meanings(Kind.JSON, definition="Settings of the policy."),
    **meanings(Kind.WHOLE, priority="Priority: of the policies that match, the highest applies."),
}

_VALUE = meanings(Kind.JSON, value="Value of the parameter.")
PARAMETERS = {
    **meanings(Kind.TEXT, vhost="Virtual host of the parameter."),
    **_VALUE,
    **meanings(
        Kind.TEXT,
        component="Component that the parameter belongs to, such as shovel or federation-upstream.",
        name="Name of the parameter.",
    ),
}
GLOBAL_PARAMETERS = {**_VALUE, **meanings(Kind.TEXT, name="Name of the parameter.")}

VHOST_LIMITS = {
    **meanings(Kind.TEXT, vhost="Virtual host that is limited."),
    **meanings(Kind.JSON, limits="Limits: max-connections, max-queues. -1 means unlimited."),
    **meanings(Kind.OBJECT, value="Limits, under the HTTP API's name."),
}
USER_LIMITS = {
    **meanings(Kind.TEXT, user="User that is limited."),
    **meanings(Kind.JSON, limits="Limits: max-connections, max-channels. -1 means unlimited."),
    **meanings(Kind.OBJECT, value="Limits, under the HTTP API's name."),
}
