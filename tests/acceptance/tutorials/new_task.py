"""Queues its arguments as one task that outlives the broker."""

import sys

import pika

task = " ".join(sys.argv[1:]) or "Hello World!"
with pika.BlockingConnection(pika.ConnectionParameters("localhost")) as connection:
    channel = connection.channel()
    channel.queue_declare("task_queue", durable=True, arguments={"x-queue-type": "quorum"})
    persistent = pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent)
    channel.basic_publish(exchange="", routing_key="task_queue", body=task.encode(), properties=persistent)
    print(f" [x] Sent {task}")
