"""Input is handled in pieces, in turns, and those who have sent little need not wait for those who have sent much."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from rmqctl.broker.process.turns import FIRST, Turns


class Loop:
    """Time passes as work is done; calls are made by `run`, each round is a turn."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[Callable[[], None]] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def run(self) -> float:
        """One turn. How long it took."""
        began, calls, self.calls = self.now, self.calls, []
        for call in calls:
            call()
        return self.now - began


class Sender:
    """`cost`: seconds that a byte takes."""

    def __init__(self, loop: Loop, name: str, size: int, cost: float, log: list[str]) -> None:
        self.loop, self.name, self.left, self.cost, self.log = loop, name, size, cost, log
        self.piece = FIRST
        self.blocked = False

    def handle(self) -> bool:
        if self.blocked:
            return False
        size = min(self.left, self.piece)
        self.left -= size
        self.loop.now += size * self.cost
        self.log.append(self.name)
        return self.left > 0


def turns(look: Callable[[], None] = lambda: None) -> tuple[Loop, Turns]:
    loop = Loop()
    return loop, Turns(cast(asyncio.AbstractEventLoop, loop), look)


def test_what_is_little_is_handled_at_once() -> None:
    loop, order = turns()
    sender = Sender(loop, "a", 100_000, 1e-8, [])
    order.take(sender)
    assert sender.left == 0


def test_no_turn_is_long_and_everybody_comes_to_the_end() -> None:
    loop, order = turns()
    senders = [Sender(loop, str(number), 50_000, 5e-6, []) for number in range(20)]
    for sender in senders:
        order.take(sender)
    longest = 0.0
    while loop.calls:
        longest = max(longest, loop.run())
    assert [sender.left for sender in senders] == [0] * 20
    assert longest < 0.03


def test_who_sends_little_is_not_behind_who_sends_much() -> None:
    loop, order = turns()
    log: list[str] = []
    for number in range(20):
        order.take(Sender(loop, str(number), 1_000_000, 5e-6, log))
    for _ in range(10):
        loop.run()
    before = loop.now
    small = Sender(loop, "small", 100, 5e-6, log)
    order.take(small)
    loop.run()
    assert small.left == 0
    assert loop.now - before < 0.03


def test_there_is_a_look_at_what_much_work_has_led_to_in_time() -> None:
    looked: list[Any] = []
    loop, order = turns(lambda: looked.append(loop.now))
    order.take(Sender(loop, "a", 100_000, 5e-6, []))
    while loop.calls:
        loop.run()
    gaps = [after - before for before, after in zip([100.0, *looked], [*looked, loop.now], strict=True)]
    assert max(gaps) < 0.02


def test_who_cannot_go_on_waits_until_it_can() -> None:
    loop, order = turns()
    sender = Sender(loop, "a", 100_000, 5e-6, [])
    order.take(sender)
    sender.blocked = True
    while loop.calls:
        loop.run()
    assert sender.left > 0
    sender.blocked = False
    order.take_later(sender)
    while loop.calls:
        loop.run()
    assert sender.left == 0
