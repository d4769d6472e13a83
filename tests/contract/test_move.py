"""`move` and `redrive`: every message is in one of the two queues, whatever happens on the way."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from .brokers import Ran, rmqctl
from .conftest import Place

SOURCE, TARGET, DEAD, QUORUM = "move from a/b ü", "move to", "move dead", "move quorum"
PERSISTENT = pika.BasicProperties(delivery_mode=2)


@pytest.fixture
def channel(place: Place) -> Iterator[BlockingChannel]:
    """Three empty queues; what dies in SOURCE goes to DEAD by an exchange."""
    with pika.BlockingConnection(pika.URLParameters(f"{place.amqp}/%2F")) as connection:
        channel = connection.channel()
        channel.exchange_declare("move dlx", "direct")
        for name in (SOURCE, TARGET, DEAD):
            dead_letters = {"x-dead-letter-exchange": "move dlx"} if name == SOURCE else {}
            channel.queue_declare(name, durable=True, arguments=dead_letters)
        channel.exchange_declare("move in", "fanout")
        channel.queue_bind(SOURCE, "move in")
        channel.queue_bind(DEAD, "move dlx", "key")
        channel.confirm_delivery()
        yield channel
        for name in (SOURCE, TARGET, DEAD):
            channel.queue_delete(name)
        for name in ("move in", "move dlx"):
            channel.exchange_delete(name)


@pytest.fixture
def run(place: Place) -> Callable[..., Ran]:
    return lambda *words: rmqctl(*words, url=place.http)


def fill(channel: BlockingChannel, count: int) -> None:
    for number in range(count):
        properties = pika.BasicProperties(delivery_mode=2, headers={"n": number}, content_type="text/plain")
        channel.basic_publish("", SOURCE, b"%d" % number, properties)


def drain(channel: BlockingChannel, queue: str) -> list[int]:
    got = iter(lambda: channel.basic_get(queue, auto_ack=True), (None, None, None))
    return [int(body) for _, _, body in got]


def die(channel: BlockingChannel, count: int) -> None:
    """So many messages are published to the exchange and rejected in SOURCE."""
    for number in range(count):
        channel.basic_publish("move in", "key", b"%d" % number, PERSISTENT)
        got, _, _ = channel.basic_get(SOURCE)
        assert got is not None
        channel.basic_reject(got.delivery_tag, requeue=False)
    while channel.queue_declare(DEAD, passive=True).method.message_count < count:
        pass


def test_all_in_their_order_with_their_properties(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    fill(channel, 100)
    ran = run("move", SOURCE, TARGET)
    assert (ran.exit, ran.text, ran.errors) == (0, "moved\t100\nstayed\t0\n", "")
    got, properties, body = channel.basic_get(TARGET, auto_ack=True)
    assert got is not None
    assert (body, properties.headers, properties.content_type, properties.delivery_mode) == (
        b"0", {"n": 0}, "text/plain", 2,
    )  # fmt: skip
    assert drain(channel, TARGET) == list(range(1, 100))
    assert drain(channel, SOURCE) == []


@pytest.mark.parametrize("again", [("move", QUORUM, TARGET), ("redrive", QUORUM)])
def test_the_counters_of_the_source_stay_there(
    channel: BlockingChannel, run: Callable[..., Ran], again: tuple[str, ...]
) -> None:
    """The first delivery at the target is as of a new message."""
    channel.queue_declare(QUORUM, durable=True, arguments={"x-queue-type": "quorum"})
    death = {"queue": TARGET, "exchange": "", "routing-keys": [TARGET], "reason": "rejected", "count": 1}
    channel.basic_publish("", QUORUM, b"1", pika.BasicProperties(headers={"n": 7, "x-death": [death]}))
    for _ in range(2):
        got, properties, _ = channel.basic_get(QUORUM)
        while got is None:
            got, properties, _ = channel.basic_get(QUORUM)
        channel.basic_reject(got.delivery_tag, requeue=True)
    assert properties.headers["x-delivery-count"] == 1
    ran = run(*again)
    channel.queue_delete(QUORUM)
    assert ran.text == "moved\t1\nstayed\t0\n", ran
    _, properties, _ = channel.basic_get(TARGET, auto_ack=True)
    assert set(properties.headers) - {"x-first-death-queue", "x-first-death-exchange", "x-first-death-reason"} == {
        "n", "x-death",
    }  # fmt: skip


def test_what_would_end_by_being_put_back_goes_to_the_end(
    place: Place, channel: BlockingChannel, run: Callable[..., Ran]
) -> None:
    """Its delivery limit is reached, and the target does not take it."""
    if place.node is None or place.node.modern:
        return  # there a nack does not count
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1}
    channel.queue_declare(QUORUM, durable=True, arguments=arguments)
    channel.queue_delete(TARGET)
    channel.queue_declare(TARGET, durable=True, arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    for body in (b"1", b"2"):
        channel.basic_publish("", QUORUM, body, PERSISTENT)
    for _ in range(3):
        run("move", QUORUM, TARGET, "--count", "1")
    found = drain(channel, QUORUM)
    channel.queue_delete(QUORUM)
    assert sorted(found) == [1, 2]


def test_some(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    fill(channel, 20)
    assert run("move", SOURCE, TARGET, "--count", "3").text == "moved\t3\nstayed\t0\n"
    ran = run("move", SOURCE, TARGET, "--where", "headers.n >= 10 and payload ~ '5$'", "-f", "raw_json")
    assert ran.text.replace(" ", "") == '{"moved":1,"stayed":0,"not_selected":16}\n'
    assert drain(channel, TARGET) == [0, 1, 2, 15]
    assert drain(channel, SOURCE) == [number for number in range(3, 20) if number != 15]


def test_a_dry_run_moves_nothing(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    fill(channel, 2)
    ran = run("move", SOURCE, TARGET, "--dry-run")
    header = "message\texchange\trouting_key\tstays_because\n"
    assert (ran.exit, ran.text) == (0, f"{header}1\t\t{TARGET}\t\n2\t\t{TARGET}\t\n")
    assert drain(channel, TARGET) == []
    assert drain(channel, SOURCE) == [0, 1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((SOURCE, "move nowhere"), 65, "no queue 'move nowhere' in vhost '/'"),
        (("move nowhere", TARGET), 65, "queue 'move nowhere' in virtual host '/' does not exist"),
        ((SOURCE, TARGET, "-p", "move nowhere"), 65, "virtual host 'move nowhere' does not exist"),
        ((SOURCE, SOURCE), 64, "FROM and TO are the same queue"),
        ((SOURCE, TARGET, "--where", "n >"), 64, "n >"),
        ((SOURCE, TARGET, "--amqp", "http://localhost"), 64, "--amqp wants amqp(s)://"),
        ((SOURCE, TARGET, "--amqp", "amqp://127.0.0.1:9"), 69, "connection refused"),
    ],
)
def test_refusals(
    channel: BlockingChannel, run: Callable[..., Ran], words: tuple[str, ...], code: int, said: str
) -> None:
    ran = run("move", *words)
    assert (ran.exit, ran.text) == (code, ""), ran
    assert said in ran.errors


def test_a_wrong_password(place: Place, channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    ran = run("move", SOURCE, TARGET, "--amqp", place.amqp.replace(":guest@", ":secret@"))
    assert ran.exit == 77
    assert "the log-in was refused" in ran.errors
    assert "secret" not in ran.errors


def test_what_its_target_refuses_stays(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    fill(channel, 5)
    channel.queue_delete(TARGET)
    channel.queue_declare(TARGET, durable=True, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    ran = run("move", SOURCE, TARGET)
    assert (ran.exit, ran.text) == (3, "moved\t2\nstayed\t3\n")
    assert ran.errors == "3 stayed: its queue refused it (full?)\n"
    assert drain(channel, TARGET) == [0, 1]
    assert drain(channel, SOURCE) == [2, 3, 4]


def test_redrive_to_the_queue_where_they_died(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    die(channel, 3)
    channel.basic_publish("", DEAD, b"9", PERSISTENT)
    ran = run("redrive", DEAD)
    assert (ran.exit, ran.text) == (3, "moved\t3\nstayed\t1\n")
    assert ran.errors == "1 stayed: it has no x-death header\n"
    assert drain(channel, SOURCE) == [0, 1, 2]
    assert drain(channel, DEAD) == [9]


def test_redrive_through_the_exchange_that_they_came_by(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    die(channel, 2)
    channel.queue_bind(TARGET, "move in")
    assert run("redrive", DEAD, "--to-original").text == "moved\t2\nstayed\t0\n"
    assert drain(channel, SOURCE) == drain(channel, TARGET) == [0, 1]


def test_redrive_does_not_turn_in_circles(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    """With nowhere to go it stays: the exchange is gone, or the message died in the queue that is redriven."""
    die(channel, 1)
    channel.queue_unbind(SOURCE, "move in")
    ran = run("redrive", DEAD, "--to-original")
    assert (ran.exit, "no queue takes it there" in ran.errors) == (65, True), ran
    assert drain(channel, DEAD) == [0]
    channel.queue_bind(SOURCE, "move in")
    death = {"x-death": [{"queue": DEAD, "exchange": "", "routing-keys": [DEAD], "reason": "rejected", "count": 1}]}
    channel.basic_publish("", DEAD, b"1", pika.BasicProperties(headers=death))
    ran = run("redrive", DEAD)
    assert (ran.exit, "it died in this very queue" in ran.errors) == (65, True), ran
    assert drain(channel, DEAD) == [1]


def test_deaths_that_say_nothing(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    """Any client may have written the header."""
    for death in ("x", [1], [{"reason": "rejected"}], [{"queue": 7, "exchange": None}]):
        channel.basic_publish("", DEAD, b"1", pika.BasicProperties(headers={"x-death": death}))
    for words in ((), ("--to-original",)):
        ran = run("redrive", DEAD, *words)
        assert (ran.exit, "internal" in ran.errors) == (65, False), ran
        assert "does not say where it died" in ran.errors
    assert run("get", DEAD, "--count", "9").exit == 0
    assert drain(channel, DEAD) == [1, 1, 1, 1]


@pytest.mark.parametrize("name", [".", ".."])
def test_names_that_the_http_api_cannot_carry(channel: BlockingChannel, run: Callable[..., Ran], name: str) -> None:
    """AMQP can. Where only HTTP would do, the reason is said."""
    channel.queue_delete(name)
    channel.queue_declare(name, durable=True)
    channel.exchange_declare(name, "fanout")
    channel.queue_bind(name, name)
    assert f"no path for the name '{name}'" in run("publish", "-e", name, "x").errors
    assert run("publish", "-e", name, "--count", "3", "--amqp", "auto", "1").exit == 0
    assert f"no path for the name '{name}'" in run("peek", name).errors
    assert f"no path for the name '{name}'" in run("purge", name, "--yes").errors
    assert run("get", name, "--ack", "--payload-only").text == "1"
    assert run("consume", name, "--limit", "1", "--payload-only").text == "1\n"
    assert run("move", name, TARGET).text == "moved\t1\nstayed\t0\n"
    assert run("tap", f"{name}:", "--idle-timeout", "300ms").exit == 0
    channel.queue_delete(name)
    channel.exchange_delete(name)
    assert drain(channel, TARGET) == [1]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_ended_in_the_middle(place: Place, channel: BlockingChannel, number: signal.Signals, code: int) -> None:
    count = 3000
    fill(channel, count)
    env = {name: value for name, value in os.environ.items() if not name.startswith("RMQCTL_")}
    argv = [sys.executable, "-m", "rmqctl", "move", SOURCE, TARGET, "--url", place.http]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    moving = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    while channel.queue_declare(TARGET, passive=True).method.message_count < 100:
        assert moving.poll() is None
    with suppress(ProcessLookupError):
        moving.send_signal(number)
    said, _ = moving.communicate(timeout=30)
    assert moving.returncode == code
    moved, left = drain(channel, TARGET), drain(channel, SOURCE)
    deadline = time.monotonic() + 20
    while len({*moved, *left}) < count and time.monotonic() < deadline:
        left += drain(channel, SOURCE)  # the broker has yet to notice that the connection is gone
    assert moved == list(range(len(moved)))
    assert 100 <= len(moved) < count
    doubled = set(moved) & set(left)
    assert sorted({*moved, *left}) == list(range(count))
    if number == signal.SIGKILL:
        assert doubled <= {moved[-1]}
    else:
        assert not doubled
        assert said == f"moved\t{len(moved)}\nstayed\t0\n"
