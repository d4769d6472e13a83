import os
import sys

import pika

url = os.environ.get("AMQP_URL", "amqp://localhost")
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.exchange_declare(exchange="direct_logs", exchange_type="direct")
queue = channel.queue_declare(queue="", exclusive=True).method.queue
for key in sys.argv[1:]:
    channel.queue_bind(exchange="direct_logs", queue=queue, routing_key=key)


def callback(ch, method, properties, body):
    print(f" [x] {method.routing_key}: {body.decode()}")


channel.basic_consume(queue=queue, on_message_callback=callback, auto_ack=True)
print(" [*] Waiting for logs")
channel.start_consuming()
