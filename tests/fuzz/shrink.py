"""The fewest and shortest moves that still fail."""

from collections.abc import Callable, Sequence

from tests.fuzz import wire
from tests.fuzz.moves import SAY, Move

Fails = Callable[[Sequence[Move]], bool]


def shrink(moves: Sequence[Move], fails: Fails, attempts: int = 300) -> list[Move]:
    """`fails` tries moves, at most so often."""
    return _Shrinker(fails, attempts).run(list(moves))


class _Shrinker:
    def __init__(self, fails: Fails, attempts: int) -> None:
        self._fails = fails
        self._left = attempts

    def run(self, moves: list[Move]) -> list[Move]:
        framed = _by_frames(moves)
        if self._still(framed):
            moves = framed
        before: list[Move] = []
        while before != moves and self._left > 0:
            before = moves
            moves = self._fewer(moves)
            for at in range(len(moves)):
                moves = self._shorter(moves, at)
        return moves

    def _still(self, moves: list[Move]) -> bool:
        if self._left <= 0:
            return False
        self._left -= 1
        return self._fails(moves)

    def _fewer(self, moves: list[Move]) -> list[Move]:
        size = max(len(moves) // 2, 1)
        while True:
            at = len(moves)
            while at > 0:
                start = max(at - size, 0)
                less = moves[:start] + moves[at:]
                if self._still(less):
                    moves = less
                at = start
            if size == 1:
                return moves
            size //= 2

    def _shorter(self, moves: list[Move], at: int) -> list[Move]:
        """The payload of a frame, which stays one."""
        move = moves[at]
        if move.kind != SAY or len(move.data) < 8 or move.data[:4] == b"AMQP" or len(wire.cut(move.data)) != 1:
            return moves
        size = max((len(move.data) - 8) // 2, 1)
        while True:
            end = len(move.data) - 1
            while end > 7:
                start = max(end - size, 7)
                payload = move.data[7:start] + move.data[end:-1]
                less = move._replace(data=move.data[:3] + len(payload).to_bytes(4, "big") + payload + move.data[-1:])
                if self._still([*moves[:at], less, *moves[at + 1 :]]):
                    move = less
                    moves = [*moves[:at], less, *moves[at + 1 :]]
                end = start
            if size == 1:
                return moves
            size //= 2


def _by_frames(moves: Sequence[Move]) -> list[Move]:
    """The same, but every frame comes by itself."""
    found: list[Move] = []
    for move in moves:
        last = found[-1] if found else None
        if last is not None and move.kind == last.kind == SAY and move.client == last.client:
            found[-1] = last._replace(data=last.data + move.data)
        else:
            found.append(move)
    return [
        part
        for move in found
        for part in ([move._replace(data=data) for data in wire.cut(move.data)] if move.kind == SAY else [move])
    ]
