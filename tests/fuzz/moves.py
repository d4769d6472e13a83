"""What happens to a broker in one conversation, as plain data."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

# Bytes of what is said, when a person reads it.
_SHOWN = 200
SAY, ASK, LOSE, STOP, GO, WAIT = "say", "ask", "lose", "stop", "go", "wait"


class Move(NamedTuple):
    """`say`: a client says `data`. `lose`: its socket is gone. `stop`, `go`: its socket takes no more, or takes it again.

    `wait`: so many seconds pass. `ask`: an administrator asks the HTTP API: method, path and body, with spaces between them.
    """

    kind: str
    client: int = 0
    data: bytes = b""
    seconds: float = 0.0

    def plain(self) -> list[Any]:
        if self.kind == WAIT:
            return [self.kind, self.seconds]
        if self.kind == ASK:
            return [self.kind, self.data.decode()]
        return [self.kind, self.client, self.data.hex()] if self.kind == SAY else [self.kind, self.client]

    @classmethod
    def of(cls, plain: Sequence[Any]) -> "Move":
        kind, value = plain[:2]
        if kind == WAIT:
            return cls(kind, seconds=value)
        if kind == ASK:
            return cls(kind, data=value.encode())
        return cls(kind, value, bytes.fromhex(plain[2])) if kind == SAY else cls(kind, value)

    def __str__(self) -> str:
        if self.kind == WAIT:
            return f"{self.kind} {self.seconds:g} s"
        if self.kind == ASK:
            return f"{self.kind} {self.data.decode()}"
        shown = self.data[:_SHOWN].hex() + (f"... {len(self.data)} bytes" if len(self.data) > _SHOWN else "")
        return f"{self.kind} {self.client} {shown}"


def dumped(moves: Sequence[Move]) -> str:
    return json.dumps([each.plain() for each in moves], separators=(",", ":"))


def loaded(plain: Sequence[Sequence[Any]]) -> list[Move]:
    return [Move.of(each) for each in plain]
