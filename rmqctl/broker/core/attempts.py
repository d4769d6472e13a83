"""How many log-ins each protocol has seen."""

from typing import Any


class Attempts:
    def __init__(self) -> None:
        self._counts: dict[str, list[int]] = {}

    def count(self, protocol: str, succeeded: bool) -> None:
        self._counts.setdefault(protocol, [0, 0])[succeeded] += 1

    def rows(self) -> list[dict[str, Any]]:
        return [
            {
                "protocol": protocol,
                "auth_attempts": failed + succeeded,
                "auth_attempts_failed": failed,
                "auth_attempts_succeeded": succeeded,
            }
            for protocol, (failed, succeeded) in self._counts.items()
        ]

    def clear(self) -> None:
        self._counts.clear()
