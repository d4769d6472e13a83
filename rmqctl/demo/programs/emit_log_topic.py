import os
import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.exchange_declare(exchange="topic_logs", exchange_type="topic")

key, *words = sys.argv[1:]
channel.basic_publish(exchange="topic_logs", routing_key=key, body=" ".join(words))
print(f" [x] Sent {key}: {' '.join(words)}")
connection.close()
