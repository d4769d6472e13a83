"""A broker answers every probe as RabbitMQ did when the answers were recorded.

The broker is the one at RMQCTL_TEST_AMQP_URL, and RMQCTL_TEST_HTTP_URL if it has users to make; it is to answer as
RabbitMQ 4.3 does. Without these, the brokers are the nodes that tests/brokers/up started.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ..brokers import Node
from .client import Broker, Event, Registered
from .probes import PROBES
from .record import record

ELSEWHERE = os.environ.get("RMQCTL_TEST_AMQP_URL")
SILENCE = 0.3
PATIENCE = 1.5
Answers = dict[str, list[Event]]


def recorded(release: str) -> Answers:
    answers: Answers = json.loads(Path(__file__).with_name(f"recorded-{release}.json").read_text(encoding="utf-8"))
    return answers


RECORDED = recorded("4.3")
# Only the answers that differ.
RECORDED_310 = recorded("3.10")


if ELSEWHERE:

    @pytest.fixture(scope="session")
    def broker() -> Broker:
        """The broker that the environment names."""
        return Broker.from_url(str(ELSEWHERE), os.environ.get("RMQCTL_TEST_HTTP_URL"), SILENCE)

    @pytest.fixture(scope="session")
    def expected() -> Answers:
        return RECORDED

else:

    @pytest.fixture(scope="session")
    def broker(node: Node) -> Broker:
        """A real node."""
        return Broker.from_url(f"amqp://guest:guest@127.0.0.1:{node.port('amqp')}", node.url, SILENCE)

    @pytest.fixture(scope="session")
    def expected(node: Node) -> Answers:
        return RECORDED if node.modern else {**RECORDED, **RECORDED_310}


@pytest.fixture(scope="session")
def answers(request: pytest.FixtureRequest, broker: Broker) -> Answers:
    """The answers to all the probes that were selected; several are asked at once."""
    names = " ".join(each.nodeid for each in request.session.items)
    return record(broker, [each for each in PROBES if f"{each.title}]" in names])


def closes(events: list[Event]) -> bool:
    """Whether the broker ended the channel or the connection."""
    return any(event[0] in ("channel.close", "connection.close", "socket closed") for event in events)


def test_every_probe_is_recorded() -> None:
    assert sorted(RECORDED) == sorted(each.title for each in PROBES)
    assert set(RECORDED_310) <= set(RECORDED)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.title)
def test_the_same_answer(answers: Answers, expected: Answers, broker: Broker, probe: Registered) -> None:
    if probe.needs_http and broker.http is None:
        pytest.skip("needs users: set RMQCTL_TEST_HTTP_URL")
    if ELSEWHERE and probe.left_out and os.environ.get("RMQCTL_TEST_LEFT_OUT") != "1":
        pytest.skip("only RabbitMQ promises this: set RMQCTL_TEST_LEFT_OUT=1")
    if ELSEWHERE and probe.accident:
        assert closes(answers[probe.title]), answers[probe.title]
        return
    answer = answers[probe.title]
    if answer != expected[probe.title] and not ELSEWHERE:
        # What it shows is ours, not RabbitMQ's: a node on a busy machine may be later than it was when it was recorded.
        [answer] = record(replace(broker, silence=PATIENCE), [probe]).values()
    assert answer == expected[probe.title]
