"""The management HTTP API of the embedded broker: RabbitMQ 4.3's paths, fields, status codes and error bodies."""
