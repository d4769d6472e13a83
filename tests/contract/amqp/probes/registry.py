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


def add(title: str, steps: Steps, needs_http: bool = False) -> None:
    assert title not in {each.title for each in PROBES}, f"two probes are called {title}"
    # RabbitMQ 4.3 has turned off limits for whole channels; the embedded broker has them, as all releases before.
    left_out = "stream" in title or "x-local-random" in title or title == "basic.qos: global, and two consumers"
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
