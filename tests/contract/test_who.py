"""who names the consumer of a queue and what it holds, on every broker."""

import json
import time

import pika

from .brokers import rmqctl
from .conftest import Place

QUEUE = "who a/b \u00e9"


def test_who_holds_a_message(place: Place) -> None:
    parameters = pika.URLParameters(f"{place.amqp}/%2F")
    parameters.client_properties = {"connection_name": "holder"}
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, exclusive=True)
        channel.queue_bind(QUEUE, "amq.topic", "who.#")
        channel.basic_publish("amq.topic", "who.is.it", b"x")
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(QUEUE, lambda *_: None)
        deadline = time.monotonic() + 30
        while True:
            ran = rmqctl("who", QUEUE, "-f", "json", url=place.http)
            found = json.loads(ran.text)
            if [each["channel_unacknowledged"] for each in found["consumers"]] == [1]:
                break
            assert time.monotonic() < deadline, str(ran)
            connection.sleep(0.5)
    (consumer,) = found["consumers"]
    assert (consumer["client"], consumer["prefetch_count"], consumer["user"]) == ("holder", 1, "guest")
    assert {(each["exchange"], each["routing_key"]) for each in found["bindings"]} == {
        ("", QUEUE),
        ("amq.topic", "who.#"),
    }
    assert consumer["connection"] in {each["connection"] for each in found["publishers"]}
    assert rmqctl("who", QUEUE, url=place.http).exit == 65
