"""The probes: what is sent, by area. Each has a connection and names of its own, so that none spoils another."""

from . import exchanges, frames, handshake, messages, queues, receiving, routing
from .registry import PROBES

__all__ = ["PROBES", "exchanges", "frames", "handshake", "messages", "queues", "receiving", "routing"]
