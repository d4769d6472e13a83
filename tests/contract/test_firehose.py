"""The firehose, on the embedded broker and on real nodes: what is published and delivered, and what its copies tell."""

from collections.abc import Iterator
from typing import Any

import pika
import pytest

from .brokers import rmqctl
from .conftest import Place

VHOST = "firehose"
GIVEN = pika.BasicProperties(
    headers={"h": 1, "CC": ["z"]},
    content_type="text/plain",
    delivery_mode=2,
    priority=3,
    expiration="60000",
    timestamp=5,
    message_id="m",
)
SHOWN = {
    "content_type": "text/plain",
    "headers": {"h": 1, "CC": ["z"]},
    "delivery_mode": 2,
    "priority": 3,
    "expiration": "60000",
    "message_id": "m",
    "timestamp": 5,
}
QUEUES = ("fire", "a", "b", "full")
DEAD = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "b"}


def said(place: Place, *arguments: str) -> None:
    ran = rmqctl(*arguments, url=place.http)
    assert ran.exit == 0, ran


def port_of(place: Place) -> int:
    return int(place.amqp.rpartition(":")[2])


@pytest.fixture
def connection(place: Place) -> Iterator[pika.BlockingConnection]:
    """To a virtual host whose firehose is on and bound to a queue."""
    said(place, "add_vhost", VHOST)
    said(place, "set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*")
    try:
        opened = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port_of(place), VHOST))
        channel = opened.channel()
        for name in QUEUES:
            channel.queue_declare(name, arguments={"x-max-length": 0, **DEAD} if name == "full" else None)
        channel.exchange_declare("x", "fanout")
        channel.queue_bind("a", "x")
        channel.queue_bind("b", "x")
        channel.queue_bind("fire", "amq.rabbitmq.trace", "#")
        said(place, "trace_on", "-p", VHOST)
        yield opened
        opened.close()
    finally:
        said(place, "delete_vhost", VHOST)


def copies(channel: Any) -> list[tuple[str, bytes, dict[str, Any]]]:
    """Key, body and headers of what the firehose has brought since the last time; names of nodes are left out."""
    found = []
    while True:
        method, properties, body = channel.basic_get("fire", auto_ack=True)
        if method is None:
            return found
        assert method.exchange == "amq.rabbitmq.trace"
        headers = properties.headers
        assert "@" in headers.pop("node")
        for name in ("routed_queues", "routing_keys"):
            if name in headers:
                headers[name] = sorted(headers[name])
        found.append((method.routing_key, body, headers))


def test_what_is_published_and_delivered(place: Place, connection: pika.BlockingConnection) -> None:
    first, second = connection.channel(), connection.channel()
    second.basic_publish("x", "rk", b"one", GIVEN)
    second.basic_publish("", "nowhere", b"two")
    second.basic_publish("", "full", b"three")
    second.basic_get("a")
    second.basic_consume("b", lambda *_: None, auto_ack=True)
    connection.process_data_events(0.5)
    second.basic_publish("", "a", b"four")
    second.basic_get("a")
    second.basic_recover(requeue=True)
    second.basic_get("a")
    connection.process_data_events(0.5)
    socket = connection._impl._transport._sock.getsockname()  # type: ignore[attr-defined]
    who = {"user": "guest", "vhost": VHOST, "channel": 3, "connection": f"127.0.0.1:{socket[1]} -> 127.0.0.1:"}
    who["connection"] += str(port_of(place))
    of_one = {**who, "exchange_name": "x", "routing_keys": ["rk", "z"], "properties": SHOWN}
    seen = copies(first)
    assert sorted(seen[:3], key=str) == sorted(
        [
            ("publish.x", b"one", {**of_one, "routed_queues": ["a", "b"]}),
            (
                "publish.",
                b"two",
                {
                    **who,
                    "exchange_name": "",
                    "routing_keys": ["nowhere"],
                    "properties": {},
                    "routed_queues": ["nowhere"],
                },
            ),
            (
                "publish.",
                b"three",
                {**who, "exchange_name": "", "routing_keys": ["full"], "properties": {}, "routed_queues": ["full"]},
            ),
        ],
        key=str,
    )
    assert ("deliver.a", b"one", {**of_one, "redelivered": 0}) in seen
    assert ("deliver.b", b"one", {**of_one, "redelivered": 0}) in seen
    assert ("deliver.a", b"one", {**of_one, "redelivered": 1}) in seen
    assert [body for key, body, _ in seen if key.startswith("publish.")] == [b"one", b"two", b"three", b"four"]
    assert [headers["exchange_name"] for key, body, headers in seen if (key, body) == ("deliver.b", b"three")] == [""]
    said(place, "trace_off", "-p", VHOST)
    second.basic_publish("", "a", b"five")
    second.basic_get("a")
    connection.process_data_events(0.3)
    assert copies(first) == []


def test_over_http(place: Place, connection: pika.BlockingConnection) -> None:
    said(place, "publish", "-p", VHOST, "-k", "a", "hello")
    said(place, "get", "-p", VHOST, "a", "--ack")
    seen = copies(connection.channel())
    assert [key for key, _, _ in seen] == ["publish.", "deliver.a"]
    assert {headers["user"] for _, _, headers in seen} == {"guest"}
