"""`bench` measures what it sends and leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time

import pika

from .brokers import rmqctl
from .conftest import Place

QUEUE = "bench a/b ü"


def test_what_is_sent_arrives_and_nothing_is_left(place: Place) -> None:
    before = rmqctl("list_queues", "name", url=place.http).text
    for words in (("--confirms", "--producers", "2", "--consumers", "2"), ("--rate", "100", "--auto-ack")):
        ran = rmqctl("bench", "--time", "500ms", "--size", "2KiB", *words, "-f", "json", url=place.http)
        assert (ran.exit, ran.errors) == (0, ""), ran
        told = json.loads(ran.text)
        assert told["consumed"] == told["published"] > 1
        assert told["latency_ms"]["p50"] <= told["latency_ms"]["p99"] <= told["latency_ms"]["max"]
        if "--confirms" in words:
            assert (told["confirmed"], told["refused"]) == (told["published"], 0)
            assert told["confirm_ms"]["p50"] > 0
        else:
            assert told["published"] <= 100 * (told["seconds"] + 1)
    assert rmqctl("list_queues", "name", url=place.http).text == before


def test_a_queue_with_messages_is_left_alone(place: Place) -> None:
    with pika.BlockingConnection(pika.URLParameters(f"{place.amqp}/%2F")) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True)
        channel.confirm_delivery()
        channel.basic_publish("", QUEUE, b"x")
        ran = rmqctl("bench", "--queue", QUEUE, url=place.http)
        assert (ran.exit, "is in use: 1 ready messages" in ran.errors) == (65, True), ran
        assert channel.basic_get(QUEUE, auto_ack=True)[2] == b"x"
        ran = rmqctl("bench", "--queue", QUEUE, "--time", "300ms", "--rate", "50", "-f", "json", url=place.http)
        assert (ran.exit, json.loads(ran.text)["consumed"] > 0) == (0, True), ran
        assert channel.queue_declare(QUEUE, passive=True).method.message_count == 0
        channel.queue_delete(QUEUE)
    ran = rmqctl("bench", "--queue", "nothing", url=place.http)
    assert (ran.exit, "no queue 'nothing'" in ran.errors) == (65, True), ran


def test_ctrl_c_tells_what_came_so_far(place: Place) -> None:
    before = rmqctl("list_queues", "name", url=place.http).text
    signal.signal(signal.SIGINT, signal.default_int_handler)
    env = {name: value for name, value in os.environ.items() if not name.startswith("RMQCTL_")}
    argv = [sys.executable, "-m", "rmqctl", "bench", "--time", "1h", "--rate", "50", "-f", "json", "--url", place.http]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as bench:
        try:
            deadline = time.monotonic() + 30
            while rmqctl("list_queues", "name", url=place.http).text == before:
                assert time.monotonic() < deadline
            bench.send_signal(signal.SIGINT)
            out, said = bench.communicate(timeout=30)
        finally:
            bench.kill()
    assert (bench.returncode, said) == (130, "rmqctl: interrupted\n")
    assert json.loads(out)["consumed"] == json.loads(out)["published"]
    assert rmqctl("list_queues", "name", url=place.http).text == before


def test_nobody_at_the_port(place: Place) -> None:
    for words in (("bench",), ("publish", "-k", "x", "y")):
        ran = rmqctl(*words, "--amqp", "amqp://127.0.0.1:9", url=place.http)
        assert (ran.exit, ran.errors) == (69, "rmqctl: amqp://127.0.0.1:9: connection refused\n"), ran
