"""AMQP 0-9-1 over pika, for what the HTTP API cannot do without loss. pika is imported when a connection is made.

Where the broker listens for AMQP is asked of its HTTP API, unless a command's --amqp says it.
"""
