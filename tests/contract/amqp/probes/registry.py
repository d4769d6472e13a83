"""Where probes are registered."""

from collections.abc import Callable, ItemsView
from typing import Any

from ..client import Probe, Registered

PROBES: list[Registered] = []
Steps = Callable[[Probe], None]


# Where RabbitMQ trips: a process of its own ends, and the client sees a hang-up or an internal error.
ACCIDENTS = (
    "frame: truncated properties",
    "frame: unknown class",
    "frame: unknown class on channel 0",
    "frame: unknown method of a known class",
    "frame: unknown type in a table",
    "queue.declare: x-queue-master-locator 'min-masters'",
    "queue.declare: x-queue-master-locator 'nonsense'",
    "reply-to: declare a key passively",
)


# RabbitMQ 4 offers AMQP 1.0 to whoever begins like this. The embedded broker offers what it speaks, as RabbitMQ 3 did.
OF_OTHER_PROTOCOLS = (
    "header: AMQP 0-8",
    "header: AMQP 0-10",
    "header: AMQP 2.0",
    "header: AMQP TLS",
    "header: HTTP GET",
    "header: garbage",
    "header: TLS client hello",
)


# RabbitMQ 4.3 has turned off limits for whole channels; the embedded broker has them, as all releases before.
OF_WHOLE_CHANNELS = (
    "basic.qos: global, and a consumer that acknowledges nothing",
    "basic.qos: global, and two consumers",
)


# RabbitMQ's channel reads on while a queue works: what a client has sent in one write overtakes the queue's answers to it.
# The embedded broker answers each method before it reads the next one, however the bytes come.
OVERTAKEN = (
    "sequence, consume and, classic: a declare",
    "sequence, consume and, classic: a delete",
    "sequence, consume and, classic: a get, prefetch 1",
    "sequence, consume and, classic: a purge, prefetch 1",
    "sequence, consume and, classic: nowait, and a declare",
    "sequence, consume and, quorum: a declare",
    "sequence, consume and, quorum: a delete",
    "sequence, consume and, quorum: a get, prefetch 1",
    "sequence, consume and, quorum: a purge, prefetch 1",
    "sequence, consume and, quorum: nowait, and a declare",
    "sequence, declare and, classic: consume, delete",
    "sequence, declare and, classic: consume, publish, delete",
    "sequence, declare and, classic: consume, publish, purge",
    "sequence, declare and, quorum: consume, delete",
    "sequence, last consumer cancelled: acknowledged afterwards, in one write",
    "sequence, last consumer cancelled: all acknowledged before, in one write",
    "sequence, last consumer cancelled: consumed again, in one write",
    "sequence, last consumer cancelled: declared passively, in one write",
    "sequence, last consumer cancelled: deleted, in one write",
    "sequence, last consumer cancelled: put back afterwards, in one write",
    "sequence, last consumer cancelled: recovered afterwards, in one write",
    "sequence, put back, quorum, one consumer: nack, then cancel",
    "sequence, put back, quorum, two consumers: nack of all",
    "sequence, put back, quorum, two consumers: nack, then cancel",
    "sequence, put back, quorum, two consumers: recover",
    "sequence, queue deleted by its consumer: cancelled in the same write",
    "sequence, queue deleted by its consumer: declared again in the same write",
    "sequence, queue deleted by its consumer: one consumer, and declared passively in the same write",
    "sequence, queue deleted by its consumer: the exchange goes with its last binding",
    "sequence, queue deleted by its consumer: two consumers, nowait, and declared passively in the same write",
    "sequence, queue deleted by its consumer: two queues in one write",
    "sequence, single active consumer, quorum: acknowledged and cancelled",
    "sequence, single active consumer, quorum: cancelled with the next in one write",
)


def add(title: str, steps: Steps, needs_http: bool = False) -> None:
    assert title not in {each.title for each in PROBES}, f"two probes are called {title}"
    left_out = "stream" in title or "x-local-random" in title
    left_out |= title in (*OF_OTHER_PROTOCOLS, *OF_WHOLE_CHANNELS, *OVERTAKEN)
    PROBES.append(Registered(title, steps, needs_http, accident=title in ACCIDENTS, left_out=left_out))


def cases(given: dict[str, dict[str, Any]]) -> ItemsView[str, dict[str, Any]]:
    """What a probe is given, by the end of its title."""
    return given.items()


def probe(title: str, needs_http: bool = False) -> Callable[[Steps], Steps]:
    """Registers a function as the steps of a probe."""

    def register(steps: Steps) -> Steps:
        add(title, steps, needs_http)
        return steps

    return register
