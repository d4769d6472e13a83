"""The columns of connections, channels and consumers, and of the stream plugin's lists."""

from rmqctl.resources.meanings.meaning import Kind, meanings

_ERLANG = {
    **meanings(Kind.WHOLE, reductions="Work of the Erlang process behind it, in reductions."),
    **meanings(Kind.OBJECT, garbage_collection="Garbage collection settings of the Erlang process behind it."),
}
_ACTIVITY = {
    **meanings(Kind.FLAG, active="Whether the consumer gets messages: false for a waiting single active consumer."),
    **meanings(Kind.TEXT, activity_status="Why it is active or not: up, single_active, waiting or suspected_down."),
}

CONNECTIONS = {
    **meanings(Kind.TEXT, vhost="Virtual host of the connection."),
    **_ERLANG,
    **meanings(
        Kind.TEXT,
        pid="Identifier of the connection. Only the embedded broker has it.",
        name="Name of the connection: the client's address and the broker's.",
        user_provided_name="Name that the client gave its connection.",
        user="User that is logged in.",
        user_who_performed_action="User that opened the connection.",
        ssl_protocol="TLS version. Empty without TLS.",
        ssl_key_exchange="TLS key exchange algorithm. Empty without TLS.",
        ssl_cipher="TLS cipher. Empty without TLS.",
        ssl_hash="TLS hash function. Empty without TLS.",
        peer_cert_subject="Subject of the client's certificate. Empty without one.",
        peer_cert_issuer="Issuer of the client's certificate. Empty without one.",
        peer_cert_serial_number="Serial number of the client's certificate. Empty without one.",
        peer_cert_validity="Period in which the client's certificate is valid. Empty without one.",
        state="State of the connection: starting, running, flow, blocking, blocked, closing and others.",
        auth_mechanism="SASL mechanism of the log-in, such as PLAIN.",
        container_id="Container of an AMQP 1.0 client. Empty for other protocols.",
        node="Node that the client is connected to.",
        type="Type of the connection: network or direct.",
    ),
    **meanings(
        Kind.WHOLE,
        port="Port of the broker.",
        peer_port="Port of the client.",
        timeout="Heartbeat timeout in seconds. 0 means no heartbeats.",
        frame_max="Largest size of a frame, in bytes.",
        channel_max="Most channels that the connection can have.",
        recv_oct="Bytes received from the client.",
        recv_cnt="Packets received from the client.",
        send_oct="Bytes sent to the client.",
        send_cnt="Packets sent to the client.",
        send_pend="Bytes that wait to be sent to the client.",
        connected_at="Time when the connection was opened, in milliseconds since 1970.",
        channels="Number of channels.",
    ),
    **meanings(Kind.FLAG, ssl="Whether the connection uses TLS."),
    **meanings(Kind.ADDRESS, host="Address of the broker.", peer_host="Address of the client."),
    **meanings(Kind.VERSION, protocol="Protocol and its version."),
    **meanings(Kind.ARGUMENTS, client_properties="What the client says about itself: product, version, capabilities."),
}

CHANNELS = {
    **meanings(Kind.TEXT, vhost="Virtual host of the channel."),
    **_ERLANG,
    **meanings(
        Kind.TEXT,
        name="Name of the channel: that of its connection and its number.",
        user="User of the channel.",
        user_who_performed_action="User that opened the channel.",
        state="State of the channel: running, flow, starting or closing.",
        idle_since="Time (UTC) since which the channel has been idle. Empty while it is in use.",
        node="Node that the client is connected to.",
    ),
    **meanings(
        Kind.WHOLE,
        number="Number of the channel within its connection.",
        consumer_count="Consumers on the channel.",
        messages_unacknowledged="Messages delivered on the channel and not yet acknowledged.",
        messages_uncommitted="Messages received in a transaction that is not committed yet.",
        acks_uncommitted="Acknowledgements received in a transaction that is not committed yet.",
        messages_unconfirmed="Published messages that the broker has not confirmed yet. 0 without confirms.",
        prefetch_count="Prefetch limit of new consumers. 0 means unlimited.",
        global_prefetch_count="Prefetch limit of the whole channel. 0 means unlimited.",
        cached_segments="Stream segments that the channel's readers keep open.",
        pending_raft_commands="Commands to quorum queues that are not answered yet.",
    ),
    **meanings(
        Kind.FLAG,
        transactional="Whether the channel is in transaction mode.",
        confirm="Whether the channel is in confirm mode.",
    ),
    **meanings(Kind.LIST, consumer_details="Consumers on the channel, each with its queue."),
    **meanings(
        Kind.OBJECT,
        connection_details="Connection of the channel: name, peer_host, peer_port.",
        message_stats="Counts of messages published, delivered, acknowledged and so on, with rates.",
    ),
}

ONLY_OF_A_CHANNEL = meanings(Kind.LIST, deliveries="Delivery rates by queue.", publishes="Publish rates by exchange.")

CONSUMERS = {
    **meanings(Kind.TEXT, vhost="Virtual host of the queue."),
    **_ACTIVITY,
    **meanings(
        Kind.TEXT,
        queue_name="Queue that is consumed.",
        consumer_tag="Tag that identifies the consumer on its channel.",
    ),
    **meanings(
        Kind.WHOLE,
        prefetch_count="Most unacknowledged messages that the consumer can have. 0 means unlimited.",
        consumer_timeout="Milliseconds after which an unacknowledged delivery times out. Empty if the default applies.",
    ),
    **meanings(
        Kind.FLAG,
        ack_required="Whether the consumer has to acknowledge messages.",
        exclusive="Whether it is the only consumer that the queue can have.",
    ),
    **meanings(Kind.ARGUMENTS, arguments="Optional arguments given when the consumer subscribed."),
    **meanings(
        Kind.OBJECT,
        queue="Queue that is consumed: name and vhost.",
        channel_details="Channel of the consumer: its name, number, user and connection.",
    ),
}

STREAM_CONNECTIONS = {
    **CONNECTIONS,
    **meanings(
        Kind.TEXT,
        conn_name="Name of the connection: the client's address and the broker's.",
        connection_state="State of the connection.",
    ),
    **meanings(
        Kind.WHOLE,
        subscriptions="Number of subscriptions.",
        heartbeat="Heartbeat interval in seconds. 0 means no heartbeats.",
    ),
}
del STREAM_CONNECTIONS["name"], STREAM_CONNECTIONS["timeout"]

_OF_STREAM = {
    **meanings(Kind.TEXT, vhost="Virtual host of the stream."),
    **meanings(Kind.TEXT, node="Node that the client is connected to.", stream="Name of the stream."),
    **meanings(
        Kind.OBJECT,
        connection_details="Connection of the client: name, node, peer_host, peer_port.",
        queue="Stream: name and vhost.",
    ),
}

STREAM_CONSUMERS = {
    **_OF_STREAM,
    **_ACTIVITY,
    **meanings(
        Kind.WHOLE,
        subscription_id="Number of the subscription within its connection.",
        credits="Chunks that the broker may send before the client asks for more.",
        messages_consumed="Messages sent to the consumer.",
        consumed="Messages sent to the consumer, under the HTTP API's name.",
        offset="Offset of the last message sent to the consumer.",
        offset_lag="Offsets between the last message sent and the end of the stream.",
    ),
    **meanings(Kind.OBJECT, properties="Properties of the subscription, such as its name or filter."),
}

STREAM_PUBLISHERS = {
    **_OF_STREAM,
    **meanings(Kind.TEXT, reference="Name that the publisher has for deduplication. Empty without one."),
    **meanings(
        Kind.WHOLE,
        publisher_id="Number of the publisher within its connection.",
        messages_published="Messages received from the publisher.",
        messages_confirmed="Messages confirmed to the publisher.",
        messages_errored="Messages that the broker could not store.",
        published="Messages received, under the HTTP API's name.",
        confirmed="Messages confirmed, under the HTTP API's name.",
        errored="Messages that could not be stored, under the HTTP API's name.",
    ),
}

STREAM_TRACKING = {
    **meanings(
        Kind.TEXT,
        type="What is tracked: offset (of a consumer) or writer (a publisher's sequence).",
        name="Name of the consumer, or reference of the publisher.",
    ),
    **meanings(Kind.WHOLE, tracking_value="Offset stored for a consumer, or last publishing id of a publisher."),
}
