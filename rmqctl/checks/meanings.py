"""What the fields of findings mean: the columns of a check, and the words of its --where. Loaded for help and reference pages."""

FINDING = {
    "kind": "What is wrong, in a word or two.",
    "status": "How bad it is: WARNING or CRITICAL.",
    "object": "What kind of object it is: queue, node, policy and so on.",
    "name": "Name of the object. Empty if it has none.",
    "vhost": "Virtual host of the object. Empty if it belongs to none.",
    "value": "Number that was compared with a limit. Empty if no number was compared.",
    "text": "Details about what is wrong.",
    "advice": "What to do about it.",
}
"""Of all checks but acks."""

ACKS = {
    "kind": "What is wrong, in a word or two.",
    "vhost": "Virtual host of the queue.",
    "queue": "Queue whose messages are held. Empty if it is unknown.",
    "consumer_tag": "Consumer tag. Empty if no consumer holds the messages.",
    "channel": "Name of the channel that holds them.",
    "number": "Number of the channel within its connection.",
    "connection": "Name of the connection.",
    "client": "Name that the client gave its connection.",
    "user": "User that is logged in.",
    "peer": "Address and port of the client.",
    "library": "Client library and its version.",
    "prefetch": "Prefetch limit of the consumer. 0 means unlimited.",
    "unacknowledged": "Messages delivered and not yet acknowledged.",
    "acked": "Messages that the channel acknowledged between the samples.",
    "ready": "Messages ready for delivery in the queue.",
    "rate": "Messages per second that a leak keeps.",
    "full_in": "Seconds until the prefetch limit is full of kept messages.",
    "idle_since": "Time (UTC) since which the channel has been idle.",
    "idle": "Seconds for which the channel has been idle.",
    "held_for": "Seconds since the oldest unacknowledged delivery, if the broker reports it.",
    "oldest_possible_delivery": "Time (UTC) when the connection was opened: no delivery is older.",
    "timeout": "Acknowledgement timeout in seconds.",
    "timeout_in": "Seconds, at most, until the broker acts on the timeout.",
    "on_timeout": "What the broker does after the timeout.",
    "advice": "What to do about it.",
}
"""Of `check acks`."""
