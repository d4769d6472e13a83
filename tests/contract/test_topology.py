"""topology on every broker: what --trace foretells is what happens to a message, whatever is bound to what."""

import contextlib
import io
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel

from rmqctl.cli import run
from rmqctl.session import Session

from .brokers import rmqctl
from .conftest import Place

VHOST = "topology a/b é"
TYPES = ("direct", "fanout", "topic", "headers")
EXCHANGES = [f"{kind} {name}" for kind in TYPES for name in ("one/ü", 'two "%2F"', "three")]
QUEUES = [f"queue {number}/ü" for number in range(12)]
WORDS = ("", "a", "b", "ü")
WILDCARDS = (*WORDS, "*", "#")
HEADERS: dict[str, list[Any]] = {
    "format": ["pdf", "txt", ""],
    "size": [1, 2, -3],
    "ok": [True, False, 1],
    "deep": [{"a": [1]}, {"a": [2]}],
    "nothing": [None],
    "x-odd": ["pdf"],
}
MESSAGES = 60


def some_headers(chance: random.Random) -> dict[str, Any]:
    return {name: chance.choice(values) for name, values in HEADERS.items() if chance.random() < 0.4}


def some_key(chance: random.Random, words: tuple[str, ...]) -> str:
    return ".".join(chance.choices(words, k=chance.randrange(4)))


@pytest.fixture
def channel(place: Place) -> Iterator[BlockingChannel]:
    """In a virtual host of its own."""
    with httpx.Client(base_url=f"{place.http}/api", timeout=30, trust_env=False) as api:
        assert rmqctl("declare", "vhost", VHOST, url=place.http).exit == 0
        parameters = pika.URLParameters(f"{place.amqp}/{quote(VHOST, safe='')}")
        with pika.BlockingConnection(parameters) as connection:
            channel = connection.channel()
            channel.confirm_delivery()
            yield channel
        api.delete(f"/vhosts/{quote(VHOST, safe='')}")


def build(chance: random.Random, channel: BlockingChannel) -> None:
    for name in EXCHANGES:
        other = {"alternate-exchange": chance.choice([*EXCHANGES, "not there"])} if chance.random() < 0.4 else {}
        channel.exchange_declare(name, name.partition(" ")[0], arguments=other)
    for name in QUEUES:
        channel.queue_declare(name, durable=True)
    for _ in range(60):
        source = chance.choice(EXCHANGES)
        arguments = {}
        if source.startswith("headers"):
            arguments = {"x-match": chance.choice(["all", "any", "all-with-x", "any-with-x"]), **some_headers(chance)}
        key = some_key(chance, WILDCARDS)
        if chance.random() < 0.25:
            channel.exchange_bind(chance.choice(EXCHANGES), source, key, arguments=arguments)
        else:
            channel.queue_bind(chance.choice(QUEUES), source, key, arguments=arguments)


def reached(channel: BlockingChannel) -> dict[int, set[str]]:
    """Which message, by its body, is in which queues. Empties them; no queue has a message twice."""
    found: dict[int, set[str]] = {}
    for queue in QUEUES:
        while (got := channel.basic_get(queue, auto_ack=True))[0]:
            there = found.setdefault(int(got[2]), set())
            assert queue not in there
            there.add(queue)
    return found


@pytest.fixture(scope="module")
def transport() -> Iterator[httpx.HTTPTransport]:
    """One for all runs in this process."""
    with httpx.HTTPTransport(verify=False) as transport:
        yield transport


def topology(place: Place, transport: httpx.HTTPTransport, *argv: str) -> tuple[int, Any, str]:
    """In this process: there are many of them."""
    stdout, stderr = io.StringIO(), io.StringIO()
    words = ["topology", "-f", "json", "--url", place.http, "-p", VHOST, *argv]
    code = run(words, Session(io.StringIO(), stdout, stderr, {"XDG_CONFIG_HOME": "/nonexistent"}, transport))
    with contextlib.suppress(ValueError):
        return code, json.loads(stdout.getvalue()), stderr.getvalue()
    raise AssertionError(f"{argv}: {code} {stdout.getvalue()!r} {stderr.getvalue()!r}")


@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_foretold_happens(
    place: Place, channel: BlockingChannel, transport: httpx.HTTPTransport, seed: int
) -> None:
    chance = random.Random(seed)
    build(chance, channel)
    policy = [
        "set_policy",
        "spare",
        "^direct three$",
        '{"alternate-exchange": "fanout three"}',
        "--apply-to",
        "exchanges",
    ]
    assert rmqctl(*policy, "-p", VHOST, url=place.http).exit == 0
    sent = []
    for number in range(MESSAGES):
        exchange = chance.choice(["", *EXCHANGES])
        key = some_key(chance, WILDCARDS) if exchange else chance.choice([*QUEUES, "no queue"])
        headers = some_headers(chance)
        if number % 10 == 0:
            headers["CC"] = ["a", QUEUES[0]]
        sent.append((exchange, key, headers))
        channel.basic_publish(exchange, key, str(number).encode(), pika.BasicProperties(headers=headers))
    happened = reached(channel)
    assert len(happened) > MESSAGES / 3
    for number, (exchange, key, headers) in enumerate(sent):
        words = [word for name, value in headers.items() for word in ("--header", f"{name}:={json.dumps(value)}")]
        code, told, errors = topology(place, transport, "--trace", exchange, key, *words)
        queues = {each["name"] for each in told["queues"]}
        assert queues == happened.get(number, set()), f"{exchange!r} {key!r} {headers}: {told} {errors}"
        assert code == (0 if queues else 65)


def test_the_graph_of_what_is_there(place: Place, channel: BlockingChannel, transport: httpx.HTTPTransport) -> None:
    channel.exchange_declare("a b/ü", "topic", arguments={"alternate-exchange": "spare"})
    channel.exchange_declare("spare", "fanout")
    channel.queue_declare("q/ü", durable=True, arguments={"x-dead-letter-exchange": "spare"})
    channel.queue_bind("q/ü", "a b/ü", "k.#")
    channel.basic_publish("a b/ü", "k.1", b"x")
    code, found, errors = topology(place, transport)
    assert (code, errors) == (0, "")
    assert [each["name"] for each in found["exchanges"]] == ["a b/ü", "spare"]
    (queue,) = found["queues"]
    assert (queue["type"], queue["messages_ready"], queue["consumers"]) == ("classic", 1, [])
    fields = ("kind", "source_name", "destination_name", "routing_key")
    assert {tuple(each[field] for field in fields) for each in found["edges"]} == {
        ("binding", "a b/ü", "q/ü", "k.#"),
        ("alternate", "a b/ü", "spare", None),
        ("dead-letter", "q/ü", "spare", None),
    }
    channel.basic_consume("q/ü", lambda *_: None, consumer_tag="holder")
    rmqctl("wait", "queue", "q/ü", "--has-consumers", "-p", VHOST, url=place.http)
    _, found, _ = topology(place, transport, "q/ü")
    assert [each["consumer_tag"] for each in found["queues"][0]["consumers"]] == ["holder"]
