"""The broker's log on the exchange amq.rabbitmq.log."""

import subprocess
import sys
import time
from urllib.parse import urlsplit

import pika

SECONDS = 30


def test_the_log_goes_to_an_exchange_too() -> None:
    argv = [sys.executable, "-m", "rmqctl", "broker", "run", "--ephemeral", "--amqp-port", "0", "--http-port", "0"]
    broker = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert broker.stdout is not None
    try:
        parameters = pika.ConnectionParameters("127.0.0.1", urlsplit(broker.stdout.readline().split()[0]).port)
        connection = pika.BlockingConnection(parameters)
        channel = connection.channel()
        queue = channel.queue_declare("", exclusive=True).method.queue
        channel.queue_bind(queue, "amq.rabbitmq.log", "info")
        pika.BlockingConnection(parameters).close()
        found: list[bytes] = []
        deadline = time.monotonic() + SECONDS
        while len(found) < 2 and time.monotonic() < deadline:
            method, properties, body = channel.basic_get(queue, auto_ack=True)
            if method is not None:
                assert (method.exchange, method.routing_key) == ("amq.rabbitmq.log", "info")
                assert (properties.content_type, properties.headers) == ("text/plain", {"node": "rabbit@localhost"})
                assert abs(properties.timestamp - time.time()) < 2 * SECONDS
                found.append(body)
        assert b"user guest, vhost /" in found[0]
        assert b"by client" in found[1]
        connection.close()
    finally:
        broker.terminate()
        said = broker.communicate(timeout=SECONDS)[1]
    assert found[0].decode() in said.splitlines(), "word for word as in the log"
