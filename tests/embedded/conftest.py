"""The embedded broker beside RabbitMQ 4.3 with the same things on it. A run of its own: it empties the node."""

from collections.abc import Iterator

import pytest

from ..contract.brokers import Node, alone, embedded, running_node


@pytest.fixture(scope="session")
def real() -> Iterator[Node]:
    with alone(), running_node("43") as node:
        yield node


@pytest.fixture(scope="session")
def ours() -> Iterator[Node]:
    with embedded() as node:
        yield node
