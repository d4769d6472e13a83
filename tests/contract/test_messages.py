"""`publish` and `get`: the same bytes and properties come back, from every broker."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pika
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pika.adapters.blocking_connection import BlockingChannel

from .brokers import rmqctl
from .conftest import Place

QUEUE = "messages a/b c%2F é"
PROPERTIES = {"delivery_mode": 2, "priority": 3, "content_type": "x/y", "headers": {"text": "é", "number": 7}}
WORDS = ("--persistent", "--property", "priority=3", "--property", "content_type=x/y", "--header", "text=é")


@pytest.fixture
def channel(place: Place) -> Iterator[BlockingChannel]:
    with pika.BlockingConnection(pika.URLParameters(f"{place.amqp}/%2F")) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True)
        yield channel
        channel.queue_delete(QUEUE)


def test_a_client_receives_what_was_published(place: Place, channel: BlockingChannel, tmp_path: Path) -> None:
    file = tmp_path / "payload"
    file.write_bytes(bytes(range(256)))
    words = ("publish", "-k", QUEUE, "--file", str(file), *WORDS, "--header", "number:=7")
    assert rmqctl(*words, url=place.http).exit == 0
    got, properties, body = channel.basic_get(QUEUE, auto_ack=True)
    assert (got.routing_key, body) == (QUEUE, bytes(range(256)))
    assert {name: getattr(properties, name) for name in PROPERTIES} == PROPERTIES


def test_get_leaves_messages_until_told_otherwise(place: Place, channel: BlockingChannel) -> None:
    channel.confirm_delivery()
    channel.basic_publish("", QUEUE, b"one", pika.BasicProperties(**PROPERTIES))
    for words, redelivered in (((), False), (("--requeue",), True), (("--ack",), True)):
        message = json.loads(rmqctl("get", QUEUE, *words, "-f", "jsonl", url=place.http).text)
        assert (message["payload"], message["redelivered"]) == ("one", redelivered)
        assert message["properties"] == PROPERTIES
    assert channel.basic_get(QUEUE) == (None, None, None)


def test_what_goes_nowhere_is_an_error(place: Place) -> None:
    for words in (("publish", "-k", "nobody", "x"), ("publish", "-e", "nothing", "x"), ("get", "nothing")):
        ran = rmqctl(*words, url=place.http)
        assert (ran.exit, ran.stdout) == (65, b""), str(ran)


def ready(channel: BlockingChannel) -> int:
    return int(channel.queue_declare(QUEUE, passive=True).method.message_count)


def test_lines_over_amqp_arrive_in_order(place: Place, channel: BlockingChannel, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"".join(b"%d \xff\n" % number for number in range(3000)))
    words = ("publish", "-k", QUEUE, "--lines", "--file", str(file), "--amqp", "auto", "--persistent", "-f", "json")
    ran = rmqctl(*words, url=place.http)
    assert (ran.exit, json.loads(ran.text)["routed"]) == (0, 3000), str(ran)
    for number in range(3000):
        _, properties, body = channel.basic_get(QUEUE, auto_ack=True)
        assert (body, properties.delivery_mode) == (b"%d \xff" % number, 2)


@pytest.mark.parametrize("amqp", [(), ("--amqp", "auto")])
def test_what_was_got_is_published_again(
    place: Place, channel: BlockingChannel, amqp: tuple[str, ...], tmp_path: Path
) -> None:
    bodies = [b"text \xc3\xa9", bytes(range(256)), b""]
    properties = pika.BasicProperties(**{**PROPERTIES, "expiration": "600000", "timestamp": 7, "type": "é"})
    channel.confirm_delivery()
    for body in bodies:
        channel.basic_publish("", QUEUE, body, properties)
    lines = rmqctl("get", QUEUE, "--count", "9", "--ack", "-f", "jsonl", url=place.http)
    assert (lines.text.count("\n"), ready(channel)) == (3, 0)
    file = tmp_path / "lines"
    file.write_bytes(lines.stdout)
    assert rmqctl("publish", "--jsonl", "--file", str(file), *amqp, url=place.http).exit == 0
    folder = tmp_path / "dump"
    assert rmqctl("get", QUEUE, "--count", "9", "--ack", "--dump", str(folder), url=place.http).exit == 0
    assert ready(channel) == 0
    assert rmqctl("publish", "--from", str(folder), *amqp, url=place.http).exit == 0
    found = [channel.basic_get(QUEUE, auto_ack=True) for _ in bodies]
    assert [body for _, _, body in found] == bodies
    assert all(vars(got) == vars(properties) for _, got, _ in found)


def test_some_go_nowhere(place: Place, channel: BlockingChannel, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    keys = (QUEUE, "nobody", QUEUE)
    file.write_text("".join(json.dumps({"payload": "x", "routing_key": key}) + "\n" for key in keys))
    for more in ((), ("--amqp", place.amqp)):
        ran = rmqctl("publish", "--jsonl", "--file", str(file), "-f", "json", *more, url=place.http)
        assert (ran.exit, json.loads(ran.text)["unroutable"]) == (3, 1), str(ran)
    assert ready(channel) == 4
    ran = rmqctl("publish", "-k", "nobody", "x", "--amqp", "auto", url=place.http)
    assert (ran.exit, "no queue took 1 of 1 message" in ran.errors) == (65, True)
    ran = rmqctl("publish", "-e", "nothing", "x", "--amqp", "auto", url=place.http)
    assert (ran.exit, "nothing" in ran.errors) == (65, True)


def test_a_full_queue_refuses(place: Place, channel: BlockingChannel) -> None:
    full = f"{QUEUE} full"
    channel.queue_declare(full, arguments={"x-max-length": 2, "x-overflow": "reject-publish"})
    ran = rmqctl("publish", "-k", full, "x", "--count", "5", "--amqp", "auto", "-f", "json", url=place.http)
    channel.queue_delete(full)
    assert (ran.exit, json.loads(ran.text)["routed"], json.loads(ran.text)["refused"]) == (3, 2, 3), str(ran)
    assert "refused 3 messages" in ran.errors


def test_payloads_byte_for_byte(place: Place, channel: BlockingChannel) -> None:
    channel.confirm_delivery()
    channel.basic_publish("", QUEUE, bytes(range(256)))
    assert rmqctl("peek", QUEUE, "--payload-only", url=place.http).stdout == bytes(range(256))
    assert ready(channel) == 1


def test_a_stream_by_offset(place: Place) -> None:
    stream = "messages stream é"
    if place.node is None:
        ran = rmqctl("declare", "stream", stream, url=place.http)
        assert (ran.exit, "stream" in ran.errors) == (69, True), str(ran)
        return
    assert rmqctl("declare", "stream", stream, url=place.http).exit == 0
    try:
        words = ("publish", "-k", stream, "--count", "20", "--amqp", "auto", "x")
        assert rmqctl(*words, url=place.http).exit == 0
        ran = rmqctl("peek", stream, "--count", "2", "-f", "jsonl", url=place.http)
        offsets = [json.loads(line)["properties"]["headers"]["x-stream-offset"] for line in ran.text.splitlines()]
        assert (ran.exit, offsets) == (0, [0, 1]), str(ran)
        ran = rmqctl("get", stream, "--ack", url=place.http)
        assert (ran.exit, "--offset reads it" in ran.errors) == (69, True), str(ran)
        ran = rmqctl("get", stream, "--offset", "17", "--count", "9", "-f", "jsonl", url=place.http)
        offsets = [json.loads(line)["properties"]["headers"]["x-stream-offset"] for line in ran.text.splitlines()]
        assert offsets == [17, 18, 19]
        ran = rmqctl("get", stream, "--offset", "first", "--count", "2", "--payload-only", url=place.http)
        assert (ran.exit, ran.stdout) == (0, b"x\nx\n"), str(ran)
    finally:
        rmqctl("delete", "queue", stream, "--yes", url=place.http)


@pytest.fixture
def stranger(place: Place) -> Iterator[str]:
    """The URL of a user who sees all and may use nothing."""
    name = "messages stranger"
    assert rmqctl("add_user", name, "x", url=place.http).exit == 0
    assert rmqctl("set_user_tags", name, "monitoring", url=place.http).exit == 0
    assert rmqctl("set_permissions", name, "", "", "", url=place.http).exit == 0
    yield place.http.replace("guest:guest@", f"{quote(name)}:x@")
    assert rmqctl("delete_user", name, url=place.http).exit == 0


def test_what_is_not_permitted(place: Place, channel: BlockingChannel, stranger: str, tmp_path: Path) -> None:
    """The same exit code from each command."""
    other = channel.queue_declare("", exclusive=False, auto_delete=True).method.queue
    channel.confirm_delivery()
    channel.basic_publish("", QUEUE, b"one")
    for words in (
        ("publish", "-k", QUEUE, "x"),
        ("publish", "-k", QUEUE, "x", "--count", "2"),
        ("publish", "-k", QUEUE, "x", "--amqp", "auto"),
        ("publish", "-k", QUEUE, "x", "--amqp", "auto", "--count", "20"),
        ("get", QUEUE),
        ("peek", QUEUE),
        ("get", QUEUE, "--ack"),
        ("get", QUEUE, "--reject"),
        ("get", QUEUE, "--ack", "--dump", str(tmp_path / "dump")),
        ("consume", QUEUE),
        ("tap", "amq.topic:#"),
        ("move", QUEUE, other),
        ("redrive", QUEUE),
        ("purge", QUEUE, "--yes"),
        ("bench",),
    ):
        ran = rmqctl(*words, url=stranger)
        assert (ran.exit, "refused" in ran.errors) == (77, True), str(ran)
    channel.queue_delete(other)
    assert ready(channel) == 1


def test_content_that_is_refused(place: Place, channel: BlockingChannel) -> None:
    for words in (
        ("--user-id", "other"),
        ("--property", "expiration=x"),
        ("--expiration", "99999999999h"),
    ):
        for more in ((), ("--count", "2"), ("--amqp", "auto")):
            ran = rmqctl("publish", "-k", QUEUE, "x", *words, *more, url=place.http)
            assert ran.exit == 65, str(ran)
    assert ready(channel) == 0


@pytest.mark.parametrize("environ", [{}, {"PYTHONUNBUFFERED": "1"}], ids=("buffered", "unbuffered"))
@pytest.mark.parametrize("words", [("--ack",), ("--reject",), ("--ack", "--payload-only"), ("--ack", "-f", "json")])
def test_what_could_not_be_written_whole_stays(
    place: Place, channel: BlockingChannel, words: tuple[str, ...], environ: dict[str, str], tmp_path: Path
) -> None:
    """The disk takes a part of it."""
    channel.confirm_delivery()
    channel.basic_publish("", QUEUE, b"x" * 3000)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    argv = [sys.executable, "-m", "rmqctl", "--url", place.http, "get", QUEUE, *words]
    with (tmp_path / "out").open("wb") as out:
        ran = subprocess.run(
            argv, stdout=out, stderr=subprocess.PIPE, env={**os.environ, **environ}, preexec_fn=limit, check=False
        )
    assert (ran.returncode, ran.stderr.count(b"\n"), b"could not be written" in ran.stderr) == (70, 1, True), ran
    assert channel.basic_get(QUEUE, auto_ack=True)[2] == b"x" * 3000


def test_a_dump_that_does_not_fit_stays_in_the_queue(place: Place, channel: BlockingChannel, tmp_path: Path) -> None:
    channel.confirm_delivery()
    for body in (b"small", b"x" * 3000):
        channel.basic_publish("", QUEUE, body)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    folder = tmp_path / "dump"
    argv = [
        sys.executable,
        "-m",
        "rmqctl",
        "--url",
        place.http,
        "get",
        QUEUE,
        "--count",
        "2",
        "--ack",
        "--dump",
        folder,
    ]
    ran = subprocess.run(argv, capture_output=True, preexec_fn=limit, check=False)
    assert (ran.returncode, b"--dump" in ran.stderr) == (70, True), ran
    assert sorted(file.name for file in folder.iterdir()) == ["message-000001", "message-000001.json"]
    assert channel.basic_get(QUEUE, auto_ack=True)[2] == b"x" * 3000


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)
SHORT = TEXT.filter(lambda text: len(text.encode()) < 200)
SCALAR = TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1)
HEADERS = st.dictionaries(
    SHORT.filter(lambda name: bool(name) and not name.startswith("x-") and name not in ("CC", "BCC")),
    SCALAR
    | st.lists(SCALAR, min_size=1, max_size=3)
    | st.dictionaries(SHORT.filter(bool), SCALAR, min_size=1, max_size=3),
    min_size=1,
    max_size=4,
)
PROPERTY = {
    "content_type": SHORT, "content_encoding": SHORT, "correlation_id": SHORT, "reply_to": SHORT, "message_id": SHORT,
    "type": SHORT, "app_id": SHORT, "priority": st.integers(0, 255), "delivery_mode": st.integers(1, 2),
    "timestamp": st.integers(0, 2**40), "headers": HEADERS,
}  # fmt: skip
MESSAGES = st.lists(
    st.tuples(st.binary(max_size=300) | TEXT.map(str.encode), st.fixed_dictionaries({}, optional=PROPERTY)),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("amqp", [(), ("--amqp", "auto")])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=MESSAGES)
def test_the_same_bytes_and_properties_come_back(
    place: Place,
    channel: BlockingChannel,
    amqp: tuple[str, ...],
    tmp_path: Path,
    messages: list[tuple[bytes, dict[str, object]]],
) -> None:
    channel.queue_purge(QUEUE)
    lines = [
        {"payload": b64encode(body).decode(), "payload_encoding": "base64", "properties": properties}
        for body, properties in messages
    ]
    file = tmp_path / "lines"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = rmqctl("publish", "-k", QUEUE, "--jsonl", "--file", str(file), *amqp, url=place.http)
    assert ran.exit == 0, str(ran)
    ran = rmqctl("get", QUEUE, "--count", "99", "--ack", "-f", "jsonl", url=place.http)
    found = [json.loads(line) for line in ran.text.split("\n") if line]
    bodies = [
        b64decode(row["payload"]) if row["payload_encoding"] == "base64" else row["payload"].encode() for row in found
    ]
    assert bodies == [body for body, _ in messages]
    assert [row["properties"] for row in found] == [properties for _, properties in messages]


@pytest.mark.parametrize("amqp", [(), ("--amqp", "auto")])
def test_a_line_is_sent_when_it_comes(place: Place, channel: BlockingChannel, amqp: tuple[str, ...]) -> None:
    argv = [sys.executable, "-m", "rmqctl", "--url", place.http, "publish", "-k", QUEUE, "--lines", *amqp]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as publisher:
        assert publisher.stdin
        for line in (b"one", b"two"):
            publisher.stdin.write(line + b"\n")
            publisher.stdin.flush()
            deadline = time.monotonic() + 30
            while (body := channel.basic_get(QUEUE, auto_ack=True)[2]) is None and time.monotonic() < deadline:
                time.sleep(0.05)
            assert (body, publisher.poll()) == (line, None)
        assert publisher.communicate(timeout=30)[1] == b""
    assert publisher.returncode == 0


def test_ctrl_c_while_it_waits_for_a_line(place: Place, channel: BlockingChannel) -> None:
    argv = [sys.executable, "-m", "rmqctl", "--url", place.http, "publish", "-k", QUEUE, "--lines", "--amqp", "auto"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as publisher:
        assert publisher.stdin
        assert publisher.stderr
        publisher.stdin.write(b"one\n")
        publisher.stdin.flush()
        deadline = time.monotonic() + 30
        while ready(channel) == 0 and time.monotonic() < deadline:
            time.sleep(0.05)
        publisher.send_signal(signal.SIGINT)
        assert publisher.wait(30) == 130
        assert publisher.stderr.read() == b"rmqctl: interrupted: 1 message published\n"


@pytest.mark.parametrize(
    "properties",
    [{"content_type": "x" * 256}, {"priority": 256}, {"headers": {"a": 1 << 70}}, {"headers": {"k" * 256: 1}}],
    ids=("long text", "large number", "large header", "long name"),
)
def test_what_amqp_cannot_carry(place: Place, channel: BlockingChannel, properties: object, tmp_path: Path) -> None:
    file = tmp_path / "lines"
    lines = ({"payload": "1"}, {"payload": "2", "properties": properties}, {"payload": "3"})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = rmqctl("publish", "-k", QUEUE, "--jsonl", "--file", str(file), "--amqp", "auto", url=place.http)
    assert (ran.exit, "message 2 has a key or property that AMQP cannot carry" in ran.errors) == (3, True), str(ran)
    assert (len(ran.errors.splitlines()), ready(channel)) == (1, 1)


@pytest.mark.parametrize("mode", ["ack_requeue_true", "reject_requeue_true"])
def test_what_is_put_back_stays(place: Place, channel: BlockingChannel, mode: str, tmp_path: Path) -> None:
    channel.confirm_delivery()
    channel.basic_publish("", QUEUE, b"one")
    words = ("get", f"queue={QUEUE}", f"ackmode={mode}", "encoding=base64")
    assert rmqctl(*words, "--dump", str(tmp_path / "dump"), url=place.http).exit == 0
    message = json.loads(rmqctl(*words, "-f", "jsonl", url=place.http).text)
    assert (message["payload"], message["payload_encoding"]) == ("b25l", "base64")
    assert [body for _, _, body in (channel.basic_get(QUEUE), channel.basic_get(QUEUE))] == [b"one", None]
