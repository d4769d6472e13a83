"""Asks for the thirtieth Fibonacci number and waits for the answer that has the request's correlation id."""

import uuid

import pika

connection = pika.BlockingConnection(pika.ConnectionParameters("localhost"))
channel = connection.channel()
answers = channel.queue_declare("", exclusive=True).method.queue
request = str(uuid.uuid4())
print(" [x] Requesting fib(30)")
properties = pika.BasicProperties(reply_to=answers, correlation_id=request)
channel.basic_publish(exchange="", routing_key="rpc_queue", body=b"30", properties=properties)
for _method, answered, body in channel.consume(answers, auto_ack=True):
    if answered.correlation_id == request:
        print(f" [.] Got {int(body)}")
        break
connection.close()
