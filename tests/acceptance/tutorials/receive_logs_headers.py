"""Prints the lines told to the exchange "headers_logs" whose headers match: all or any, then NAME=VALUE..."""

import sys

import pika

match, *pairs = sys.argv[1:]
connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.exchange_declare("headers_logs", "headers")
queue = channel.queue_declare("", exclusive=True).method.queue
channel.queue_bind(queue, "headers_logs", "", {"x-match": match, **dict(pair.split("=", 1) for pair in pairs)})
channel.basic_consume(queue, lambda _channel, _method, _properties, body: print(f" [x] {body.decode()}"), auto_ack=True)
print(" [*] Waiting for logs")
channel.start_consuming()
