"""The probes: what is sent, by area. Each has a connection and names of its own, so that none spoils another."""

from . import (
    corners,
    deaths,
    exchanges,
    frames,
    handshake,
    messages,
    order,
    policies,
    queues,
    quorum,
    receiving,
    routing,
    sequences,
    states,
    timeouts,
    types,
    waiting,
)
from .registry import PROBES

__all__ = [
    "PROBES",
    "corners",
    "deaths",
    "exchanges",
    "frames",
    "handshake",
    "messages",
    "order",
    "policies",
    "queues",
    "quorum",
    "receiving",
    "routing",
    "sequences",
    "states",
    "timeouts",
    "types",
    "waiting",
]
