"""A broker answers every probe as RabbitMQ 4.3 did when the answers were recorded.

The broker is the one at RMQCTL_TEST_AMQP_URL, and RMQCTL_TEST_HTTP_URL if it has users to make; without these, it is
the 4.3 node that tests/brokers/up started.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ..brokers import Node
from .client import Broker, Registered, run
from .probes import PROBES

RECORDED: dict[str, list[Any]] = json.loads(Path(__file__).with_name("recorded-4.3.json").read_text(encoding="utf-8"))
ELSEWHERE = os.environ.get("RMQCTL_TEST_AMQP_URL")
SILENCE = 0.3

if ELSEWHERE:

    @pytest.fixture(scope="session")
    def broker() -> Broker:
        """The broker that the environment names."""
        return Broker.from_url(ELSEWHERE, os.environ.get("RMQCTL_TEST_HTTP_URL"), SILENCE)

else:

    @pytest.fixture(scope="session")
    def broker(node: Node) -> Broker:
        """The real 4.3 node."""
        return Broker.from_url(f"amqp://guest:guest@127.0.0.1:{node.port('amqp')}", node.url, SILENCE)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The record is of one release."""
    if "node" in metafunc.fixturenames:
        metafunc.parametrize("node", ["43"], indirect=True, scope="session")


def test_every_probe_is_recorded() -> None:
    assert sorted(RECORDED) == sorted(each.title for each in PROBES)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.title)
def test_the_same_answer(broker: Broker, probe: Registered) -> None:
    if probe.needs_http and broker.http is None:
        pytest.skip("needs users: set RMQCTL_TEST_HTTP_URL")
    assert run(probe, broker) == RECORDED[probe.title]
