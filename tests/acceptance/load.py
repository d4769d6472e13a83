"""The clients of the durability test: they print what they did, line by line, until the broker is gone.

    load.py publish PORT FIRST    numbers from FIRST on, with confirms: "sent N" before, "confirmed N" after
    load.py consume PORT LIMIT    "got N", "acking N" before the acknowledgement, "acked N TIME" after a round trip behind it

Every tenth message of the publisher is transient, and goes to a queue of its own.
"""

import sys
import time
from typing import Any

import pika
from pika.exceptions import AMQPError

PERSISTENT, TRANSIENT = "kept", "passing"
WINDOW = 100
ACKS = 20


class Publisher:
    def __init__(self, port: int, first: int) -> None:
        self.next = first
        self.numbers: dict[int, int] = {}
        self.settled = 0
        self.tag = 0
        parameters = pika.ConnectionParameters("127.0.0.1", port)
        self.connection = pika.SelectConnection(parameters, self.opened, self.closed, self.closed)

    def opened(self, _connection: Any) -> None:
        self.connection.channel(on_open_callback=self.confirm)

    def closed(self, _connection: Any, _reason: object) -> None:
        self.connection.ioloop.stop()

    def confirm(self, channel: Any) -> None:
        self.channel = channel
        channel.confirm_delivery(self.heard, lambda _frame: self.publish())

    def publish(self) -> None:
        while self.tag - self.settled < WINDOW:
            self.tag += 1
            transient = self.tag % 10 == 0
            queue, mode = (TRANSIENT, 1) if transient else (PERSISTENT, 2)
            if not transient:
                self.numbers[self.tag] = self.next
                print(f"sent {self.next}", flush=True)
            body = b"%d" % self.next
            self.next += 1
            self.channel.basic_publish("", queue, body, pika.BasicProperties(delivery_mode=mode))

    def heard(self, frame: Any) -> None:
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        for settled in range(self.settled + 1, tag + 1) if multiple else (tag,):
            if settled in self.numbers:
                word = "confirmed" if frame.method.NAME == "Basic.Ack" else "refused"
                print(f"{word} {self.numbers.pop(settled)}", flush=True)
        # The window may be a little wider than it says where confirms come out of order.
        self.settled = max(self.settled, tag)
        self.publish()


def consume(port: int, limit: int) -> None:
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port)) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=2 * ACKS)
        for count, (method, _properties, body) in enumerate(channel.consume(PERSISTENT), 1):
            assert method is not None
            assert body is not None
            number = int(body)
            print(f"got {number}", flush=True)
            if count <= limit:
                print(f"acking {number}", flush=True)
                channel.basic_ack(method.delivery_tag)
            if count <= limit and count % ACKS == 0:
                # What the broker answers after the acknowledgements, it answers having seen them.
                channel.basic_qos(prefetch_count=2 * ACKS)
                print(f"acked {number} {time.monotonic()}", flush=True)


if __name__ == "__main__":
    what, port, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    try:
        if what == "publish":
            Publisher(port, number).connection.ioloop.start()
        else:
            consume(port, number)
    except (AMQPError, OSError) as error:
        print(f"ended: {error!r}", flush=True)
