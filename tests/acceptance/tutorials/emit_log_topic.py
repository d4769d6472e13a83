"""Tells a line to the exchange "topic_logs": the first argument is its routing key."""

import sys

import pika

key = sys.argv[1] if len(sys.argv) > 2 else "anonymous.info"
line = " ".join(sys.argv[2:]) or "Hello World!"
with pika.BlockingConnection(pika.ConnectionParameters("localhost")) as connection:
    channel = connection.channel()
    channel.exchange_declare("topic_logs", "topic")
    channel.basic_publish(exchange="topic_logs", routing_key=key, body=line.encode())
    print(f" [x] Sent {key}:{line}")
