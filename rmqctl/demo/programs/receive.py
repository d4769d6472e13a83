import os

import pika

url = os.environ.get("AMQP_URL", "amqp://localhost")
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.queue_declare(queue="hello", durable=True)


def callback(ch, method, properties, body):
    print(f" [x] Received {body.decode()!r}")


channel.basic_consume(queue="hello", on_message_callback=callback, auto_ack=True)
print(" [*] Waiting for messages")
channel.start_consuming()
