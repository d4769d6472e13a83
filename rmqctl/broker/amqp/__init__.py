"""AMQP 0-9-1 as bytes: connections, channels and methods, translated into calls of the core."""
