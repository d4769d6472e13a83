"""Counters of what happened to messages: the names are those of `message_stats` in the HTTP API."""

FIELDS = (
    "publish",
    "confirm",
    "return_unroutable",
    "drop_unroutable",
    "deliver",
    "deliver_no_ack",
    "get",
    "get_no_ack",
    "get_empty",
    "redeliver",
    "ack",
    "publish_in",
    "publish_out",
)

CHURN = (
    "connection_created",
    "connection_closed",
    "channel_created",
    "channel_closed",
    "queue_declared",
    "queue_created",
    "queue_deleted",
)


class Counts:
    """How often each thing happened, since the object was declared."""

    __slots__ = FIELDS

    def __init__(self) -> None:
        self.publish = 0
        self.confirm = 0
        self.return_unroutable = 0
        self.drop_unroutable = 0
        self.deliver = 0
        self.deliver_no_ack = 0
        self.get = 0
        self.get_no_ack = 0
        self.get_empty = 0
        self.redeliver = 0
        self.ack = 0
        self.publish_in = 0
        self.publish_out = 0

    @property
    def deliver_get(self) -> int:
        """All messages that went out, however."""
        return self.deliver + self.deliver_no_ack + self.get + self.get_no_ack

    def add(self, other: "Counts") -> None:
        for name in FIELDS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def clear(self) -> None:
        for name in FIELDS:
            setattr(self, name, 0)
