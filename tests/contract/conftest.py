"""Runs every test of the contract on each release, and adds up the cells that were compared."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from . import topology
from .brokers import Node, alone, embedded, read_settings, running_node
from .compare import Score

RELEASES = ("310", "43")
SCORES = pytest.StashKey[dict[str, Score]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SCORES] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.broker)


@pytest.fixture(scope="session", autouse=True)
def _undisturbed() -> Iterator[None]:
    with alone():
        yield


@pytest.fixture(scope="session", params=RELEASES)
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    with running_node(request.param) as node:
        yield node


class Place(NamedTuple):
    """A broker to change: a real one or the embedded one. `amqp` ends in the port. `node`: None for the embedded one."""

    http: str
    amqp: str
    node: Node | None


@pytest.fixture(scope="session", params=("embedded", *RELEASES))
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Commands that change a broker have the same effect on all of them."""
    if request.param == "embedded":
        with embedded() as broker:
            yield Place(broker.url, f"amqp://guest:guest@127.0.0.1:{broker.port('amqp')}", None)
    else:
        with running_node(request.param) as node:
            yield Place(node.url, f"amqp://guest:guest@127.0.0.1:{node.port('amqp')}", node)


@pytest.fixture(scope="session")
def busy(node: Node) -> Iterator[Node]:
    """The node with the topology on it, live clients included."""
    close = topology.build(node, Path(read_settings()["RMQCTL_TEST_CERTS"]))
    yield node
    close()


@pytest.fixture
def score(request: pytest.FixtureRequest, node: Node) -> Score:
    """The running total of the release."""
    return request.config.stash[SCORES].setdefault(node.key, Score())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for release, score in config.stash[SCORES].items():
        terminalreporter.write_line(
            f"cells equal to rabbitmqctl's, release {release}: {100 * score.share:.2f} % of {score.served}"
            f" ({score.by_value} of them by value, {len(score.unequal)} unequal)"
        )
        for cell in score.unequal:
            terminalreporter.write_line(f"  {cell}")
