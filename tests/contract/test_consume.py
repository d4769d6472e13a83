"""`consume` takes exactly what it has written, and `tap` takes nothing from anybody."""

import gzip
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from .brokers import Ran, rmqctl
from .conftest import Place

QUEUE, DEAD, EXCHANGE, HEADERS = "consume a/b ü", "consume dead", "tap: a/b ü", "tap headers"
JSON = {"delivery_mode": 2, "content_type": "application/json", "headers": {"n": 7, "text": "é"}}


@pytest.fixture
def channel(place: Place) -> Iterator[BlockingChannel]:
    """A queue whose rejected messages go to another one, bound to a topic exchange; a headers exchange without bindings."""
    with pika.BlockingConnection(pika.URLParameters(f"{place.amqp}/%2F")) as connection:
        channel = connection.channel()
        dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD}
        channel.queue_declare(QUEUE, durable=True, arguments=dead_letters)
        channel.queue_declare(DEAD, durable=True)
        channel.exchange_declare(EXCHANGE, "topic")
        channel.exchange_declare(HEADERS, "headers")
        channel.queue_bind(QUEUE, EXCHANGE, "#")
        channel.confirm_delivery()
        yield channel
        for name in (QUEUE, DEAD):
            channel.queue_delete(name)
        for name in (EXCHANGE, HEADERS):
            channel.exchange_delete(name)


@pytest.fixture
def run(place: Place) -> Callable[..., Ran]:
    return lambda *words: rmqctl(*words, url=place.http)


Started = Callable[..., AbstractContextManager["subprocess.Popen[str]"]]


@pytest.fixture
def started(place: Place) -> Started:
    """Starts rmqctl, which is ended when the test is done with it."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("RMQCTL_")}
    signal.signal(signal.SIGINT, signal.default_int_handler)

    @contextmanager
    def start(*words: str) -> "Iterator[subprocess.Popen[str]]":
        argv = [sys.executable, "-m", "rmqctl", *words, "--url", place.http]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
            try:
                yield process
            finally:
                process.kill()

    return start


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.05)


def rest(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """What is still to be read, after lines were read one by one, which `communicate` must not follow."""
    assert process.stdout
    assert process.stderr
    found = process.stdout.read(), process.stderr.read()
    process.wait(30)
    return found


def fill(channel: BlockingChannel, count: int, first: int = 0, spaces: int = 0) -> None:
    for number in range(first, first + count):
        properties = pika.BasicProperties(delivery_mode=2, headers={"n": number})
        channel.basic_publish("", QUEUE, b"%d" % number + b" " * spaces, properties)


def ready(channel: BlockingChannel, queue: str = QUEUE) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def drain(channel: BlockingChannel, queue: str = QUEUE) -> list[int]:
    got = iter(lambda: channel.basic_get(queue, auto_ack=True), (None, None, None))
    return [int(body) for _, _, body in got]


def payloads(text: str) -> list[int]:
    return [int(json.loads(line)["payload"]) for line in text.splitlines()]


# consume


@pytest.mark.parametrize("environ", [{}, {"PYTHONUNBUFFERED": "1"}], ids=("buffered", "unbuffered"))
def test_what_could_not_be_written_whole_stays(
    place: Place, channel: BlockingChannel, environ: dict[str, str], tmp_path: Path
) -> None:
    """The disk takes two messages and a part of the third one."""
    fill(channel, 4, spaces=400)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    argv = [sys.executable, "-m", "rmqctl", "--url", place.http, "consume", QUEUE, "--payload-only"]
    with (tmp_path / "out").open("wb") as out:
        ran = subprocess.run(
            argv, stdout=out, stderr=subprocess.PIPE, env={**os.environ, **environ}, preexec_fn=limit, check=False
        )
    assert (ran.returncode, ran.stderr.count(b"\n"), b"could not be written" in ran.stderr) == (70, 1, True), ran
    assert drain(channel) == [2, 3]


@pytest.mark.parametrize("prefetch", [(), ("--prefetch", "5")])
def test_a_limit_takes_no_more(channel: BlockingChannel, run: Callable[..., Ran], prefetch: tuple[str, ...]) -> None:
    fill(channel, 10)
    ran = run("consume", QUEUE, "--limit", "3", "--jsonl", *prefetch)
    assert (ran.exit, payloads(ran.text), ran.errors) == (0, [0, 1, 2], "")
    got, _, body = channel.basic_get(QUEUE, auto_ack=True)
    assert got is not None
    assert body == b"3"
    if not prefetch:
        assert not got.redelivered
    assert drain(channel) == list(range(4, 10))


def test_what_comes_as_it_comes_until_nothing_does(channel: BlockingChannel, started: Started) -> None:
    with started("consume", QUEUE, "--payload-only", "--idle-timeout", "2s") as consuming:
        assert consuming.stdout
        for number in range(3):
            fill(channel, 1, number)
            assert consuming.stdout.readline() == f"{number}\n"
        assert rest(consuming) == ("", "")
    assert (consuming.returncode, ready(channel)) == (0, 0)


def test_a_reader_that_goes_away(channel: BlockingChannel, started: Started) -> None:
    """What was written is acknowledged, the message that could not be written is in the queue again, and all after it."""
    with started("consume", QUEUE, "--payload-only") as consuming:
        assert consuming.stdout
        fill(channel, 2)
        assert [consuming.stdout.readline() for _ in range(2)] == ["0\n", "1\n"]
        consuming.stdout.close()
        fill(channel, 5, 2)
        assert consuming.wait(30) == 0
        assert consuming.stderr
        assert consuming.stderr.read() == ""
    until(lambda: ready(channel) == 5)
    assert drain(channel) == list(range(2, 7))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_ended_in_the_middle(
    channel: BlockingChannel,
    started: Started,
    number: signal.Signals,
    code: int,
) -> None:
    """Nothing is lost. After kill -9 those that were on their way may come again, after Ctrl-C none does."""
    fill(channel, 100, spaces=8000)  # more than the pipe holds
    with started("consume", QUEUE, "--payload-only") as consuming:
        assert consuming.stdout
        written = [int(consuming.stdout.readline()) for _ in range(20)]
        consuming.send_signal(number)
        more, said = rest(consuming)
    assert consuming.returncode == code
    written += [int(line) for line in more.splitlines()]
    left: list[int] = []

    def all_there() -> bool:
        left.extend(drain(channel))
        return len({*written, *left}) == 100

    until(all_there)  # the broker has yet to notice that the connection is gone
    again = len(written) + len(left) - 100
    assert len(written) < 100
    if number == signal.SIGKILL:
        assert again <= 10
    else:
        assert (again, said) == (0, f"rmqctl: interrupted: {len(written)} messages consumed\n")


def test_those_that_are_not_chosen_stay(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    fill(channel, 20)
    ran = run("consume", QUEUE, "--where", "headers.n >= 10 and payload ~ '5$'", "--jsonl", "--idle-timeout", "1s")
    assert (ran.exit, payloads(ran.text), ran.errors) == (0, [15], "")
    until(lambda: ready(channel) == 19)
    ran = run("consume", QUEUE, "--where", "redelivered = false", "--prefetch", "5", "--jsonl")
    assert (ran.exit, ran.text) == (3, "")
    assert "5 messages of the queue are held back, which is all that --prefetch 5 allows" in ran.errors
    until(lambda: ready(channel) == 19)
    assert drain(channel) == [number for number in range(20) if number != 15]


COMMAND = """sh -c 'read -r n; [ "$n" != 2 ] && echo "$n $RMQCTL_ROUTING_KEY $RMQCTL_HEADERS"'"""


@pytest.mark.parametrize(
    ("on_failure", "done", "left", "dead"),
    [
        ("stop", [0, 1], [2, 3, 4], []),
        ("requeue", [0, 1, 3, 4], [2], []),
        ("reject", [0, 1, 3, 4], [], [2]),
    ],
)
def test_a_command_that_fails_once(
    channel: BlockingChannel,
    run: Callable[..., Ran],
    on_failure: str,
    done: list[int],
    left: list[int],
    dead: list[int],
) -> None:
    fill(channel, 5)
    words = ("--exec", COMMAND, "--idle-timeout", "1s", "--on-failure", on_failure)
    ran = run("consume", QUEUE, *words)
    assert ran.exit == 3, str(ran)
    assert ran.text == "".join(f'{n} {QUEUE} {{"n": {n}}}\n' for n in done)
    assert ran.errors.startswith("rmqctl: --exec failed for 1 message, message 3: exit code 1; ")
    assert ran.errors.endswith(f"; {len(done)} messages consumed\n")
    until(lambda: ready(channel) == len(left))
    assert (drain(channel), drain(channel, DEAD)) == (left, dead)


def test_a_queue_that_is_deleted_and_a_connection_that_is_closed(
    channel: BlockingChannel, run: Callable[..., Ran], started: Started
) -> None:
    fill(channel, 1)
    with started("consume", QUEUE, "--payload-only") as consuming:
        assert consuming.stdout
        assert consuming.stdout.readline() == "0\n"
        until(lambda: run("close", "connection", "rmqctl", "--yes").exit == 0)
        said = rest(consuming)[1]
        assert (consuming.returncode, said.count("\n")) == (69, 1)
        assert "1 message came before" in said
    fill(channel, 1, first=1)
    with started("consume", QUEUE, "--payload-only") as consuming:
        assert consuming.stdout
        assert consuming.stdout.readline() == "1\n"
        channel.queue_delete(QUEUE)
        said = rest(consuming)[1]
        assert (consuming.returncode, said.count("\n")) == (69, 1)
        assert f"the broker cancelled the consumer: was queue {QUEUE!r} deleted?; 1 message came before" in said


def test_what_was_consumed_is_published_again(
    channel: BlockingChannel, run: Callable[..., Ran], tmp_path: Path
) -> None:
    bodies = [b"text \xc3\xa9", bytes(range(256)), b"", b"a\nb\tc"]
    properties = pika.BasicProperties(**JSON, expiration="600000", timestamp=7, type="é")
    for body in bodies:
        channel.basic_publish("", QUEUE, body, properties)
    ran = run("consume", QUEUE, "--jsonl", "--limit", "4")
    assert (ran.exit, ready(channel)) == (0, 0)
    file = tmp_path / "lines"
    file.write_bytes(ran.stdout)
    assert run("publish", "--jsonl", "--file", str(file), "--amqp", "auto").exit == 0
    found = [channel.basic_get(QUEUE, auto_ack=True) for _ in bodies]
    assert [body for _, _, body in found] == bodies
    assert all(vars(got) == vars(properties) for _, got, _ in found)


def test_decoded(channel: BlockingChannel, run: Callable[..., Ran], tmp_path: Path) -> None:
    value = {"id": 7, "text": "é"}
    text = json.dumps(value).encode()
    raw = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(text),
        "deflate": zlib.compress(text),
        "DEFLATE": raw.compress(text) + raw.flush(),
        None: text,
    }
    for encoding, body in packed.items():
        channel.basic_publish("", QUEUE, body, pika.BasicProperties(**JSON, content_encoding=encoding))
    channel.basic_publish("", QUEUE, b"no gzip", pika.BasicProperties(content_encoding="gzip"))
    words = ("--jsonl", "--decode", "auto", "--idle-timeout", "1s")
    assert run("consume", QUEUE, *words, "--where", "payload.id = 8").text == ""
    until(lambda: ready(channel) == 5)
    ran = run("consume", QUEUE, *words)
    rows = [json.loads(line) for line in ran.text.splitlines()]
    assert [row["payload"] for row in rows] == [value] * 4 + ["no gzip"]
    assert [row["properties"] for row in rows[:4]] == [JSON] * 4
    assert "message 5 could not be decoded: gzip: " in ran.errors
    file = tmp_path / "lines"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows[:1]))
    assert run("publish", "--jsonl", "--file", str(file)).exit == 0
    assert json.loads(channel.basic_get(QUEUE, auto_ack=True)[2]) == value


def test_refusals(place: Place, channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    for words, code, said in (
        (("consume", "nothing"), 65, "'nothing' in virtual host '/' does not exist"),
        (("tap", "nothing"), 65, "'nothing' in virtual host '/' does not exist"),
        (("consume", QUEUE, "--amqp", "amqp://127.0.0.1:9"), 69, "connection refused"),
        (("tap", "amq.topic", "--amqp", place.amqp.replace(":guest@", ":secret@")), 77, "the log-in was refused"),
    ):
        ran = run(*words)
        assert (ran.exit, ran.text) == (code, ""), ran
        assert said in ran.errors
        assert "secret" not in ran.errors


def test_a_stream_is_for_get(place: Place, run: Callable[..., Ran]) -> None:
    if place.node is None:
        return  # it has no streams
    stream = "consume stream"
    assert run("declare", "stream", stream).exit == 0
    ran = run("consume", stream)
    assert run("delete", "queue", stream, "--yes").exit == 0
    assert (ran.exit, ran.text, "get 'consume stream' --offset first" in ran.errors) == (69, "", True), ran


# tap


@pytest.fixture
def tapping(run: Callable[..., Ran], started: Started) -> Started:
    """Starts a tap and waits until it is bound to its `bindings` exchanges."""

    @contextmanager
    def start(*words: str, bindings: int = 1) -> "Iterator[subprocess.Popen[str]]":
        query = ("list_bindings", "source_name", "--where", "source_name ~ '^tap' and destination_name ~ '^amq.gen'")
        with started("tap", *words) as process:
            until(lambda: len(run(*query, "-s").text.splitlines()) == bindings or process.poll() is not None)
            assert process.poll() is None, process.communicate()
            yield process

    return start


@contextmanager
def nothing_is_left(run: Callable[..., Ran]) -> Iterator[None]:
    before = run("list_queues", "name").text
    yield
    until(lambda: run("list_queues", "name").text == before)


def test_a_tap_leaves_the_others_alone(channel: BlockingChannel, run: Callable[..., Ran], tapping: Started) -> None:
    with nothing_is_left(run):
        words = ("--exchange", EXCHANGE, "--key", "order.*", "--jsonl", "--limit", "3")
        with tapping(*words, "--where", "payload != '1'") as tap:
            for number in range(5):
                channel.basic_publish(EXCHANGE, "order.é", b"%d" % number, pika.BasicProperties(**JSON))
                channel.basic_publish(EXCHANGE, "other", b"9")
            out, said = tap.communicate(timeout=30)
        rows = [json.loads(line) for line in out.splitlines()]
        assert (tap.returncode, [row["payload"] for row in rows], said) == (0, ["0", "2", "3"], "")
        assert (rows[0]["exchange"], rows[0]["routing_key"], rows[0]["properties"]) == (EXCHANGE, "order.é", JSON)
        assert drain(channel) == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]


def test_several_exchanges_by_header_until_ctrl_c(
    channel: BlockingChannel, run: Callable[..., Ran], tapping: Started
) -> None:
    channel.exchange_declare("tap inner", "fanout", internal=True)
    channel.exchange_bind("tap inner", HEADERS)
    words = ("--header", "kind=order", "--header", "n:=1", "--x-match", "any", "--payload-only")
    with nothing_is_left(run):
        with tapping(HEADERS, *words) as tap:
            assert tap.stdout
            for headers in ({"kind": "order"}, {"kind": "other"}, {"n": 1}):
                channel.basic_publish(HEADERS, "", json.dumps(headers).encode(), pika.BasicProperties(headers=headers))
            assert [json.loads(tap.stdout.readline()) for _ in range(2)] == [{"kind": "order"}, {"n": 1}]
            tap.send_signal(signal.SIGINT)
            assert rest(tap) == ("", "rmqctl: interrupted: 2 messages\n")
        assert tap.returncode == 130
        with tapping("tap inner", "--exchange", EXCHANGE, "--payload-only", "--limit", "2", bindings=2) as tap:
            channel.basic_publish(HEADERS, "", b"x")
            channel.basic_publish(EXCHANGE, "", b"7")
            out, _ = tap.communicate(timeout=30)
        assert (tap.returncode, out) == (0, "x\n7\n")
    channel.exchange_delete("tap inner")


def test_which_exchanges_cannot_be_tapped(channel: BlockingChannel, run: Callable[..., Ran]) -> None:
    ran = run("tap", "amq.direct")
    assert (ran.exit, "is of type direct, so keys are needed: amq.direct:KEY" in ran.errors) == (64, True), ran
    ran = run("tap", EXCHANGE)
    assert (ran.exit, "--exchange takes a name with a colon" in ran.errors) == (65, True), ran
    assert run("tap", "amq.direct:x", "--idle-timeout", "500ms").exit == 0
