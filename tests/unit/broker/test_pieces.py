"""What happens to many messages at once is done in pieces, between which others have their turns."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rmqctl.broker.core.arguments import Arguments
from rmqctl.broker.core.message import message
from rmqctl.broker.core.policies import checked
from rmqctl.broker.core.queue import Queue
from rmqctl.broker.core.timers import PIECE
from rmqctl.broker.core.vhost import VHost

from .client import Clock, new_broker
from .test_store import Kept, bodies, kept

__all__ = ["kept"]

MANY = 10 * PIECE
DEAD = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.broker = new_broker(self.clock)
        self.vhost: VHost = self.broker.vhosts["/"]
        self.dead = self.declare("dead")

    def declare(self, name: str, **arguments: Any) -> Queue:
        return self.vhost.declare_queue(None, name, durable=True, arguments=Arguments(arguments))

    def filled(self, **arguments: Any) -> Queue:
        queue = self.declare("q", **arguments)
        for number in range(MANY):
            queue.push(message("", "q", b"%d" % number, {}))
        return queue

    def turns(self, look: Callable[[], int]) -> Iterator[int]:
        """By how much something changed, turn by turn, until nothing more is due."""
        before = look()
        while (due := self.broker.node.timers.next()) is not None:
            self.clock.now = max(self.clock.now, due)
            self.broker.node.tick()
            now = look()
            yield abs(now - before)
            before = now


KINDS = pytest.mark.parametrize("kind", ["classic", "quorum"])


@KINDS
@pytest.mark.parametrize("more", [DEAD, {}], ids=["dead letters", "nowhere"])
def test_messages_that_expire_at_once(kind: str, more: dict[str, str]) -> None:
    world = World()
    queue = world.filled(**{"x-queue-type": kind, "x-message-ttl": 1000, **more})
    changes = list(world.turns(lambda: queue.ready.count - world.dead.ready.count))
    assert len(changes) >= MANY // PIECE
    assert max(changes) <= 2 * PIECE
    assert bodies(world.dead) == ([b"%d" % number for number in range(MANY)] if more else [])
    assert queue.ready.count == 0


@KINDS
def test_a_message_that_expired_is_not_delivered_before_its_turn(kind: str) -> None:
    world = World()
    queue = world.filled(**{"x-queue-type": kind, "x-message-ttl": 1000, **DEAD})
    world.clock.now += 1
    world.broker.node.tick()
    assert 0 < queue.ready.count < MANY
    queue.push(message("", "q", b"new", {}))
    entry = queue.get()
    assert entry is not None
    assert entry.message.body == b"new"
    list(world.turns(lambda: 0))
    assert bodies(world.dead) == [b"%d" % number for number in range(MANY)]


def reject(world: World, queue: Queue) -> None:
    queue.reject([entry for _ in range(MANY) if (entry := queue.get())])


def limit(world: World, queue: Queue) -> None:
    world.vhost.set_policy(checked({"vhost": "/", "name": "p", "pattern": "^q$", "definition": {"max-length": 0}}))


@KINDS
@pytest.mark.parametrize("leave", [reject, limit])
def test_dead_letters_of_one_action_and_those_that_come_later(kind: str, leave: Callable[[World, Queue], None]) -> None:
    world = World()
    queue = world.filled(**{"x-queue-type": kind, **DEAD})
    other = world.declare("other", **{"x-max-length": 0, **DEAD})
    leave(world, queue)
    assert world.dead.ready.count == PIECE
    other.push(message("", "other", b"later", {}))
    assert max(world.turns(lambda: world.dead.ready.count)) <= PIECE
    assert bodies(world.dead) == [*(b"%d" % number for number in range(MANY)), b"later"]


def test_the_messages_of_a_queue_that_is_deleted_are_let_go() -> None:
    world = World()
    world.filled()
    world.vhost.delete_queue(None, "q")
    held = world.broker.node.held
    sizes = list(world.turns(lambda: held.bytes))
    assert len(sizes) >= MANY // PIECE - 1
    assert held.bytes == 0


def test_a_dead_letter_that_cannot_be_sent_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    queue = world.filled(**DEAD)
    push, failing = world.dead.push, [b"3", b"%d" % (PIECE + 1)]

    def refuse(found: Any, **more: Any) -> bool:
        if found.body in failing:
            raise RuntimeError(found.body)
        return push(found, **more)

    monkeypatch.setattr(world.dead, "push", refuse)
    with pytest.raises(RuntimeError):
        reject(world, queue)
    list(world.turns(lambda: 0))
    assert bodies(world.dead) == [b"%d" % number for number in range(MANY) if b"%d" % number not in failing]


def test_a_broker_that_is_killed_in_between_has_every_message_once(kept: Kept) -> None:
    dead, queue = kept.queue("dead"), kept.queue("q", **DEAD)
    for number in range(MANY):
        queue.push(message("", "q", b"%d" % number, {"delivery_mode": 2}))
    kept.write()
    queue.reject([entry for _ in range(MANY) if (entry := queue.get())])
    assert dead.ready.count == PIECE
    assert kept.write() == MANY
    kept.crash()
    assert [*bodies(kept.found("dead")), *bodies(kept.found("q"))] == [b"%d" % number for number in range(MANY)]
