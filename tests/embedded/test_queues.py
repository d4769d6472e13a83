"""The same random life of a queue on RabbitMQ 4.3 and on the embedded broker: what comes, in which order, how marked."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ..contract.amqp.client import Broker, Connection, Ended, Event, Probe, plain
from ..contract.brokers import Node

LIVES = 30
AT_ONCE = 5
STEPS = 40
# How long RabbitMQ may take for what nobody waits for: dead letters on their way, returns to a quorum queue.
SECONDS_TO_SETTLE = 0.15
KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"x-max-length": 4},
    {"x-max-length": 3, "x-overflow": "reject-publish"},
    {"x-max-length": 4, "x-overflow": "reject-publish-dlx"},
    {"x-max-length-bytes": 12},
    {"x-max-priority": 3},
    {"x-max-priority": 3, "x-max-length": 4},
    {"x-queue-type": "quorum"},
    {"x-queue-type": "quorum", "x-max-length": 4},
    {"x-queue-type": "quorum", "x-max-length": 4, "x-overflow": "reject-publish"},
    {"x-queue-type": "quorum", "x-delivery-limit": 2},
)


class Life:
    """One queue, published to on channel 1 and taken from on channel 2; `seed` decides about everything that happens."""

    def __init__(self, probe: Probe, seed: int) -> None:
        self.chance = random.Random(seed)
        self.probe = probe
        self.log: list[Any] = []
        self.published = self.tag = 0
        self.held: list[int] = []
        self.connection: Connection = probe.connect()
        self.dead = probe.queue(self.connection, "dead")
        arguments = dict(self.chance.choice(KINDS))
        if self.chance.random() < 0.6:
            arguments |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": self.dead}
        self.queue = probe.queue(self.connection, arguments=arguments)
        self.connection.do("confirm.select")
        self.transactional = self.chance.random() < 0.2
        self._open()
        self.log.append([arguments.get("x-queue-type"), sorted(arguments), self.transactional])

    def run(self) -> list[Any]:
        steps: dict[Callable[[], None], float] = {
            self.publish: 10,
            self.get: 8,
            self.ack: 3,
            self.nack: 4,
            self.reject: 4,
            self.close: 0.7,
            self.recover: 0.7,
            self.purge: 0.3,
            self.count: 3,
            self.look_at_dead: 2,
        }
        if self.transactional:
            steps |= {self.commit: 1.5}
        try:
            for step in self.chance.choices(list(steps), list(steps.values()), k=STEPS):
                step()
            time.sleep(SECONDS_TO_SETTLE)
            for queue in (self.queue, self.dead):
                while self._take(1, queue, no_ack=True):
                    pass
        except Ended:
            self.log.append(["ended", self.probe.events[-1]])
        return plain(self.log)  # type: ignore[no-any-return]

    # ------------------------------------------------------------------------------------------------------------- steps

    def publish(self) -> None:
        self.published += 1
        body = f"{self.published}" + "." * self.chance.randrange(4)
        priority = self.chance.choice((None, 0, 1, 2, 3, 4, 5))
        self.connection.publish("", self.queue, body, priority=priority, delivery_mode=self.chance.choice((None, 2)))
        self.log.append([body, priority, self.connection._next(8)])

    def get(self) -> None:
        if self._take(2, self.queue, no_ack=False):
            self.tag += 1
            self.held.append(self.tag)

    def ack(self) -> None:
        self._settle("basic.ack", self.chance.random() < 0.35)

    def nack(self) -> None:
        self._settle("basic.nack", self.chance.random() < 0.35, requeue=self.chance.random() < 0.6)

    def reject(self) -> None:
        self._settle("basic.reject", None, requeue=self.chance.random() < 0.6)

    def close(self) -> None:
        self.connection.do("channel.close", 2, reply_code=200)
        self._open()
        self._changed("channel.close")

    def recover(self) -> None:
        self.connection.do("basic.recover", 2, requeue=True)
        self.held.clear()
        self._changed("basic.recover")

    def purge(self) -> None:
        self.log.append(["purged", self.connection.do("queue.purge", queue=self.queue)["message_count"]])

    def count(self) -> None:
        found = self.connection.do("queue.declare", queue=self.queue, passive=True)
        self.log.append(["count", found["message_count"]])

    def look_at_dead(self) -> None:
        self._take(1, self.dead, no_ack=True)

    def commit(self) -> None:
        self.connection.do("tx.commit", 2)
        self._changed("tx.commit")

    # ------------------------------------------------------------------------------------------------------- what they do

    def _open(self) -> None:
        self.connection.do("channel.open", 2)
        if self.transactional:
            self.connection.do("tx.select", 2)
        self.held.clear()
        self.tag = 0

    def _settle(self, method: str, multiple: bool | None, **fields: Any) -> None:
        if not self.held:
            return
        tag = self.chance.choice(self.held)
        done = [each for each in self.held if each <= tag] if multiple else [tag]
        self.held = [each for each in self.held if each not in done]
        if multiple is not None:
            fields["multiple"] = multiple
        self.connection.send(method, 2, delivery_tag=tag, **fields)
        self.connection.do("basic.qos", 2)  # answered when it is handled
        self._changed(method, done, fields)

    def _changed(self, *what: Any) -> None:
        self.log.append(list(what))
        time.sleep(SECONDS_TO_SETTLE)

    def _take(self, channel: int, queue: str, *, no_ack: bool) -> bool:
        self.connection.send("basic.get", channel, queue=queue, no_ack=no_ack)
        event = self.connection._next(8)
        self.log.append([queue == self.dead, _shown(event)])
        return event[0].startswith("basic.get-ok")


def _shown(event: Event) -> Any:
    """What a message says of its past; the answer's name when there was none."""
    if not event[0].startswith("basic.get-ok"):
        return event[0]
    headers = event[1].get("properties", {}).get("headers", {})
    counts = {name: value for name, value in headers.items() if name.endswith("-count")}
    return (
        event[1]["body"],
        event[1]["redelivered"],
        counts,
        [(d["reason"], d["count"]) for d in headers.get("x-death", [])],
    )


@pytest.fixture(scope="session")
def lives(real: Node, ours: Node) -> dict[int, tuple[list[Any], list[Any]]]:
    """By seed: what happened on RabbitMQ, and here."""

    def live(node: Node, seed: int) -> list[Any]:
        probe = Probe(f"life {seed}", Broker.from_url(f"amqp://guest:guest@127.0.0.1:{node.port('amqp')}", node.url))
        try:
            return Life(probe, seed).run()
        finally:
            probe.clean()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        pairs = pool.map(lambda seed: (live(real, seed), live(ours, seed)), range(LIVES))
        return dict(enumerate(pairs))


@pytest.mark.parametrize("seed", range(LIVES))
def test_a_queue_lives_the_same_life(lives: dict[int, tuple[list[Any], list[Any]]], seed: int) -> None:
    real, ours = lives[seed]
    assert ours == real
