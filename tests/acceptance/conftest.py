"""Runs every acceptance test on the embedded broker and on a real node."""

from collections.abc import Iterator

import pytest

from .brokers import Target, embedded, embedded_exists, eventually, real

QUEUES = ("hello", "task_queue", "rpc_queue", "confirmed")
EXCHANGES = ("logs", "direct_logs", "topic_logs", "headers_logs")


@pytest.fixture(scope="session", params=["embedded", pytest.param("real", marks=pytest.mark.broker)])
def broker(request: pytest.FixtureRequest) -> Iterator[Target]:
    if request.param == "embedded" and not embedded_exists():
        pytest.skip("this rmqctl has no broker")
    with embedded() if request.param == "embedded" else real() as target:
        yield target


@pytest.fixture
def target(broker: Target) -> Iterator[Target]:
    """A broker without anything of the tutorials on it, and none of their programs afterwards."""
    clear(broker)
    yield broker
    broker.stop_programs()
    clear(broker)


def clear(broker: Target) -> None:
    """Deletes what the tutorials make, and waits until the management plugin has heard of it."""
    for queue in QUEUES:
        broker.forget("queues", queue)
    for exchange in EXCHANGES:
        broker.forget("exchanges", exchange)
    eventually(lambda: broker.list("list_consumers", "queue_name"), [].__eq__)
