"""Tells its first argument to the exchange "headers_logs"; the others, NAME=VALUE, are its headers."""

import sys

import pika

line, *pairs = sys.argv[1:]
headers = dict(pair.split("=", 1) for pair in pairs)
with pika.BlockingConnection(pika.ConnectionParameters("localhost")) as connection:
    channel = connection.channel()
    channel.exchange_declare("headers_logs", "headers")
    properties = pika.BasicProperties(headers=headers)
    channel.basic_publish(exchange="headers_logs", routing_key="", body=line.encode(), properties=properties)
    print(f" [x] Sent {headers}:{line}")
