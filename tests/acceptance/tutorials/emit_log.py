"""Tells a line to everybody who listens to the exchange "logs"."""

import sys

import pika

line = " ".join(sys.argv[1:]) or "info: Hello World!"
with pika.BlockingConnection(pika.ConnectionParameters("localhost")) as connection:
    channel = connection.channel()
    channel.exchange_declare("logs", "fanout")
    channel.basic_publish(exchange="logs", routing_key="", body=line.encode())
    print(f" [x] Sent {line}")
