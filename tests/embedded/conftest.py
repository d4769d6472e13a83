"""The embedded broker beside RabbitMQ 4.3 with the same things on it. A run of its own: it empties the node."""

from collections.abc import Iterator

import pytest

from ..contract.brokers import Node, alone, embedded, running_node
from ..contract.topology import clear


@pytest.fixture(scope="session")
def real() -> Iterator[Node]:
    with alone(), running_node("43") as node:
        clear(node)  # of what other suites left on it
        yield node


@pytest.fixture(scope="session")
def ours() -> Iterator[Node]:
    with embedded() as node:
        yield node
