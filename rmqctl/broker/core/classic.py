"""Classic queues (https://www.rabbitmq.com/docs/classic-queues): priorities by x-max-priority; what comes back has its place."""

from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.ready import Ready

STREAM_ARGUMENTS = frozenset(
    ("x-max-age", "x-stream-max-segment-size-bytes", "x-stream-filter-size-bytes", "x-initial-cluster-size")
)
STREAM_POLICY_KEYS = frozenset(("max-age", "stream-max-segment-size-bytes", "initial-cluster-size"))


class ClassicQueue(Queue):
    kind = "classic"
    policies = Queue.policies | {"classic_queues"}
    foreign_arguments = STREAM_ARGUMENTS | {
        "x-dead-letter-strategy",
        "x-max-in-memory-length",
        "x-max-in-memory-bytes",
        "x-quorum-initial-group-size",
        "x-delivery-limit",
        "x-consumer-timeout",
        "x-consumer-disconnected-timeout",
        "x-delayed-retry-type",
        "x-delayed-retry-min",
        "x-delayed-retry-max",
    }
    foreign_consumer_arguments = Queue.foreign_consumer_arguments | {"x-consumer-timeout"}
    foreign_policy_keys = STREAM_POLICY_KEYS | {
        "delivery-limit",
        "dead-letter-strategy",
        "max-in-memory-length",
        "max-in-memory-bytes",
        "queue-leader-locator",
        "target-group-size",
    }

    def _new_ready(self) -> Ready:
        return Ready(self.arguments.get("x-max-priority", 0))
