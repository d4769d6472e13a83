"""Works on one task at a time, a second for each dot in it, and acknowledges when the work is done."""

import time

import pika


def work(channel, method, _properties, body):
    print(f" [x] Received {body.decode()}")
    time.sleep(body.count(b"."))
    print(" [x] Done")
    channel.basic_ack(method.delivery_tag)


connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.queue_declare("task_queue", durable=True, arguments={"x-queue-type": "quorum"})
channel.basic_qos(prefetch_count=1)
channel.basic_consume("task_queue", work)
print(" [*] Waiting for messages")
channel.start_consuming()
