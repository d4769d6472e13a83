"""`publish` and `get`: the same bytes and properties come back, from every broker."""

import json
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest
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
