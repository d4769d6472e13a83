"""What the broker is short of. While it is short of anything, publishers are blocked (https://www.rabbitmq.com/docs/alarms)."""

from collections.abc import Callable

from rmqctl.broker.core.errors import invalid

MEMORY, DISK = "memory", "disk"


class Alarms:
    """By resource: who says that it is short. `changed` is called when the first one says so, or the last one no more."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._said: dict[str, set[str]] = {MEMORY: set(), DISK: set()}

    @property
    def resources(self) -> list[str]:
        """Those that are short."""
        return [resource for resource, by in self._said.items() if by]

    def set(self, resource: str, on: bool, by: str) -> None:
        """`by` says that a resource is short, or no longer. Raises Refusal when there is no such resource."""
        said = self._said.get(resource)
        if said is None:
            raise invalid(f"no alarm '{resource}': {', '.join(self._said)}")
        before = self.resources
        (said.add if on else said.discard)(by)
        if self.resources != before:
            self._changed()
