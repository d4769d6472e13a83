"""A kind of queue that is one class in one file is declared, listed, limited and kept as the others are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pamqp import commands

from rmqctl.broker.core.message import message
from rmqctl.broker.core.queue import KINDS, STORED

from .client import Client, encoded, gathered, new_broker
from .last_value import LastValueQueue
from .management.conftest import Api
from .test_store import Kept

NAME = "last-value"
ARGUMENTS = {"x-queue-type": NAME}


del KINDS[NAME]


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture(autouse=True)
def _kind() -> Iterator[None]:
    """Known for the time of a test only."""
    KINDS[NAME] = LastValueQueue
    yield
    del KINDS[NAME]


def ready(api: Api) -> tuple[Any, Any]:
    row = api.get("queues/%2F/q")
    return row["type"], row["messages_ready"]


def publish(api: Api, text: str) -> None:
    body = {"routing_key": "q", "payload": text, "payload_encoding": "string", "properties": {}}
    assert api("POST", "exchanges/%2F/amq.default/publish", body).json() == {"routed": True}


def test_over_amqp() -> None:
    client = Client(new_broker())
    client.declare("q", durable=True, arguments=ARGUMENTS)
    for text in (b"1", b"2", b"3"):
        client.publish(text, "q")
    got = client.get("q", no_ack=True)
    assert got is not None
    assert got.body == b"3"
    assert client.get("q") is None


def test_what_comes_back_gives_way_to_what_is_newer() -> None:
    client = Client(new_broker())
    client.declare("q", durable=True, arguments=ARGUMENTS)
    client.publish(b"old", "q")
    got = client.get("q")
    assert got is not None
    client.publish(b"new", "q")
    client.raw(encoded(commands.Basic.Nack(got.method.delivery_tag, requeue=True)))
    again = gathered([each for _, each in client.raw(encoded(commands.Basic.Get(queue="q")))])
    assert [each.body for each in again] == [b"new"]


def test_arguments_that_it_does_not_know_are_refused() -> None:
    client = Client(new_broker())
    answer = client.call(commands.Queue.Declare(queue="q", arguments={**ARGUMENTS, "x-max-length": 5}))
    assert (answer.reply_code, NAME in answer.reply_text) == (406, True)


def test_over_http_and_in_definitions(api: Api) -> None:
    assert api("PUT", "queues/%2F/q", {"durable": True, "arguments": ARGUMENTS}).status_code == 201
    publish(api, "1")
    publish(api, "2")
    assert ready(api) == (NAME, 1)
    document = api.get("definitions")
    assert [(row["name"], row["type"]) for row in document["queues"]] == [("q", NAME)]
    other = Api()
    assert other("POST", "definitions", document).status_code == 204
    assert ready(other) == (NAME, 0)


def test_as_the_default_of_a_virtual_host(api: Api) -> None:
    assert api("PUT", "vhosts/v", {"default_queue_type": NAME}).status_code == 201
    assert api("PUT", "queues/v/q", {"durable": True}).status_code == 201
    assert api.get("queues/v/q")["type"] == NAME


def test_policies_for_queues_reach_it(api: Api) -> None:
    api("PUT", "queues/%2F/q", {"durable": True, "arguments": ARGUMENTS})
    for name, apply_to in (("all", "queues"), ("other", "quorum_queues")):
        policy = {"pattern": ".*", "definition": {"message-ttl": 1000}, "apply-to": apply_to, "priority": len(name)}
        assert api("PUT", f"policies/%2F/{name}", policy).status_code == 201
    assert api.get("queues/%2F/q")["policy"] == "all"


def test_after_a_restart(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "broker.sqlite")
    queue = kept.queue("q", **ARGUMENTS)
    for text in (b"1", b"2"):
        assert queue.push(message("", "q", text, {"delivery_mode": 2})) is STORED
    kept.write()
    kept.crash()
    found = kept.found("q")
    assert (found.kind, [entry.message.body for entry in found.messages()]) == (NAME, [b"2"])
    kept.database.close()
