"""The mistake the tutorial warns of: works on tasks and never acknowledges them."""

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.queue_declare("task_queue", durable=True, arguments={"x-queue-type": "quorum"})
channel.basic_consume(
    "task_queue", lambda _channel, _method, _properties, body: print(f" [x] Received {body.decode()}")
)
print(" [*] Waiting for messages")
channel.start_consuming()
