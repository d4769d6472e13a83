"""Prints whatever arrives in the queue "hello"."""

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.queue_declare("hello", durable=True, arguments={"x-queue-type": "quorum"})
channel.basic_consume(
    "hello", lambda _channel, _method, _properties, body: print(f" [x] Received {body.decode()}"), True
)
print(" [*] Waiting for messages")
channel.start_consuming()
