import os
import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.exchange_declare(exchange="direct_logs", exchange_type="direct")

key, *words = sys.argv[1:]
channel.basic_publish(exchange="direct_logs", routing_key=key, body=" ".join(words))
print(f" [x] Sent {key}: {' '.join(words)}")
connection.close()
