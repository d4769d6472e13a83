"""What the pictures have in common: short identifiers, and boxes for consumers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from rmqctl.graph import words
from rmqctl.graph.model import Graph, Node, Queue

MOST = 5
"""A queue with more consumers gets one box for all of them."""


class Consumers(NamedTuple):
    """A box: one consumer, or many."""

    title: str
    facts: Sequence[str]
    holds: bool


def consumers(queue: Queue) -> list[Consumers]:
    found = queue.consumers or ()
    if len(found) <= MOST:
        return [Consumers(words.consumer_name(each), words.of_consumer(each), words.holds(each)) for each in found]
    return [Consumers(f"{len(found)} consumers", _together(found), any(map(words.holds, found)))]


def _together(found: Sequence[Mapping[str, Any]]) -> list[str]:
    holding = sum(map(words.holds, found))
    return [f"{holding} with unacked messages on their channels"] if holding else []


def identifiers(graph: Graph, prefix: str = "") -> dict[Node, str]:
    """e1, e2 ... for exchanges and q1, q2 ... for queues: names may hold anything."""
    named = ((Node("exchange", name), "e", number) for number, name in enumerate(graph.exchanges, 1))
    queues = ((Node("queue", name), "q", number) for number, name in enumerate(graph.queues, 1))
    return {node: f"{prefix}{letter}{number}" for node, letter, number in (*named, *queues)}
