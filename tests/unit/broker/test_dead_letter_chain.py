"""A message that goes from queue to queue as a dead letter: its history is whole, and long ones cost little."""

import time

from .client import Client, Clock, new_broker

_LAST = "last"


def _chain(length: int) -> tuple[Client, Clock]:
    """Queues whose messages go to the next one at once."""
    clock = Clock()
    client = Client(new_broker(clock))
    for number in range(length):
        following = f"q{number + 1}" if number + 1 < length else _LAST
        arguments = {"x-message-ttl": 0, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": following}
        client.declare(f"q{number}", arguments=arguments)
    client.declare(_LAST)
    return client, clock


def _sent(client: Client, clock: Clock) -> float:
    """How many seconds it takes until a message has gone all the way."""
    began = time.process_time()
    client.publish(b"x", "q0", headers={"x-death": "a client's own", "mine": [1, {"two": 2}]})
    clock.now += 1
    client.broker.node.tick()
    return time.process_time() - began


def test_the_history_is_whole() -> None:
    client, clock = _chain(3)
    _sent(client, clock)
    found = client.get(_LAST)
    assert found is not None
    headers = found.properties.headers
    assert [(each["queue"], each["reason"], each["count"]) for each in headers["x-death"]] == [
        ("q2", "expired", 1),
        ("q1", "expired", 1),
        ("q0", "expired", 1),
    ]
    assert [each["routing-keys"] for each in headers["x-death"]] == [["q2"], ["q1"], ["q0"]]
    assert headers["mine"] == [1, {"two": 2}]
    assert headers["x-first-death-queue"] == "q0"
    assert headers["x-last-death-queue"] == "q2"


def test_a_long_history_is_not_told_anew_for_each_queue() -> None:
    """Four times the queues take about four times as long, not sixteen times."""
    few, many = _chain(60), _chain(240)
    short = min(_sent(*few) for _ in range(3))
    assert min(_sent(*many) for _ in range(3)) < 9 * short
