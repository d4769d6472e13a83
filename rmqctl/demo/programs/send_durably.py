import os

import pika

url = os.environ.get("AMQP_URL", "amqp://localhost")
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
channel.queue_declare(queue="task_queue", durable=True)

for mode in (pika.DeliveryMode.Transient, pika.DeliveryMode.Persistent):
    channel.basic_publish(
        exchange="",
        routing_key="task_queue",
        body=f"a {mode.name} message",
        properties=pika.BasicProperties(delivery_mode=mode),
    )
    print(f" [x] Sent 'a {mode.name} message'")
connection.close()
