"""Prints the lines told to the exchange "topic_logs" with routing keys that match the given patterns."""

import sys

import pika


def show(_channel, method, _properties, body):
    print(f" [x] {method.routing_key}:{body.decode()}")


if not sys.argv[1:]:
    sys.exit(f"usage: {sys.argv[0]} KEY...")
connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.exchange_declare("topic_logs", "topic")
queue = channel.queue_declare("", exclusive=True).method.queue
for key in sys.argv[1:]:
    channel.queue_bind(queue, "topic_logs", key)
channel.basic_consume(queue, show, auto_ack=True)
print(" [*] Waiting for logs")
channel.start_consuming()
