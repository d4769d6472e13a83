"""Prints every line told to the exchange "logs", through a queue of its own that the broker names."""

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.exchange_declare("logs", "fanout")
queue = channel.queue_declare("", exclusive=True).method.queue
channel.queue_bind(queue, "logs")
channel.basic_consume(queue, lambda _channel, _method, _properties, body: print(f" [x] {body.decode()}"), auto_ack=True)
print(" [*] Waiting for logs")
channel.start_consuming()
