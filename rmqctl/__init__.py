"""rmqctl: rabbitmqctl from any machine, over RabbitMQ's management HTTP API."""

__version__ = "0.1.0"
