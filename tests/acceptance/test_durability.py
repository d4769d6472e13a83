"""Kills the embedded broker under load, again and again: what it confirmed is there, what was acknowledged is not.

RMQCTL_TEST_KILLS tells how often; each takes about two seconds.
"""

import itertools
import os
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pika
import pytest

from .brokers import HERE, Embedded, Program, embedded_exists
from .load import PERSISTENT, TRANSIENT

KILLS = int(os.environ.get("RMQCTL_TEST_KILLS") or (50 if os.environ.get("CI") else 3))
pytestmark = pytest.mark.timeout(60 + 60 * KILLS)
CONFIRMS = (150, 400)
ACKED_IN_A_ROUND = 60
# An acknowledgement this long before a kill, in seconds, has been committed.
SETTLED = 0.5


@dataclass
class Account:
    """What the clients saw, over all kills."""

    sent: set[int] = field(default_factory=set)
    confirmed: set[int] = field(default_factory=set)
    acking: set[int] = field(default_factory=set)
    settled: set[int] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def delivered(self, numbers: list[int], where: str) -> None:
        """One consumer gave nothing back: the queue's order is the order of what it got."""
        if disorder := [pair for pair in itertools.pairwise(numbers) if pair[0] >= pair[1]]:
            self.wrong.append(f"{where}: out of order: {disorder[:5]}")
        if back := self.settled.intersection(numbers):
            self.wrong.append(f"{where}: acknowledged before, and back: {sorted(back)[:5]} of {len(back)}")
        if unknown := set(numbers) - self.sent:
            self.wrong.append(f"{where}: never sent: {sorted(unknown)[:5]}")


def numbers(program: Program, word: str) -> list[int]:
    return [int(match[1]) for match in program.found(rf"^{word} (\d+)")]


def load(what: str, port: int, number: int) -> Program:
    return Program([sys.executable, str(HERE / "load.py"), what, str(port), str(number)])


def under_load(broker: Embedded, account: Account, where: str, confirms: int) -> None:
    """Lets the clients work until so much is confirmed and acknowledged, and kills the broker in the middle of it."""
    publisher = load("publish", broker.target.amqp_port, max(account.sent, default=0) + 2)
    consumer = load("consume", broker.target.amqp_port, ACKED_IN_A_ROUND)
    try:
        consumer.expect(r"^acked ", ACKED_IN_A_ROUND // 20)
        first = float(consumer.expect(r"^acked \d+ (.*)", ACKED_IN_A_ROUND // 20)[-1][1])
        publisher.expect(r"^confirmed ", confirms)
        # Not a wait for anything to happen: some acknowledgements have to be old at the kill.
        time.sleep(max(0.0, first + SETTLED + random.random() * 0.2 - time.monotonic()))
        broker.kill()
        killed = time.monotonic()
        publisher.wait()
        consumer.wait()
    finally:
        publisher.kill()
        consumer.kill()
    account.sent.update(numbers(publisher, "sent"))
    account.delivered(numbers(consumer, "got"), where)
    account.confirmed.update(numbers(publisher, "confirmed"))
    if refused := numbers(publisher, "refused"):
        account.wrong.append(f"{where}: refused: {refused[:5]}")
    acking = numbers(consumer, "acking")
    account.acking.update(acking)
    for match in consumer.found(r"^acked (\d+) (.*)"):
        if float(match[2]) <= killed - SETTLED:
            account.settled.update(acking[: acking.index(int(match[1])) + 1])


def declare(port: int) -> dict[str, int]:
    """The two queues, and how many messages they have."""
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)) as connection:
        channel = connection.channel()
        return {
            name: channel.queue_declare(name, durable=True).method.message_count for name in (PERSISTENT, TRANSIENT)
        }


def drain(port: int) -> list[int]:
    found = []
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)) as connection:
        channel = connection.channel()
        while (got := channel.basic_get(PERSISTENT))[0] is not None:
            method, _properties, body = got
            assert body is not None
            found.append(int(body))
            if len(found) % 1000 == 0:
                channel.basic_ack(method.delivery_tag, multiple=True)
    return found


def test_nothing_confirmed_is_lost(tmp_path: Path) -> None:
    if not embedded_exists():
        pytest.skip("this rmqctl has no broker")
    account = Account()
    backlog = 0
    for kill in range(KILLS):
        broker = Embedded(tmp_path)
        try:
            depths = declare(broker.target.amqp_port)
            where = f"kill {kill}"
            if depths[TRANSIENT]:
                account.wrong.append(f"{where}: {depths[TRANSIENT]} transient messages came back")
            # Each round leaves more than it takes, or there would be little to lose.
            if depths[PERSISTENT] < backlog:
                account.wrong.append(f"{where}: {depths[PERSISTENT]} messages, with at least {backlog} unacknowledged")
            under_load(broker, account, where, random.randint(*CONFIRMS))
            backlog = len(account.confirmed - account.acking)
        finally:
            broker.kill()
    broker = Embedded(tmp_path)
    try:
        assert declare(broker.target.amqp_port)[TRANSIENT] == 0
        left = drain(broker.target.amqp_port)
    finally:
        broker.kill()
    account.delivered(left, "at the end")
    lost = account.confirmed - account.acking - set(left)
    assert account.wrong == []
    assert not lost, f"{len(lost)} of {len(account.confirmed)} confirmed messages are lost: {sorted(lost)[:10]}"
    # The test itself has worked: there was something to lose, and something that could have come back.
    assert len(account.confirmed) >= KILLS * CONFIRMS[0]
    assert len(account.settled) >= KILLS * ACKED_IN_A_ROUND // 2
    assert backlog > 0
