"""Tells a line to the exchange "direct_logs": the first argument is its severity."""

import sys

import pika

key = sys.argv[1] if len(sys.argv) > 2 else "info"
line = " ".join(sys.argv[2:]) or "Hello World!"
with pika.BlockingConnection(pika.ConnectionParameters("localhost")) as connection:
    channel = connection.channel()
    channel.exchange_declare("direct_logs", "direct")
    channel.basic_publish(exchange="direct_logs", routing_key=key, body=line.encode())
    print(f" [x] Sent {key}:{line}")
