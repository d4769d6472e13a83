"""rmqctl ends on the embedded broker as on RabbitMQ 4.3, which tests/contract compares to rabbitmqctl."""

import pytest

from ..contract.brokers import Node
from ..contract.test_exit_codes import DIFFERENT, SAME
from ..contract.test_health import CHECKS, OF_43

# What only a node with other protocols and with TLS can answer.
NO_LISTENER = {"{https}", "amqp/ssl", "mqtt", "http/web-mqtt", "years"}
COMMANDS = [*CHECKS, *OF_43, *SAME, *DIFFERENT]
QUEUE = "exit codes é"
ON_A_QUEUE = (
    ("show", "queue", QUEUE),
    ("show", "queue", "nobody's"),
    ("quorum_status", QUEUE),
    ("quorum_status", "nobody's"),
    ("list_queues", "-p", "nowhere"),
    ("check_for_quorum_queues_without_an_elected_leader", QUEUE),
    ("wait", "queue", "nobody's", "--exists", "--timeout", "0.2", "--interval", "0.1"),
    ("wait", "queue", QUEUE, "--empty", "--timeout", "5"),
    ("get", "nobody's"),
    ("publish", "-k", "nobody's", "x"),
    ("purge_queue", "nobody's"),
    ("authenticate_user", "nobody", "x"),
    ("has_reached_target_cluster_size",),
    ("await_startup", "--timeout", "5"),
    ("await_online_nodes", "1", "--timeout", "5"),
)


@pytest.mark.parametrize(
    "arguments",
    [each for each in COMMANDS if NO_LISTENER.isdisjoint(each)],
    ids=lambda words: " ".join(words) or "nothing",
)
def test_the_same_exit_code(real: Node, ours: Node, arguments: tuple[str, ...]) -> None:
    wanted, got = (node.rmqctl(*[word.format(amqp=node.port("amqp")) for word in arguments]) for node in (real, ours))
    assert (got.exit, bool(got.stdout), bool(got.stderr)) == (wanted.exit, bool(wanted.stdout), bool(wanted.stderr)), (
        f"{wanted}\n{got}"
    )


@pytest.mark.parametrize("arguments", ON_A_QUEUE, ids=" ".join)
def test_the_same_on_a_queue(real: Node, ours: Node, arguments: tuple[str, ...]) -> None:
    found = []
    for node in (real, ours):
        node.put("queues", "/", QUEUE, body={"durable": True, "arguments": {"x-queue-type": "quorum"}})
        found.append(node.rmqctl(*arguments))
        node.delete("queues", "/", QUEUE)
    wanted, got = found
    assert got.exit == wanted.exit, f"{wanted}\n{got}"
