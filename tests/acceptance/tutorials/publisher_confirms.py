"""Publishes messages that the broker confirms: one by one, a batch at a time, or as the confirms come in.

The arguments: one, batch or async, and how many messages.
"""

import sys

import pika

BATCH = 100
QUEUE = "confirmed"


class Publisher:
    """Publishes without ever waiting, and ends when all is confirmed."""

    def __init__(self, count, batch):
        self.count, self.batch = count, batch
        self.sent, self.confirmed = 0, 0
        self.outstanding = set()
        parameters = pika.ConnectionParameters("localhost")
        self.connection = pika.SelectConnection(parameters, self.opened, self.failed, self.failed)

    def opened(self, _connection):
        self.connection.channel(on_open_callback=self.declare)

    def failed(self, _connection, reason):
        if self.confirmed < self.count:
            print(f" [!] {reason}")
        self.connection.ioloop.stop()

    def declare(self, channel):
        self.channel = channel
        channel.queue_declare(QUEUE, durable=True, callback=self.declared)

    def declared(self, _frame):
        self.channel.confirm_delivery(self.heard, lambda _frame: self.publish())

    def publish(self):
        while self.sent < self.count and len(self.outstanding) < self.batch:
            self.sent += 1
            self.outstanding.add(self.sent)
            self.channel.basic_publish("", QUEUE, b"%d" % self.sent, pika.BasicProperties(delivery_mode=2))

    def heard(self, frame):
        tag, multiple = frame.method.delivery_tag, frame.method.multiple
        settled = {known for known in self.outstanding if known == tag or (multiple and known <= tag)}
        if frame.method.NAME != "Basic.Ack" or not settled:
            print(f" [!] unexpected {frame.method}")
        self.outstanding -= settled
        self.confirmed += len(settled)
        if self.confirmed == self.count:
            self.connection.close()
        elif ready(self):
            self.publish()


def ready(publisher):
    """In batches, the next one starts when the last one is settled."""
    return mode == "async" or not publisher.outstanding


def one_by_one(count):
    with pika.BlockingConnection(pika.ConnectionParameters("localhost")) as connection:
        channel = connection.channel()
        channel.queue_declare(QUEUE, durable=True)
        channel.confirm_delivery()
        for number in range(1, count + 1):
            # Raises when the broker refuses the message.
            channel.basic_publish("", QUEUE, b"%d" % number, pika.BasicProperties(delivery_mode=2), mandatory=True)
    return count


mode, count = sys.argv[1], int(sys.argv[2])
if mode == "one":
    confirmed = one_by_one(count)
else:
    publisher = Publisher(count, BATCH)
    publisher.connection.ioloop.start()
    confirmed = publisher.confirmed
print(f" [x] {confirmed} confirmed")
