"""The scripts of docs/howto, as they are, on every broker."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from ..contract.brokers import Ran, run
from .brokers import Target, eventually

RECIPES = Path(__file__).parents[2] / "docs" / "howto"
VHOST = "recipes"
QUEUE = "recipes work"
DEAD = "recipes dead"
STATISTICS = 40.0
"""Seconds until the statistics have caught up."""

Recipe = Callable[..., Ran]


@pytest.fixture
def recipe(broker: Target) -> Iterator[Recipe]:
    broker.rmqctl("declare", "vhost", VHOST)
    broker.rmqctl("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*")
    env = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": "/nonexistent",
        "NO_PROXY": "*",
        "RMQCTL_URL": broker.url,
        "RMQCTL_VHOST": VHOST,
    }
    yield lambda name, *words: run([str(RECIPES / name), *words], env)
    broker.rmqctl("delete", "vhost", VHOST, "--yes")


@pytest.fixture
def channel(broker: Target, recipe: Recipe) -> Iterator[BlockingChannel]:
    """QUEUE with one message, whose dead letters go to DEAD."""
    url = f"amqp://guest:guest@127.0.0.1:{broker.amqp_port}/{VHOST}"
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare(DEAD, durable=True)
        arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
        channel.queue_declare(QUEUE, durable=True, arguments=arguments)
        channel.basic_publish("", QUEUE, b"x")
        yield channel


def test_forgotten_acks(recipe: Recipe, channel: BlockingChannel, tmp_path: Path) -> None:
    channel.basic_qos(prefetch_count=1)
    tag = channel.basic_consume(QUEUE, lambda *_: None)
    eventually(
        lambda: recipe("forgotten-acks.sh", "--for", "1"),
        lambda ran: ran.exit == 1 and f"stuck: queue {QUEUE!r}" in ran.text,
        STATISTICS,
    )
    ran = recipe("nagios.sh", "1")
    assert ran.exit == 2
    assert ran.text.startswith(
        "acks CRITICAL: 1 client holds 1 message without acknowledging | unacknowledged=1;1;1;0 "
    )
    file = tmp_path / "rmqctl.prom"
    assert recipe("prometheus.sh", str(file)).exit == 0
    assert "rmqctl_check_acks_unacknowledged 1\n" in file.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [file]
    channel.basic_cancel(tag)
    channel.queue_purge(QUEUE)
    ran = recipe("forgotten-acks.sh", "--for", "0")
    assert (ran.exit, ran.stdout, ran.stderr) == (0, b"", b""), str(ran)


def test_queues_without_consumers(recipe: Recipe, channel: BlockingChannel) -> None:
    found = eventually(lambda: recipe("queues-without-consumers.sh"), lambda ran: ran.exit == 1, STATISTICS)
    assert found.text == f"{QUEUE}\t1\n"
    channel.queue_purge(QUEUE)
    eventually(
        lambda: recipe("queues-without-consumers.sh"), lambda ran: (ran.exit, ran.stdout) == (0, b""), STATISTICS
    )


def test_drain_before_deploy(recipe: Recipe, channel: BlockingChannel) -> None:
    assert recipe("drain-before-deploy.sh", QUEUE, "1").exit == 75
    channel.queue_purge(QUEUE)
    assert recipe("drain-before-deploy.sh", QUEUE, "10").exit == 0
    assert recipe("drain-before-deploy.sh", "nothing", "10").exit == 65


def test_dead_letters_go_back(recipe: Recipe, channel: BlockingChannel) -> None:
    got, _, _ = channel.basic_get(QUEUE)
    assert got is not None
    channel.basic_reject(got.delivery_tag, requeue=False)
    eventually(lambda: channel.queue_declare(DEAD, passive=True).method.message_count, (1).__eq__)
    ran = recipe("redrive-dead-letters.sh", DEAD)
    assert ran.exit == 0, str(ran)
    assert channel.basic_get(QUEUE, auto_ack=True)[2] == b"x"
    channel.basic_publish("", DEAD, b"it never died")
    ran = recipe("redrive-dead-letters.sh", DEAD)
    assert ran.exit != 0, str(ran)
    assert channel.basic_get(DEAD, auto_ack=True)[2] == b"it never died"


def test_brokers_compared(recipe: Recipe, channel: BlockingChannel, broker: Target, tmp_path: Path) -> None:
    file = tmp_path / "before"
    file.write_text(broker.rmqctl("definitions", "export").text, encoding="utf-8")
    assert recipe("compare-brokers.sh", str(file), broker.url).exit == 0
    channel.queue_declare("recipes new", durable=True)
    ran = recipe("compare-brokers.sh", str(file), broker.url)
    assert (ran.exit, "recipes new" in ran.text) == (1, True), str(ran)
