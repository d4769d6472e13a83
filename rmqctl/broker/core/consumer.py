"""A consumer: who takes messages from a queue, and how many at a time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rmqctl.broker.core import wire

if TYPE_CHECKING:
    from rmqctl.broker.amqp.channel import Channel
    from rmqctl.broker.core.queue import Queue


class Consumer:
    """`prefetch`: unacknowledged messages at most, 0 without limit. `blocked`: not in the queue's round for now."""

    __slots__ = (
        "arguments",
        "blocked",
        "channel",
        "exclusive",
        "no_ack",
        "prefetch",
        "prefix",
        "priority",
        "queue",
        "tag",
        "unacked",
    )

    def __init__(
        self,
        channel: "Channel",
        queue: "Queue",
        tag: str,
        *,
        no_ack: bool,
        exclusive: bool,
        prefetch: int,
        arguments: Mapping[str, Any],
    ) -> None:
        self.channel = channel
        self.queue = queue
        self.tag = tag
        self.no_ack = no_ack
        self.exclusive = exclusive
        self.prefetch = prefetch
        self.arguments = dict(arguments)
        self.priority = int(arguments.get("x-priority", 0))
        self.unacked = 0
        self.blocked = False
        self.prefix = wire.deliver_prefix(tag)

    def can_take(self) -> bool:
        """Whether one more message may be sent to it now."""
        channel = self.channel
        if channel.connection.paused:
            return False
        if self.no_ack:
            return True
        if self.prefetch and self.unacked >= self.prefetch:
            return False
        return not channel.prefetch or channel.consumed < channel.prefetch

    def credited(self) -> None:
        """It may be able to take messages again."""
        if self.blocked and self.can_take():
            self.blocked = False
            self.queue.resume(self)
