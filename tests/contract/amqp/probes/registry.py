"""Where probes are registered."""

from collections.abc import Callable

from ..client import Probe, Registered

PROBES: list[Registered] = []
Steps = Callable[[Probe], None]


def add(title: str, steps: Steps, needs_http: bool = False) -> None:
    assert title not in {each.title for each in PROBES}, f"two probes are called {title}"
    PROBES.append(Registered(title, steps, needs_http))


def probe(title: str, needs_http: bool = False) -> Callable[[Steps], Steps]:
    """Registers a function as the steps of a probe."""

    def register(steps: Steps) -> Steps:
        add(title, steps, needs_http)
        return steps

    return register
