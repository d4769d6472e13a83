import os
import time

import pika

url = os.environ.get("AMQP_URL", "amqp://localhost")
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.queue_declare(queue="task_queue", durable=True)


def callback(ch, method, properties, body):
    again = " again" if method.redelivered else ""
    print(f" [x] Received {body.decode()!r}{again}")
    time.sleep(0.2 * body.count(b"."))  # each dot is a bit of work
    print(" [x] Done")
    ch.basic_ack(delivery_tag=method.delivery_tag)


channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue="task_queue", on_message_callback=callback)
print(" [*] Waiting for messages")
channel.start_consuming()
