"""Looks at a quorum queue with a small delivery limit and a dead-letter exchange: ten of each lose nothing, on any release."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from .brokers import rmqctl
from .conftest import Place

QUEUE, DEAD = "looked at a/b ü", "looked at: dead"
ARGUMENTS = {
    "x-queue-type": "quorum",
    "x-delivery-limit": 3,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": DEAD,
}
LOOKS = 10


@pytest.fixture
def channel(place: Place) -> Iterator[BlockingChannel]:
    """Three messages in the queue."""
    with pika.BlockingConnection(pika.URLParameters(f"{place.amqp}/%2F")) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True, arguments=ARGUMENTS)
        channel.queue_declare(DEAD, durable=True)
        channel.confirm_delivery()
        for number in range(3):
            properties = pika.BasicProperties(delivery_mode=2, headers={"n": number})
            channel.basic_publish("", QUEUE, b"%d" % number, properties)
        yield channel
        for name in (QUEUE, DEAD):
            channel.queue_delete(name)


def drain(channel: BlockingChannel, queue: str) -> list[int]:
    got = iter(lambda: channel.basic_get(queue, auto_ack=True), (None, None, None))
    return [int(body) for _, _, body in got]


@pytest.mark.parametrize(
    "words",
    [
        ("get", QUEUE, "--count", "2"),
        ("get", QUEUE, "--dump", "DIR"),
        ("get", f"queue={QUEUE}", "ackmode=reject_requeue_true"),
        ("peek", QUEUE, "--count", "3"),
        ("move", QUEUE, DEAD, "--dry-run"),
        ("move", QUEUE, DEAD, "--where", "headers.n > 7"),
        ("redrive", QUEUE, "--dry-run"),
        ("consume", QUEUE, "--where", "headers.n > 7", "--idle-timeout", "300ms"),
        ("consume", QUEUE, "--where", "headers.n > 7", "--prefetch", "2"),
    ],
)
def test_ten_looks_lose_nothing(place: Place, channel: BlockingChannel, words: tuple[str, ...], tmp_path: Path) -> None:
    counted = (place.node is not None and not place.node.modern) or "ackmode=reject_requeue_true" in words
    for number in range(LOOKS):
        asked = [str(tmp_path / str(number)) if word == "DIR" else word for word in words]
        ran = rmqctl(*asked, url=place.http)
        if counted:
            assert (ran.exit, "has a delivery limit of 3" in ran.errors, "--force" in ran.errors) == (69, True, True), (
                ran
            )
            break
        assert ran.exit in (0, 3), ran
    assert drain(channel, DEAD) == []
    assert drain(channel, QUEUE) == [0, 1, 2]


def test_what_a_consumer_did_not_write_did_not_fail(place: Place, channel: BlockingChannel) -> None:
    """It fetched them all. Before 4.3 each return counts."""
    if place.node is not None and not place.node.modern:
        return
    for _ in range(6):
        ran = rmqctl("consume", QUEUE, "--exec", "false", "--prefetch", "3", url=place.http)
        assert ran.exit == 3, ran
    # The one that failed has gone to the dead letters with its fourth failure, the next one has failed twice.
    assert (drain(channel, DEAD), drain(channel, QUEUE)) == ([0], [1, 2])


def test_ctrl_c_costs_no_other_message_a_return(place: Place, channel: BlockingChannel) -> None:
    """Where returns count, no message is fetched before the one in front of it is done."""
    words = ("consume", QUEUE, "--exec", "sh -c 'echo; sleep 1'")
    argv = [sys.executable, "-m", "rmqctl", "--url", place.http, *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    headers = [channel.basic_get(QUEUE)[1].headers or {} for _ in range(2)]
    assert [(each["n"], each.get("x-delivery-count", 0)) for each in headers] == [(1, 0), (2, 0)]


def test_what_arrives_while_a_consumer_ends_did_not_fail(place: Place, channel: BlockingChannel) -> None:
    """A hundred are on their way when the limit is reached."""
    if place.node is not None and not place.node.modern:
        return
    for number in range(3, 300):
        channel.basic_publish("", QUEUE, b"%d" % number, pika.BasicProperties(headers={"n": number}))
    for number in range(5):
        words = ("consume", QUEUE, "--where", f"headers.n = {number}", "--limit", "1", "--payload-only")
        assert rmqctl(*words, url=place.http).text == f"{number}\n"
    assert (drain(channel, DEAD), drain(channel, QUEUE)) == ([], list(range(5, 300)))


def test_a_forced_look_says_what_it_costs(place: Place, channel: BlockingChannel) -> None:
    for number in range(1, 5):
        ran = rmqctl("peek", QUEUE, "--force", url=place.http)
        assert ran.exit == 0, ran
        if place.node is not None and not place.node.modern:
            lost = "had reached the delivery limit of 3"
            assert (f"came back up to {number} of 3 times" if number < 4 else lost) in ran.errors
        else:
            assert ran.errors == ""


def test_the_limit_of_a_policy(place: Place, channel: BlockingChannel) -> None:
    name = f"{QUEUE} by policy"
    words = ("set_policy", "looked-at", "^looked at .* by policy", '{"delivery-limit": 2}', "--apply-to", "queues")
    assert rmqctl(*words, url=place.http).exit == 0
    channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
    ran = rmqctl("peek", name, url=place.http)
    assert rmqctl("clear_policy", "looked-at", url=place.http).exit == 0
    unlimited = rmqctl("peek", name, url=place.http)
    channel.queue_delete(name)
    counts = place.node is not None and not place.node.modern
    assert (ran.exit, "has a delivery limit of 2" in ran.errors) == ((69, True) if counts else (0, False)), ran
    assert unlimited.exit == 0, unlimited
