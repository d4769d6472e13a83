"""Answers requests for Fibonacci numbers."""

import pika


def fibonacci(n):
    current, following = 0, 1
    for _ in range(n):
        current, following = following, current + following
    return current


def answer(channel, method, properties, body):
    n = int(body)
    print(f" [.] fib({n})")
    same = pika.BasicProperties(correlation_id=properties.correlation_id)
    channel.basic_publish(exchange="", routing_key=properties.reply_to, body=b"%d" % fibonacci(n), properties=same)
    channel.basic_ack(method.delivery_tag)


connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
channel.queue_declare("rpc_queue", durable=True, arguments={"x-queue-type": "quorum"})
channel.basic_qos(prefetch_count=1)
channel.basic_consume("rpc_queue", answer)
print(" [x] Awaiting RPC requests")
channel.start_consuming()
