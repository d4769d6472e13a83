import os
import sys

import pika

url = os.environ.get("AMQP_URL", "amqp://localhost")
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.exchange_declare(exchange="topic_logs", exchange_type="topic")

key, *words = sys.argv[1:]
channel.basic_publish(exchange="topic_logs", routing_key=key, body=" ".join(words))
print(f" [x] Sent {key}: {' '.join(words)}")
connection.close()
