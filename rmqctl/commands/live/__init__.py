"""Queues and connections, and what moves messages between brokers."""
