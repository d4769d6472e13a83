"""Exchanges of the type x-modulus-hash, which belongs to the core of 4.3: a key goes to one queue, always the same."""

import pika
import pytest

from .conftest import Place

QUEUES = [f"modulus {number}" for number in range(3)]


def test_a_key_goes_to_one_queue_and_keys_spread(place: Place) -> None:
    if place.node is not None and not place.node.modern:
        pytest.skip("a plugin in 3.10")
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(place.amqp.rpartition(":")[2])))
    channel = connection.channel()
    channel.exchange_declare("modulus", "x-modulus-hash", auto_delete=True)
    try:
        for name in QUEUES:
            channel.queue_declare(name)
            channel.queue_bind(name, "modulus", routing_key="any")
        channel.confirm_delivery()
        for _ in range(2):
            for number in range(60):
                channel.basic_publish("modulus", f"key {number}", str(number).encode(), mandatory=True)
        found: dict[str, list[bytes]] = {}
        for name in QUEUES:
            while (got := channel.basic_get(name, auto_ack=True))[0] is not None:
                found.setdefault(name, []).append(got[2])
        assert sorted(found) == QUEUES
        assert all(bodies.count(each) == 2 for bodies in found.values() for each in bodies)
        assert sum(map(len, found.values())) == 120
    finally:
        for name in QUEUES:
            channel.queue_delete(name)
        connection.close()
